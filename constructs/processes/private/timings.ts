import { Duration } from 'aws-cdk-lib';
import { type Checks, isUnknown, secondsOf } from '../../core/checks';
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
  const { keepAlive, gracefulTimeout, stopTimeout } = timings;
  const ownCommand = props.command !== undefined; // Then the server is told of no graceful timeout.
  // The message names what the user wrote, and not the default beside it.
  const stopGiven = props.stopTimeout !== undefined;
  const ends = stopGiven && props.gracefulTimeout === undefined ? 'stopTimeout' : 'gracefulTimeout';
  const leaves = stopGiven && props.deregistrationDelay === undefined ? 'stopTimeout' : 'deregistrationDelay';
  const beside = leaves === 'stopTimeout' ? 'deregistrationDelay' : 'stopTimeout';
  checkStopTimeout(checks, props.stopTimeout);
  checks
    .that('keepAlive', keepAlive, isShorter(props.loadBalancer.idleTimeout, keepAlive), {
      must: `be longer than the idle timeout of the load balancer, ${inSeconds(props.loadBalancer.idleTimeout)}`,
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
    .that(ends, timings[ends], ownCommand || isShorter(gracefulTimeout, stopTimeout), {
      must:
        ends === 'stopTimeout'
          ? `be longer than \`gracefulTimeout\`, ${inSeconds(gracefulTimeout)}`
          : `be shorter than \`stopTimeout\`, ${inSeconds(stopTimeout)}`,
      remedy: 'Lower `gracefulTimeout`, or raise `stopTimeout`: otherwise ECS kills the server before it is done.',
    })
    .duration('deregistrationDelay', props.deregistrationDelay, {
      whole: 'seconds',
      min: 0,
      max: 3600,
      remedy: 'Half a minute is enough for most requests.',
    })
    .that(leaves, timings[leaves], props.spot !== true || fitsSpot(timings), {
      must: `leave room on Spot: together with \`${beside}\` at most ${MAX_STOP_SECONDS} seconds`,
      remedy: 'Lower one of the two: Spot gives two minutes from the notice to the end.',
    });
}

/** Whether one is shorter than the other, or cannot be compared before deployment. */
function isShorter(one: Duration, other: Duration): boolean {
  return isUnknown(one) || isUnknown(other) || secondsOf(one) < secondsOf(other);
}

function inSeconds(duration: Duration): string {
  return isUnknown(duration) ? 'known only at deployment' : `${secondsOf(duration)} seconds`;
}

/** ECS deregisters a Spot task first, and stops it then. */
function fitsSpot({ deregistrationDelay, stopTimeout }: ServerTimings): boolean {
  const known = !isUnknown(deregistrationDelay) && !isUnknown(stopTimeout);
  return !known || secondsOf(deregistrationDelay) + secondsOf(stopTimeout) <= MAX_STOP_SECONDS;
}
