import {
  CfnSecurityGroupIngress,
  GatewayVpcEndpoint,
  type IInterfaceVpcEndpoint,
  type ISecurityGroup,
  type IVpc,
  Peer,
  Port,
  SecurityGroup,
  type SubnetSelection,
  SubnetType,
} from 'aws-cdk-lib/aws-ec2';
import { ManagedPolicy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge';
import type { HandlerNetwork } from './handler-function';

export interface DatabaseHandlersProps {
  readonly vpc: IVpc;
  readonly subnets: SubnetSelection;
  readonly secretsManagerEndpoint?: IInterfaceVpcEndpoint;
  /** Security group of the database, which lets the handlers in on the port. */
  readonly databaseSecurityGroup: ISecurityGroup;
  readonly port: number;
}

/**
 * Where the functions run that look after a database: beside it, with one security group and one permission for all of them.
 *
 * @internal
 */
export class DatabaseHandlers extends Construct {
  public readonly network: HandlerNetwork;
  /** What such a function needs before it is called. */
  public readonly ready: Construct[];

  constructor(scope: Construct, id: string, props: DatabaseHandlersProps) {
    super(scope, id);
    const { vpc, subnets, databaseSecurityGroup, port } = props;

    const securityGroup = new SecurityGroup(this, 'SecurityGroup', {
      vpc,
      description: 'Handlers that look after the database',
      allowAllOutbound: false,
    });
    securityGroup.addEgressRule(Peer.anyIpv4(), Port.tcp(443), 'Secrets Manager and the answer to CloudFormation');
    securityGroup.addEgressRule(
      Peer.securityGroupId(databaseSecurityGroup.securityGroupId),
      Port.tcp(port),
      'Database',
    );
    // A resource of our own: the children of the database's group also hold the rules of those who wait for the handlers.
    const ingress = new CfnSecurityGroupIngress(this, 'Ingress', {
      groupId: databaseSecurityGroup.securityGroupId,
      sourceSecurityGroupId: securityGroup.securityGroupId,
      ipProtocol: 'tcp',
      fromPort: port,
      toPort: port,
      description: 'Handlers that look after the database',
    });

    this.network = { vpc, subnets, securityGroup, placement: placement(this) };
    this.ready = [securityGroup, ingress, ...waysOut(props)];
  }
}

/** Where the handlers run: they need Secrets Manager, and S3 for an answer to CloudFormation. */
export function handlerSubnets(vpc: IVpc, given?: SubnetSelection): SubnetSelection {
  if (given !== undefined) {
    return given;
  }
  return vpc.privateSubnets.length > 0
    ? { subnetType: SubnetType.PRIVATE_WITH_EGRESS }
    : { subnetType: SubnetType.PRIVATE_ISOLATED };
}

function placement(scope: Construct): ManagedPolicy {
  const policy = new ManagedPolicy(scope, 'Placement', {
    description: 'Lets Lambda place the handlers of the database in the VPC',
    statements: [
      new PolicyStatement({
        actions: [
          'ec2:AssignPrivateIpAddresses',
          'ec2:CreateNetworkInterface',
          'ec2:DeleteNetworkInterface',
          'ec2:DescribeNetworkInterfaces',
          'ec2:DescribeSubnets',
          'ec2:UnassignPrivateIpAddresses',
        ],
        resources: ['*'], // Lambda checks for these before it places a function in a VPC; the interfaces do not exist yet.
      }),
    ],
  });
  acknowledge(
    policy,
    'IAM5[Resource::*]',
    'AWS Lambda asks for these six network interface actions on every resource before it places a function in a VPC. The policy holds nothing else.',
  );
  return policy;
}

/** What the handlers reach Secrets Manager and S3 through, each made before they are called. */
function waysOut(props: DatabaseHandlersProps): Construct[] {
  const routes = props.vpc.selectSubnets(props.subnets).internetConnectivityEstablished as Construct;
  const gateways = props.vpc.node.findAll().filter((child) => child instanceof GatewayVpcEndpoint);
  // The endpoint itself: among its children are the rules of others who may wait for the handlers.
  const endpoint = props.secretsManagerEndpoint?.node.defaultChild as Construct | undefined;
  return [routes, ...gateways, ...(endpoint === undefined ? [] : [endpoint])];
}
