import { join } from 'node:path';
import { Duration, type Stack, TimeZone } from 'aws-cdk-lib';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { InstanceType, Peer, Vpc } from 'aws-cdk-lib/aws-ec2';
import { Platform } from 'aws-cdk-lib/aws-ecr-assets';
import { ContainerImage, CpuArchitecture, Secret } from 'aws-cdk-lib/aws-ecs';
import { Schedule } from 'aws-cdk-lib/aws-events';
import { PrivateHostedZone } from 'aws-cdk-lib/aws-route53';
import { Secret as StoredSecret } from 'aws-cdk-lib/aws-secretsmanager';
import { DjangoApplication } from '../../constructs/application/django-application';
import type { DjangoApplicationProps } from '../../constructs/application/django-application-props';
import { DatabaseBackup, type DatabaseBackupOptions } from '../../constructs/backup/database-backup';
import { Profile } from '../../constructs/core/profile';
import { PostgresDatabase, type PostgresDatabaseOptions } from '../../constructs/database/postgres-database';
import type { HttpsLoadBalancerProps } from '../../constructs/edge/https-load-balancer';
import { AsgiService, type AsgiServiceProps } from '../../constructs/processes/asgi-service';
import { BeatService } from '../../constructs/processes/beat-service';
import { ContainerHealthCheck } from '../../constructs/processes/container-health-check';
import { ReleaseCommand, type ReleaseCommandProps } from '../../constructs/processes/release-command';
import { VariableAliases } from '../../constructs/processes/task/variable-aliases';
import { WebService, type WebServiceProps } from '../../constructs/processes/web-service';
import { WorkerService, type WorkerServiceProps } from '../../constructs/processes/worker-service';
import { TaskQueue, type TaskQueueProps } from '../../constructs/queues/task-queue';
import { celeryProps } from '../processes/background';
import { loadBalancerFor, processProps } from '../processes/support';
import { testVpc } from '../support';
import type { InvalidCase } from './case';

type Given<Props> = Partial<Props> | ((stack: Stack) => Partial<Props>);
const of = <Props>(given: Given<Props>, stack: Stack) => (typeof given === 'function' ? given(stack) : given);
/** What the compiler would refuse, as the context or a language without types gives it. */
export const untyped = <Props>(props: { [prop: string]: unknown }) => props as unknown as Partial<Props>;
export const row = (name: string, prop: string, make: InvalidCase['make']): InvalidCase => ({ name, prop, make });

export const application = (name: string, prop: string, given: Given<DjangoApplicationProps>) =>
  row(`application: ${name}`, prop, (stack) => {
    const image = ContainerImage.fromAsset(join(__dirname, '..', 'fixtures', 'image'));
    const common = { image, settingsModule: 'config.settings', profile: Profile.development() };
    new DjangoApplication(stack, 'App', { ...common, ...of(given, stack) });
  });
export const web = (name: string, prop: string, given: Given<WebServiceProps>) =>
  row(`web: ${name}`, prop, (stack) => {
    const common = processProps(stack);
    const own = of(given, stack);
    new WebService(stack, 'Web', { ...common, loadBalancer: loadBalancerFor(stack, common), ...own });
  });
export const asgi = (name: string, prop: string, given: Given<AsgiServiceProps>) =>
  row(`asgi: ${name}`, prop, (stack) => {
    const common = processProps(stack);
    new AsgiService(stack, 'Asgi', { ...common, loadBalancer: loadBalancerFor(stack, common), ...of(given, stack) });
  });
export const worker = (name: string, prop: string, given: Given<WorkerServiceProps>) =>
  row(`worker: ${name}`, prop, (stack) => {
    new WorkerService(stack, 'Worker', { ...celeryProps(stack), ...of(given, stack) });
  });
export const release = (name: string, prop: string, given: Given<ReleaseCommandProps>) =>
  row(`release: ${name}`, prop, (stack) => {
    new ReleaseCommand(stack, 'Release', { ...processProps(stack), ...of(given, stack) });
  });
