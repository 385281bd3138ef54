import { Duration, RemovalPolicy, Stack, Stage } from 'aws-cdk-lib';
import { SubnetType } from 'aws-cdk-lib/aws-ec2';
import { Schedule } from 'aws-cdk-lib/aws-events';
import { DatabaseInstance } from 'aws-cdk-lib/aws-rds';
import { HostedZone, PrivateHostedZone } from 'aws-cdk-lib/aws-route53';
import { Bucket, BucketEncryption } from 'aws-cdk-lib/aws-s3';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { EmailIdentity } from 'aws-cdk-lib/aws-ses';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { BackupVaultLock } from '../../constructs/backup/backup-vault-lock';
import {
  DatabaseBackup,
  type DatabaseBackupOptions,
  type DatabaseBackupRule,
} from '../../constructs/backup/database-backup';
import { type IPostgresDatabase, PostgresDatabase } from '../../constructs/database/postgres-database';
import { DmarcPolicy, Mail, type MailAttributes, type MailProps } from '../../constructs/mail/mail';
import { Notifications } from '../../constructs/notifications/notifications';
import { CeleryBroker, type CeleryBrokerProps } from '../../constructs/queues/celery-broker';
import { TaskQueue, type TaskQueueProps } from '../../constructs/queues/task-queue';
import { MediaStorage, type MediaStorageProps } from '../../constructs/storage/media-storage';
import { StaticFiles } from '../../constructs/storage/static-files';
import { PipelineStack, type PipelineStackProps } from '../../lib/pipeline-stack';
import { testVpc } from '../support';
import type { InvalidCase } from './case';

const OTHER_ACCOUNT = 'arn:aws:ses:eu-central-1:999999999999:identity/example.com';

const queue = (name: string, prop: string, props: TaskQueueProps): InvalidCase => ({
  name: `TaskQueue: ${name}`,
  prop,
  make: (stack) => new TaskQueue(stack, 'Tasks', props),
});

const imported = (name: string, prop: string, arn: string, [limit, visible]: [Duration, Duration]): InvalidCase => ({
  name: `TaskQueue.fromTaskQueueAttributes: ${name}`,
  prop,
  make: (stack) =>
    TaskQueue.fromTaskQueueAttributes(stack, 'Tasks', {
      queue: Queue.fromQueueArn(stack, 'Given', arn),
      taskTimeLimit: limit,
      visibilityTimeout: visible,
    }),
});

const broker = (name: string, prop: string, props: (stack: Stack) => CeleryBrokerProps): InvalidCase => ({
  name: `CeleryBroker: ${name}`,
  prop,
  make: (stack) => new CeleryBroker(stack, 'Broker', props(stack)),
});

const media = (
  name: string,
  prop: string,
  props: MediaStorageProps | ((stack: Stack) => MediaStorageProps),
): InvalidCase => ({
  name: `MediaStorage: ${name}`,
  prop,
  make: (stack) => new MediaStorage(stack, 'Media', typeof props === 'function' ? props(stack) : props),
});

const uploader = (name: string, origin: string): InvalidCase =>
  media(name, 'corsAllowedOrigins[1]', { corsAllowedOrigins: ['https://shop.example.com', origin] });

const mail = (name: string, prop: string, props: MailProps | ((stack: Stack) => MailProps)): InvalidCase => ({
  name: `Mail: ${name}`,
  prop,
  make: (stack) => {
    const hostedZone = HostedZone.fromHostedZoneAttributes(stack, 'Zone', {
      hostedZoneId: 'Z0123456789ABCDEFGHIJ',
      zoneName: 'example.com',
    });
    const given = typeof props === 'function' ? props(stack) : { hostedZone, domain: 'shop.example.com', ...props };
    return new Mail(stack, 'Mail', given);
  },
});

const sender = (name: string, ...fromAddresses: string[]): InvalidCase =>
  mail(name, `fromAddresses[${fromAddresses.length - 1}]`, { fromAddresses });

const verified = (name: string, prop: string, identity: string, props: MailProps = {}): InvalidCase =>
  mail(name, prop, (stack) => ({ emailIdentity: identityOf(stack, identity), ...props }));

