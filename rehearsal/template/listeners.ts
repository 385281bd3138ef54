import { hostPatterns, type ListenerRule } from '../edge/listener-rules';
import type { ListenerSettings } from '../edge/load-balancer';
import type { Intrinsics } from './intrinsics';

/** Seconds that a load balancer of AWS lets a connection be silent when nothing is said. */
export const DEFAULT_IDLE_TIMEOUT = 60;

/** What the template says of its load balancer, if it has one. */
export interface BalancerSettings {
  /** Seconds that a connection may be silent. */
  readonly idleTimeout: number;
  readonly dropInvalidHeaders: boolean;
  /** Whether X-Forwarded-For stays as it comes, as it does behind a distribution. @default false */
  readonly preservesForwardedFor?: boolean;
}

/** One that nobody describes has the settings of AWS; undefined where nothing is load-balanced. */
export function readLoadBalancer(intrinsics: Intrinsics): BalancerSettings | undefined {
  const [balancer] = intrinsics.created('AWS::ElasticLoadBalancingV2::LoadBalancer');
  if (balancer === undefined && readListeners(intrinsics).length === 0) {
    return undefined;
  }
  const attributes = balancer ? keyValues(intrinsics.properties(balancer.resource).LoadBalancerAttributes) : {};
  return {
    idleTimeout: Number(attributes['idle_timeout.timeout_seconds'] ?? DEFAULT_IDLE_TIMEOUT),
    dropInvalidHeaders: attributes['routing.http.drop_invalid_header_fields.enabled'] === 'true',
    ...(attributes['routing.http.xff_header_processing.mode'] === 'preserve' && { preservesForwardedFor: true }),
  };
}

/** The listeners with their rules, and those that only the rules name. */
export function readListeners(intrinsics: Intrinsics): ListenerSettings[] {
  const rules = intrinsics
    .created('AWS::ElasticLoadBalancingV2::ListenerRule')
    .map(({ resource }) => intrinsics.properties(resource));
  const rulesOf = (arn: string): ListenerRule[] =>
    rules
      .filter((rule) => rule.ListenerArn === arn)
      .map((rule) => ({
        priority: Number(rule.Priority),
        conditions: rule.Conditions ?? [],
        actions: rule.Actions ?? [],
      }));
  const listeners = intrinsics.created('AWS::ElasticLoadBalancingV2::Listener');
  const elsewhere = new Set(rules.map((rule) => String(rule.ListenerArn)));
  for (const { id } of listeners) {
    elsewhere.delete(id);
  }
  return [
    ...listeners.map(({ id, resource }) => {
      const properties = intrinsics.properties(resource);
      return {
        port: Number(properties.Port),
        secure: properties.Protocol === 'HTTPS',
        defaultActions: properties.DefaultActions ?? [],
        attributes: keyValues(properties.ListenerAttributes),
        rules: rulesOf(id),
      };
    }),
    ...[...elsewhere].map((arn, index) => undescribed(rulesOf(arn), index)),
  ];
}

/**
 * A listener that is in no template of the assembly. Where its rules have host names it is taken to have
 * HTTPS, since a certificate needs them.
 */
function undescribed(rules: ListenerRule[], index: number): ListenerSettings {
  const secure = rules.some((rule) => hostPatterns(rule).length > 0);
  const notFound = { Type: 'fixed-response', FixedResponseConfig: { StatusCode: '404', MessageBody: 'Not found' } };
  return {
    port: (secure ? 443 : 80) + index,
    secure,
    rules,
    defaultActions: [notFound],
    attributes: {},
    isUndescribed: true,
  };
}

function keyValues(list: { Key: string; Value: string }[] | undefined): Record<string, string> {
  return Object.fromEntries((list ?? []).map(({ Key, Value }) => [Key, String(Value)]));
}
