import { type ISecurityGroup, type IVpc, type SubnetSelection, SubnetType } from 'aws-cdk-lib/aws-ec2';

/** Where tasks run in a VPC, and whether they need a public address to reach AWS. */
export interface Placement {
  readonly vpcSubnets: SubnetSelection;
  readonly assignPublicIp: boolean;
}

/** Where a task runs, as ECS takes it from whoever starts a single one. */
export interface AwsvpcConfiguration {
  readonly subnets: string[];
  readonly securityGroups: string[];
  readonly assignPublicIp: 'ENABLED' | 'DISABLED';
}

/** The placement of a task as ECS takes it. */
export function awsvpcConfiguration(
  vpc: IVpc,
  { vpcSubnets, assignPublicIp }: Placement,
  securityGroup: ISecurityGroup,
): AwsvpcConfiguration {
  return {
    subnets: vpc.selectSubnets(vpcSubnets).subnetIds,
    securityGroups: [securityGroup.securityGroupId],
    assignPublicIp: assignPublicIp ? 'ENABLED' : 'DISABLED',
  };
}

/**
 * Private subnets with a way out where the VPC has them; otherwise public subnets and a public address, with
 * inbound rules closed.
 */
export function taskPlacement(vpc: IVpc, vpcSubnets?: SubnetSelection): Placement {
  if (vpcSubnets !== undefined) {
    const isPublic = vpc.selectSubnets(vpcSubnets).hasPublic;
    return { vpcSubnets, assignPublicIp: isPublic };
  }
  return vpc.privateSubnets.length > 0
    ? { vpcSubnets: { subnetType: SubnetType.PRIVATE_WITH_EGRESS }, assignPublicIp: false }
    : { vpcSubnets: { subnetType: SubnetType.PUBLIC }, assignPublicIp: true };
}