const wholeMail = (name: string, prop: string, identity: string, attrs: Partial<MailAttributes> = {}): InvalidCase => ({
  name: `Mail.fromMailAttributes: ${name}`,
  prop,
  make: ({ node: { root: app } }) => {
    const stack = new Stack(app as Stage, 'Germany', { env: { account: '111122223333', region: 'eu-central-1' } });
    return Mail.fromMailAttributes(stack, 'Mail', { emailIdentity: identityOf(stack, identity), ...attrs });
  },
});

function identityOf(stack: Stack, identity: string) {
  return identity.startsWith('arn:')
    ? EmailIdentity.fromEmailIdentityArn(stack, 'Identity', identity)
    : EmailIdentity.fromEmailIdentityName(stack, 'Identity', identity);
}

const notified = (name: string, prop: string, ...emailAddresses: string[]): InvalidCase => ({
  name: `Notifications: ${name}`,
  prop,
  make: (stack) => new Notifications(stack, 'Notifications', { emailAddresses }),
});

const backup = (name: string, prop: string, props: DatabaseBackupOptions): InvalidCase => ({
  name: `DatabaseBackup: ${name}`,
  prop,
  make: (stack) => new DatabaseBackup(stack, 'Backup', { database: databaseIn(stack), vpc: testVpc(stack), ...props }),
});

const backupRule = (name: string, prop: string, changes: Partial<DatabaseBackupRule>): InvalidCase =>
  backup(name, `rules[0].${prop}`, { rules: [{ ...DAILY, ...changes }] });

const pipeline = (name: string, prop: string, props: Partial<PipelineStackProps>): InvalidCase => ({
  name: `PipelineStack: ${name}`,
  prop,
  make: ({ node: { root: app } }) =>
    new PipelineStack(app as Stage, 'Pipeline', {
      repository: 'example/shop',
      connectionArn: 'arn:aws:codeconnections:eu-central-1:111122223333:connection/1',
      staging: new Stage(app, 'Staging'),
      production: new Stage(app, 'Production'),
      ...props,
    }),
});

const DAILY: DatabaseBackupRule = {
  name: 'daily',
  schedule: Schedule.cron({ minute: '0', hour: '2' }),
  deleteAfter: Duration.days(35),
};
const STANDARD = 'arn:aws:sqs:eu-central-1:111122223333:tasks';
const changeableFor = Duration.days(7);
const confirmation = BackupVaultLock.COMPLIANCE_CONFIRMATION;

function databaseIn(stack: Stack): IPostgresDatabase {
  const instance = DatabaseInstance.fromDatabaseInstanceAttributes(stack, 'Database', {
    instanceIdentifier: 'shop',
    instanceEndpointAddress: 'shop.example.com',
    port: 5433,
    securityGroups: [],
  });
  const applicationSecret = Secret.fromSecretNameV2(stack, 'Login', 'shop');
  return PostgresDatabase.fromPostgresDatabaseAttributes(stack, 'Postgres', { instance, applicationSecret });
}

