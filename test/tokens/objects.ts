import { Duration, Fn, TimeZone } from 'aws-cdk-lib';
import { BackupVault } from 'aws-cdk-lib/aws-backup';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { GeoRestriction, KeyGroup } from 'aws-cdk-lib/aws-cloudfront';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import {
  InstanceType,
  InterfaceVpcEndpoint,
  InterfaceVpcEndpointAwsService,
  type IVpc,
  Peer,
  Port,
  SecurityGroup,
  Subnet,
  Vpc,
} from 'aws-cdk-lib/aws-ec2';
import { Repository } from 'aws-cdk-lib/aws-ecr';
import {
  Cluster,
  ContainerImage,
  Secret as ContainerSecret,
  CpuArchitecture,
  FargateService,
  type ICluster,
} from 'aws-cdk-lib/aws-ecs';
import { ApplicationLoadBalancer } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { Schedule } from 'aws-cdk-lib/aws-events';
import { Role } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import {
  AuroraPostgresEngineVersion,
  CaCertificate,
  DatabaseCluster,
  DatabaseInstance,
  PostgresEngineVersion,
} from 'aws-cdk-lib/aws-rds';
import { HostedZone } from 'aws-cdk-lib/aws-route53';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { ConfigurationSet, EmailIdentity } from 'aws-cdk-lib/aws-ses';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { Cache } from '../../constructs/cache/cache';
import { PointInTime } from '../../constructs/database/point-in-time';
import { PostgresDatabase } from '../../constructs/database/postgres-database';
import { HttpsLoadBalancer } from '../../constructs/edge/https-load-balancer';
import { Mail } from '../../constructs/mail/mail';
import { ContainerHealthCheck } from '../../constructs/processes/container-health-check';
import { Egress } from '../../constructs/processes/egress';
import { CeleryBroker } from '../../constructs/queues/celery-broker';
import { TaskQueue } from '../../constructs/queues/task-queue';
import { SecretKey } from '../../constructs/secrets/secret-key';
import { MediaStorage } from '../../constructs/storage/media-storage';
import { StaticFiles } from '../../constructs/storage/static-files';
import { UrlSigningKeys } from '../../constructs/storage/url-signing-keys';
import { durations, sizes, type TokenForm } from './forms';

/** Makes objects of a type out of tokens, or nothing where a type holds no value that a token could be. */
type Maker = (scope: Construct, form: TokenForm) => readonly unknown[];

const NOTHING: Maker = () => [];
/** An id for one of several props of a type. */
const another = (scope: Construct, id: string) => `${id}${scope.node.children.length}`;
const zones = (scope: Construct, form: TokenForm) => [`${form.text(scope)}-a`, `${form.text(scope)}-b`];

