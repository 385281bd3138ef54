import { CustomResource, Duration, type RemovalPolicy } from 'aws-cdk-lib';
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
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Architecture, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import {
  type DatabaseRolesProperties,
  HANDLER_TIMEOUT,
  ROLES_REVISION,
  SERVICE_TIMEOUT,
} from '../handlers/database-roles/contract';
import { acknowledge } from './acknowledge';
import { handlerCode } from './handler-code';
import { WorkloadRole } from './workload-role';

export interface DatabaseRolesProps {
  readonly vpc: IVpc;
  readonly subnets: SubnetSelection;
  readonly secretsManagerEndpoint?: IInterfaceVpcEndpoint;
  /** Security group of the database, which lets the handler in on the port. */
  readonly databaseSecurityGroup: ISecurityGroup;
  readonly port: number;
  /** Both attached to the instance, so that they know host and port. */
  readonly masterSecret: ISecret;
  readonly applicationSecret: ISecret;
  readonly databaseName: string;
  readonly owner: string;
  readonly logins: string[];
  /** Identity of the instance: another instance needs its roles too. */
  readonly instanceResourceId: string;
  readonly encryptionKey?: IKey;
  readonly logRetention: RetentionDays;
  readonly removalPolicy: RemovalPolicy;
  readonly reservedConcurrentExecutions?: number;
  /** Who hears of an invocation that Lambda gave up on. */
  readonly deadLetterTopic?: ITopic;
}

/**
 * The owner role and the two logins of an application, made inside the database by a Lambda function before anything else connects.
 *
 * @internal
 */
export class DatabaseRoles extends Construct {
  /** There once the roles are. */
  public readonly resource: CustomResource;

  constructor(scope: Construct, id: string, props: DatabaseRolesProps) {
    super(scope, id);

    const securityGroup = new SecurityGroup(this, 'SecurityGroup', {
      vpc: props.vpc,
      description: 'Handler that makes the roles of the database',
      allowAllOutbound: false,
    });
    securityGroup.addEgressRule(Peer.anyIpv4(), Port.tcp(443), 'Secrets Manager and the answer to CloudFormation');
    securityGroup.addEgressRule(
      Peer.securityGroupId(props.databaseSecurityGroup.securityGroupId),
      Port.tcp(props.port),
      'Database',
    );
    // A resource of our own: the children of the database's group also hold the rules of those who wait for these roles.
    const ingress = new CfnSecurityGroupIngress(this, 'Ingress', {
      groupId: props.databaseSecurityGroup.securityGroupId,
      sourceSecurityGroupId: securityGroup.securityGroupId,
      ipProtocol: 'tcp',
      fromPort: props.port,
      toPort: props.port,
      description: 'Handler that makes the roles of the database',
    });

    const handler = this.handler(props, securityGroup);
    const properties: DatabaseRolesProperties = {
      MasterSecretArn: props.masterSecret.secretArn,
      ApplicationSecretArn: props.applicationSecret.secretArn,
      Database: props.databaseName,
      Owner: props.owner,
      Logins: props.logins,
      Instance: props.instanceResourceId,
      Revision: ROLES_REVISION,
    };
    this.resource = new CustomResource(this, 'Resource', {
      resourceType: 'Custom::DatabaseRoles',
      serviceToken: handler.functionArn,
      serviceTimeout: Duration.seconds(SERVICE_TIMEOUT),
      properties: { ...properties },
    });
    this.resource.node.addDependency(handler, securityGroup, ingress, props.masterSecret, props.applicationSecret);
    this.resource.node.addDependency(...waysOut(props));
  }

  private handler(props: DatabaseRolesProps, securityGroup: SecurityGroup): LambdaFunction {
    const role = new WorkloadRole(this, 'Role', {
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      description: 'Handler that makes the roles of the database: reads its two secrets',
    });
    const logGroup = new LogGroup(this, 'Logs', {
      retention: props.logRetention,
      removalPolicy: props.removalPolicy,
      encryptionKey: props.encryptionKey,
    });
    logGroup.grantWrite(role);
    props.masterSecret.grantRead(role);
    props.applicationSecret.grantRead(role);
    role.addToPrincipalPolicy(
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
    );
    acknowledge(
      role,
      'IAM5[Resource::*]',
      'AWS Lambda asks for these six network interface actions on every resource before it places a function in a VPC. All else names its resource.',
    );
    const handler = new LambdaFunction(this, 'Handler', {
      description: 'Makes the owner role and the two logins of the application in the database',
      code: handlerCode('database-roles'),
      handler: 'index.handler',
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      memorySize: 256,
      timeout: Duration.seconds(HANDLER_TIMEOUT),
      vpc: props.vpc,
      vpcSubnets: props.subnets,
      securityGroups: [securityGroup],
      role,
      logGroup,
      reservedConcurrentExecutions: props.reservedConcurrentExecutions,
      deadLetterTopic: props.deadLetterTopic,
    });
    if (props.deadLetterTopic !== undefined) {
      props.encryptionKey?.grant(role, 'kms:Decrypt', 'kms:GenerateDataKey'); // To publish to the encrypted topic.
    }
    acknowledgeInvocation(handler, props);
    return handler;
  }
}

/** Where the handler runs: it needs Secrets Manager, and S3 for its answer to CloudFormation. */
export function handlerSubnets(vpc: IVpc, given?: SubnetSelection): SubnetSelection {
  if (given !== undefined) {
    return given;
  }
  return vpc.privateSubnets.length > 0
    ? { subnetType: SubnetType.PRIVATE_WITH_EGRESS }
    : { subnetType: SubnetType.PRIVATE_ISOLATED };
}

/** What the handler reaches Secrets Manager and S3 through, each made before the handler is called. */
function waysOut(props: DatabaseRolesProps): Construct[] {
  const routes = props.vpc.selectSubnets(props.subnets).internetConnectivityEstablished as Construct;
  const gateways = props.vpc.node.findAll().filter((child) => child instanceof GatewayVpcEndpoint);
  // The endpoint itself: among its children are the rules of others who may wait for these roles.
  const endpoint = props.secretsManagerEndpoint?.node.defaultChild as Construct | undefined;
  return [routes, ...gateways, ...(endpoint === undefined ? [] : [endpoint])];
}

function acknowledgeInvocation(handler: LambdaFunction, props: DatabaseRolesProps): void {
  if (props.deadLetterTopic === undefined) {
    acknowledge(
      handler,
      'LambdaDLQ',
      'CloudFormation waits for the answer of each invocation: a lost one fails the deployment, which shows it better than a queue.',
    );
  }
  if (props.reservedConcurrentExecutions === undefined) {
    acknowledge(
      handler,
      'LambdaConcurrency',
      'Only CloudFormation invokes it, once for a deployment. An account with a quota of 10 cannot reserve any; a prop does it where the quota allows.',
    );
  }
}
