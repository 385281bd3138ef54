import { Duration } from 'aws-cdk-lib';
import { type Checks, secondsOf } from '../../core/checks';
import type { LoadBalancedServiceProps } from '../process-props';

/**
 * Time between SIGTERM and SIGKILL of each kind of service, unless it is said otherwise.
 *
 * Fargate allows 120 seconds.
 */
export const STOP_TIMEOUTS = {
  loadBalanced: Duration.seconds(45),
  worker: Duration.seconds(120),
  beat: Duration.seconds(30),
} as const;

/** Seconds that Fargate gives a task at most, and Spot from its notice to the end. */
const MAX_STOP_SECONDS = 120;

/** How long a server keeps connections, and how long it has to end. */
export interface ServerTimings {
  readonly keepAlive: Duration;
  readonly gracefulTimeout: Duration;
  readonly stopTimeout: Duration;
  readonly deregistrationDelay: Duration;
}

/** Fills in the defaults of a service behind the load balancer. */
export function timingsOf(props: LoadBalancedServiceProps): ServerTimings {
  return {
    keepAlive: props.keepAlive ?? props.loadBalancer.idleTimeout.plus(Duration.seconds(15)),
    gracefulTimeout: props.gracefulTimeout ?? Duration.seconds(30),
    stopTimeout: props.stopTimeout ?? STOP_TIMEOUTS.loadBalanced,
    deregistrationDelay: props.deregistrationDelay ?? Duration.seconds(30),
  };
}

/** Validates the time that any service has to stop. */
export function checkStopTimeout(checks: Checks, stopTimeout: Duration | undefined): void {
  checks.duration('stopTimeout', stopTimeout, {
    whole: 'seconds',
    min: 2,
    max: MAX_STOP_SECONDS,
    where: 'on Fargate',
    remedy: 'Lower it, or move the long work to a worker.',
  });
}

/** Validates the timings of a server against each other and against the load balancer. */
export function checkTimings(checks: Checks, props: LoadBalancedServiceProps, timings: ServerTimings): void {
  const { keepAlive, gracefulTimeout, stopTimeout, deregistrationDelay } = timings;
  const idleSeconds = secondsOf(props.loadBalancer.idleTimeout);
  const ownCommand = props.command !== undefined; // Then the server is told of no graceful timeout.
  checkStopTimeout(checks, props.stopTimeout);
  checks
    .that('keepAlive', keepAlive, secondsOf(keepAlive) > idleSeconds, {
      must: `be longer than the idle timeout of the load balancer, ${idleSeconds} seconds`,
      remedy:
        'Raise it, or lower `idleTimeout`: otherwise the server closes connections that the load balancer is about to use, and users see 502.',
    })
    .duration('keepAlive', props.keepAlive, {
      whole: 'seconds',
      min: 1,
      remedy: 'The servers count in seconds: round it.',
    })
    .duration('gracefulTimeout', props.gracefulTimeout, {
      whole: 'seconds',
      min: 1,
      remedy: 'Give the requests in flight time to end.',
    })
    .that('gracefulTimeout', gracefulTimeout, ownCommand || secondsOf(gracefulTimeout) < secondsOf(stopTimeout), {
      must: `be shorter than \`stopTimeout\`, ${secondsOf(stopTimeout)} seconds`,
      remedy: 'Lower it, or raise `stopTimeout`: otherwise ECS kills the server before it is done.',
    })
    .duration('deregistrationDelay', props.deregistrationDelay, {
      whole: 'seconds',
      min: 0,
      max: 3600,
      remedy: 'Half a minute is enough for most requests.',
    })
    .that('deregistrationDelay', deregistrationDelay, props.spot !== true || fitsSpot(timings), {
      must: `leave room on Spot: together with \`stopTimeout\` at most ${MAX_STOP_SECONDS} seconds`,
      remedy: 'Lower one of the two: Spot gives two minutes from the notice to the end.',
    });
}

/** ECS deregisters a Spot task first, and stops it then. */
function fitsSpot({ deregistrationDelay, stopTimeout }: ServerTimings): boolean {
  return secondsOf(deregistrationDelay) + secondsOf(stopTimeout) <= MAX_STOP_SECONDS;
}
