import { Duration, Fn, RemovalPolicy, type Stack } from 'aws-cdk-lib';
import {
  FlowLog,
  FlowLogDestination,
  FlowLogResourceType,
  GatewayVpcEndpointAwsService,
  IpAddresses,
  SecurityGroup,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2';
import { Cluster, ContainerInsights } from 'aws-cdk-lib/aws-ecs';
import { ManagedPolicy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';

export type Foundation = ReturnType<typeof foundation>;

export const MINUTE = Duration.minutes(1);

/** Key, topic, network, cluster and the log group and security group of every process. */
export function foundation(stack: Stack) {
  const key = encryptionKey(stack);
  const topic = notifications(stack, key);
  const vpc = network(stack, key);
  const cluster = new Cluster(stack, 'Cluster', {
    vpc,
    containerInsightsV2: ContainerInsights.ENHANCED,
    enableFargateCapacityProviders: true,
  });
  const logGroup = encryptedLogs(stack, 'Logs', key);
  const securityGroup = new SecurityGroup(stack, 'Processes', { vpc, description: 'Every process' });
  return { key, topic, vpc, cluster, logGroup, securityGroup };
}

export function encryptedLogs(stack: Stack, id: string, encryptionKey: Key, logGroupName?: string): LogGroup {
  return new LogGroup(stack, id, {
    logGroupName,
    encryptionKey,
    retention: RetentionDays.ONE_YEAR,
    removalPolicy: RemovalPolicy.RETAIN,
  });
}

function encryptionKey(stack: Stack): Key {
  const key = new Key(stack, 'Key', {
    description: 'Everything that Shop stores',
    enableKeyRotation: true,
    removalPolicy: RemovalPolicy.RETAIN,
  });
  for (const service of ['cloudwatch', 'events.rds', 'events']) {
    key.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal(`${service}.amazonaws.com`)],
        actions: ['kms:Decrypt', 'kms:GenerateDataKey*'],
        resources: ['*'],
      }),
    );
  }
  key.addToResourcePolicy(
    new PolicyStatement({
      sid: 'AllowLogGroups',
      principals: [new ServicePrincipal(`logs.${stack.region}.amazonaws.com`)],
      actions: ['kms:Encrypt*', 'kms:Decrypt*', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:Describe*'],
      resources: ['*'],
      conditions: {
        ArnLike: { 'kms:EncryptionContext:aws:logs:arn': stack.formatArn({ service: 'logs', resource: '*' }) },
      },
    }),
  );
  return key;
}

function notifications(stack: Stack, masterKey: Key): Topic {
  const topic = new Topic(stack, 'Topic', { masterKey, enforceSSL: true });
  const conditions = { StringEquals: { 'aws:SourceAccount': stack.account } };
  for (const service of ['cloudwatch', 'events.rds', 'events']) {
    topic.addToResourcePolicy(
      new PolicyStatement({
        actions: ['sns:Publish'],
        principals: [new ServicePrincipal(`${service}.amazonaws.com`)],
        resources: [topic.topicArn],
        conditions: service === 'events' ? undefined : conditions,
      }),
    );
  }
  topic.addSubscription(new EmailSubscription('ops@example.com'));
  return topic;
}

function network(stack: Stack, key: Key): Vpc {
  const vpc = new Vpc(stack, 'Vpc', {
    ipAddresses: IpAddresses.cidr('10.0.0.0/16'),
    availabilityZones: [Fn.select(0, Fn.getAzs()), Fn.select(1, Fn.getAzs())],
    reservedAzs: 1,
    natGateways: 2,
    subnetConfiguration: [
      { name: 'public', subnetType: SubnetType.PUBLIC, mapPublicIpOnLaunch: false },
      { name: 'private', subnetType: SubnetType.PRIVATE_WITH_EGRESS },
      { name: 'isolated', subnetType: SubnetType.PRIVATE_ISOLATED },
    ],
    restrictDefaultSecurityGroup: true,
    gatewayEndpoints: { S3: { service: GatewayVpcEndpointAwsService.S3 } },
  });
  const logGroup = encryptedLogs(stack, 'FlowLogs', key);
  const role = new Role(stack, 'FlowLogRole', {
    description: 'Lets VPC flow logs write to their log group',
    assumedBy: new ServicePrincipal('vpc-flow-logs.amazonaws.com', {
      conditions: {
        StringEquals: { 'aws:SourceAccount': stack.account },
        ArnLike: { 'aws:SourceArn': stack.formatArn({ service: 'ec2', resource: 'vpc-flow-log', resourceName: '*' }) },
      },
    }),
  });
  const policy = new ManagedPolicy(stack, 'FlowLogPolicy', {
    roles: [role],
    statements: [
      new PolicyStatement({
        actions: ['logs:CreateLogStream', 'logs:PutLogEvents', 'logs:DescribeLogStreams'],
        resources: [logGroup.logGroupArn],
      }),
    ],
  });
  const flowLog = new FlowLog(stack, 'FlowLog', {
    resourceType: FlowLogResourceType.fromVpc(vpc),
    destination: FlowLogDestination.toCloudWatchLogs(logGroup, role.withoutPolicyUpdates()),
  });
  flowLog.node.addDependency(role, policy);
  return vpc;
}
