import { CfnListenerRule, ListenerCondition } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type { Construct } from 'constructs';
import { type Checks, isUnknown } from '../../core/checks';
import { addressOf, hostNamesOf, lowerCase } from '../../edge/host-names';
import type { IHttpsLoadBalancer } from '../../edge/https-load-balancer';
import type { LoadBalancedServiceProps } from '../process-props';

/** Condition values that the load balancer allows in one rule. */
const MAX_CONDITION_VALUES = 5;
/** Asterisks and question marks that it allows in all values of one rule. */
const MAX_WILDCARDS = 6;
/** What it matches paths by. */
const PATH_PATTERN = /^\/[A-Za-z0-9_\-.$/~"'@:+&*?]{0,127}$/;

/** A host name, possibly with a wildcard for its first label. */
const HOST_NAME = /^(?=.{1,128}$)(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;

/** A path and perhaps a query of a URL (RFC 3986), of no more than the load balancer takes. */
const URL_PATH = /^\/([A-Za-z0-9\-._~!$&'()*+,;=:@/?]|%[0-9A-Fa-f]{2}){0,1023}$/;

/** Which requests come to a service, with every default filled in. */
export interface Routing {
  readonly hostNames: string[];
  readonly paths: string[];
  readonly priority: number;
}

/** Fills in the defaults of a service behind the load balancer. */
export function routingOf(props: LoadBalancedServiceProps, paths: string[], priority: number): Routing {
  const { loadBalancer } = props;
  return {
    hostNames: props.hostNames === undefined ? hostNamesOf(loadBalancer) : lowerCase(props.hostNames),
    paths,
    priority: props.priority ?? priority,
  };
}

/** The same process with what Django needs to know of its own address. */
export function withAddress<T extends LoadBalancedServiceProps>(props: T, routing: Routing): T {
  const { allowedHosts, csrfTrustedOrigins } = addressOf(props.loadBalancer, routing.hostNames);
  return {
    ...props,
    allowedHosts: props.allowedHosts ?? allowedHosts,
    csrfTrustedOrigins: props.csrfTrustedOrigins ?? csrfTrustedOrigins,
  };
}

/**
 * Which requests a rule takes: by host, by path unless it takes every path, and behind a distribution only
 * what came through that.
 */
export function conditionsOf({ hostNames, paths }: Routing, { originHeader }: IHttpsLoadBalancer): ListenerCondition[] {
  return [
    ...(hostNames.length === 0 ? [] : [ListenerCondition.hostHeaders(hostNames)]),
    ...(isEverything(paths) ? [] : [ListenerCondition.pathPatterns(paths)]),
    ...(originHeader === undefined ? [] : [ListenerCondition.httpHeader(originHeader.name, originHeader.values)]),
  ];
}

function wildcardsIn(values: string[]): number {
  return values.reduce((sum, value) => sum + (isUnknown(value) ? 0 : value.replace(/[^*?]/g, '').length), 0);
}

function isEverything(paths: string[]): boolean {
  return paths.includes('/*');
}

/** Validates the routing and the scaling of a service behind the load balancer. */
export function checkRouting(
  checks: Checks,
  scope: Construct,
  props: LoadBalancedServiceProps,
  routing: Routing,
): void {
  const { loadBalancer } = props;
  const values = routing.hostNames.length + (isEverything(routing.paths) ? 0 : routing.paths.length);
  const ofOrigin = loadBalancer.originHeader?.values.length ?? 0;
  const most = MAX_CONDITION_VALUES - ofOrigin;
  const few = values <= most;
  const because = ofOrigin === 0 ? '' : ` and ${ofOrigin} ${ofOrigin === 1 ? 'is' : 'are'} of the distribution`;
  checks
    .that('hostNames', routing.hostNames, few || !isEverything(routing.paths), {
      must: `be at most ${most}, since a rule of the load balancer holds ${because === '' ? 'so many' : MAX_CONDITION_VALUES} values${because}`,
      remedy: 'Give `hostNames` of this service, with a wildcard as in *.example.com in place of many.',
    })
    .that('paths', routing.paths, few || isEverything(routing.paths), {
      must: `have at most ${Math.max(0, most - routing.hostNames.length)} patterns beside ${routing.hostNames.length} host names, since a rule of the load balancer holds ${MAX_CONDITION_VALUES} values${because}`,
      remedy: 'Use a wider pattern such as "/ws/*", or a second service.',
    })
    .that(
      'paths',
      routing.paths,
      routing.paths.length > 0 && routing.paths.every((path) => isUnknown(path) || PATH_PATTERN.test(path)),
      {
        must: 'be patterns that start with a slash, of at most 128 letters, digits and _-.$/~"\'@:+&*?',
        remedy: 'Write them as the load balancer matches them, for example "/ws/*".',
      },
    )
    .that('paths', routing.paths, wildcardsIn([...routing.hostNames, ...routing.paths]) <= MAX_WILDCARDS, {
      must: `hold at most ${MAX_WILDCARDS} wildcards together with the host names: a rule of the load balancer takes no more`,
      remedy: 'Use one asterisk at the end of a pattern, or a second service.',
    })
    .that('paths', routing.paths, routing.paths.length === 1 || !isEverything(routing.paths), {
      must: 'hold "/*" alone or not at all',
      remedy: 'Leave out the other patterns: they would have no effect.',
    })
    .that('hostNames', routing.hostNames, routing.hostNames.length > 0 || props.hostNames === undefined, {
      must: 'name at least one host',
      remedy: 'Leave it out to take the domain names of the load balancer.',
    })
    .that('hostNames', props.hostNames, props.hostNames === undefined || !isNameless(loadBalancer), {
      must: 'be left out behind a distribution without domain names',
      remedy: 'It is reached under its own name alone, so the rule would match nothing.',
    })
    .that('allowedHosts', props.allowedHosts, routing.hostNames.length > 0 || props.allowedHosts !== undefined, {
      must: 'be given behind a distribution without domain names, with `csrfTrustedOrigins`',
      remedy: 'Give `hostNames` of the Cdn, and its `url` as the origin: Django answers 400 to every other name.',
    })
    .optional('hostNames', props.hostNames, () => routing.hostNames.every((name) => HOST_NAME.test(name)), {
      must: 'be host names in lower case, a wildcard only as the first label',
      remedy: 'Write them as in shop.example.com or *.example.com: Django supports no other wildcard.',
    })
    .optional('hostNames', props.hostNames, () => new Set(props.hostNames).size === routing.hostNames.length, {
      must: 'name every host once',
      remedy: 'Remove the repeated names: the load balancer refuses a rule that has a value twice.',
    })
    .that('hostNames', props.hostNames, !isRedirected(loadBalancer, routing.hostNames), {
      must: 'hold none of `redirectedDomainNames` of the load balancer',
      remedy: 'A name is either served or redirected: add it to `domainNames` there, or take it out here.',
    })
    .integer('priority', routing.priority, { min: 1, max: 50000, remedy: 'Lower numbers are looked at first.' })
    .that('priority', routing.priority, !isTaken(scope, loadBalancer, routing.priority), {
      must: 'be used once on a load balancer',
      remedy: 'Give this service another priority; every application that shares the load balancer needs its own.',
    })
    .matches('healthCheckPath', props.healthCheckPath, URL_PATH, {
      must: 'be a path that starts with a slash, of letters, digits and what else a URL may hold',
      remedy: 'Write "/healthz", or the path that your application answers with 200 whatever the Host header.',
    })
    .number('targetCpuPercent', props.targetCpuPercent, {
      min: 10,
      max: 95,
      remedy: 'Use a share of CPU that leaves room, such as 60.',
    })
    .number('requestsPerTarget', props.requestsPerTarget, {
      min: 1,
      max: 1_000_000,
      remedy: 'Give requests per task and minute.',
    });
}

/** Whether only the distribution before the load balancer has a name. */
function isNameless({ originHeader, domainNames }: IHttpsLoadBalancer): boolean {
  return originHeader !== undefined && domainNames.length === 0;
}

/** Whether the load balancer itself answers a name of the service. */
function isRedirected({ redirectedDomainNames }: IHttpsLoadBalancer, hostNames: string[]): boolean {
  return !isUnknown(hostNames) && hostNames.some((name) => redirectedDomainNames.includes(name));
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