/** For every type of the kind table that a prop takes: one that was brought by tokens. */
export const OBJECT_MAKERS: { readonly [type: string]: Maker } = {
  AsgiServer: NOTHING, // Its options must be known, as those of WebServer.
  BackupVaultLock: NOTHING, // Its options are props of their own.
  CaCertificate: (scope, form) => [CaCertificate.of(form.text(scope))],
  Construct: NOTHING, // A place in the tree, and no value.
  ContainerHealthCheck: (scope, form) => [
    ContainerHealthCheck.http(form.text(scope)),
    ContainerHealthCheck.command(form.text(scope)),
    ContainerHealthCheck.command('curl', form.text(scope)),
  ],
  ContainerImage: (scope, form) => [
    ContainerImage.fromRegistry(form.text(scope)),
    ContainerImage.fromEcrRepository(
      Repository.fromRepositoryName(scope, another(scope, 'Repository'), form.text(scope)),
      form.text(scope),
    ),
  ],
  CpuArchitecture: (scope, form) => [CpuArchitecture.of(form.text(scope))],
  DatabaseBackup: NOTHING,
  DatabaseDump: NOTHING,
  DatabaseVariables: NOTHING, // Its names are props of their own.
  DumpLock: NOTHING, // Its options are props of their own.
  PointInTime: (scope, form) => [
    PointInTime.ofInstance(form.text(scope)),
    PointInTime.ofResource(form.text(scope), form.text(scope)),
    PointInTime.ofAutomatedBackups(form.text(scope), form.text(scope)),
  ],
  Duration: (scope, form) => durations(scope, form),
  Egress: (scope, form) => [
    Egress.tcp(form.number(scope), 'a port'),
    Egress.https(Peer.ipv4(form.text(scope))),
    Egress.to(
      Peer.prefixList(form.text(scope)),
      Port.tcpRange(form.number(scope), form.number(scope)),
      form.text(scope),
    ),
  ],
  GeoRestriction: () => [GeoRestriction.allowlist('DE')], // The CDK takes no token.
  IApplicationLoadBalancer: (scope, form) => [
    ApplicationLoadBalancer.fromApplicationLoadBalancerAttributes(scope, 'Balancer', {
      loadBalancerArn: form.text(scope),
      securityGroupId: form.text(scope),
    }),
  ],
  IBackupVault: (scope, form) => [
    BackupVault.fromBackupVaultName(scope, 'NamedVault', form.text(scope)),
    BackupVault.fromBackupVaultArn(scope, 'Vault', form.text(scope)),
  ],
  IBaseService: (scope, form) => [
    FargateService.fromFargateServiceAttributes(scope, 'BroughtService', {
      serviceArn: form.text(scope),
      cluster: cluster(scope, form),
    }),
  ],
  IBucket: (scope, form) => {
    const id = another(scope, 'Bucket');
    const encryptionKey = Key.fromKeyArn(scope, `${id}Key`, form.text(scope));
    return [Bucket.fromBucketAttributes(scope, id, { bucketName: form.text(scope), encryptionKey })];
  },
  ICache: (scope, form) => [
    Cache.fromCacheAttributes(scope, 'BroughtCache', {
      host: form.text(scope),
      port: form.number(scope),
      securityGroup: SecurityGroup.fromSecurityGroupId(scope, 'BroughtCacheGroup', form.text(scope)),
      secret: secret(scope, form),
      replicationGroupId: form.text(scope),
    }),
  ],
  ICeleryBroker: (scope, form) => [
    new CeleryBroker(scope, 'BroughtBroker', { existingQueues: { default: taskQueue(scope, form) } }),
  ],
  ICertificate: (scope, form) => [Certificate.fromCertificateArn(scope, 'BroughtCertificate', form.text(scope))],
  ICluster: (scope, form) => [cluster(scope, form)],
  IConfigurationSet: (scope, form) => [configurationSet(scope, form)],
  IDatabaseCluster: (scope, form) => [databaseCluster(scope, form)],
  IDatabaseInstance: (scope, form) => [instance(scope, form)],
  IDependable: NOTHING,
  IDjangoService: NOTHING,
  IEmailIdentity: (scope, form) => [identity(scope, form)],
  IFunction: (scope, form) => [
    LambdaFunction.fromFunctionAttributes(scope, 'BroughtFunction', {
      functionArn: `arn:aws:lambda:eu-central-1:111122223333:function:${form.text(scope)}`,
    }),
  ],
  IHostedZone: (scope, form) => [
    HostedZone.fromHostedZoneAttributes(scope, 'BroughtZone', {
      hostedZoneId: form.text(scope),
      zoneName: 'example.com',
    }),
    HostedZone.fromHostedZoneAttributes(scope, 'UnknownZone', {
      hostedZoneId: form.text(scope),
      zoneName: form.text(scope),
    }),
  ],
  IHttpsLoadBalancer: (scope, form) => [
    HttpsLoadBalancer.fromHttpsLoadBalancerAttributes(scope, 'BroughtBalancer', {
      loadBalancerArn: form.text(scope),
      loadBalancerDnsName: form.text(scope),
      listenerArn: form.text(scope),
      securityGroupId: form.text(scope),
      vpc: vpc(scope, form),
      domainNames: [form.text(scope)],
    }),
  ],
  IInterfaceVpcEndpoint: (scope, form) => [
    InterfaceVpcEndpoint.fromInterfaceVpcEndpointAttributes(scope, 'Endpoint', {
      vpcEndpointId: form.text(scope),
      port: 443,
    }),
  ],
  IIpAddresses: NOTHING, // The CDK refuses a token before we see it.
  IKey: (scope, form) => [
    Key.fromKeyArn(scope, 'BroughtKey', `arn:aws:kms:eu-central-1:111122223333:key/${form.text(scope)}`),
  ],
  ILoadBalancedService: NOTHING,
  ILogGroup: (scope, form) => [LogGroup.fromLogGroupName(scope, 'BroughtLogs', form.text(scope))],
  IMail: (scope, form) => [
    Mail.fromMailAttributes(scope, 'BroughtMail', {
      emailIdentity: identity(scope, form),
      configurationSet: configurationSet(scope, form),
    }),
  ],
  IKeyGroup: (scope, form) => [KeyGroup.fromKeyGroupId(scope, 'BroughtKeyGroup', form.text(scope))],
  IMediaStorage: (scope, form) => [
    MediaStorage.fromBucket(scope, 'BroughtMedia', Bucket.fromBucketName(scope, 'BroughtFiles', form.text(scope))),
  ],
  INotifications: NOTHING,
  IPeer: (scope, form) => [
    Peer.ipv4(form.text(scope)),
    Peer.prefixList(form.text(scope)),
    Peer.securityGroupId(form.text(scope)),
  ],
  IPostgresDatabase: (scope, form) => [
    PostgresDatabase.fromPostgresDatabaseAttributes(scope, 'BroughtDatabase', {
      instance: instance(scope, form),
      applicationSecret: secret(scope, form),
      port: form.number(scope),
    }),
  ],
  IQueue: (scope, form) => [queue(scope, form)],
  IRole: (scope, form) => [Role.fromRoleName(scope, 'BroughtRole', form.text(scope))],
  ISecret: (scope, form) => [secret(scope, form)],
  ISecretKey: (scope, form) => [
    SecretKey.fromSecretKeyAttributes(scope, 'BroughtSecretKey', { secret: secret(scope, form) }),
  ],
  ISecurityGroup: (scope, form) => [SecurityGroup.fromSecurityGroupId(scope, 'BroughtGroup', form.text(scope))],
  IStaticFiles: (scope, form) => [
    StaticFiles.fromBucket(
      scope,
      'BroughtStatic',
      Bucket.fromBucketName(scope, 'BroughtStaticFiles', form.text(scope)),
    ),
  ],
  ITaskQueue: (scope, form) => [taskQueue(scope, form)],
  ITopic: (scope, form) => [
    Topic.fromTopicArn(scope, 'BroughtTopic', `arn:aws:sns:eu-central-1:111122223333:${form.text(scope)}`),
  ],
  IUrlSigningKeys: (scope, form) => [
    UrlSigningKeys.fromUrlSigningKeysAttributes(scope, 'BroughtKeys', {
      keyGroup: KeyGroup.fromKeyGroupId(scope, 'KeyGroupOfKeys', form.text(scope)),
      secret: secret(scope, form),
    }),
  ],
  IVpc: (scope, form) => [vpc(scope, form), listedVpc(scope, form)],
  InstanceType: (scope, form) => [new InstanceType(form.text(scope))],
  InterfaceVpcEndpointAwsService: (scope, form) => [new InterfaceVpcEndpointAwsService(form.text(scope))],
  Metric: (scope, form) => [new Metric({ namespace: form.text(scope), metricName: form.text(scope) })],
  AuroraPostgresEngineVersion: (scope, form) => [AuroraPostgresEngineVersion.of(form.text(scope), form.text(scope))],
  PostgresEngineVersion: (scope, form) => [PostgresEngineVersion.of(form.text(scope), form.text(scope))],
  Profile: NOTHING, // Its values are props of their own.
  RestoreDrill: NOTHING,
  Schedule: (scope, form) => [Schedule.expression(form.text(scope))],
  ScheduleExpression: (scope, form) => [ScheduleExpression.expression(form.text(scope))],
  ScheduledCommand: NOTHING,
  Secret: (scope, form) => [ContainerSecret.fromSecretsManager(secret(scope, form), 'field')],
  SecretRefresh: NOTHING,
  Size: (scope, form) => sizes(scope, form),
  Stage: NOTHING,
  TimeZone: (scope, form) => [TimeZone.of(form.text(scope))],
  VariableAliases: NOTHING, // Its names must be known.
  WebServer: NOTHING,
};