export const balancer = (name: string, prop: string, given: Given<HttpsLoadBalancerProps>) =>
  row(`load balancer: ${name}`, prop, (stack) => {
    loadBalancerFor(stack, processProps(stack), of(given, stack));
  });
export const database = (name: string, prop: string, given: PostgresDatabaseOptions) =>
  row(`database: ${name}`, prop, (stack) => {
    new PostgresDatabase(stack, 'Database', { vpc: testVpc(stack), ...given });
  });
const backup = (name: string, prop: string, given: DatabaseBackupOptions) =>
  row(`backup: ${name}`, prop, (stack) => {
    const vpc = testVpc(stack);
    new DatabaseBackup(stack, 'Backup', { vpc, database: new PostgresDatabase(stack, 'Data', { vpc }), ...given });
  });

export const dsn = (stack: Stack) => Secret.fromSecretsManager(new StoredSecret(stack, 'Dsn'));
const imageFor = (platform: Platform) =>
  ContainerImage.fromAsset(join(__dirname, '..', 'fixtures', 'image'), { platform });
const certificate = (stack: Stack, id = 'Certificate') =>
  Certificate.fromCertificateArn(stack, id, 'arn:aws:acm:eu-west-1:111111111111:certificate/a');
const names = (count: number) => Array.from({ length: count }, (_, index) => `shop${index}.example.com`);
const blocks = (count: number) => Array.from({ length: count }, (_, index) => Peer.ipv4(`203.0.113.${index}/32`));
const daily = { name: 'daily', deleteAfter: Duration.days(35) };
const cron = (text: string) => ({ rules: [{ ...daily, schedule: Schedule.expression(text) }] });
const zone = (name: string): DatabaseBackupOptions => ({ timeZone: TimeZone.of(name) });
const type = (name: string): PostgresDatabaseOptions => ({ instanceType: new InstanceType(name) });
const otherVpc = (stack: Stack) => new Vpc(stack, 'Other', { restrictDefaultSecurityGroup: false });

/** Kinds that the context or a language without types confuses. */
const kinds: InvalidCase[] = [
  application('a string of names', 'domainNames', untyped({ domainNames: 'shop.example.com' })),
  application('the name of a profile', 'profile', untyped({ profile: 'production' })),
  application('an id of a VPC', 'vpc', untyped({ vpc: 'vpc-0123' })),
  application('a list of queues', 'queues', untyped({ queues: ['default'] })),
  application('tasks in a string', 'web.maxCapacity', untyped({ web: { maxCapacity: '4' } })),
  application(
    'a duration in words',
    'databaseOptions.backupRetention',
    untyped({ databaseOptions: { backupRetention: '14 days' } }),
  ),
  application(
    'a snake',
    'workers.w.queue_names',
    untyped({ queues: { a: {} }, workers: { w: { queue_names: ['a'] } } }),
  ),
  application('a property of another part', 'asgi.threads', untyped({ asgi: { threads: 4 } })),
  worker('a flag in a string', 'spot', untyped({ spot: 'false' })),
  row('profile: a number in a string', 'natGateways', () => Profile.production(untyped({ natGateways: '1' }))),
];

/** Retention that CloudWatch does not sell. */
const retention: InvalidCase[] = [2, 45, 100, 366].map((days) =>
  web(`logs for ${days} days`, 'logRetention', untyped({ logRetention: days })),
);

const variables: InvalidCase[] = [
  ...['DJANGO_SETTINGS_MODULE', 'AWS_REGION', 'PORT', 'CELERY_LIVENESS_FILE'].map((name) =>
    web(`a variable ${name}`, `environment.${name}`, { environment: { [name]: 'x' } }),
  ),
  ...['AWS_REGION', 'DJANGO_ALLOWED_HOSTS', 'WEB_CONCURRENCY'].map((name) =>
    web(`a secret ${name}`, `secrets.${name}`, (stack) => ({ secrets: { [name]: dsn(stack) } })),
  ),
  worker('a broker of its own', 'environment.CELERY_BROKER_URL', { environment: { CELERY_BROKER_URL: 'redis://' } }),
  application('TLS switched off', 'environment.PGSSLMODE', { environment: { PGSSLMODE: 'disable' } }),
  web('a secret with a dash', 'secrets.SENTRY-DSN', (stack) => ({ secrets: { 'SENTRY-DSN': dsn(stack) } })),
];

