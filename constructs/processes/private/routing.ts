import { Duration } from 'aws-cdk-lib';
import { CfnListenerRule, ListenerCondition } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type { Construct } from 'constructs';
import { type Checks, secondsOf } from '../../core/checks';
import { hostNamesOf, originsOf } from '../../edge/host-names';
import type { IHttpsLoadBalancer } from '../../edge/https-load-balancer';
import type { LoadBalancedServiceProps } from '../process-props';
import { MAX_STOP_TIMEOUT } from './fargate-service';

/** Time that a draining target has for the requests in flight, unless it is said otherwise. */
export const DEREGISTRATION_DELAY = Duration.seconds(30);
/** Time that a server has for the requests in flight after SIGTERM, unless it is said otherwise. */
export const GRACEFUL_TIMEOUT = Duration.seconds(30);
/** Time between SIGTERM and SIGKILL, unless it is said otherwise. */
export const STOP_TIMEOUT = Duration.seconds(45);
/** Condition values that the load balancer allows in one rule. */
const MAX_CONDITION_VALUES = 5;

/** What a service's routing comes to once every default is filled in. */
export interface Routing {
  readonly hostNames: string[];
  readonly paths: string[];
  readonly priority: number;
  readonly keepAlive: Duration;
  readonly gracefulTimeout: Duration;
  readonly stopTimeout: Duration;
  readonly deregistrationDelay: Duration;
}

/** Fills in the defaults of a service behind the load balancer. */
export function routingOf(props: LoadBalancedServiceProps, paths: string[], priority: number): Routing {
  const { loadBalancer } = props;
  return {
    hostNames: props.hostNames ?? hostNamesOf(loadBalancer),
    paths,
    priority: props.priority ?? priority,
    keepAlive: props.keepAlive ?? loadBalancer.idleTimeout.plus(Duration.seconds(15)),
    gracefulTimeout: props.gracefulTimeout ?? GRACEFUL_TIMEOUT,
    stopTimeout: props.stopTimeout ?? STOP_TIMEOUT,
    deregistrationDelay: props.deregistrationDelay ?? DEREGISTRATION_DELAY,
  };
}

/** The same process with what Django needs to know of its own address. */
export function withAddress<T extends LoadBalancedServiceProps>(props: T, routing: Routing): T {
  return {
    ...props,
    allowedHosts: props.allowedHosts ?? routing.hostNames,
    csrfTrustedOrigins: props.csrfTrustedOrigins ?? originsOf(props.loadBalancer, routing.hostNames),
  };
}

/** Which requests a rule takes: by host, and by path unless it takes every path. */
export function conditionsOf({ hostNames, paths }: Routing): ListenerCondition[] {
  const hosts = ListenerCondition.hostHeaders(hostNames);
  return isEverything(paths) ? [hosts] : [hosts, ListenerCondition.pathPatterns(paths)];
}

function isEverything(paths: string[]): boolean {
  return paths.includes('/*');
}

/** What can be wrong with a service behind the load balancer. */
export function checkRouting(
  checks: Checks,
  scope: Construct,
  props: LoadBalancedServiceProps,
  routing: Routing,
): void {
  const { loadBalancer } = props;
  const values = routing.hostNames.length + (isEverything(routing.paths) ? 0 : routing.paths.length);
  checks
    .that('paths', routing.paths, values <= MAX_CONDITION_VALUES, {
      must: `have at most ${Math.max(0, MAX_CONDITION_VALUES - routing.hostNames.length)} patterns beside ${routing.hostNames.length} host names, since a rule of the load balancer holds ${MAX_CONDITION_VALUES} values`,
      remedy: 'Use a wider pattern such as "/ws/*", or a second service.',
    })
    .that(
      'paths',
      routing.paths,
      routing.paths.length > 0 && routing.paths.every((path) => /^\/\S{0,127}$/.test(path)),
      {
        must: 'be patterns that start with a slash, of at most 128 characters',
        remedy: 'Write them as the load balancer matches them, for example "/ws/*".',
      },
    )
    .that('hostNames', routing.hostNames, routing.hostNames.length > 0, {
      must: 'name at least one host',
      remedy: 'Leave it out to take the domain names of the load balancer.',
    })
    .integer('priority', routing.priority, { min: 1, max: 50000, remedy: 'Lower numbers are looked at first.' })
    .that('priority', routing.priority, !isTaken(scope, loadBalancer, routing.priority), {
      must: 'be used once on a load balancer',
      remedy: 'Give this service another priority; every application that shares the load balancer needs its own.',
    })
    .matches('healthCheckPath', props.healthCheckPath, /^\/\S*$/, {
      must: 'be a path that starts with a slash',
      remedy: 'Write "/healthz", or the path that your application answers with 200 whatever the Host header.',
    })
    .that('keepAlive', routing.keepAlive, secondsOf(routing.keepAlive) > secondsOf(loadBalancer.idleTimeout), {
      must: `be longer than the idle timeout of the load balancer, ${secondsOf(loadBalancer.idleTimeout)} seconds`,
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
    .that(
      'gracefulTimeout',
      routing.gracefulTimeout,
      secondsOf(routing.gracefulTimeout) < secondsOf(routing.stopTimeout),
      {
        must: `be shorter than \`stopTimeout\`, ${secondsOf(routing.stopTimeout)} seconds`,
        remedy: 'Lower it, or raise `stopTimeout`: otherwise ECS kills the server before it is done.',
      },
    )
    .duration('deregistrationDelay', props.deregistrationDelay, {
      whole: 'seconds',
      min: 0,
      max: 3600,
      remedy: 'Half a minute is enough for most requests.',
    })
    .that(
      'deregistrationDelay',
      routing.deregistrationDelay,
      props.spot !== true || spotSeconds(routing) <= MAX_STOP_TIMEOUT,
      {
        must: `leave room on Spot: together with \`stopTimeout\` at most ${MAX_STOP_TIMEOUT} seconds`,
        remedy: 'Lower one of the two: Spot gives two minutes from the notice to the end.',
      },
    )
    .number('targetCpuPercent', props.targetCpuPercent, {
      min: 10,
      max: 95,
      remedy: 'Use a share of CPU that leaves room, such as 60.',
    })
    .number('requestsPerTarget', props.requestsPerTarget, { min: 1, remedy: 'Give requests per task and minute.' });
}

function spotSeconds(routing: Routing): number {
  return secondsOf(routing.deregistrationDelay) + secondsOf(routing.stopTimeout);
}

function isTaken(scope: Construct, loadBalancer: IHttpsLoadBalancer, priority: number): boolean {
  return scope.node.root.node
    .findAll()
    .some(
      (other) =>
        other instanceof CfnListenerRule &&
        other.priority === priority &&
        other.listenerArn === loadBalancer.listener.listenerArn,
    );
}