/** Subnets as they are brought by their attributes, and as they are chosen by a zone. */
export function subnetSelections(scope: Construct, form: TokenForm): readonly unknown[] {
  const brought = ['One', 'Two'].map((id) =>
    Subnet.fromSubnetAttributes(scope, id, {
      subnetId: form.text(scope),
      availabilityZone: `${form.text(scope)}-${id}`,
    }),
  );
  return [{ subnets: brought }, { availabilityZones: zones(scope, form) }, { subnetGroupName: form.text(scope) }];
}

function vpc(scope: Construct, form: TokenForm) {
  const subnets = (group: string) => [`${form.text(scope)}-${group}-1`, `${form.text(scope)}-${group}-2`];
  return (scope.node.tryFindChild('BroughtVpc') ??
    Vpc.fromVpcAttributes(scope, 'BroughtVpc', {
      vpcId: form.text(scope),
      vpcCidrBlock: form.text(scope),
      availabilityZones: zones(scope, form),
      publicSubnetIds: subnets('public'),
      privateSubnetIds: subnets('private'),
      isolatedSubnetIds: subnets('isolated'),
    })) as IVpc;
}

/** As an export of another stack gives it: nobody knows how many subnets there are. */
function listedVpc(scope: Construct, form: TokenForm) {
  const listed = (group: string) => Fn.split(',', `${form.text(scope)}-${group}`);
  return Vpc.fromVpcAttributes(scope, 'ListedVpc', {
    vpcId: form.text(scope),
    vpcCidrBlock: form.text(scope),
    availabilityZones: form.list(scope),
    publicSubnetIds: listed('public'),
    privateSubnetIds: listed('private'),
    isolatedSubnetIds: listed('isolated'),
  });
}

