import type { ListenerSettings } from '../edge/load-balancer';
import type { Intrinsics } from './intrinsics';

/** Seconds that a load balancer of AWS lets a connection be silent when nothing is said. */
export const DEFAULT_IDLE_TIMEOUT = 60;

/** What the template says of its load balancer, if it has one. */
export interface BalancerSettings {
  /** Seconds that a connection may be silent. */
  readonly idleTimeout: number;
  readonly dropInvalidHeaders: boolean;
}

export function readLoadBalancer(intrinsics: Intrinsics): BalancerSettings | undefined {
  const [balancer] = intrinsics.created('AWS::ElasticLoadBalancingV2::LoadBalancer');
  if (balancer === undefined) {
    return undefined;
  }
  const attributes = keyValues(intrinsics.properties(balancer.resource).LoadBalancerAttributes);
  return {
    idleTimeout: Number(attributes['idle_timeout.timeout_seconds'] ?? DEFAULT_IDLE_TIMEOUT),
    dropInvalidHeaders: attributes['routing.http.drop_invalid_header_fields.enabled'] === 'true',
  };
}

/** The listeners with their rules. */
export function readListeners(intrinsics: Intrinsics): ListenerSettings[] {
  const rules = intrinsics
    .created('AWS::ElasticLoadBalancingV2::ListenerRule')
    .map(({ resource }) => intrinsics.properties(resource));
  return intrinsics.created('AWS::ElasticLoadBalancingV2::Listener').map(({ id, resource }) => {
    const properties = intrinsics.properties(resource);
    return {
      port: Number(properties.Port),
      secure: properties.Protocol === 'HTTPS',
      defaultActions: properties.DefaultActions ?? [],
      attributes: keyValues(properties.ListenerAttributes),
      rules: rules
        .filter((rule) => rule.ListenerArn === id)
        .map((rule) => ({ priority: Number(rule.Priority), conditions: rule.Conditions, actions: rule.Actions })),
    };
  });
}

function keyValues(list: { Key: string; Value: string }[] | undefined): Record<string, string> {
  return Object.fromEntries((list ?? []).map(({ Key, Value }) => [Key, String(Value)]));
}
