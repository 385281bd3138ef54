import { Duration, type Stack } from 'aws-cdk-lib';
import { KeyGroup } from 'aws-cdk-lib/aws-cloudfront';
import { type IVpc, SecurityGroup, Vpc } from 'aws-cdk-lib/aws-ec2';
import { Cluster } from 'aws-cdk-lib/aws-ecs';
import { Key } from 'aws-cdk-lib/aws-kms';
import { DatabaseInstance } from 'aws-cdk-lib/aws-rds';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { EmailIdentity, type IEmailIdentity } from 'aws-cdk-lib/aws-ses';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import {
  Cache,
  CeleryBroker,
  type DjangoApplicationProps,
  HttpsLoadBalancer,
  type ICache,
  type IMediaStorage,
  type IStaticFiles,
  type IUrlSigningKeys,
  MediaStorage,
  Notifications,
  PostgresDatabase,
  SecretKey,
  StaticFiles,
  TaskQueue,
  UrlSigningKeys,
} from 'cdk-django-fargate';
import fc from 'fast-check';

const REGION = 'eu-central-1';
const ACCOUNT = '111122223333';

/** More often than not: what is made has tests of its own, and smaller templates are validated sooner. */
const brought = fc.constantFrom(true, true, true, false);

/** Which parts exist already, and are brought to the application. */
export const broughtParts = fc.record({
  vpc: brought,
  cluster: brought,
  database: brought,
  loadBalancer: brought,
  broker: brought,
  secretKey: brought,
  notifications: brought,
  encryptionKey: brought,
});

type BroughtParts = typeof broughtParts extends fc.Arbitrary<infer T> ? T : never;
type Parts = Pick<DjangoApplicationProps, keyof BroughtParts>;

/** The parts as props: what stands in a VPC is brought together with the VPC. */
export function bring(
  stack: Stack,
  brought: BroughtParts,
  domainNames: string[],
  queues: { [name: string]: Duration },
): Parts {
  return {
    ...(brought.vpc && inVpc(stack, brought, domainNames)),
    broker: brought.broker && Object.keys(queues).length > 0 ? broker(stack, queues) : undefined,
    secretKey: brought.secretKey
      ? SecretKey.fromSecretKeyAttributes(stack, 'Key', { secret: secret(stack, 'shop/key-AbCdEf') })
      : undefined,
    notifications: brought.notifications
      ? Notifications.fromTopic(stack, 'OnCall', Topic.fromTopicArn(stack, 'Topic', arn('sns', 'on-call')))
      : undefined,
    encryptionKey: brought.encryptionKey
      ? Key.fromKeyArn(stack, 'CompanyKey', arn('kms', 'key/11111111-2222-3333-4444-555555555555'))
      : undefined,
  };
}

function inVpc(stack: Stack, brought: BroughtParts, domainNames: string[]): Parts {
  const vpc = Vpc.fromVpcAttributes(stack, 'CompanyVpc', {
    vpcId: 'vpc-0123456789abcdef0',
    vpcCidrBlock: '10.20.0.0/16',
    availabilityZones: [`${REGION}a`, `${REGION}b`],
    publicSubnetIds: ['subnet-0aaaaaaaaaaaaaaa1', 'subnet-0aaaaaaaaaaaaaaa2'],
    publicSubnetRouteTableIds: ['rtb-0aaaaaaaaaaaaaaa1', 'rtb-0aaaaaaaaaaaaaaa1'],
    privateSubnetIds: ['subnet-0bbbbbbbbbbbbbbb1', 'subnet-0bbbbbbbbbbbbbbb2'],
    privateSubnetRouteTableIds: ['rtb-0bbbbbbbbbbbbbbb1', 'rtb-0bbbbbbbbbbbbbbb2'],
  });
  return {
    ...(brought.cluster ? { cluster: cluster(stack, vpc) } : { vpc }),
    database: brought.database ? database(stack) : undefined,
    loadBalancer: brought.loadBalancer ? loadBalancer(stack, vpc, domainNames) : undefined,
  };
}

function cluster(stack: Stack, vpc: IVpc) {
  return Cluster.fromClusterAttributes(stack, 'CompanyCluster', { clusterName: 'company', vpc });
}

