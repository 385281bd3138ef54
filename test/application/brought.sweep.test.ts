import { join } from 'node:path';
import { App, CfnParameter, Duration, Fn, Stack, Token } from 'aws-cdk-lib';
import { BackupVault } from 'aws-cdk-lib/aws-backup';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { type IVpc, Peer, SecurityGroup, SubnetType, Vpc } from 'aws-cdk-lib/aws-ec2';
import { Cluster, ContainerImage, Secret as ContainerSecret } from 'aws-cdk-lib/aws-ecs';
import { Schedule } from 'aws-cdk-lib/aws-events';
import { Key } from 'aws-cdk-lib/aws-kms';
import { DatabaseInstance } from 'aws-cdk-lib/aws-rds';
import { HostedZone } from 'aws-cdk-lib/aws-route53';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { ConfigurationSet, EmailIdentity } from 'aws-cdk-lib/aws-ses';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import { DjangoApplication } from '../../constructs/application/django-application';
import type { DjangoApplicationProps } from '../../constructs/application/django-application-props';
import { Cache } from '../../constructs/cache/cache';
import { Profile } from '../../constructs/core/profile';
import { PostgresDatabase } from '../../constructs/database/postgres-database';
import { HttpsLoadBalancer } from '../../constructs/edge/https-load-balancer';
import { Mail } from '../../constructs/mail/mail';
import { Notifications } from '../../constructs/notifications/notifications';
import { BeatService } from '../../constructs/processes/beat-service';
import { ReleaseCommand } from '../../constructs/processes/release-command';
import { ScheduledCommand } from '../../constructs/processes/scheduled-command';
import { WebService } from '../../constructs/processes/web-service';
import { WorkerService } from '../../constructs/processes/worker-service';
import { CeleryBroker } from '../../constructs/queues/celery-broker';
import { TaskQueue } from '../../constructs/queues/task-queue';
import { SecretKey } from '../../constructs/secrets/secret-key';
import { MediaStorage } from '../../constructs/storage/media-storage';
import { StaticFiles } from '../../constructs/storage/static-files';
import { errorOf } from '../support';

const GLOBAL_CERTIFICATE = 'arn:aws:acm:us-east-1:111122223333:certificate/11111111-2222-3333-4444-555555555555';
const env = { account: '111122223333', region: 'eu-central-1' };

/** Ways in which a value arrives that only the deployment knows. */
const TOKENS: { readonly [how: string]: (stack: Stack, name: string) => string } = {
  'Fn.importValue': (_, name) => Fn.importValue(name),
  'a parameter of the stack': (stack, name) => new CfnParameter(stack, `Parameter${name}`).valueAsString,
  'a parameter of SSM': (stack, name) => StringParameter.valueForStringParameter(stack, `/company/${name}`),
};
type Value = (name: string) => string;

function application(stack: Stack, props: Partial<DjangoApplicationProps>): DjangoApplication {
  return new DjangoApplication(stack, 'App', {
    image: ContainerImage.fromAsset(join(__dirname, '..', 'fixtures', 'image')),
    settingsModule: 'config.settings',
    asgi: { paths: ['/ws/*'] },
    queues: props.broker === undefined ? { default: {} } : undefined,
    ...(props.loadBalancer === undefined && {
      domainNames: ['shop.example.com'],
      hostedZone: HostedZone.fromHostedZoneAttributes(stack, 'AppZone', {
        hostedZoneId: 'Z0',
        zoneName: 'example.com',
      }),
    }),
    ...props,
  });
}