const furtherNames: InvalidCase[] = [
  web('a further name that the contract has', 'variableAliases.AWS_REGION', {
    variableAliases: VariableAliases.of({ AWS_REGION: 'AWS_DEFAULT_REGION' }),
  }),
  web('a further name with a dash', 'variableAliases.AWS-ZONE', {
    variableAliases: VariableAliases.of({ 'AWS-ZONE': 'AWS_REGION' }),
  }),
  row('a further name of nothing', 'BUCKET', () => VariableAliases.of({ BUCKET: 'S3_BUCKET' })),
];

const rules: InvalidCase[] = [
  ...['/ws{1}/*', '/ä/*', '/a|b', '/a b', '/a,b', '/<id>'].map((path) =>
    asgi(`a path ${path}`, 'paths', { paths: [path] }),
  ),
  asgi('seven wildcards', 'paths', { paths: ['/*/*/*/*', '/?/?/?/*'] }),
  asgi('seven question marks', 'paths', { paths: ['/???????'] }),
  asgi('wildcards of hosts and paths together', 'paths', {
    hostNames: ['*.example.com'],
    paths: ['/a/*/*/*', '/b/*/*/*'],
  }),
  web('a host name of 129 characters', 'hostNames', {
    hostNames: [`${'a.'.repeat(59)}example.com`.padStart(129, 'b')],
  }),
];

const groups: InvalidCase[] = [
  balancer('31 blocks on two ports', 'allowFrom', { allowFrom: blocks(31) }),
  balancer('40 blocks on two ports', 'allowFrom', { allowFrom: blocks(40) }),
  balancer('61 blocks on one port', 'allowFrom', {
    allowFrom: blocks(61),
    domainNames: undefined,
    hostedZone: undefined,
    profile: Profile.development(),
  }),
];

const certificates: InvalidCase[] = [
  balancer('eleven names in one certificate', 'domainNames', { domainNames: names(11) }),
  balancer('a hundred names in one certificate', 'domainNames', { domainNames: names(100) }),
  balancer('26 certificates beside the first', 'additionalCertificates', (stack) => ({
    additionalCertificates: Array.from({ length: 26 }, (_, index) => certificate(stack, `Certificate${index}`)),
  })),
];

const commands: InvalidCase[] = [
  release('migrate as one word', 'command', { command: ['python manage.py migrate'] }),
  release('a program with a tab', 'command', { command: ['python\tmanage.py'] }),
  web('gunicorn as one word', 'command', { command: ['gunicorn config.wsgi', '--threads', '4'] }),
  worker('celery as one word', 'command', { command: ['celery --app config worker'] }),
  row('health check: a command as one word', 'command', () => ContainerHealthCheck.command('curl -f http://127.0.0.1')),
  row('health check: no command', 'command', () => ContainerHealthCheck.command()),
];

const platforms: InvalidCase[] = [
  web('an image for Intel on ARM', 'image', { image: imageFor(Platform.LINUX_AMD64) }),
  worker('an image for Intel on ARM', 'image', { image: imageFor(Platform.LINUX_AMD64) }),
  release('an image for ARM on Intel', 'image', {
    image: imageFor(Platform.LINUX_ARM64),
    cpuArchitecture: CpuArchitecture.X86_64,
  }),
];

const places: InvalidCase[] = [
  row('web: a load balancer of another VPC', 'loadBalancer', (stack) => {
    const common = processProps(stack);
    const cluster = { ...common.cluster, vpc: otherVpc(stack) } as typeof common.cluster;
    const loadBalancer = loadBalancerFor(stack, { ...common, cluster });
    new WebService(stack, 'Web', { ...common, loadBalancer });
  }),
  balancer('a private zone for a public load balancer', 'hostedZone', (stack) => ({
    hostedZone: new PrivateHostedZone(stack, 'Private', { zoneName: 'example.com', vpc: otherVpc(stack) }),
  })),
  balancer('a private zone that is to validate', 'hostedZone', (stack) => ({
    internetFacing: false,
    hostedZone: new PrivateHostedZone(stack, 'Private', { zoneName: 'example.com', vpc: otherVpc(stack) }),
  })),
  balancer('a private zone for a public load balancer with a certificate', 'hostedZone', (stack) => ({
    certificate: certificate(stack),
    hostedZone: new PrivateHostedZone(stack, 'Private', { zoneName: 'example.com', vpc: otherVpc(stack) }),
  })),
];

