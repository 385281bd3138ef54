import type { Announce } from '../announce';
import { type Assembly, resourcesOfType, type Template } from '../template/assembly';
import { readDistribution, registerDistribution } from '../template/distribution';
import { type Intrinsics, isPaper } from '../template/intrinsics';
import type { TaskDefinition } from '../template/task-definition';
import type { ListenerSettings } from './load-balancer';
import { canUseAddress, LOOPBACK } from './ports';

/** Where the load balancer's connections come from, so that servers can tell it from clients. */
const LOAD_BALANCER_ADDRESS = '127.0.0.2';

/**
 * Registers a local address or ARN for everything that has one.
 *
 * Returns the load balancer's address, if it can have its own.
 */
export async function registerNetwork(
  { template, region, account }: Assembly,
  intrinsics: Intrinsics,
  announce: Announce,
): Promise<string | undefined> {
  const address = (await canUseAddress(LOAD_BALANCER_ADDRESS)) ? LOAD_BALANCER_ADDRESS : undefined;
  const cidr = cidrOf(address);
  announce.substitution(`the network is loopback: the VPC's CIDR reads ${cidr}, where the load balancer sits`);
  const attributesOf: { [type: string]: (id: string) => Record<string, string> } = {
    'AWS::EC2::VPC': (id) => ({ CidrBlock: cidr, VpcId: id }),
    'AWS::ElasticLoadBalancingV2::LoadBalancer': (id) => ({ DNSName: 'localhost', LoadBalancerArn: id }),
    'AWS::ElasticLoadBalancingV2::Listener': (id) => ({ ListenerArn: id }),
    'AWS::ElasticLoadBalancingV2::TargetGroup': (id) => ({ TargetGroupArn: id }),
    'AWS::ECS::Cluster': (id) => ({ Arn: `arn:aws:ecs:${region}:${account}:cluster/${id}` }),
    'AWS::ECS::Service': (id) => ({ Name: id, ServiceArn: id }),
  };
  for (const [type, attributes] of Object.entries(attributesOf)) {
    for (const { id } of resourcesOfType(template, type)) {
      intrinsics.register(id, { ref: id, attributes: attributes(id) });
    }
  }
  const name = registerDistribution(intrinsics);
  if (name !== undefined) {
    announce.substitution(
      `CloudFront is a door of this machine that keeps nothing: ${name} has neither a cache nor compression, pages for errors or countries`,
    );
  }
  return address;
}

/** Says whose the VPC and the load balancer are, where they are not the template's own. */
export function announceShared(
  { owners = [] }: Assembly,
  listeners: readonly ListenerSettings[],
  announce: Announce,
): void {
  if (owners.length > 0) {
    announce.substitution(`what the stack imports of VPC and load balancer is read from ${owners.join(', ')}`);
  }
  for (const { port, secure } of listeners.filter(({ isUndescribed }) => isUndescribed)) {
    announce.substitution(
      `no stack of the assembly has the load balancer: a listener with ${secure ? 'HTTPS' : 'HTTP'} on ${port} stands for it, with the rules of this stack and 404 for everything else`,
    );
  }
}

/** The variable that says from whom a server believes where a request came from. */
const TRUSTED = 'FORWARDED_ALLOW_IPS';

/**
 * A definition whose server believes the load balancer, also where no stack of the assembly has the VPC: the
 * addresses that the template has for it are none of this machine.
 */
export function believing(definition: TaskDefinition, template: Template, address: string | undefined): TaskDefinition {
  const { environment } = definition;
  const isNetwork = /^[\d.]+\/\d+$/.test(environment[TRUSTED] ?? '') || isPaper(environment[TRUSTED] ?? '');
  return isNetwork && resourcesOfType(template, 'AWS::EC2::VPC').length === 0
    ? { ...definition, environment: { ...environment, [TRUSTED]: cidrOf(address) } }
    : definition;
}

/** The network that holds the load balancer alone. */
function cidrOf(address: string | undefined): string {
  return `${address ?? LOOPBACK}/32`;
}

/** Host names of the listener rules and of a distribution, for the certificate. */
export function hostNames({ template }: Assembly, intrinsics: Intrinsics): string[] {
  const ofRules = resourcesOfType(template, 'AWS::ElasticLoadBalancingV2::ListenerRule')
    .flatMap(({ resource }) => intrinsics.properties(resource).Conditions ?? [])
    .flatMap((condition) => condition.HostHeaderConfig?.Values ?? []);
  return [...ofRules, ...(readDistribution(intrinsics, template)?.names ?? [])].filter(
    (name) => typeof name === 'string' && name !== 'localhost' && !isPaper(name),
  );
}