function database(stack: Stack) {
  const instance = DatabaseInstance.fromDatabaseInstanceAttributes(stack, 'CompanyInstance', {
    instanceIdentifier: 'company-postgres',
    instanceEndpointAddress: `company-postgres.abcdefghijkl.${REGION}.rds.amazonaws.com`,
    port: 15432,
    securityGroups: [SecurityGroup.fromSecurityGroupId(stack, 'DatabaseGroup', 'sg-0123456789abcdef0')],
  });
  return PostgresDatabase.fromPostgresDatabaseAttributes(stack, 'CompanyDatabase', {
    instance,
    applicationSecret: secret(stack, 'shop/database-AbCdEf'),
  });
}

function loadBalancer(stack: Stack, vpc: IVpc, domainNames: string[]) {
  return HttpsLoadBalancer.fromHttpsLoadBalancerAttributes(stack, 'CompanyLoadBalancer', {
    loadBalancerArn: arn('elasticloadbalancing', 'loadbalancer/app/company/1234567890abcdef'),
    loadBalancerDnsName: `company-1234567890.${REGION}.elb.amazonaws.com`,
    // Each stack has its own: on a shared listener, no two applications may have the same priority.
    listenerArn: arn('elasticloadbalancing', `listener/app/company/1234567890abcdef/${stack.node.addr.slice(-16)}`),
    securityGroupId: 'sg-0fedcba9876543210',
    vpc,
    domainNames,
    dropInvalidHeaderFields: true,
  });
}

function broker(stack: Stack, queues: { [name: string]: Duration }) {
  return new CeleryBroker(stack, 'CompanyBroker', {
    defaultQueueName: Object.keys(queues)[0],
    existingQueues: Object.fromEntries(
      Object.entries(queues).map(([name, taskTimeLimit]) => [
        name,
        TaskQueue.fromTaskQueueAttributes(stack, `Queue${name}`, {
          queue: Queue.fromQueueArn(stack, `CompanyQueue${name}`, arn('sqs', `company-${name}`)),
          visibilityTimeout: Duration.seconds(taskTimeLimit.toSeconds() * 2 + 60),
          taskTimeLimit,
        }),
      ]),
    ),
  });
}

/** Media files in a bucket of the company. */
export function broughtMedia(stack: Stack): IMediaStorage {
  const bucket = Bucket.fromBucketAttributes(stack, 'CompanyBucket', {
    bucketArn: 'arn:aws:s3:::company-media',
    encryptionKey: Key.fromKeyArn(stack, 'BucketKey', arn('kms', 'key/77777777-8888-9999-0000-111111111111')),
  });
  return MediaStorage.fromBucket(stack, 'CompanyMedia', bucket);
}

/** Static files in a bucket of the company. */
export function broughtStaticFiles(stack: Stack): IStaticFiles {
  return StaticFiles.fromBucket(stack, 'CompanyStatic', Bucket.fromBucketName(stack, 'StaticBucket', 'company-static'));
}

/** Keys of the company, which its distribution trusts. */
export function broughtKeys(stack: Stack): IUrlSigningKeys {
  return UrlSigningKeys.fromUrlSigningKeysAttributes(stack, 'CompanyKeys', {
    keyGroup: KeyGroup.fromKeyGroupId(stack, 'CompanyKeyGroup', '11111111-2222-3333-4444-555555555555'),
    secret: secret(stack, 'company/signing-AbCdEf'),
  });
}

/** The cache of the company. */
export function broughtCache(stack: Stack): ICache {
  return Cache.fromCacheAttributes(stack, 'CompanyCache', {
    host: 'master.company.abc123.cache.amazonaws.com',
    port: 6380,
    securityGroup: SecurityGroup.fromSecurityGroupId(stack, 'CompanyCacheGroup', 'sg-0123456789abcdef9'),
    secret: secret(stack, 'company/cache-AbCdEf'),
    replicationGroupId: 'company',
    nodes: 2,
  });
}

/** An identity of the company, which other stacks send from as well. */
export function broughtIdentity(stack: Stack): IEmailIdentity {
  return EmailIdentity.fromEmailIdentityName(stack, 'CompanyIdentity', 'mail.example.com');
}

function secret(stack: Stack, name: string) {
  return Secret.fromSecretCompleteArn(stack, name.replace('/', '-'), arn('secretsmanager', `secret:${name}`));
}

const arn = (service: string, resource: string) => `arn:aws:${service}:${REGION}:${ACCOUNT}:${resource}`;
