import { Token } from 'aws-cdk-lib';
import type { IVpc } from 'aws-cdk-lib/aws-ec2';
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
