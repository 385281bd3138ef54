import { explicit, mentioned } from '../../test/wiring/graph';
import type { Resources } from './timings';

/**
 * Seconds that CloudFormation takes to make one resource, by type: estimates, since nothing of this library
 * was ever deployed. What matters is how they add up.
 */
export const SECONDS: { readonly [type: string]: number } = {
  'AWS::RDS::DBInstance': 900,
  'AWS::ECS::Service': 180,
  'AWS::ElasticLoadBalancingV2::LoadBalancer': 150,
  'AWS::EC2::NatGateway': 110,
  'AWS::EC2::VPCEndpoint': 60,
  'AWS::CertificateManager::Certificate': 120,
  'AWS::KMS::Key': 35,
  'AWS::IAM::Role': 17,
  'AWS::EC2::VPC': 13,
  'Custom::DatabaseRoles': 12,
  'Custom::ReleaseCommand': 12,
  'AWS::Lambda::Function': 8,
};
const OTHERS = 5;

/** One resource of the longest chain, and when it is made. */
export interface Link {
  readonly id: string;
  readonly type: string;
  readonly end: number;
}

/** The chain that a first deployment waits for until the last service runs, the first resource first. */
export function criticalPath(resources: Resources): Link[] {
  const ends = new Map<string, { end: number; after?: string }>();
  const finish = (id: string): number => {
    const known = ends.get(id);
    if (known !== undefined) {
      return known.end;
    }
    ends.set(id, { end: 0 }); // No template has a circle; CloudFormation refuses one.
    const before = dependenciesOf(resources, id);
    const last = before.map((other) => ({ other, end: finish(other) })).sort((one, other) => other.end - one.end)[0];
    const end = (last?.end ?? 0) + secondsOf(resources, id);
    ends.set(id, { end, after: last?.other });
    return end;
  };
  const services = Object.keys(resources).filter((id) => resources[id].Type === 'AWS::ECS::Service');
  const last = services.sort((one, other) => finish(other) - finish(one))[0];
  const chain: Link[] = [];
  for (let id: string | undefined = last; id !== undefined; id = ends.get(id)?.after) {
    chain.unshift({ id, type: resources[id].Type, end: finish(id) });
  }
  return chain;
}

/**
 * What no order of resources can be shorter than: the key or the network, whichever is later, the subnet
 * group, the instance, its roles, the release and a service.
 */
export function bound(resources: Resources): number {
  const of = (type: string) =>
    Object.values(resources).some(({ Type }) => Type === type) ? (SECONDS[type] ?? OTHERS) : 0;
  const network = of('AWS::EC2::VPC') + of('AWS::EC2::Subnet') + of('AWS::RDS::DBSubnetGroup');
  const sequence = ['AWS::RDS::DBInstance', 'AWS::SecretsManager::SecretTargetAttachment', 'Custom::DatabaseRoles'];
  const after = [...sequence, 'Custom::ReleaseCommand', 'AWS::ECS::Service'].map(of);
  return guard(resources) + Math.max(network, of('AWS::KMS::Key')) + after.reduce((sum, seconds) => sum + seconds, 0);
}

/**
 * What is made before everything else on purpose, so that a first deployment that fails can be rolled back
 * (ADR 13): a role, its policy, a function, and the resource that switches termination protection.
 */
export function guard(resources: Resources): number {
  const parts = ['AWS::IAM::Role', 'AWS::IAM::ManagedPolicy', 'AWS::Lambda::Function', 'Custom::TerminationProtection'];
  const isGuarded = Object.values(resources).some(({ Type }) => Type === 'Custom::TerminationProtection');
  return isGuarded ? parts.reduce((sum, type) => sum + (SECONDS[type] ?? OTHERS), 0) : 0;
}

function secondsOf(resources: Resources, id: string): number {
  return SECONDS[resources[id].Type] ?? OTHERS;
}

function dependenciesOf(resources: Resources, id: string): string[] {
  const named = [...explicit(resources[id]), ...mentioned(resources[id].Properties)];
  return [...new Set(named)].filter((other) => other in resources && other !== id);
}
