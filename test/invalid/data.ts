import { Duration, Size, type Stack } from 'aws-cdk-lib';
import { InstanceType, SecurityGroup, SubnetType, Vpc } from 'aws-cdk-lib/aws-ec2';
import { Key } from 'aws-cdk-lib/aws-kms';
import {
  AuroraPostgresEngineVersion,
  CaCertificate,
  DBClusterStorageType,
  PostgresEngineVersion,
} from 'aws-cdk-lib/aws-rds';
import { Bucket, type BucketAttributes } from 'aws-cdk-lib/aws-s3';
import { ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import {
  AuroraPostgresDatabase,
  type AuroraPostgresDatabaseOptions,
} from '../../constructs/database/aurora-postgres-database';
import { DatabaseVariables } from '../../constructs/database/database-variables';
import { PointInTime } from '../../constructs/database/point-in-time';
import { PostgresDatabase, type PostgresDatabaseOptions } from '../../constructs/database/postgres-database';
import type { DatabaseDumpProps } from '../../constructs/dumps/database-dump';
import type { DumpCopyOptions } from '../../constructs/dumps/dump-copy';
import { DumpLock } from '../../constructs/dumps/dump-lock';
import { Egress } from '../../constructs/processes/egress';
import { SecretKey, type SecretKeyProps } from '../../constructs/secrets/secret-key';
import { UrlSigningKeys, type UrlSigningKeysProps } from '../../constructs/storage/url-signing-keys';
import { dumpIn } from '../dumps/support';
import type { InvalidCase } from './case';

const NAMES = { host: 'H', port: 'P', name: 'N', user: 'U', password: 'W' };

function vpc(stack: Stack, types: SubnetType[], maxAzs = 2): Vpc {
  return new Vpc(stack, 'Vpc', {
    maxAzs,
    natGateways: types.includes(SubnetType.PRIVATE_WITH_EGRESS) ? 1 : 0,
    restrictDefaultSecurityGroup: false,
    subnetConfiguration: types.map((subnetType) => ({ name: subnetType, subnetType })),
  });
}

const WHOLE = [SubnetType.PUBLIC, SubnetType.PRIVATE_WITH_EGRESS, SubnetType.PRIVATE_ISOLATED];

function database(
  name: string,
  prop: string,
  options: PostgresDatabaseOptions,
  { types = WHOLE, maxAzs = 2 } = {},
): InvalidCase {
  const make = (stack: Stack) =>
    new PostgresDatabase(stack, 'Database', { vpc: vpc(stack, types, maxAzs), ...options });
  return { name: `database: ${name}`, prop, make };
}

function secretKey(name: string, prop: string, props: SecretKeyProps): InvalidCase {
  return { name: `secret key: ${name}`, prop, make: (stack) => new SecretKey(stack, 'SecretKey', props) };
}

function signingKeys(name: string, prop: string, props: UrlSigningKeysProps): InvalidCase {
  return { name: `keys for signed URLs: ${name}`, prop, make: (stack) => new UrlSigningKeys(stack, 'Keys', props) };
}

function dump(
  name: string,
  prop: string,
  props: (stack: Stack) => Partial<DatabaseDumpProps>,
  ofDatabase: PostgresDatabaseOptions = {},
): InvalidCase {
  return { name: `dumps: ${name}`, prop, make: (stack) => dumpIn(stack, props(stack), ofDatabase) };
}

const often = (hour: string, weekDay?: string) => ScheduleExpression.cron({ minute: '0', hour, weekDay });
const store = (stack: Stack, copy: Partial<DumpCopyOptions>): Partial<DatabaseDumpProps> => ({
  copyTo: {
    endpoint: 'https://s3.example.com',
    region: 'nl',
    bucket: 'copies',
    secret: Secret.fromSecretNameV2(stack, 'Store', 'store'),
    ...copy,
  },
});
const elsewhere = (stack: Stack, attrs: Partial<BucketAttributes> = {}) =>
  Bucket.fromBucketAttributes(stack, 'Elsewhere', { bucketName: 'elsewhere', region: 'eu-west-1', ...attrs });

const aurora = (name: string, prop: string, options: AuroraPostgresDatabaseOptions): InvalidCase => ({
  name: `Aurora: ${name}`,
  prop,
  make: (stack) => new AuroraPostgresDatabase(stack, 'Database', { vpc: vpc(stack, WHOLE, 2), ...options }),
});
const scaling = (minCapacity: number, maxCapacity: number, autoPause?: Duration): AuroraPostgresDatabaseOptions => ({
  serverless: { minCapacity, maxCapacity, autoPause },
});
const version = (name: string) => AuroraPostgresEngineVersion.of(name, name.split('.')[0]);

export const cases: InvalidCase[] = [
  aurora('a third of a unit', 'serverless.minCapacity', scaling(0.3, 4)),
  aurora('less than nothing', 'serverless.minCapacity', scaling(-1, 4)),
  aurora('more than there is', 'serverless.maxCapacity', scaling(1, 256.5)),
  aurora('half a unit at most', 'serverless.maxCapacity', scaling(0.5, 0.5)),
  aurora('more at least than at most', 'serverless.maxCapacity', scaling(8, 4)),
  aurora('a pause after four minutes', 'serverless.autoPause', scaling(0, 4, Duration.minutes(4))),
  aurora('a pause after two days', 'serverless.autoPause', scaling(0, 4, Duration.days(2))),
  aurora('a pause that never comes', 'serverless.autoPause', scaling(1, 4, Duration.hours(1))),
  aurora('a version that cannot pause', 'serverless.minCapacity', { engineVersion: version('16.2'), ...scaling(0, 4) }),
  aurora('logical replication where it pauses', 'parameters.rds.logical_replication', {
    parameters: { 'rds.logical_replication': '1' },
    ...scaling(0, 4),
  }),
  aurora('jobs that nobody runs while it pauses', 'extensions', {
    extensions: ['pg_cron'],
    parameters: { shared_preload_libraries: 'pg_cron', 'cron.database_name': 'django' },
    ...scaling(0, 4),
  }),
  aurora('class and capacities', 'instanceType', { instanceType: new InstanceType('r7g.large'), ...scaling(1, 4) }),
  aurora('a class with little memory', 'instanceType', { instanceType: new InstanceType('m7g.large') }),
  aurora('a burstable class that is too small', 'instanceType', { instanceType: new InstanceType('t4g.small') }),
  aurora('storage that the version lacks', 'storageType', {
    engineVersion: version('17.2'),
    storageType: DBClusterStorageType.AURORA_IOPT1,
  }),
  aurora('an old major version', 'engineVersion', { engineVersion: version('13.20') }),
  aurora('sixteen readers', 'readers', { readers: 16 }),
  aurora('a name with a capital', 'clusterIdentifier', { clusterIdentifier: 'Orders' }),
  aurora('the port that attackers try', 'port', { port: 5432 }),
  aurora('an extension of RDS alone', 'extensions', { extensions: ['pg_transport'] }),
  aurora('a snapshot of no database', 'snapshotIdentifier', { snapshotIdentifier: 'arn:aws:s3:::snapshot' }),
  dump('no schedule', 'schedules', () => ({ schedules: [] })),
  dump('a single time', 'schedules[0]', () => ({ schedules: [ScheduleExpression.at(new Date(0))] })),
  dump('a schedule in words', 'schedules[0]', () => ({ schedules: [ScheduleExpression.expression('at night')] })),
  dump('once a week, which no alarm could miss', 'schedules', () => ({ schedules: [often('1', 'SUN')] })),
  dump('an age that is over between two dumps', 'maxAge', () => ({ maxAge: Duration.hours(20) })),
  dump('an age in minutes', 'maxAge', () => ({ maxAge: Duration.minutes(1700) })),
  dump('an age of more than a week', 'maxAge', () => ({ maxAge: Duration.days(8) })),
  dump('an age where no dump is waited for', 'maxAge', () => ({ maxAge: Duration.hours(30), enabled: false })),
  dump('days that cannot be reckoned, without an age', 'maxAge', () => ({
    schedules: [ScheduleExpression.cron({ minute: '0', hour: '1', year: '2027' })],
  })),
  dump('a dump on the last of each month', 'schedules', () => ({
    schedules: [ScheduleExpression.cron({ minute: '0', hour: '1', day: 'L' })],
  })),
  dump('a dump of no time', 'maxDuration', () => ({ maxDuration: Duration.minutes(0) })),
  dump('a dump of two days', 'maxDuration', () => ({ maxDuration: Duration.days(2) })),
  dump('a prefix that begins with a slash', 'prefix', () => ({ prefix: '/dumps' })),
  dump('a prefix that ends with a slash', 'prefix', () => ({ prefix: 'dumps/' })),
  dump('no room', 'storage', () => ({ storage: Size.gibibytes(0) })),
  dump('more room than a task has', 'storage', () => ({ storage: Size.gibibytes(193) })),
  dump('half a GiB of room', 'storage', () => ({ storage: Size.mebibytes(1536) })),
  dump('a database that no task has room for', 'database', () => ({}), {
    allocatedStorage: 193,
    maxAllocatedStorage: 300,
  }),
  dump('a size that Fargate does not sell', 'memoryLimitMiB', () => ({ cpu: 256, memoryLimitMiB: 4096 })),
  dump('no image with the authorities of RDS', 'applicationImage', () => ({ applicationImage: undefined })),
  dump('daily dumps for half a day', 'dailyRetention', () => ({ dailyRetention: Duration.hours(12) })),
  dump('weekly dumps for no time', 'weeklyRetention', () => ({ weeklyRetention: Duration.days(0) })),
  dump('monthly dumps for longer than S3 counts', 'monthlyRetention', () => ({
    monthlyRetention: Duration.days(40_000),
  })),
  dump('a lock that holds longer than dumps are kept', 'bucketLock.retention', () => ({
    bucketLock: DumpLock.governance({ retention: Duration.days(36) }),
  })),
  dump('weekly dumps that are locked for longer', 'dailyRetention', () => ({ weeklyRetention: Duration.days(14) })),
  dump('a lock for half a day', 'bucketLock.retention', () => ({
    bucketLock: DumpLock.governance({ retention: Duration.hours(12) }),
  })),
  dump('a compliance lock that nobody has understood', 'bucketLock.confirmation', () => ({
    bucketLock: DumpLock.compliance({ confirmation: 'yes' }),
  })),
  dump('a lock for a bucket that is brought', 'bucketLock', (stack) => ({
    bucket: elsewhere(stack),
    bucketLock: DumpLock.none(),
  })),
  dump('a key for a bucket that is brought', 'encryptionKey', (stack) => ({
    bucket: elsewhere(stack),
    encryptionKey: new Key(stack, 'Own'),
  })),
  dump('a copy of a bucket that is brought', 'replicaBucket', (stack) => ({
    bucket: new Bucket(stack, 'Own'),
    replicaBucket: elsewhere(stack),
  })),
  dump('a copy without a key', 'replicaBucket', (stack) => ({ replicaBucket: elsewhere(stack) })),
  dump('a way out for a security group that is brought', 'egress', (stack) => ({
    securityGroup: SecurityGroup.fromSecurityGroupId(stack, 'Group', 'sg-0123456789abcdef0'),
    egress: [Egress.https()],
  })),
  dump('a store without TLS', 'copyTo.endpoint', (stack) => store(stack, { endpoint: 'http://s3.example.com' })),
  dump('a store with a path', 'copyTo.endpoint', (stack) => store(stack, { endpoint: 'https://s3.example.com/a' })),
  dump('a store whose bucket is an address', 'copyTo.bucket', (stack) => store(stack, { bucket: 's3://copies' })),
  dump('a store whose folder ends with a slash', 'copyTo.folder', (stack) => store(stack, { folder: 'shop/' })),
  dump('a store in no region', 'copyTo.region', (stack) => store(stack, { region: '' })),
  signingKeys('addresses of no time', 'longestLifetime', { longestLifetime: Duration.seconds(0) }),
  signingKeys('addresses of half a second', 'longestLifetime', { longestLifetime: Duration.millis(1500) }),
  signingKeys('addresses that no rotation waits for', 'longestLifetime', { longestLifetime: Duration.days(1000) }),
  signingKeys('rotation every half day', 'rotationPeriod', { rotationPeriod: Duration.hours(12) }),
  signingKeys('rotation while addresses are valid', 'rotationPeriod', {
    longestLifetime: Duration.days(6),
    rotationPeriod: Duration.days(7),
  }),
  signingKeys('addresses as long as the default period', 'rotationPeriod', { longestLifetime: Duration.days(90) }),
  signingKeys('an hour that no day has', 'rotationWindow.hour', { rotationWindow: { hour: 24 } }),
  signingKeys('nothing reserved for the function', 'handlerReservedConcurrency', { handlerReservedConcurrency: 0 }),
  secretKey('rotation every half day', 'rotationPeriod', { rotationPeriod: Duration.hours(12) }),
  secretKey('rotation every day and a half', 'rotationPeriod', { rotationPeriod: Duration.hours(36) }),
  secretKey('rotation after three years', 'rotationPeriod', { rotationPeriod: Duration.days(1001) }),
  secretKey('rotation at once', 'rotationPeriod', { rotationPeriod: Duration.days(0) }),
  secretKey('more old keys than are kept', 'rotationPeriod', {
    rotationPeriod: Duration.days(2),
    sessionCookieAge: Duration.days(60),
  }),
  secretKey('sessions without end', 'sessionCookieAge', { sessionCookieAge: Duration.days(3650) }),
  secretKey('sessions of no time', 'sessionCookieAge', { sessionCookieAge: Duration.seconds(0) }),
  secretKey('a period where nothing rotates', 'rotationPeriod', { rotate: false, rotationPeriod: Duration.days(30) }),
  secretKey('no concurrency at all', 'handlerReservedConcurrency', { handlerReservedConcurrency: 0 }),
  secretKey('an hour that no day has', 'rotationWindow.hour', { rotationWindow: { hour: 24 } }),
  secretKey('half an hour', 'rotationWindow.duration', { rotationWindow: { hour: 4, duration: Duration.minutes(30) } }),
  secretKey('a window over midnight', 'rotationWindow.duration', {
    rotationWindow: { hour: 22, duration: Duration.hours(3) },
  }),
  secretKey('an hour beside a period that no calendar has', 'rotationPeriod', {
    rotationPeriod: Duration.days(45),
    rotationWindow: { hour: 4 },
  }),
  database('a window of passwords over midnight', 'passwordRotationWindow.duration', {
    passwordRotationWindow: { hour: 23, duration: Duration.hours(2) },
  }),
  database('rotation every hour', 'passwordRotationPeriod', { passwordRotationPeriod: Duration.hours(1) }),
  database('rotation after three years', 'passwordRotationPeriod', { passwordRotationPeriod: Duration.days(1001) }),
  database('authority that the handlers do not know', 'caCertificate', {
    caCertificate: CaCertificate.RDS_CA_RSA4096_G1,
  }),
  database('name with a hyphen', 'databaseName', { databaseName: 'my-shop' }),
  database('name in capitals', 'databaseName', { databaseName: 'Shop' }),
  database('name of 64 characters', 'databaseName', { databaseName: 'a'.repeat(64) }),
  database('empty name', 'databaseName', { databaseName: '' }),
  database('name that SQL keeps', 'databaseName', { databaseName: 'select' }),
  database('name that PostgreSQL keeps', 'databaseName', { databaseName: 'template1' }),
  database('master that everybody guesses', 'masterUsername', { masterUsername: 'postgres' }),
  database('master that is the administrator', 'masterUsername', { masterUsername: 'admin' }),
  database('master that RDS keeps', 'masterUsername', { masterUsername: 'rdsadmin' }),
  database('master that is a login of the application', 'masterUsername', { masterUsername: 'django_a' }),
  database('user without room for its suffix', 'applicationUser', { applicationUser: 'u'.repeat(62) }),
  database('user that PostgreSQL keeps', 'applicationUser', { applicationUser: 'pg_shop' }),
  database('objects of RDS', 'takeOwnershipFrom', { takeOwnershipFrom: ['shop', 'rds_superuser'] }),
  database('objects of what serves', 'takeOwnershipFrom', { takeOwnershipFrom: ['django_serving'] }),
  database('objects of nobody', 'takeOwnershipFrom', { takeOwnershipFrom: [''] }),
  database('an extension that RDS does not have', 'extensions', { extensions: ['postgis', 'timescaledb'] }),
  database('an extension by another name', 'extensions', { extensions: ['pgvector'] }),
  database('an extension of later versions', 'extensions', {
    extensions: ['pg_walinspect'],
    engineVersion: PostgresEngineVersion.VER_14,
  }),
  database('an extension of earlier versions', 'extensions', { extensions: ['old_snapshot'] }),
  database('an extension that RDS has given up', 'extensions', {
    extensions: ['plcoffee'],
    engineVersion: PostgresEngineVersion.VER_18,
  }),
  database('an extension that the server does not start with', 'extensions', {
    extensions: ['pg_cron'],
    parameters: { 'cron.database_name': 'django' },
  }),
  database('statistics that the server starts without', 'extensions', {
    extensions: ['pg_stat_statements'],
    parameters: { shared_preload_libraries: 'pgaudit' },
  }),
  database('jobs in another database', 'parameters.cron.database_name', {
    extensions: ['pg_cron'],
    parameters: { shared_preload_libraries: 'pg_stat_statements, pg_cron' },
  }),
  database('default port', 'port', { port: 5432 }),
  database('port below what RDS allows', 'port', { port: 80 }),
  database('port that is no number', 'port', { port: Number.NaN }),
  database('storage below gp3', 'allocatedStorage', { allocatedStorage: 5 }),
  database('storage that is no whole number', 'allocatedStorage', { allocatedStorage: 20.5 }),
  database('storage that cannot grow', 'maxAllocatedStorage', { allocatedStorage: 200, maxAllocatedStorage: 200 }),
  database('storage that shrinks', 'maxAllocatedStorage', { maxAllocatedStorage: -1 }),
  database('backups for a day', 'backupRetention', { backupRetention: Duration.days(1) }),
  database('backups for too long', 'backupRetention', { backupRetention: Duration.days(36) }),
  database('backup window of ten minutes', 'preferredBackupWindow', { preferredBackupWindow: '03:00-03:10' }),
  database('backup window in words', 'preferredBackupWindow', { preferredBackupWindow: 'at night' }),
  database('maintenance without a day', 'preferredMaintenanceWindow', { preferredMaintenanceWindow: '04:00-05:00' }),
  database('maintenance for two days', 'preferredMaintenanceWindow', {
    preferredMaintenanceWindow: 'mon:00:00-wed:00:00',
  }),
  database('overlapping windows', 'preferredMaintenanceWindow', {
    preferredBackupWindow: '04:00-05:00',
    preferredMaintenanceWindow: 'sun:04:30-sun:05:30',
  }),
  database('sixteen replicas', 'readReplicas', { readReplicas: 16 }),
  database('a negative number of replicas', 'readReplicas', { readReplicas: -1 }),
  database('ten replicas of a name that leaves them no room', 'readReplicas', {
    instanceIdentifier: 'a'.repeat(53),
    readReplicas: 10,
  }),
  database('class that RDS does not sell', 'instanceType', { instanceType: new InstanceType('t4g.nano') }),
  database('class with the prefix', 'instanceType', { instanceType: new InstanceType('db.t4g.micro') }),
  database('version that Django does not support', 'engineVersion', { engineVersion: PostgresEngineVersion.VER_13 }),
  database('identifier with two hyphens', 'instanceIdentifier', { instanceIdentifier: 'shop--db' }),
  database('snapshot of something else', 'snapshotIdentifier', {
    snapshotIdentifier: 'arn:aws:s3:::backups/shop.dump',
  }),
  database('a snapshot and a moment', 'pointInTime', {
    snapshotIdentifier: 'old',
    pointInTime: PointInTime.ofInstance('old'),
  }),
  database('a moment of a name that no instance has', 'pointInTime', { pointInTime: PointInTime.ofInstance('my_db') }),
  database('a moment of an instance by the wrong id', 'pointInTime', { pointInTime: PointInTime.ofResource('old') }),
  database('a moment of a bucket', 'pointInTime', {
    pointInTime: PointInTime.ofAutomatedBackups('arn:aws:s3:::backups'),
  }),
  database('a moment in words', 'pointInTime', { pointInTime: PointInTime.ofInstance('old', 'yesterday') }),
  database('a moment of no day', 'pointInTime', { pointInTime: PointInTime.ofInstance('old', '2026-13-41T03:00:00Z') }),
  database('a database of RDS in a snapshot', 'databaseName', { snapshotIdentifier: 'old', databaseName: 'rdsadmin' }),
  database('certificates at a relative path', 'caBundlePath', { caBundlePath: 'certs/rds.pem' }),
  database('TLS not forced', 'parameters.rds.force_ssl', { parameters: { 'rds.force_ssl': '0' } }),
  database('parameter that is undefined', 'parameters.work_mem', {
    parameters: { work_mem: process.env.DATABASE_WORK_MEM_THAT_NOBODY_SET as string },
  }),
  database('no concurrency at all', 'handlerReservedConcurrency', { handlerReservedConcurrency: 0 }),
  database('variable with a hyphen', 'variables.host', {
    variables: DatabaseVariables.of({ ...NAMES, host: 'DB-HOST' }),
  }),
  database('two variables of one name', 'variables.user', { variables: DatabaseVariables.of({ ...NAMES, user: 'W' }) }),
  database('variable that is set already', 'variables.name', {
    variables: DatabaseVariables.of({ ...NAMES, name: 'PGSSLMODE' }),
  }),
  database('a url named like the password', 'variables.url', {
    variables: DatabaseVariables.of({ ...NAMES, url: 'W' }),
  }),
  database('a url named like a variable of the cache', 'variables.url', {
    variables: DatabaseVariables.of({ ...NAMES, url: 'CACHE_URL' }),
  }),
  database('in public subnets', 'vpcSubnets', { vpcSubnets: { subnetType: SubnetType.PUBLIC } }),
  database('in a VPC of public subnets', 'vpcSubnets', {}, { types: [SubnetType.PUBLIC] }),
  database('in one zone', 'vpcSubnets', {}, { maxAzs: 1 }),
  database('handler in public subnets', 'handlerSubnets', { handlerSubnets: { subnetType: SubnetType.PUBLIC } }),
  database(
    'handler without a way to Secrets Manager',
    'secretsManagerEndpoint',
    {},
    {
      types: [SubnetType.PUBLIC, SubnetType.PRIVATE_ISOLATED],
    },
  ),
];
