import { join } from 'node:path';
import { Duration, RemovalPolicy, Size, type Stack } from 'aws-cdk-lib';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { SecurityGroup, SubnetType } from 'aws-cdk-lib/aws-ec2';
import { Cluster, ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { Schedule } from 'aws-cdk-lib/aws-events';
import { Key } from 'aws-cdk-lib/aws-kms';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { HostedZone } from 'aws-cdk-lib/aws-route53';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { EmailIdentity } from 'aws-cdk-lib/aws-ses';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { DjangoApplication } from '../../constructs/application/django-application';
import type { DjangoApplicationProps } from '../../constructs/application/django-application-props';
import { Cache } from '../../constructs/cache/cache';
import { Profile } from '../../constructs/core/profile';
import { PasswordRotation } from '../../constructs/database/password-rotation';
import { PostgresDatabase } from '../../constructs/database/postgres-database';
import { HttpsLoadBalancer } from '../../constructs/edge/https-load-balancer';
import { Mail } from '../../constructs/mail/mail';
import type { AlarmThresholds } from '../../constructs/monitoring/alarm-thresholds';
import { ApplicationAlarms } from '../../constructs/monitoring/application-alarms';
import { Network, type NetworkProps } from '../../constructs/network/network';
import { Notifications } from '../../constructs/notifications/notifications';
import { Egress } from '../../constructs/processes/egress';
import { ScheduledCommand, type ScheduledCommandProps } from '../../constructs/processes/scheduled-command';
import { WebService, type WebServiceProps } from '../../constructs/processes/web-service';
import { CeleryBroker, type CeleryBrokerProps } from '../../constructs/queues/celery-broker';
import { TaskQueue } from '../../constructs/queues/task-queue';
import { SecretKey, type SecretKeyProps } from '../../constructs/secrets/secret-key';
import { MediaStorage } from '../../constructs/storage/media-storage';
import { StaticFiles } from '../../constructs/storage/static-files';
import { UrlSigningKeys } from '../../constructs/storage/url-signing-keys';
import { DjangoStack, type DjangoStackProps } from '../../lib/django-stack';
import { loadBalancerFor, processProps } from '../processes/support';
import { testVpc } from '../support';
import type { InvalidCase } from './case';

type Given<Props> = Partial<Props> | ((stack: Stack) => Partial<Props>);

const GLOBAL_CERTIFICATE = 'arn:aws:acm:us-east-1:111122223333:certificate/11111111-2222-3333-4444-555555555555';
const CERTIFICATE = 'arn:aws:acm:eu-central-1:111122223333:certificate/11111111-2222-3333-4444-555555555555';

const common = () => ({
  image: ContainerImage.fromAsset(join(__dirname, '..', 'fixtures', 'image')),
  settingsModule: 'config.settings',
  profile: Profile.production(),
});
const given = <Props>(props: Given<Props>, stack: Stack) => (typeof props === 'function' ? props(stack) : props);
const zone = (stack: Stack) =>
  HostedZone.fromHostedZoneAttributes(stack, 'Zone', {
    hostedZoneId: 'Z0123456789ABCDEFGHIJ',
    zoneName: 'example.com',
  });

const companyFiles = (stack: Stack) =>
  StaticFiles.fromBucket(stack, 'StaticFiles', Bucket.fromBucketName(stack, 'CompanyFiles', 'company-static'));

/** An application in production, with a name of its own unless it brings its load balancer. */
const application = (name: string, prop: string, props: Given<DjangoApplicationProps>): InvalidCase => ({
  name: `without effect in DjangoApplication: ${name}`,
  prop,
  make: (stack) => {
    const own = given(props, stack);
    const address = own.loadBalancer ? {} : { domainNames: ['shop.example.com'], hostedZone: zone(stack) };
    new DjangoApplication(stack, 'App', { ...common(), ...address, ...own });
  },
});

const site = (name: string, prop: string, props: Given<DjangoStackProps>): InvalidCase => ({
  name: `without effect in DjangoStack: ${name}`,
  prop,
  make: (stack) => new DjangoStack(stack.node.root, 'Site', { ...common(), ...given(props, stack) }),
});

const web = (name: string, prop: string, props: Given<WebServiceProps>): InvalidCase => ({
  name: `without effect in WebService: ${name}`,
  prop,
  make: (stack) => {
    const process = processProps(stack);
    const loadBalancer = loadBalancerFor(stack, process);
    new WebService(stack, 'Web', { ...process, loadBalancer, ...given(props, stack) });
  },
});

const secretKey = (name: string, prop: string, props: Given<SecretKeyProps>): InvalidCase => ({
  name: `without effect in SecretKey: ${name}`,
  prop,
  make: (stack) => new SecretKey(stack, 'SecretKey', given(props, stack)),
});

const network = (name: string, prop: string, props: Given<NetworkProps>): InvalidCase => ({
  name: `without effect in Network: ${name}`,
  prop,
  make: (stack) => new Network(stack, 'Network', given(props, stack)),
});

const scheduled = (name: string, prop: string, props: Given<ScheduledCommandProps>): InvalidCase => ({
  name: `without effect in ScheduledCommand: ${name}`,
  prop,
  make: (stack) =>
    new ScheduledCommand(stack, 'Prune', {
      ...processProps(stack),
      command,
      schedule: ScheduleExpression.rate(Duration.hours(1)),
      logGroup: new LogGroup(stack, 'Logs'),
      deadLetterQueue: new Queue(stack, 'Failed'),
      ...given(props, stack),
    }),
});

/** Alarms that watch a topic alone. */
const threshold = (prop: keyof AlarmThresholds, value: AlarmThresholds[typeof prop]): InvalidCase => ({
  name: `without effect in ApplicationAlarms: ${prop} of nothing that is watched`,
  prop: `thresholds.${prop}`,
  make: (stack) =>
    new ApplicationAlarms(stack, 'Alarms', { topic: new Topic(stack, 'Topic'), thresholds: { [prop]: value } }),
});

const existingQueues = (name: string, prop: string, props: Given<CeleryBrokerProps>): InvalidCase => ({
  name: `without effect in CeleryBroker: ${name}`,
  prop,
  make: (stack) => {
    const queue = TaskQueue.fromTaskQueueAttributes(stack, 'Tasks', {
      queue: Queue.fromQueueArn(stack, 'Queue', 'arn:aws:sqs:eu-central-1:111122223333:tasks'),
      visibilityTimeout: Duration.minutes(30),
    });
    new CeleryBroker(stack, 'Broker', { existingQueues: { default: queue }, ...given(props, stack) });
  },
});

/** A load balancer of somebody else's, in a VPC of its own. */
const loadBalancer = (stack: Stack) =>
  new HttpsLoadBalancer(stack, 'Shared', { vpc: testVpc(stack), profile: Profile.development() });
const broker = (stack: Stack) => new CeleryBroker(stack, 'Broker');
const database = (stack: Stack) => new PostgresDatabase(stack, 'Database', { vpc: testVpc(stack) });
const cluster = (stack: Stack) => new Cluster(stack, 'Cluster', { vpc: testVpc(stack) });
const brokerAnd = (props: Partial<DjangoApplicationProps>) => (stack: Stack) => ({ broker: broker(stack), ...props });
const balancerAnd = (props: Partial<DjangoStackProps>) => (stack: Stack) => ({
  loadBalancer: loadBalancer(stack),
  ...props,
});
const command = ['./run.sh'];
const same = { minCapacity: 2, maxCapacity: 2 };
const queues = { default: {} };

/** Options that another prop, which the user wrote too, leaves without effect. */
export const cases: InvalidCase[] = [
  application('names beside a load balancer', 'domainNames', balancerAnd({ domainNames: ['a.example.com'] })),
  application(
    'redirected names beside a load balancer',
    'redirectedDomainNames',
    balancerAnd({ redirectedDomainNames: ['www.example.com'] }),
  ),
  application('a zone beside a load balancer', 'hostedZone', (stack) => ({
    loadBalancer: loadBalancer(stack),
    hostedZone: zone(stack),
  })),
  application('a certificate beside a load balancer', 'certificate', (stack) => ({
    loadBalancer: loadBalancer(stack),
    certificate: new Certificate(stack, 'Certificate', { domainName: 'a.example.com' }),
  })),
  application('options of a load balancer beside one', 'loadBalancerOptions', balancerAnd({ loadBalancerOptions: {} })),
  application('a distribution before a load balancer that is brought', 'cdn', balancerAnd({ cdn: {} })),
  application('options of a firewall beside one at the edge', 'firewallOptions', (stack) => ({
    cdn: {
      certificate: Certificate.fromCertificateArn(stack, 'Global', GLOBAL_CERTIFICATE),
      webAclArn: 'arn:aws:wafv2:us-east-1:111122223333:global/webacl/shop/11111111-2222-3333-4444-555555555555',
    },
    firewallOptions: { rateLimit: 500 },
  })),
  application('options of a firewall beside a load balancer', 'firewallOptions', balancerAnd({ firewallOptions: {} })),
  application('e-mail addresses beside notifications', 'notificationEmails', (stack) => ({
    notifications: Notifications.fromTopic(stack, 'OnCall', new Topic(stack, 'Topic')),
    notificationEmails: ['ops@example.com'],
  })),
  application('queues beside a broker', 'queues', brokerAnd({ queues })),
  application('media beside a storage of media files', 'media', (stack) => ({
    media: {},
    mediaStorage: MediaStorage.fromBucket(stack, 'Media', Bucket.fromBucketName(stack, 'Company', 'company-media')),
  })),
  application('static files without a distribution', 'staticFiles', { staticFiles: {} }),
  application('static files beside a bucket of them', 'staticFiles', (stack) => ({
    cdn: {},
    staticFiles: {},
    staticFilesStorage: companyFiles(stack),
  })),
  application('static files without paths', 'staticFiles', { cdn: { staticPaths: [] }, staticFiles: {} }),
  application('a bucket of static files without a distribution', 'staticFilesStorage', (stack) => ({
    staticFilesStorage: companyFiles(stack),
  })),
  application('a bucket of static files without paths', 'staticFilesStorage', (stack) => ({
    cdn: { staticPaths: [] },
    staticFilesStorage: companyFiles(stack),
  })),
  application('a cache beside one that is brought', 'cache', (stack) => ({
    cache: {},
    cacheStore: Cache.fromCacheAttributes(stack, 'Company', {
      host: 'cache.example.com',
      securityGroup: SecurityGroup.fromSecurityGroupId(stack, 'CacheGroup', 'sg-0123456789abcdef0'),
      secret: Secret.fromSecretNameV2(stack, 'CacheLogin', 'company'),
    }),
  })),
  application('mail beside mail that is set up elsewhere', 'mail', (stack) => ({
    mail: {},
    outgoingMail: Mail.fromMailAttributes(stack, 'Mail', {
      emailIdentity: EmailIdentity.fromEmailIdentityName(stack, 'Company', 'example.com'),
    }),
  })),
  application('mail of a name whose zone is not known', 'hostedZone', (stack) => ({
    mail: {},
    hostedZone: undefined,
    certificate: Certificate.fromCertificateArn(stack, 'Certificate', CERTIFICATE),
  })),
  application('mail from another domain than the zone', 'domain', { mail: { domain: 'example.org' } }),
  application('a default queue beside a broker', 'defaultQueueName', brokerAnd({ defaultQueueName: 'default' })),
  application('a default queue without queues', 'defaultQueueName', { defaultQueueName: 'default' }),
  application('workers without queues', 'workers', { workers: { all: {} } }),
  application('beat without queues', 'beat', { beat: {} }),
  application('a limit for waiting Celery tasks without queues', 'alarmThresholds.waitingTime', {
    alarmThresholds: { waitingTime: Duration.minutes(2) },
  }),
  application('a web service beside ASGI on every path', 'web', { web: {}, asgi: { paths: ['/*'] } }),
  application('options of a key beside one', 'secretKeyOptions', (stack) => ({
    secretKey: SecretKey.fromSecretKeyAttributes(stack, 'Key', { secret: new Secret(stack, 'Django') }),
    secretKeyOptions: { sessionCookieAge: Duration.days(1) },
  })),
  application('options of a database beside one', 'databaseOptions', (stack) => ({
    database: database(stack),
    databaseOptions: { port: 6543 },
  })),
  application('an Aurora cluster beside a database that is brought', 'aurora', (stack) => ({
    database: database(stack),
    aurora: {},
  })),
  application('options of an instance beside an Aurora cluster', 'databaseOptions', {
    aurora: {},
    databaseOptions: { port: 6543 },
  }),
  application('a drill without dumps', 'restoreDrill', { restoreDrill: {} }),
  application('options of signing keys without paths that they open', 'urlSigningKeysOptions', {
    cdn: {},
    urlSigningKeysOptions: { longestLifetime: Duration.hours(6) },
  }),
  application('options of signing keys beside such keys', 'urlSigningKeysOptions', (stack) => ({
    cdn: { signedMediaPaths: ['/media/*'] },
    media: {},
    urlSigningKeys: new UrlSigningKeys(stack, 'Keys'),
    urlSigningKeysOptions: { longestLifetime: Duration.hours(6) },
  })),
  application('paths of media files without a storage', 'cdn', { cdn: { publicMediaPaths: ['/media/*'] } }),
  application('options of a network beside a VPC', 'networkOptions', (stack) => ({
    vpc: testVpc(stack),
    networkOptions: { natGateways: 1 },
  })),
  application('options of a network beside a cluster', 'networkOptions', (stack) => ({
    cluster: cluster(stack),
    networkOptions: { natGateways: 1 },
  })),
  application('a VPC beside a cluster', 'vpc', (stack) => {
    const made = cluster(stack);
    return { cluster: made, vpc: made.vpc };
  }),

  site('one name beside several', 'domainName', { domainName: 'a.example.com', domainNames: ['b.example.com'] }),
  site('a name beside a load balancer', 'domainName', balancerAnd({ domainName: 'a.example.com' })),
  site('the id of a zone beside a load balancer', 'hostedZoneId', balancerAnd({ hostedZoneId: 'Z0123456789' })),
  site('the name of a zone beside a load balancer', 'hostedZoneName', balancerAnd({ hostedZoneName: 'example.com' })),
  site('the id of a zone without a name', 'hostedZoneId', { hostedZoneId: 'Z0123456789' }),
  site('the name of a zone without a name', 'hostedZoneName', { hostedZoneName: 'example.com' }),
  site('the id of a zone beside one', 'hostedZoneId', (stack) => ({
    domainName: 'a.example.com',
    hostedZone: zone(stack),
    hostedZoneId: 'Z0123456789',
  })),
  site('the name of a zone beside one', 'hostedZoneName', (stack) => ({
    domainName: 'a.example.com',
    hostedZone: zone(stack),
    hostedZoneName: 'example.com',
  })),

  application('a WSGI callable beside a command', 'application', { web: { command, application: 'shop.wsgi:app' } }),
  application('a keep-alive beside a command', 'keepAlive', { web: { command, keepAlive: Duration.minutes(2) } }),
  application('a graceful timeout beside a command', 'gracefulTimeout', {
    web: { command, gracefulTimeout: Duration.seconds(20) },
  }),
  application('a size of messages beside a command', 'webSocketMaxSize', {
    asgi: { command, webSocketMaxSize: Size.kibibytes(8) },
  }),
  application('an ASGI callable beside a command', 'application', { asgi: { command, application: 'shop.asgi:app' } }),
  application('a keep-alive of ASGI beside a command', 'keepAlive', {
    asgi: { command, keepAlive: Duration.minutes(2) },
  }),
  application('patterns beside every path', 'paths', { asgi: { paths: ['/*', '/ws/*'] } }),
  application('a Celery application of a worker beside a command', 'application', {
    queues,
    workers: { all: { command, application: 'shop' } },
  }),
  application('a Celery application of beat beside a command', 'application', {
    queues,
    beat: { command, application: 'shop' },
  }),
  application('a scheduler beside a command', 'scheduler', { queues, beat: { command, scheduler: 'a.b:C' } }),
  application('CPU to scale by where nothing scales', 'targetCpuPercent', { web: { ...same, targetCpuPercent: 50 } }),
  application('requests to scale by where nothing scales', 'requestsPerTarget', {
    asgi: { ...same, requestsPerTarget: 100 },
  }),
  application('a latency to scale by where nothing scales', 'acceptableLatency', {
    queues,
    workers: { all: { ...same, acceptableLatency: Duration.minutes(5) } },
  }),
  application('a duration to scale by where nothing scales', 'taskDuration', {
    queues,
    workers: { all: { ...same, taskDuration: Duration.seconds(2) } },
  }),
  application('a backlog to scale by where nothing scales', 'backlogPerTask', {
    queues,
    workers: { all: { ...same, backlogPerTask: 5 } },
  }),
  application('an age of attempts where there is one attempt', 'maxEventAge', {
    scheduledCommands: {
      prune: {
        command,
        schedule: ScheduleExpression.rate(Duration.hours(1)),
        retryAttempts: 0,
        maxEventAge: Duration.minutes(5),
      },
    },
  }),
  application('retention of flow logs that are off', 'logRetention', {
    networkOptions: { flowLogs: false, logRetention: RetentionDays.ONE_WEEK },
  }),
  application('removal of flow logs that are off', 'removalPolicy', {
    networkOptions: { flowLogs: false, removalPolicy: RemovalPolicy.DESTROY },
  }),
  application('retention for a bucket of access logs that is brought', 'logRetention', (stack) => ({
    loadBalancerOptions: { accessLogsBucket: new Bucket(stack, 'Bucket'), logRetention: RetentionDays.ONE_WEEK },
  })),
  application('removal of a bucket of access logs that is brought', 'removalPolicy', (stack) => ({
    loadBalancerOptions: { accessLogsBucket: new Bucket(stack, 'Bucket'), removalPolicy: RemovalPolicy.DESTROY },
  })),
  application('retention for the logs of a distribution, which are in one bucket with others', 'cdn', {
    cdn: { logRetention: RetentionDays.ONE_WEEK },
  }),
  application('removal of the logs of a distribution, which are in one bucket with others', 'cdn', {
    cdn: { removalPolicy: RemovalPolicy.DESTROY },
  }),
  application('a period of a key that does not rotate', 'rotationPeriod', {
    secretKeyOptions: { rotate: false, rotationPeriod: Duration.days(30) },
  }),
  application('sessions of a key that does not rotate', 'sessionCookieAge', {
    secretKeyOptions: { rotate: false, sessionCookieAge: Duration.days(30) },
  }),
  application('an hour of a key that does not rotate', 'rotationWindow', {
    secretKeyOptions: { rotate: false, rotationWindow: { hour: 4 } },
  }),
  application('an hour of passwords that do not rotate', 'passwordRotationWindow', {
    databaseOptions: { passwordRotation: PasswordRotation.OFF, passwordRotationWindow: { hour: 4 } },
  }),
  application('a period of passwords that do not rotate', 'passwordRotationPeriod', {
    databaseOptions: { passwordRotation: PasswordRotation.OFF, passwordRotationPeriod: Duration.days(7) },
  }),
  application('a time for restores that are off', 'restoreTestSchedule', {
    backupOptions: { restoreTesting: false, restoreTestSchedule: Schedule.cron({ minute: '0', hour: '1' }) },
  }),
  application('subnets for restores that are off', 'restoreTestSubnets', {
    backupOptions: { restoreTesting: false, restoreTestSubnets: { subnetType: SubnetType.PRIVATE_ISOLATED } },
  }),

  secretKey('retention of a log without rotation', 'logRetention', {
    rotate: false,
    logRetention: RetentionDays.ONE_DAY,
  }),
  web('ways out of a security group that is brought', 'egress', (stack) => ({
    securityGroup: SecurityGroup.fromSecurityGroupId(stack, 'Group', 'sg-0123456789abcdef0'),
    egress: [Egress.https()],
  })),
  web('retention of a log group that is brought', 'logRetention', (stack) => ({
    logGroup: new LogGroup(stack, 'Logs'),
    logRetention: RetentionDays.ONE_WEEK,
  })),
  web('removal of a log group that is brought', 'removalPolicy', (stack) => ({
    logGroup: new LogGroup(stack, 'Logs'),
    removalPolicy: RemovalPolicy.DESTROY,
  })),
  web('a key for a log group that is brought', 'encryptionKey', (stack) => ({
    logGroup: new LogGroup(stack, 'Logs'),
    encryptionKey: new Key(stack, 'Key'),
  })),
  scheduled('a key beside its own log group and queue', 'encryptionKey', (stack) => ({
    encryptionKey: new Key(stack, 'Key'),
  })),
  scheduled('removal of its own log group and queue', 'removalPolicy', { removalPolicy: RemovalPolicy.DESTROY }),
  network('a key of flow logs that are off', 'encryptionKey', (stack) => ({
    flowLogs: false,
    encryptionKey: new Key(stack, 'Key'),
  })),
  secretKey('concurrency without rotation', 'handlerReservedConcurrency', {
    rotate: false,
    handlerReservedConcurrency: 1,
  }),
  secretKey('a topic without rotation', 'deadLetterTopic', (stack) => ({
    rotate: false,
    deadLetterTopic: new Topic(stack, 'Topic'),
  })),
  threshold('serverErrorPercent', 5),
  threshold('responseTime', Duration.seconds(3)),
  threshold('cpuPercent', 70),
  threshold('memoryPercent', 70),
  threshold('waitingTime', Duration.minutes(10)),
  threshold('databaseCpuPercent', 70),
  threshold('databaseConnectionsPercent', 70),
  threshold('databaseFreeStorage', Size.gibibytes(5)),
  threshold('databaseFreeableMemory', Size.gibibytes(1)),
  threshold('databaseReplicaLag', Duration.minutes(20)),
  threshold('cacheCpuPercent', 70),
  threshold('cacheMemoryPercent', 70),
  threshold('cacheEvictions', 5),
  threshold('cacheConnections', 500),
  threshold('applicationErrors', 5),
  threshold('certificateDays', 20),
  application('days of a certificate that is not known', 'alarmThresholds.certificateDays', (stack) => {
    const brought = loadBalancer(stack);
    return { vpc: brought.loadBalancer.vpc, loadBalancer: brought, alarmThresholds: { certificateDays: 20 } };
  }),
  existingQueues('a key where no queue is made', 'encryptionKey', (stack) => ({
    encryptionKey: new Key(stack, 'Key'),
  })),
  existingQueues('removal where no queue is made', 'removalPolicy', { removalPolicy: RemovalPolicy.DESTROY }),
];
