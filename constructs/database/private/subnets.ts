import { type IVpc, type SubnetSelection, SubnetType } from 'aws-cdk-lib/aws-ec2';

/** The subnets of the instance: isolated ones, or private ones where the VPC has no isolated ones. */
export function databaseSubnets(vpc: IVpc, given?: SubnetSelection): SubnetSelection {
  const { PRIVATE_ISOLATED, PRIVATE_WITH_EGRESS } = SubnetType;
  return given ?? { subnetType: vpc.isolatedSubnets.length > 0 ? PRIVATE_ISOLATED : PRIVATE_WITH_EGRESS };
}

/**
 * The subnets of the handlers, which call Secrets Manager and S3: private ones, or isolated ones where there
 * are none.
 */
export function handlerSubnets(vpc: IVpc, given?: SubnetSelection): SubnetSelection {
  const { PRIVATE_ISOLATED, PRIVATE_WITH_EGRESS } = SubnetType;
  return given ?? { subnetType: vpc.privateSubnets.length > 0 ? PRIVATE_WITH_EGRESS : PRIVATE_ISOLATED };
}
