import type { Announce } from '../announce';
import { ACCOUNT } from '../aws/aws';
import { type Assembly, resourcesOfType } from '../template/assembly';
import { type Intrinsics, isPaper } from '../template/intrinsics';
import { canUseAddress, LOOPBACK } from './ports';

/** Where the load balancer's connections come from, so that servers can tell it from clients. */
const LOAD_BALANCER_ADDRESS = '127.0.0.2';

/**
 * Registers a local address or ARN for everything that has one.
 *
 * Returns the load balancer's address, if it can have its own.
 */
export async function registerNetwork(
  { template, region }: Assembly,
  intrinsics: Intrinsics,
  announce: Announce,
): Promise<string | undefined> {
  const address = (await canUseAddress(LOAD_BALANCER_ADDRESS)) ? LOAD_BALANCER_ADDRESS : undefined;
  const cidr = `${address ?? LOOPBACK}/32`;
  announce.substitution(`the network is loopback: the VPC's CIDR reads ${cidr}, where the load balancer sits`);
  const attributesOf: { [type: string]: (id: string) => Record<string, string> } = {
    'AWS::EC2::VPC': (id) => ({ CidrBlock: cidr, VpcId: id }),
    'AWS::ElasticLoadBalancingV2::LoadBalancer': (id) => ({ DNSName: 'localhost', LoadBalancerArn: id }),
    'AWS::ElasticLoadBalancingV2::Listener': (id) => ({ ListenerArn: id }),
    'AWS::ElasticLoadBalancingV2::TargetGroup': (id) => ({ TargetGroupArn: id }),
    'AWS::ECS::Cluster': (id) => ({ Arn: clusterArn(region, id) }),
    'AWS::ECS::Service': (id) => ({ Name: id, ServiceArn: id }),
  };
  for (const [type, attributes] of Object.entries(attributesOf)) {
    for (const { id } of resourcesOfType(template, type)) {
      intrinsics.register(id, { ref: id, attributes: attributes(id) });
    }
  }
  return address;
}

/** The cluster that schedules and events name. */
export function clusterArnOf({ template, region }: Assembly): string {
  const [cluster] = resourcesOfType(template, 'AWS::ECS::Cluster');
  return clusterArn(region, cluster?.id ?? 'rehearsal');
}

function clusterArn(region: string, id: string): string {
  return `arn:aws:ecs:${region}:${ACCOUNT}:cluster/${id}`;
}

/** Host names of the listener rules, for the certificate. */
export function hostNames({ template }: Assembly, intrinsics: Intrinsics): string[] {
  return resourcesOfType(template, 'AWS::ElasticLoadBalancingV2::ListenerRule')
    .flatMap(({ resource }) => intrinsics.properties(resource).Conditions ?? [])
    .flatMap((condition) => condition.HostHeaderConfig?.Values ?? [])
    .filter((name) => typeof name === 'string' && name !== 'localhost' && !isPaper(name));
}