export const cases: InvalidCase[] = [
  queue('no time for a task', 'taskTimeLimit', { taskTimeLimit: Duration.seconds(0) }),
  queue('a time limit that is not a number', 'taskTimeLimit', { taskTimeLimit: Duration.seconds(Number.NaN) }),
  queue('a time limit with a fraction', 'taskTimeLimit', { taskTimeLimit: Duration.millis(4500) }),
  queue('a time limit longer than SQS hides a message', 'taskTimeLimit', { taskTimeLimit: Duration.hours(12) }),
  queue('visibility below the time limit', 'visibilityTimeout', { visibilityTimeout: Duration.minutes(20) }),
  queue('visibility without a margin', 'visibilityTimeout', { visibilityTimeout: Duration.minutes(25) }),
  queue('visibility over 12 hours', 'visibilityTimeout', { visibilityTimeout: Duration.hours(13) }),
  queue('visibility with a fraction', 'visibilityTimeout', { visibilityTimeout: Duration.millis(2_000_500) }),
  queue('visibility of a default 30 seconds', 'visibilityTimeout', { visibilityTimeout: Duration.seconds(30) }),
  queue('ETA beyond the visibility timeout', 'maxEta', { maxEta: Duration.hours(1) }),
  queue('a message received once only', 'maxReceiveCount', { maxReceiveCount: 1 }),
  queue('a message received twice only', 'maxReceiveCount', { maxReceiveCount: 2 }),
  queue('a message never received', 'maxReceiveCount', { maxReceiveCount: -1 }),
  queue('more receives than SQS counts', 'maxReceiveCount', { maxReceiveCount: 1001 }),
  queue('half a receive', 'maxReceiveCount', { maxReceiveCount: 3.5 }),
  queue('receives that are not a number', 'maxReceiveCount', { maxReceiveCount: Number.NaN }),
  queue('retention below a minute', 'retentionPeriod', { retentionPeriod: Duration.seconds(59) }),
  queue('retention as long as that of dead letters', 'retentionPeriod', { retentionPeriod: Duration.days(14) }),
  queue('retention too short for all receives', 'retentionPeriod', { retentionPeriod: Duration.hours(2) }),
  imported('a FIFO queue', 'queue', `${STANDARD}.fifo`, [Duration.minutes(1), Duration.minutes(2)]),
  imported('visibility below the limit', 'visibilityTimeout', STANDARD, [Duration.minutes(2), Duration.minutes(1)]),

  broker('a dot in a name', 'queues', () => ({ queues: { 'mail.out': {} } })),
  broker('a FIFO name', 'queues', () => ({ queues: { 'mail.fifo': {} } })),
  broker('a name of 81 characters', 'queues', () => ({ queues: { [`q${'x'.repeat(80)}`]: {} } })),
  broker('an empty name', 'queues', () => ({ queues: { '': {} } })),
  broker('no queue at all', 'queues', () => ({ queues: {} })),
  broker('an unknown default queue', 'defaultQueueName', () => ({ defaultQueueName: 'celery' })),
  broker('several queues and none of them the default', 'defaultQueueName', () => ({ queues: { a: {}, b: {} } })),
  broker('an existing queue of a name that is made', 'existingQueues', (stack) => ({
    queues: { default: {} },
    existingQueues: { default: new TaskQueue(stack, 'Tasks') },
  })),
  broker('an existing queue with a blank in its name', 'existingQueues', (stack) => ({
    existingQueues: { 'my tasks': new TaskQueue(stack, 'Tasks') },
  })),
  broker('wrong options of a queue', 'maxReceiveCount', () => ({ queues: { default: { maxReceiveCount: 0 } } })),

  uploader('a host without a scheme', 'shop.example.com'),
  uploader('every origin', '*'),
  uploader('every host of a domain', 'https://*.example.com'),
  uploader('an origin that ends in a slash', 'https://shop.example.com/'),
  uploader('an origin with a path', 'https://shop.example.com/upload'),
  uploader('an origin with a query', 'https://shop.example.com?upload'),
  uploader('an origin in capitals', 'https://Shop.example.com'),
  uploader('an origin with the port of its scheme', 'https://shop.example.com:443'),
  uploader('an origin with the port of plain HTTP', 'http://shop.example.com:80'),
  uploader('an origin with no port behind the colon', 'https://shop.example.com:'),
  uploader('an origin of another scheme', 'ftp://shop.example.com'),
  uploader('an origin with a user', 'https://ops@shop.example.com'),
  uploader('an origin with an underscore', 'https://my_shop.example.com'),
  uploader('an origin that browsers write in ASCII', 'https://büro.example.com'),
  uploader('the origin of a file', 'null'),
  uploader('two origins in one', 'https://a.example.com,https://b.example.com'),
  uploader('an empty origin', ''),
  media('versions that are kept for hours', 'noncurrentVersionExpiration', {
    noncurrentVersionExpiration: Duration.hours(36),
  }),
  media('versions that are kept for no time', 'noncurrentVersionExpiration', {
    noncurrentVersionExpiration: Duration.days(0),
  }),
  media('versions that are kept for over a century', 'noncurrentVersionExpiration', {
    noncurrentVersionExpiration: Duration.days(36_501),
  }),
  media('logs into a bucket with a KMS key', 'accessLogsBucket', (stack) => ({
    accessLogsBucket: new Bucket(stack, 'Logs', { encryption: BucketEncryption.KMS }),
  })),
  media('a snapshot of a bucket', 'removalPolicy', { removalPolicy: RemovalPolicy.SNAPSHOT }),
  {
    name: 'StaticFiles: a snapshot of a bucket',
    prop: 'removalPolicy',
    make: (stack) => new StaticFiles(stack, 'StaticFiles', { removalPolicy: RemovalPolicy.SNAPSHOT }),
  },

  mail('neither a zone nor an identity', 'hostedZone', () => ({ domain: 'shop.example.com' })),
  mail('a zone that only a VPC knows', 'hostedZone', (stack) => ({
    hostedZone: new PrivateHostedZone(stack, 'Private', { zoneName: 'example.com', vpc: testVpc(stack) }),
  })),
  mail('a zone without a name', 'hostedZone', (stack) => ({
    hostedZone: HostedZone.fromHostedZoneId(stack, 'Nameless', 'Z0123456789ABCDEFGHIJ'),
    domain: 'shop.example.com',
  })),
  mail('a domain outside of the zone', 'domain', { domain: 'shop.example.org' }),
  mail('a domain that only ends like the zone', 'domain', { domain: 'myexample.com' }),
  mail('a domain with an asterisk', 'domain', { domain: '*.example.com' }),
  mail('an address for a domain', 'domain', { domain: 'shop@example.com' }),
  mail('an empty domain', 'domain', { domain: '' }),
  mail('a return path on the domain itself', 'mailFromDomain', { mailFromDomain: 'shop.example.com' }),
  mail('a return path beside the domain', 'mailFromDomain', { mailFromDomain: 'bounces.example.com' }),
  mail('a word for a return path', 'mailFromDomain', { mailFromDomain: 'bounces' }),
  mail('a DMARC policy that there is not', 'dmarcPolicy', { dmarcPolicy: 'block' as DmarcPolicy }),
  mail('reports without a DMARC policy', 'dmarcReportAddress', { dmarcReportAddress: 'dmarc@example.com' }),
  mail('reports to an address that begins with mailto', 'dmarcReportAddress', {
    dmarcPolicy: DmarcPolicy.NONE,
    dmarcReportAddress: 'mailto:dmarc@example.com',
  }),
  mail('no address to send from', 'fromAddresses', { fromAddresses: [] }),
  sender('a word for an address', 'no-reply'),
  sender('an empty address', 'no-reply@shop.example.com', ''),
  sender('a name with the address', 'Shop <no-reply@shop.example.com>'),
  sender('an address of another domain', 'no-reply@shop.example.com', 'no-reply@example.org'),
  sender('an address of the domain above', 'no-reply@example.com'),
  sender('an address of a domain that only ends alike', 'no-reply@myshop.example.com'),
  sender('every domain', 'no-reply@shop.example.com', 'no-reply@*'),
  sender('a question mark, which IAM takes for any character', 'no-repl?@shop.example.com'),
  sender('an address that is not ASCII', 'büro@shop.example.com'),
  sender('any address by default', '*@shop.example.com'),
  verified('a domain beside an identity', 'domain', 'example.com', { domain: 'example.com' }),
  verified('a return path beside an identity', 'mailFromDomain', 'example.com', { mailFromDomain: 'b.example.com' }),
  verified('a DMARC policy beside an identity', 'dmarcPolicy', 'example.com', { dmarcPolicy: DmarcPolicy.NONE }),
  verified('an address that is not of the identity', 'fromAddresses[0]', 'example.com', {
    fromAddresses: ['no-reply@example.org'],
  }),
  verified('another address than the one that is verified', 'fromAddresses[0]', 'shop@example.com', {
    fromAddresses: ['blog@example.com'],
  }),
  wholeMail('an identity of another account', 'emailIdentity', OTHER_ACCOUNT),
  wholeMail('an address that is not of the identity', 'fromAddresses[0]', 'example.com', {
    fromAddresses: ['no-reply@example.org'],
  }),
  wholeMail('no address', 'fromAddresses', 'example.com', { fromAddresses: [] }),
  {
    name: 'Mail: an identity of another region, where its configuration set would not be',
    prop: 'emailIdentity',
    make: ({ node: { root: app } }) => {
      const stack = new Stack(app as Stage, 'Germany', { env: { account: '111122223333', region: 'eu-central-1' } });
      const emailIdentity = identityOf(stack, 'arn:aws:ses:us-east-1:111122223333:identity/example.com');
      return new Mail(stack, 'Mail', { emailIdentity });
    },
  },

  notified('a word for an address', 'emailAddresses[0]', 'ops'),
  notified('a name with the address', 'emailAddresses[0]', 'Ops <ops@example.com>'),
  notified('an empty address', 'emailAddresses[1]', 'ops@example.com', ''),
  notified('an address twice', 'emailAddresses[1]', 'ops@example.com', 'ops@example.com'),

  backup('no rule', 'rules', { rules: [] }),
  backup('two rules of one name', 'rules[1].name', {
    rules: [DAILY, { ...DAILY, schedule: Schedule.cron({ minute: '0', hour: '6' }) }],
  }),
  backup('two rules at one time', 'rules[1].schedule', { rules: [DAILY, { ...DAILY, name: 'again' }] }),
  backupRule('a rule name with a blank', 'name', { name: 'every day' }),
  backupRule('a rule name of 51 characters', 'name', { name: 'x'.repeat(51) }),
  backupRule('a rate for a schedule', 'schedule', { schedule: Schedule.rate(Duration.days(1)) }),
  backupRule('a schedule of five fields', 'schedule', { schedule: Schedule.expression('cron(0 2 * * *)') }),
  backupRule('a schedule with two day fields', 'schedule', { schedule: Schedule.expression('cron(0 2 1 * SUN *)') }),
  backupRule('a backup kept for hours', 'deleteAfter', { deleteAfter: Duration.hours(36) }),
  backupRule('a backup kept for no time', 'deleteAfter', { deleteAfter: Duration.days(0) }),
  backupRule('a backup kept for over a century', 'deleteAfter', { deleteAfter: Duration.days(36501) }),
  backupRule('a backup kept for less than the default lock', 'deleteAfter', { deleteAfter: Duration.days(6) }),
  backupRule('half an hour to start', 'startWindow', { startWindow: Duration.minutes(30) }),
  backupRule('a start window with seconds', 'startWindow', { startWindow: Duration.seconds(3630) }),
  backupRule('less time to finish than to start', 'completionWindow', { completionWindow: Duration.hours(1) }),
  backupRule('a completion window with seconds', 'completionWindow', { completionWindow: Duration.seconds(14_430) }),
  backup('a rule outside the lock', 'rules[2].deleteAfter', {
    vaultLock: BackupVaultLock.governance({ maxRetention: Duration.days(100) }),
  }),
  backup('a lock of no days', 'vaultLock.minRetention', {
    vaultLock: BackupVaultLock.governance({ minRetention: Duration.days(0) }),
  }),
  backup('a lock that ends before it begins', 'vaultLock.maxRetention', {
    vaultLock: BackupVaultLock.governance({ minRetention: Duration.days(30), maxRetention: Duration.days(29) }),
  }),
  backup('a compliance lock without a time to think', 'vaultLock.changeableFor', {
    vaultLock: BackupVaultLock.compliance({ changeableFor: Duration.days(2), confirmation }),
  }),
  backup('a compliance lock without the words', 'vaultLock.confirmation', {
    vaultLock: BackupVaultLock.compliance({ changeableFor, confirmation: 'yes' }),
  }),
  backup('a rate for the restore test', 'restoreTestSchedule', {
    restoreTestSchedule: Schedule.rate(Duration.days(30)),
  }),
  backup('a restore test in one zone', 'restoreTestSubnets', {
    restoreTestSubnets: { availabilityZones: ['nowhere-1a'] },
  }),
  backup('a restore test in subnets that are not there', 'restoreTestSubnets', {
    restoreTestSubnets: { subnetType: SubnetType.PRIVATE_ISOLATED },
  }),

  pipeline('a repository with its host', 'repository', { repository: 'https://github.com/example/shop' }),
  pipeline('a repository without owner', 'repository', { repository: 'shop' }),
  pipeline('the name of a connection', 'connectionArn', { connectionArn: 'github' }),
  pipeline('a branch with a blank', 'branch', { branch: 'my branch' }),
  pipeline('nothing to synthesize with', 'synthCommands', { synthCommands: [] }),
  pipeline('a command that is not set', 'synthCommands[1]', {
    synthCommands: ['npm test', undefined as unknown as string],
  }),
];