function cluster(scope: Construct, form: TokenForm): ICluster {
  return Cluster.fromClusterAttributes(scope, 'BroughtCluster', {
    clusterName: form.text(scope),
    vpc: vpc(scope, form),
  });
}

function configurationSet(scope: Construct, form: TokenForm) {
  return ConfigurationSet.fromConfigurationSetName(scope, 'BroughtSet', form.text(scope));
}

function identity(scope: Construct, form: TokenForm) {
  return EmailIdentity.fromEmailIdentityName(scope, 'BroughtIdentity', form.text(scope));
}

function instance(scope: Construct, form: TokenForm) {
  return DatabaseInstance.fromDatabaseInstanceAttributes(scope, 'BroughtInstance', {
    instanceIdentifier: form.text(scope),
    instanceEndpointAddress: form.text(scope),
    port: form.number(scope),
    securityGroups: [SecurityGroup.fromSecurityGroupId(scope, 'BroughtInstanceGroup', form.text(scope))],
  });
}

function databaseCluster(scope: Construct, form: TokenForm) {
  return DatabaseCluster.fromDatabaseClusterAttributes(scope, 'BroughtCluster', {
    clusterIdentifier: form.text(scope),
    clusterEndpointAddress: form.text(scope),
    readerEndpointAddress: form.text(scope),
    port: form.number(scope),
    securityGroups: [SecurityGroup.fromSecurityGroupId(scope, 'BroughtClusterGroup', form.text(scope))],
  });
}

function secret(scope: Construct, form: TokenForm) {
  return Secret.fromSecretCompleteArn(
    scope,
    'BroughtSecret',
    `arn:aws:secretsmanager:eu-central-1:111122223333:secret:${form.text(scope)}-AbCdEf`,
  );
}

function queue(scope: Construct, form: TokenForm) {
  return Queue.fromQueueArn(scope, 'BroughtQueue', `arn:aws:sqs:eu-central-1:111122223333:${form.text(scope)}`);
}

function taskQueue(scope: Construct, form: TokenForm) {
  return TaskQueue.fromTaskQueueAttributes(scope, 'BroughtTaskQueue', {
    queue: queue(scope, form),
    visibilityTimeout: Duration.hours(1),
  });
}