const BROUGHT: { readonly [what: string]: (stack: Stack, value: Value) => Partial<DjangoApplicationProps> } = {
  'a VPC by its attributes': (stack, value) => ({ vpc: vpcOf(stack, value) }),
  'a VPC whose lists are tokens': (stack, value) => ({
    vpc: Vpc.fromVpcAttributes(stack, 'Vpc', {
      vpcId: value('VpcId'),
      vpcCidrBlock: value('Cidr'),
      availabilityZones: Fn.split(',', value('Zones'), 2),
      publicSubnetIds: Fn.split(',', value('Public'), 2),
      privateSubnetIds: Fn.split(',', value('Private'), 2),
      isolatedSubnetIds: Fn.split(',', value('Isolated'), 2),
    }),
  }),
  'a VPC whose lists are one value each': (stack, value) => ({
    vpc: Vpc.fromVpcAttributes(stack, 'Vpc', {
      vpcId: value('VpcId'),
      vpcCidrBlock: value('Cidr'),
      availabilityZones: Token.asList(Fn.importValue('Zones')),
      publicSubnetIds: Token.asList(Fn.importValue('Public')),
      privateSubnetIds: Token.asList(Fn.importValue('Private')),
    }),
  }),
  'a cluster': (stack, value) => ({
    cluster: Cluster.fromClusterAttributes(stack, 'Cluster', {
      clusterName: value('Cluster'),
      vpc: vpcOf(stack, value),
    }),
  }),
  'a database': (stack, value) => ({
    vpc: vpcOf(stack, value),
    database: PostgresDatabase.fromPostgresDatabaseAttributes(stack, 'Database', {
      instance: DatabaseInstance.fromDatabaseInstanceAttributes(stack, 'Instance', {
        instanceIdentifier: value('Instance'),
        instanceEndpointAddress: value('Host'),
        port: Token.asNumber(value('Port')),
        securityGroups: [SecurityGroup.fromSecurityGroupId(stack, 'DatabaseGroup', value('Group'))],
      }),
      applicationSecret: Secret.fromSecretCompleteArn(stack, 'DatabaseSecret', value('DatabaseSecret')),
    }),
  }),
  'a load balancer': (stack, value) => {
    const vpc = vpcOf(stack, value);
    return {
      vpc,
      loadBalancer: HttpsLoadBalancer.fromHttpsLoadBalancerAttributes(stack, 'Balancer', {
        loadBalancerArn: value('BalancerArn'),
        loadBalancerDnsName: value('BalancerName'),
        listenerArn: value('ListenerArn'),
        securityGroupId: value('BalancerGroup'),
        vpc,
        domainNames: [value('Domain')],
        dropInvalidHeaderFields: true,
      }),
    };
  },
  queues: (stack, value) => ({
    broker: new CeleryBroker(stack, 'Broker', {
      existingQueues: {
        default: TaskQueue.fromTaskQueueAttributes(stack, 'Default', {
          queue: Queue.fromQueueAttributes(stack, 'Queue', { queueArn: value('Queue'), keyArn: value('QueueKey') }),
          deadLetterQueue: Queue.fromQueueArn(stack, 'Dead', value('Dead')),
          visibilityTimeout: Duration.hours(1),
        }),
      },
    }),
  }),
  'a bucket for media files': (stack, value) => ({
    mediaStorage: MediaStorage.fromBucket(
      stack,
      'Media',
      Bucket.fromBucketAttributes(stack, 'Bucket', {
        bucketArn: value('Bucket'),
        region: value('BucketRegion'),
        encryptionKey: Key.fromKeyArn(stack, 'BucketKey', value('BucketKey')),
      }),
    ),
  }),
  'a bucket for static files': (stack, value) => ({
    cdn: { certificate: Certificate.fromCertificateArn(stack, 'GlobalCertificate', GLOBAL_CERTIFICATE) },
    staticFilesStorage: StaticFiles.fromBucket(
      stack,
      'StaticFiles',
      Bucket.fromBucketAttributes(stack, 'StaticBucket', {
        bucketArn: value('StaticBucket'),
        region: value('StaticRegion'),
        encryptionKey: Key.fromKeyArn(stack, 'StaticKey', value('StaticKey')),
      }),
    ),
  }),
  'a cache': (stack, value) => ({
    cacheStore: Cache.fromCacheAttributes(stack, 'Cache', {
      host: value('Cache'),
      securityGroup: SecurityGroup.fromSecurityGroupId(stack, 'CacheGroup', value('CacheGroup')),
      secret: Secret.fromSecretAttributes(stack, 'CacheLogin', {
        secretCompleteArn: value('CacheLogin'),
        encryptionKey: Key.fromKeyArn(stack, 'CacheKey', value('CacheKey')),
      }),
      replicationGroupId: value('CacheNodes'),
    }),
  }),
  'an identity for mail': (stack, value) => ({
    mail: { emailIdentity: EmailIdentity.fromEmailIdentityName(stack, 'Identity', value('Identity')) },
  }),
  'mail as a whole': (stack, value) => ({
    outgoingMail: Mail.fromMailAttributes(stack, 'Mail', {
      emailIdentity: EmailIdentity.fromEmailIdentityName(stack, 'Identity', value('Identity')),
      configurationSet: ConfigurationSet.fromConfigurationSetName(stack, 'Set', value('Set')),
      fromAddresses: [value('From')],
    }),
  }),
  'a topic': (stack, value) => ({
    notifications: Notifications.fromTopic(stack, 'OnCall', Topic.fromTopicArn(stack, 'Topic', value('Topic'))),
  }),
  'a secret by its complete ARN': (stack, value) => ({
    secretKey: SecretKey.fromSecretKeyAttributes(stack, 'Key', {
      secret: Secret.fromSecretCompleteArn(stack, 'Secret', value('Secret')),
    }),
  }),
  'a secret by its name, with a key': (stack, value) => ({
    secretKey: SecretKey.fromSecretKeyAttributes(stack, 'Key', {
      secret: Secret.fromSecretAttributes(stack, 'Secret', {
        secretPartialArn: value('Secret'),
        encryptionKey: Key.fromKeyArn(stack, 'SecretKms', value('Kms')),
      }),
    }),
    secrets: { API_KEY: ContainerSecret.fromSecretsManager(Secret.fromSecretNameV2(stack, 'Api', value('Api'))) },
  }),
  'a key': (stack, value) => ({ encryptionKey: Key.fromKeyArn(stack, 'Kms', value('Kms')) }),
  'a certificate and a zone': (stack, value) => ({
    certificate: Certificate.fromCertificateArn(stack, 'Certificate', value('Certificate')),
    hostedZone: HostedZone.fromHostedZoneAttributes(stack, 'Zone', {
      hostedZoneId: value('ZoneId'),
      zoneName: value('ZoneName'),
    }),
  }),
  'a certificate without a zone, for a name of the deployment': (stack, value) => ({
    certificate: Certificate.fromCertificateArn(stack, 'Certificate', value('Certificate')),
    domainNames: [value('Domain')],
    hostedZone: undefined,
  }),
  'a key and a vault of backups': (stack, value) => ({
    backupOptions: {
      encryptionKey: Key.fromKeyArn(stack, 'VaultKey', value('VaultKey')),
      rules: [
        {
          name: 'daily',
          schedule: Schedule.cron({ minute: '0', hour: '6' }),
          deleteAfter: Duration.days(35),
          copyDestinations: [BackupVault.fromBackupVaultArn(stack, 'Copies', value('Vault'))],
        },
      ],
    },
  }),
};