const schedules: InvalidCase[] = [
  ...[
    'cron(0 24 * * ? *)',
    'cron(60 6 * * ? *)',
    'cron(0 6 32 * ? *)',
    'cron(0 6 ? 13 MON *)',
    'cron(0 6 ? * 8 *)',
  ].map((text) => backup(text, 'rules[0].schedule', cron(text))),
  ...['Mars/Olympus', '+01:00', 'Europe/Wien'].map((name) => backup(`zone ${name}`, 'timeZone', zone(name))),
];

const windows: InvalidCase[] = [
  database('a backup in the default maintenance', 'preferredBackupWindow', { preferredBackupWindow: '04:00-05:00' }),
  database('a backup at the end of the default maintenance', 'preferredBackupWindow', {
    preferredBackupWindow: '05:29-06:00',
  }),
  database('maintenance in the default backup', 'preferredMaintenanceWindow', {
    preferredMaintenanceWindow: 'mon:03:30-mon:04:30',
  }),
  backup('more time to start than the default to finish', 'rules[0].startWindow', {
    rules: [{ ...daily, schedule: Schedule.expression('cron(0 6 * * ? *)'), startWindow: Duration.hours(9) }],
  }),
  web('a stop before the default graceful end', 'stopTimeout', { stopTimeout: Duration.seconds(30) }),
  web('a stop on Spot beside the default deregistration', 'stopTimeout', {
    spot: true,
    stopTimeout: Duration.seconds(106),
  }),
];

const classes: InvalidCase[] = [
  ...['c5.large', 't2.micro', 'm5a.large', 'z1d.large', 'x1.16xlarge'].map((name) =>
    database(`class ${name}`, 'instanceType', type(name)),
  ),
  ...['m6g.24xlarge', 'r7g.48xlarge', 'm5.32xlarge', 'm7i.32xlarge', 'r6i.48xlarge'].map((name) =>
    database(`size ${name}`, 'instanceType', type(name)),
  ),
];

const parameters: InvalidCase[] = Object.entries({
  idle_in_transaction_session_timeout: '60s',
  log_min_duration_statement: '500ms',
  work_mem: '64MB',
  shared_buffers: '25%',
  maintenance_work_mem: '1 GB',
  maxConnections: '200',
  'Work-Mem': '4096',
  lock_timeout: '',
}).map(([name, value]) => database(`parameter ${name}`, `parameters.${name}`, { parameters: { [name]: value } }));

const readers: InvalidCase[] = [
  application('a queue that no worker reads', 'workers', { queues: { default: {}, mail: {} }, workers: { w: {} } }),
  application('no worker at all', 'workers', { queues: { default: {} }, workers: {} }),
  application('a default queue that no worker reads', 'workers', {
    queues: { default: {}, mail: {} },
    workers: { w: { queueNames: ['mail'] } },
  }),
  application('five queues for the one worker that is made', 'queues', {
    queues: { default: {}, a: {}, b: {}, c: {}, d: {} },
  }),
];

const modules: InvalidCase[] = [
  web('settings that lie beside nothing', 'settingsModule', { settingsModule: 'settings' }),
  asgi('settings that lie beside nothing', 'settingsModule', { settingsModule: 'settings' }),
  worker('settings that lie beside nothing', 'settingsModule', { settingsModule: 'settings' }),
  row('beat: settings that lie beside nothing', 'settingsModule', (stack) => {
    new BeatService(stack, 'Beat', { ...celeryProps(stack), settingsModule: 'settings' });
  }),
];

