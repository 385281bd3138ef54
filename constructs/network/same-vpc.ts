import { Token } from 'aws-cdk-lib';
import type { IVpc } from 'aws-cdk-lib/aws-ec2';
import type { ICluster } from 'aws-cdk-lib/aws-ecs';
import type { Checks } from '../core/checks';

/** Refuses a part that lies in another VPC than what must reach it, as far as that can be seen. */
export function checkSameVpc(checks: Checks, prop: string, vpc: IVpc | undefined, other: IVpc): void {
  checks.that(prop, vpc, vpc === undefined || !areDifferent(vpc, other), {
    must: `lie in the VPC of the cluster, ${other.node.path}`,
    remedy: 'Nothing here connects two VPCs: bring parts of one, or give the cluster of the other.',
  });
}

/** Two ids that are known and differ, or two VPCs that are both made in this app. */
function areDifferent(one: IVpc, other: IVpc): boolean {
  if (Token.isUnresolved(one.vpcId) || Token.isUnresolved(other.vpcId)) {
    return one !== other && one.node.defaultChild !== undefined && other.node.defaultChild !== undefined;
  }
  return one.vpcId !== other.vpcId;
}

function knowsCidr(vpc: IVpc): boolean {
  try {
    return vpc.vpcCidrBlock !== '';
  } catch {
    return false; // The CDK throws when it is asked.
  }
}

/** Refuses a cluster that is imported without its VPC. */
export function checkCluster(checks: Checks, cluster: ICluster): void {
  checks.that('cluster', cluster, vpcOfCluster(cluster) !== undefined, {
    must: 'know its VPC',
    remedy: 'Import it with Cluster.fromClusterAttributes, and its `vpc`.',
  });
}

/** The VPC of a cluster; undefined where it is imported without one. */
export function vpcOfCluster(cluster: ICluster): IVpc | undefined {
  try {
    return cluster.vpc;
  } catch {
    return undefined; // The CDK throws when it is asked.
  }
}

/**
 * Servers trust the headers of whoever has an address of the VPC, where no variable says whom else.
 *
 * @param prop what the user wrote: the VPC, or what is in it
 */
export function checkTrustedProxies(
  checks: Checks,
  prop: string,
  vpc: IVpc,
  environment: { readonly [name: string]: string } = {},
): void {
  checks.that(prop, vpc, environment.FORWARDED_ALLOW_IPS !== undefined || knowsCidr(vpc), {
    must: 'know its CIDR block, from which servers trust the headers of the load balancer',
    remedy: 'Give `vpcCidrBlock` to Vpc.fromVpcAttributes, or FORWARDED_ALLOW_IPS in `environment`.',
  });
}