/** What a number, a list or a text becomes that somebody calculated with although it was a token. */
const NONSENSE = /NaN|undefined|\[object|\$\{Token|#\{Token|-1\.8881545/;

function vpcOf(stack: Stack, value: Value): IVpc {
  return Vpc.fromVpcAttributes(stack, 'CompanyVpc', {
    vpcId: value('VpcId'),
    vpcCidrBlock: value('Cidr'),
    availabilityZones: ['eu-central-1a', 'eu-central-1b'],
    publicSubnetIds: [value('Public1'), value('Public2')],
    privateSubnetIds: [value('Private1'), value('Private2')],
  });
}

describe.each(Object.keys(TOKENS))('by %s', (how) => {
  test.each(Object.keys(BROUGHT))('%s is brought', (what) => {
    const app = new App({ treeMetadata: false });
    // Without account and region, one more value of each comparison is a token.
    const stack = new Stack(app, 'Shop', how === 'Fn.importValue' ? {} : { env });
    const known = new Map<string, string>();
    const value = (name: string) => {
      const made = known.get(name) ?? TOKENS[how](stack, name);
      known.set(name, made);
      return made;
    };
    application(stack, BROUGHT[what](stack, value));
    expect(known.size).toBeGreaterThan(0);
    expect(JSON.stringify(app.synth().getStackByName('Shop').template)).not.toMatch(NONSENSE);
  });
});

/** While a lookup waits for credentials, the CDK gives values that stand for nothing. */
describe('while a lookup is pending', () => {
  const group = (name: string) => ({ subnetGroupName: name });
  const LOOKED_UP: { readonly [what: string]: (stack: Stack, vpc: IVpc) => Partial<DjangoApplicationProps> } = {
    'a VPC': (_, vpc) => ({ vpc }),
    'a VPC whose subnets are chosen by group': (_, vpc) => ({
      vpc,
      loadBalancerOptions: { vpcSubnets: group('edge') },
      databaseOptions: { vpcSubnets: group('data'), handlerSubnets: group('functions') },
      backupOptions: { restoreTestSubnets: group('data') },
    }),
    'a VPC whose subnets are chosen by type and zone': (_, vpc) => {
      const isolated = {
        subnetType: SubnetType.PRIVATE_ISOLATED,
        availabilityZones: ['eu-central-1a', 'eu-central-1b'],
      };
      return {
        vpc,
        loadBalancerOptions: { vpcSubnets: { subnetType: SubnetType.PUBLIC, onePerAz: true } },
        databaseOptions: { vpcSubnets: isolated },
        backupOptions: { restoreTestSubnets: isolated },
      };
    },
    'a cluster in a VPC': (stack, vpc) => ({
      cluster: Cluster.fromClusterAttributes(stack, 'Cluster', { clusterName: 'company', vpc }),
      loadBalancerOptions: { internetFacing: false },
    }),
    'a security group, a key and a zone': (stack, vpc) => ({
      vpc,
      encryptionKey: Key.fromLookup(stack, 'Key', { aliasName: 'alias/company' }),
      hostedZone: HostedZone.fromLookup(stack, 'Zone', { domainName: 'example.com' }),
    }),
  };

  test.each(Object.keys(LOOKED_UP))('%s: every check waits for it', (what) => {
    const app = new App({ treeMetadata: false });
    const stack = new Stack(app, 'Shop', { env });
    application(stack, LOOKED_UP[what](stack, Vpc.fromLookup(stack, 'Vpc', { tags: { Name: 'company' } })));
    expect(app.synth().manifest.missing?.map(({ provider }) => provider)).toContain('vpc-provider');
  });

  test('processes of their own in its subnets wait for it, too', () => {
    const app = new App({ treeMetadata: false });
    const stack = new Stack(app, 'Shop', { env });
    const vpc = Vpc.fromLookup(stack, 'Vpc', { vpcId: 'vpc-0123456789abcdef0' });
    const process = {
      image: ContainerImage.fromAsset(join(__dirname, '..', 'fixtures', 'image')),
      settingsModule: 'config.settings',
      cluster: Cluster.fromClusterAttributes(stack, 'Cluster', { clusterName: 'company', vpc }),
      vpcSubnets: { subnetGroupName: 'apps' },
      securityGroup: SecurityGroup.fromLookupByName(stack, 'Group', 'company', vpc),
    };
    const loadBalancer = new HttpsLoadBalancer(stack, 'Balancer', {
      vpc,
      profile: Profile.development(),
      vpcSubnets: { subnetGroupName: 'edge' },
      internetFacing: false,
    });
    const broker = new CeleryBroker(stack, 'Broker');
    new WebService(stack, 'Web', { ...process, loadBalancer });
    new WorkerService(stack, 'Worker', { ...process, broker });
    new BeatService(stack, 'Beat', { ...process, broker });
    new ReleaseCommand(stack, 'Release', { ...process });
    new ScheduledCommand(stack, 'Nightly', {
      ...process,
      command: ['python', 'manage.py', 'clearsessions'],
      schedule: ScheduleExpression.rate(Duration.days(1)),
    });
    expect(
      app
        .synth()
        .manifest.missing?.map(({ provider }) => provider)
        .sort(),
    ).toEqual(['security-group', 'vpc-provider']);
  });
});

/** What `Vpc.fromVpcAttributes` is told is all that is known of a VPC. */
describe('a VPC without its CIDR block', () => {
  const vpcWithout = (stack: Stack) =>
    Vpc.fromVpcAttributes(stack, 'Vpc', {
      vpcId: 'vpc-0123456789abcdef0',
      availabilityZones: ['eu-central-1a', 'eu-central-1b'],
      publicSubnetIds: ['subnet-0aaaaaaaaaaaaaaa1', 'subnet-0aaaaaaaaaaaaaaa2'],
      privateSubnetIds: ['subnet-0bbbbbbbbbbbbbbb1', 'subnet-0bbbbbbbbbbbbbbb2'],
    });
  const MUST = 'must know its CIDR block, from which servers trust the headers of the load balancer';

  test('is refused by the name of what was brought', () => {
    const stack = new Stack(new App(), 'Shop', { env });
    expect(errorOf(() => application(stack, { vpc: vpcWithout(stack) }))).toBe(
      `Shop/App: \`vpc\` ${MUST}, got Shop/Vpc. Give \`vpcCidrBlock\` to Vpc.fromVpcAttributes, or FORWARDED_ALLOW_IPS in \`environment\`.`,
    );
  });

  test('is refused with the cluster that is in it', () => {
    const stack = new Stack(new App(), 'Shop', { env });
    const cluster = Cluster.fromClusterAttributes(stack, 'Cluster', { clusterName: 'c', vpc: vpcWithout(stack) });
    expect(errorOf(() => application(stack, { cluster }))).toContain(`Shop/App: \`cluster\` ${MUST}`);
  });

  test('is enough where the variable is given', () => {
    const app = new App({ treeMetadata: false });
    const stack = new Stack(app, 'Shop', { env });
    application(stack, { vpc: vpcWithout(stack), environment: { FORWARDED_ALLOW_IPS: '10.20.0.0/16' } });
    const text = JSON.stringify(app.synth().getStackByName('Shop').template);
    expect(text).toContain('"Name":"FORWARDED_ALLOW_IPS","Value":"10.20.0.0/16"');
  });

  test('is refused for an internal load balancer that is open to its VPC', () => {
    const stack = new Stack(new App(), 'Shop', { env });
    const props = { vpc: vpcWithout(stack), profile: Profile.development(), internetFacing: false };
    expect(errorOf(() => new HttpsLoadBalancer(stack, 'Balancer', props))).toBe(
      'Shop/Balancer: `vpc` must know its CIDR block, to which an internal load balancer is open, got Shop/Vpc. Give `vpcCidrBlock` to Vpc.fromVpcAttributes, or say in `allowFrom` who may connect.',
    );
    expect(new HttpsLoadBalancer(stack, 'Other', { ...props, allowFrom: [Peer.ipv4('10.20.0.0/16')] }).secure).toBe(
      false,
    );
  });

  test('so is a cluster that does not know its VPC', () => {
    const stack = new Stack(new App(), 'Shop', { env });
    const cluster = Cluster.fromClusterArn(stack, 'Cluster', 'arn:aws:ecs:eu-central-1:111122223333:cluster/company');
    expect(errorOf(() => application(stack, { cluster }))).toBe(
      'Shop/App: `cluster` must know its VPC, got Shop/Cluster. Import it with Cluster.fromClusterAttributes, and its `vpc`.',
    );
  });
});