const health: InvalidCase[] = [
  web('a liveness file that nobody touches', 'healthCheck', { healthCheck: ContainerHealthCheck.livenessFile() }),
  asgi('a liveness file that nobody touches', 'healthCheck', { healthCheck: ContainerHealthCheck.livenessFile() }),
  worker('a request to no server', 'healthCheck', { healthCheck: ContainerHealthCheck.http() }),
  row('health check: a path without a slash', 'path', () => ContainerHealthCheck.http('healthz')),
  row('health check: a path with a blank', 'path', () => ContainerHealthCheck.http('/health z')),
  row('health check: a file that must be younger than it can be', 'maxAge', () =>
    ContainerHealthCheck.livenessFile(Duration.seconds(5)),
  ),
];

const HALF = Duration.millis(60_500);
const queue = (prop: keyof TaskQueueProps) =>
  row(`queue: half a second in ${prop}`, prop, (stack) => new TaskQueue(stack, 'Queue', { [prop]: HALF }));

const halves: InvalidCase[] = [
  queue('taskTimeLimit'),
  queue('visibilityTimeout'),
  queue('retentionPeriod'),
  web('half a second to keep alive', 'keepAlive', { keepAlive: Duration.millis(90_500) }),
  web('half a second of grace', 'gracefulTimeout', { gracefulTimeout: Duration.millis(500) }),
  web('half a second to stop', 'stopTimeout', { stopTimeout: HALF }),
  web('half a second to deregister', 'deregistrationDelay', { deregistrationDelay: Duration.millis(500) }),
  balancer('half a second of idleness', 'idleTimeout', { idleTimeout: HALF }),
  release('half a second of a release', 'timeout', { timeout: Duration.millis(600_500) }),
  database('half a second between rotations', 'passwordRotationPeriod', {
    passwordRotationPeriod: Duration.millis(86_400_500),
  }),
];

/** What `-c name=value` and a shell give: strings, and what is parsed from them. */
const fromContext: InvalidCase[] = [
  database('replicas in a string', 'readReplicas', untyped({ readReplicas: '2' })),
  database('a port in a string', 'port', untyped({ port: '15432' })),
  database('days in a number', 'backupRetention', untyped({ backupRetention: 14 })),
  database('a standby in a string', 'multiAz', untyped({ multiAz: 'true' })),
  application('an image by its name', 'image', untyped({ image: 'shop:latest' })),
  application('a secret by its name', 'secrets.DSN', untyped({ secrets: { DSN: 'shop/dsn' } })),
  application('one address in a string', 'notificationEmails', untyped({ notificationEmails: 'ops@example.com' })),
  web('a command in a string', 'command', untyped({ command: 'gunicorn config.wsgi' })),
  worker('a queue in a string', 'queueNames', untyped({ queueNames: 'default' })),
];

const selections: InvalidCase[] = [
  web('a group that is not there', 'vpcSubnets', { vpcSubnets: { subnetGroupName: 'tasks' } }),
  worker('a zone that is not there', 'vpcSubnets', { vpcSubnets: { availabilityZones: ['nowhere-1a'] } }),
  balancer('a group that is not there', 'vpcSubnets', { vpcSubnets: { subnetGroupName: 'edge' } }),
  release('isolated subnets that are not there', 'vpcSubnets', { vpcSubnets: { subnetGroupName: 'isolated' } }),
];

/** More names of a load balancer than a rule takes: nobody wrote `paths`. */
const manyNames: InvalidCase[] = [
  web('six names of its own', 'hostNames', { hostNames: names(6) }),
  web('seven names of its own', 'hostNames', { hostNames: names(7) }),
  asgi('five names and two paths', 'paths', { hostNames: names(5), paths: ['/ws/*', '/events/*'] }),
];

/** The rows by what is wrong with them. */
export const wrongInClasses: { readonly [kind: string]: readonly InvalidCase[] } = {
  kinds,
  fromContext,
  halves,
  selections,
  manyNames,
  retention,
  variables,
  furtherNames,
  rules,
  groups,
  certificates,
  commands,
  platforms,
  places,
  schedules,
  windows,
  classes,
  parameters,
  readers,
  modules,
  health,
};

export const cases: InvalidCase[] = Object.values(wrongInClasses).flat();
