import { join } from 'node:path';
import { type App, Duration, RemovalPolicy, Size, Stack } from 'aws-cdk-lib';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { InstanceClass, InstanceSize, InstanceType, IpAddresses } from 'aws-cdk-lib/aws-ec2';
import { ContainerImage, ContainerInsights, CpuArchitecture } from 'aws-cdk-lib/aws-ecs';
import { Key } from 'aws-cdk-lib/aws-kms';
import { AuroraPostgresEngineVersion, PostgresEngineVersion } from 'aws-cdk-lib/aws-rds';
import { HostedZone } from 'aws-cdk-lib/aws-route53';
import { ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import {
  type AuroraPostgresDatabaseOptions,
  type DatabaseBackupOptions,
  DatabaseVariables,
  DjangoApplication,
  type DjangoApplicationProps,
  DmarcPolicy,
  DumpLock,
  type NetworkOptions,
  PasswordRotation,
  PointInTime,
  type PostgresDatabaseOptions,
  Profile,
  UrlSigningKeys,
  VariableAliases,
} from 'cdk-django-fargate';
import fc from 'fast-check';
import {
  bring,
  broughtCache,
  broughtIdentity,
  broughtKeys,
  broughtMedia,
  broughtParts,
  broughtStaticFiles,
} from './brought-parts';

/** A random valid `DjangoApplication`, as plain data that a failing run can print. */
export type Configuration = typeof configuration extends fc.Arbitrary<infer T> ? T : never;

const SIZES = [
  { cpu: 256, memoryLimitMiB: 512 },
  { cpu: 256, memoryLimitMiB: 2048 },
  { cpu: 512, memoryLimitMiB: 1024 },
  { cpu: 1024, memoryLimitMiB: 3072 },
  { cpu: 4096, memoryLimitMiB: 8192 },
];
const HOSTS = ['', 'www.', 'shop.', 'blog.', 'api.', 'cdn.', 'my.'].map((label) => `${label}example.com`);
const NAMES = ['default', 'express', 'mail', 'reports'];

const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const size = optional(fc.constantFrom(...SIZES));
const tasks = fc.record({ minCapacity: fc.integer({ min: 1, max: 3 }), more: fc.integer({ min: 0, max: 2 }) });
const seconds = (min: number, max: number) => fc.integer({ min, max });

const loadBalanced = fc.record({
  size,
  tasks: optional(tasks),
  stopTimeout: optional(seconds(40, 120)),
  deregistrationDelay: optional(seconds(0, 300)),
  targetCpuPercent: optional(fc.integer({ min: 10, max: 95 })),
});

export const configuration = fc.record({
  production: fc.constantFrom(true, false, false),
  settingsModule: fc.constantFrom('config.settings', 'shop.settings.production', 'mysite.base'),
  cpuArchitecture: fc.constantFrom('ARM64', 'X86_64'),
  domainNames: fc.uniqueArray(fc.constantFrom(...HOSTS), { maxLength: 5 }),
  redirected: fc.constantFrom(0, 0, 1, 2, 3),
  maxAzs: fc.constantFrom(2, 3),
  natGateways: fc.constantFrom(0, 1, 2),
  multiAz: fc.boolean(),
  retain: fc.boolean(),
  backup: fc.boolean(),
  firewall: optional(fc.integer({ min: 100, max: 20_000 })),
  web: optional(loadBalanced),
  asgi: fc.constantFrom('none', 'some', 'all'),
  queues: fc.uniqueArray(fc.constantFrom(...NAMES), { maxLength: 4 }),
  taskTimeLimit: seconds(4, 3600),
  onePerQueue: fc.boolean(),
  workerStopTimeout: seconds(30, 120),
  webSpot: fc.boolean(),
  workerSpot: fc.boolean(),
  insights: fc.boolean(),
  dashboard: fc.boolean(),
  beat: fc.boolean(),
  schedules: fc.uniqueArray(fc.constantFrom('clearsessions', 'send-digest', 'prune'), { maxLength: 2 }),
  rate: fc.integer({ min: 1, max: 1440 }),
  rotation: fc.boolean(),
  postgres: fc.constantFrom('16', '17', '18'),
  port: fc.integer({ min: 6000, max: 40_000 }),
  backupRetention: fc.integer({ min: 7, max: 35 }),
  environment: fc.dictionary(
    fc.constantFrom('SENTRY_ENVIRONMENT', 'FEATURE_X', '_PRIVATE'),
    fc.string({ maxLength: 20 }),
    { maxKeys: 3, noNullPrototype: true },
  ),
  emails: fc.boolean(),
  names: fc.record({
    databaseName: optional(fc.constantFrom('django', 'shop', 'orders')),
    masterUsername: optional(fc.constantFrom('django_master', 'shop_master')),
    applicationUser: optional(fc.constantFrom('django', 'shop')),
    instanceIdentifier: optional(fc.constantFrom('shop-one', 'shop-two')),
    snapshotIdentifier: fc.constantFrom(undefined, undefined, 'before-the-move', 'after-the-move'),
  }),
  readReplicas: fc.constantFrom(0, 0, 1, 2),
  records: fc.constantFrom('zone', 'zone', 'both', 'certificate'),
  brought: broughtParts,
  addresses: fc.constantFrom(undefined, '10.0.0.0/16', '10.1.0.0/16'),
  // None begins with the first zones of the region, which the model would take for others than their names.
  zones: fc.constantFrom(undefined, undefined, ['b', 'c'], ['b', 'c', 'a'], ['c', 'a']),
  vaultKey: fc.boolean(),
  media: fc.constantFrom('none', 'none', 'made', 'brought'),
  cache: fc.constantFrom('none', 'none', 'made', 'made', 'brought'),
  cacheNodes: fc.constantFrom(undefined, undefined, 1, 2, 6),
  mail: fc.constantFrom('none', 'none', 'made', 'brought'),
  dumps: fc.constantFrom('none', 'none', 'daily', 'often', 'copied'),
  dumpLockDays: fc.constantFrom(undefined, undefined, 0, 1, 35),
  drill: fc.boolean(),
  formerOwner: fc.constantFrom(undefined, 'postgres', 'Shop-Owner'),
  extensions: fc.constantFrom(undefined, undefined, ['pg_trgm'], ['postgis', 'vector', 'pg_stat_statements']),
  databaseUrl: fc.boolean(),
  cookiecutter: fc.boolean(),
  signing: fc.constantFrom('none', 'none', 'made', 'brought'),
  cdn: fc.constantFrom('none', 'none', 'pages', 'public', 'signed', 'both'),
  staticFiles: fc.constantFrom('image', 'image', 'made', 'brought'),
  aurora: fc.constantFrom('none', 'none', 'none', 'provisioned', 'serverless'),
  moment: fc.constantFrom(undefined, undefined, 'latest', '2026-11-29T03:00:00Z'),
});

/** The application of a configuration, in a stack of its own. */
export function applicationOf(app: App, id: string, given: Configuration): Stack {
  const stack = new Stack(app, id);
  new DjangoApplication(stack, 'App', propsOf(stack, given));
  return stack;
}

/**
 * Production serves over HTTPS only, so it needs a name. A rule takes five values, of which a path is one,
 * and the secret of a distribution.
 */
export function domainNamesOf(given: Configuration): string[] {
  const { production, domainNames, asgi } = given;
  const names = production && domainNames.length === 0 ? ['example.com'] : domainNames;
  return names.slice(0, 5 - (asgi === 'some' ? 1 : 0) - (hasCdn(given) ? 1 : 0));
}

/** Some of the names that are not served; a load balancer that is brought redirects what its owner says. */
function redirectedNamesOf(given: Configuration): string[] {
  const served = domainNamesOf(given);
  const isBrought = given.brought.vpc && given.brought.loadBalancer;
  const others = HOSTS.filter((name) => !served.includes(name));
  const some = served.length === 0 || isBrought ? 0 : given.redirected;
  return ['*.old.example.com', ...others].slice(0, some);
}

/** Every name that has a certificate and, in a zone, records. */
export function certifiedNamesOf(given: Configuration): string[] {
  return [...domainNamesOf(given), ...redirectedNamesOf(given)];
}

/** A load balancer that is brought has its distribution, if any. */
function hasCdn({ cdn, brought }: Configuration): boolean {
  return cdn !== 'none' && !(brought.vpc && brought.loadBalancer);
}

function propsOf(stack: Stack, given: Configuration): DjangoApplicationProps {
  const domainNames = domainNamesOf(given);
  const hasQueues = given.queues.length > 0;
  const queues = Object.fromEntries(given.queues.map((name) => [name, Duration.seconds(given.taskTimeLimit)]));
  const parts = bring(stack, given.brought, domainNames, queues);
  return {
    profile: profileOf(given),
    image: ContainerImage.fromAsset(join(__dirname, '..', 'test', 'fixtures', 'image')),
    settingsModule: given.settingsModule,
    cpuArchitecture: CpuArchitecture.of(given.cpuArchitecture),
    web: given.asgi === 'all' ? undefined : loadBalancedOptions(given.web),
    asgi:
      given.asgi === 'none'
        ? undefined
        : { ...loadBalancedOptions(given.web), paths: [given.asgi === 'all' ? '/*' : '/ws/*'] },
    ...(hasQueues && { workers: workers(given), beat: given.beat ? {} : undefined }),
    scheduledCommands: Object.fromEntries(
      given.schedules.map((name) => [
        name,
        { command: ['python', 'manage.py', name], schedule: ScheduleExpression.rate(Duration.minutes(given.rate)) },
      ]),
    ),
    environment: given.environment,
    variableAliases: given.cookiecutter ? VariableAliases.COOKIECUTTER_DJANGO : undefined,
    ...parts,
    // What is made is changed; what is brought is used as it comes.
    ...(parts.loadBalancer === undefined && {
      ...(domainNames.length > 0 && {
        domainNames,
        redirectedDomainNames: given.redirected === 0 ? undefined : redirectedNamesOf(given),
        ...recordsAndCertificate(stack, given),
      }),
      firewallOptions: given.firewall === undefined ? undefined : { rateLimit: given.firewall },
    }),
    ...(hasQueues &&
      parts.broker === undefined && {
        queues: Object.fromEntries(Object.entries(queues).map(([name, taskTimeLimit]) => [name, { taskTimeLimit }])),
        defaultQueueName: given.queues[0],
      }),
    ...mediaOf(stack, given),
    ...cdnOf(stack, given),
    ...signingOf(stack, given),
    ...cacheOf(stack, given),
    ...mailOf(stack, given),
    ...dumpsOf(stack, given),
    ...(parts.vpc === undefined && parts.cluster === undefined && { networkOptions: networkOptions(given) }),
    ...((given.production || given.backup) && { backupOptions: backupOptions(stack, given) }),
    ...(parts.secretKey === undefined && { secretKeyOptions: rotates(given) ? undefined : { rotate: false } }),
    ...(parts.database === undefined && databaseOf(given)),
    ...(parts.notifications === undefined && { notificationEmails: given.emails ? ['ops@example.com'] : undefined }),
  };
}

function mediaOf(stack: Stack, { media, domainNames }: Configuration): Partial<DjangoApplicationProps> {
  if (media === 'brought') {
    return { mediaStorage: broughtMedia(stack) };
  }
  return media === 'made' ? { media: { corsAllowedOrigins: domainNames.map((name) => `https://${name}`) } } : {};
}

/** Paths of media files need a storage of them. */
function cdnOf(stack: Stack, given: Configuration): Partial<DjangoApplicationProps> {
  if (!hasCdn(given)) {
    return {};
  }
  const isNamed = domainNamesOf(given).length > 0;
  const arn = 'arn:aws:acm:us-east-1:111122223333:certificate/77777777-8888-9999-aaaa-bbbbbbbbbbbb';
  const has = (...kinds: string[]) => given.media !== 'none' && kinds.includes(given.cdn);
  return {
    cdn: {
      certificate: isNamed ? Certificate.fromCertificateArn(stack, 'EdgeCertificate', arn) : undefined,
      cachedPaths: given.cdn === 'pages' ? ['/news/*'] : undefined,
      publicMediaPaths: has('public', 'both') ? ['/public/*'] : undefined,
      signedMediaPaths: has('signed', 'both') ? ['/media/*'] : undefined,
    },
    ...(given.staticFiles === 'made' && { staticFiles: {} }),
    ...(given.staticFiles === 'brought' && { staticFilesStorage: broughtStaticFiles(stack) }),
  };
}

/** Keys are made beside the application: a distribution has them, too. */
function signingOf(stack: Stack, given: Configuration): Partial<DjangoApplicationProps> {
  if (given.signing === 'none') {
    return {};
  }
  if (given.signing === 'brought') {
    return { urlSigningKeys: broughtKeys(stack) };
  }
  // Without a key of one's own it would be a finding in production, and rightly so.
  const arn = 'arn:aws:kms:eu-central-1:111122223333:key/99999999-aaaa-bbbb-cccc-000000000000';
  const encryptionKey = Key.fromKeyArn(stack, 'SigningKeysKey', arn);
  return { urlSigningKeys: new UrlSigningKeys(stack, 'SigningKeys', { profile: profileOf(given), encryptionKey }) };
}

/** Of a database that is brought, neither the version nor the size is known. */
function dumpsOf(stack: Stack, given: Configuration): Partial<DjangoApplicationProps> {
  const { dumps, drill, dumpLockDays, brought, production, aurora } = given;
  if (dumps === 'none') {
    return {};
  }
  const image = brought.database ? ContainerImage.fromRegistry('postgres:17') : undefined;
  const hours = { daily: '3', often: '*/4', copied: '1,13' };
  const schedules = [ScheduleExpression.cron({ minute: '20', hour: hours[dumps] })];
  const secret = dumps === 'copied' ? Secret.fromSecretNameV2(stack, 'DumpStore', 'dump-store') : undefined;
  const copyTo = secret && { endpoint: 'https://s3.example.com', region: 'nl', bucket: 'dumps', secret };
  const extensions = brought.database ? undefined : extensionsOf(given);
  const restoreDrill = drill
    ? {
        image: extensions === undefined ? image : ContainerImage.fromRegistry('shop/postgres:17'),
        extensions,
        storage: brought.database || aurora !== 'none' ? Size.gibibytes(50) : undefined,
      }
    : undefined;
  return { databaseDump: { image, schedules, copyTo, bucketLock: lockOf(dumpLockDays, production) }, restoreDrill };
}

/** What a new database has belongs to nobody else. */
function formerOwnersOf(given: Configuration): string[] | undefined {
  const isNew = given.names.snapshotIdentifier === undefined && momentOf(given) === undefined;
  return given.formerOwner === undefined || isNew ? undefined : [given.formerOwner];
}

/** An instance starts from a snapshot or from a moment, and a cluster from a snapshot. */
function momentOf({ moment, names, aurora }: Configuration): PointInTime | undefined {
  const isOther = aurora !== 'none' || names.snapshotIdentifier !== undefined;
  return moment === undefined || isOther
    ? undefined
    : PointInTime.ofInstance('old-production', moment === 'latest' ? undefined : moment);
}

function extensionsOf({ extensions }: Configuration): string[] | undefined {
  return extensions && [...extensions];
}

/** No lock in production would be a finding, and rightly so. */
function lockOf(days: number | undefined, production: boolean): DumpLock | undefined {
  if (days === 0) {
    return production ? undefined : DumpLock.none();
  }
  return days === undefined ? undefined : DumpLock.governance({ retention: Duration.days(days) });
}

/** One node in production would be a finding, and rightly so. */

function cacheOf(stack: Stack, { cache, cacheNodes, production }: Configuration): Partial<DjangoApplicationProps> {
  if (cache === 'brought') {
    return { cacheStore: broughtCache(stack) };
  }
  const nodes = production && cacheNodes === 1 ? undefined : cacheNodes;
  return cache === 'made' ? { cache: { nodes } } : {};
}

/** An identity needs a zone; without one, that of the company serves. */
function mailOf(stack: Stack, given: Configuration): Partial<DjangoApplicationProps> {
  if (given.mail === 'none') {
    return {};
  }
  const hasZone = !given.brought.loadBalancer && domainNamesOf(given).length > 0 && given.records !== 'certificate';
  return given.mail === 'made' && hasZone
    ? { mail: { dmarcPolicy: DmarcPolicy.QUARANTINE } }
    : { mail: { emailIdentity: broughtIdentity(stack) } };
}

function networkOptions({ addresses, zones }: Configuration): NetworkOptions {
  return {
    ipAddresses: addresses === undefined ? undefined : IpAddresses.cidr(addresses),
    availabilityZones: zones?.map((zone) => `eu-central-1${zone}`),
  };
}

function backupOptions(stack: Stack, { vaultKey }: Configuration): DatabaseBackupOptions {
  const arn = 'arn:aws:kms:eu-central-1:111122223333:key/66666666-7777-8888-9999-000000000000';
  return { encryptionKey: vaultKey ? Key.fromKeyArn(stack, 'VaultKey', arn) : undefined };
}

function databaseOf(given: Configuration): Partial<DjangoApplicationProps> {
  return given.aurora === 'none' ? { databaseOptions: databaseOptions(given) } : { aurora: auroraOptions(given) };
}

function databaseOptions(given: Configuration): PostgresDatabaseOptions {
  return {
    ...given.names,
    ...commonOptions(given),
    pointInTime: momentOf(given),
    readReplicas: given.readReplicas,
    engineVersion: PostgresEngineVersion.of(given.postgres, given.postgres),
  };
}

/** A production without a reader would be a finding, and rightly so. */
function auroraOptions(given: Configuration): AuroraPostgresDatabaseOptions {
  const { instanceIdentifier, ...names } = given.names;
  const isServerless = given.aurora === 'serverless';
  // What runs every few minutes would keep awake what pauses.
  const isAsked = given.schedules.length > 0 && given.rate <= 5;
  return {
    ...names,
    ...commonOptions(given),
    clusterIdentifier: instanceIdentifier,
    readers: given.readReplicas === 0 ? undefined : given.readReplicas,
    engineVersion: AuroraPostgresEngineVersion.of(given.postgres, given.postgres),
    instanceType: isServerless ? undefined : InstanceType.of(InstanceClass.R7G, InstanceSize.XLARGE2),
    serverless: isServerless ? { minCapacity: isAsked ? 0.5 : undefined, maxCapacity: 64 } : undefined,
  };
}

/** Options of an instance and of a cluster. */
function commonOptions(given: Configuration) {
  return {
    extensions: extensionsOf(given),
    takeOwnershipFrom: formerOwnersOf(given),
    passwordRotation: rotates(given) ? undefined : PasswordRotation.OFF,
    port: given.port,
    variables: given.databaseUrl ? DatabaseVariables.URL : undefined,
  };
}

/**
 * What weakens an environment is varied in development only: in production it would be a finding, and rightly
 * so.
 */
function profileOf(given: Configuration): Profile {
  const options = {
    maxAzs: given.maxAzs,
    natGateways: given.natGateways,
    backupRetention: Duration.days(given.backupRetention),
    webSpot: given.webSpot,
    dashboard: given.dashboard,
    // Rule packs ask for them, and production does without unless it is told.
    containerInsights: given.production || given.insights ? ContainerInsights.ENHANCED : ContainerInsights.DISABLED,
    databaseInstanceType: InstanceType.of(InstanceClass.M7G, InstanceSize.XLARGE2),
  };
  return given.production
    ? Profile.production(options)
    : Profile.development({
        ...options,
        multiAz: given.multiAz,
        databaseBackup: given.backup,
        webFirewall: given.firewall !== undefined,
        removalPolicy: given.retain ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
      });
}

/** Production without rotation would be a finding, and rightly so. */
function rotates(given: Configuration): boolean {
  return given.production || given.rotation;
}

function loadBalancedOptions(given: Configuration['web']) {
  if (given === undefined) {
    return {};
  }
  return {
    ...given.size,
    ...(given.tasks && {
      minCapacity: given.tasks.minCapacity,
      maxCapacity: given.tasks.minCapacity + given.tasks.more,
    }),
    // Refused where nothing scales.
    targetCpuPercent: given.tasks?.more === 0 ? undefined : given.targetCpuPercent,
    stopTimeout: given.stopTimeout === undefined ? undefined : Duration.seconds(given.stopTimeout),
    deregistrationDelay:
      given.deregistrationDelay === undefined ? undefined : Duration.seconds(given.deregistrationDelay),
  };
}

function workers(given: Configuration): DjangoApplicationProps['workers'] {
  const worker = { stopTimeout: Duration.seconds(given.workerStopTimeout), spot: given.workerSpot };
  return given.onePerQueue
    ? Object.fromEntries(given.queues.map((name) => [name, { ...worker, queueNames: [name] }]))
    : { all: { ...worker, queueNames: given.queues } };
}

function recordsAndCertificate(stack: Stack, { records }: Configuration) {
  const certificate = Certificate.fromCertificateArn(
    stack,
    'Certificate',
    'arn:aws:acm:eu-central-1:111122223333:certificate/11111111-2222-3333-4444-555555555555',
  );
  return {
    ...(records !== 'certificate' && { hostedZone: zone(stack) }),
    ...(records !== 'zone' && { certificate }),
  };
}

function zone(stack: Stack) {
  return HostedZone.fromHostedZoneAttributes(stack, 'Zone', {
    hostedZoneId: 'Z0123456789ABCDEFGHIJ',
    zoneName: 'example.com',
  });
}
