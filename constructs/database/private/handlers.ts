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
} from 'aws-cdk-lib/aws-ec2';
import { Construct } from 'constructs';
import { type HandlerNetwork, placementPolicy } from '../../core/handler-function';

/** Properties of `DatabaseHandlers`. */
export interface DatabaseHandlersProps {
  readonly vpc: IVpc;
  readonly subnets: SubnetSelection;
  readonly secretsManagerEndpoint?: IInterfaceVpcEndpoint;
  /** Security group of the database, which lets the handlers in on the port. */
  readonly databaseSecurityGroup: ISecurityGroup;
  readonly port: number;
}

/**
 * The network of the functions that look after a database: subnets beside it, one security group and one
 * policy for all.
 *
 * @internal
 */
export class DatabaseHandlers extends Construct {
  public readonly network: HandlerNetwork;
  /** What must be deployed before such a function is called. */
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
    // A resource of our own: the children of the database's group also hold the rules of those who wait for
    // the handlers.
    const ingress = new CfnSecurityGroupIngress(this, 'Ingress', {
      groupId: databaseSecurityGroup.securityGroupId,
      sourceSecurityGroupId: securityGroup.securityGroupId,
      ipProtocol: 'tcp',
      fromPort: port,
      toPort: port,
      description: 'Handlers that look after the database',
    });

    const description = 'Lets Lambda place the handlers of the database in the VPC';
    this.network = { vpc, subnets, securityGroup, placement: placementPolicy(this, 'Placement', description) };
    this.ready = [securityGroup, ingress, ...networkDependencies(props)];
  }
}

/**
 * The routes and endpoints to Secrets Manager and S3, which must be deployed before the handlers are called.
 */
function networkDependencies(props: DatabaseHandlersProps): Construct[] {
  const routes = props.vpc.selectSubnets(props.subnets).internetConnectivityEstablished as Construct;
  const gateways = props.vpc.node.findAll().filter((child) => child instanceof GatewayVpcEndpoint);
  // The endpoint itself: among its children are the rules of others who may wait for the handlers.
  const endpoint = props.secretsManagerEndpoint?.node.defaultChild as Construct | undefined;
  return [routes, ...gateways, ...(endpoint === undefined ? [] : [endpoint])];
}
