import { Annotations, Duration } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
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

/**
 * Seconds that requests in flight have in a deployment unless something else is said: every roll-out waits
 * for it.
 */
const DRAIN = Duration.seconds(15);

/** Seconds between two health checks of the target group. */
export const HEALTH_INTERVAL = 5;

/**
 * Seconds after which a server that answers no health check is not busy, but dead, and is replaced.
 *
 * Requests must be served again within a minute, and the load balancer needs a few seconds beside that.
 */
export const HEALTH_SECONDS = 40;

/** Idle timeout of a load balancer that nobody has raised. */
const COMMON_IDLE_TIMEOUT = 60;

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
    deregistrationDelay: props.deregistrationDelay ?? longer(props.longestRequest, DRAIN),
  };
}

function longer(given: Duration | undefined, least: Duration): Duration {
  return given === undefined || (!isUnknown(given) && secondsOf(given) < secondsOf(least)) ? least : given;
}

/**
 * Says what happens to requests that take longer than what a deployment waits for, where there seem to be
 * such.
 */
export function warnOfCutRequests(scope: Construct, props: LoadBalancedServiceProps, timings: ServerTimings): void {
  const { deregistrationDelay, longestRequest, loadBalancer, gracefulTimeout } = props;
  const said = deregistrationDelay ?? longestRequest;
  const expected = [loadBalancer.idleTimeout, gracefulTimeout].filter((each) => each !== undefined && !isUnknown(each));
  const most = Math.max(0, ...expected.map((each) => secondsOf(each as Duration)));
  const isLong =
    gracefulTimeout !== undefined ? most > secondsOf(timings.deregistrationDelay) : most > COMMON_IDLE_TIMEOUT;
  if (said === undefined && isLong) {
    Annotations.of(scope).addWarningV2(
      'cdk-django-fargate:cutRequests',
      `Every deployment waits ${secondsOf(timings.deregistrationDelay)} seconds for requests in flight, and the load balancer answers those that take longer with 502; here they may take ${most} seconds. Give \`longestRequest\` to wait for them, or \`deregistrationDelay\` if they may be lost.`,
    );
  }
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
  const drains = props.longestRequest === undefined ? 'deregistrationDelay' : 'longestRequest';
  const leaves =
    stopGiven && (props.deregistrationDelay ?? props.longestRequest) === undefined ? 'stopTimeout' : drains;
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
      max: 86_400,
      remedy: 'The servers count in seconds; a little more than the idle timeout of the load balancer is enough.',
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
      remedy: 'A quarter of a minute is enough for most requests.',
    })
    .duration('longestRequest', props.longestRequest, {
      whole: 'seconds',
      min: 1,
      max: 3600,
      remedy: 'Move work that takes longer to a worker.',
    })
    .optional('longestRequest', props.longestRequest, () => props.deregistrationDelay === undefined, {
      must: 'be left out when `deregistrationDelay` is given',
      remedy: 'It would have no effect: keep one of the two.',
    })
    .that(
      leaves,
      timings[leaves === 'longestRequest' ? 'deregistrationDelay' : leaves],
      props.spot !== true || fitsSpot(timings),
      {
        must: `leave room on Spot: together with \`${beside}\` at most ${MAX_STOP_SECONDS} seconds`,
        remedy: 'Lower one of the two: Spot gives two minutes from the notice to the end.',
      },
    );
}

/** Whether one is shorter than the other, or cannot be compared before deployment. */
function isShorter(one: Duration, other: Duration): boolean {
  return isUnknown(one) || isUnknown(other) || secondsOf(one) < secondsOf(other);
}

function inSeconds(duration: Duration): string {
  return isUnknown(duration) ? 'known only at deployment' : `${secondsOf(duration)} seconds`;
}

/** ECS deregisters a Spot task first, and stops it then. */
export function fitsSpot({ deregistrationDelay, stopTimeout }: ServerTimings): boolean {
  const known = !isUnknown(deregistrationDelay) && !isUnknown(stopTimeout);
  return !known || secondsOf(deregistrationDelay) + secondsOf(stopTimeout) <= MAX_STOP_SECONDS;
}
