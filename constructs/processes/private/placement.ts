import { type IVpc, type SubnetSelection, SubnetType } from 'aws-cdk-lib/aws-ec2';

/** Where tasks run in a VPC, and whether they need a public address to reach AWS. */
export interface Placement {
  readonly vpcSubnets: SubnetSelection;
  readonly assignPublicIp: boolean;
}

/** Private subnets with a way out where the VPC has them; otherwise public subnets and a public address, with inbound rules closed. */
export function taskPlacement(vpc: IVpc, vpcSubnets?: SubnetSelection): Placement {
  if (vpcSubnets !== undefined) {
    const isPublic = vpc.selectSubnets(vpcSubnets).hasPublic;
    return { vpcSubnets, assignPublicIp: isPublic };
  }
  return vpc.privateSubnets.length > 0
    ? { vpcSubnets: { subnetType: SubnetType.PRIVATE_WITH_EGRESS }, assignPublicIp: false }
    : { vpcSubnets: { subnetType: SubnetType.PUBLIC }, assignPublicIp: true };
}
