import { App, Duration, Stack, TimeZone } from 'aws-cdk-lib';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { InstanceType, IpAddresses, Peer } from 'aws-cdk-lib/aws-ec2';
import { Schedule } from 'aws-cdk-lib/aws-events';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { PostgresEngineVersion } from 'aws-cdk-lib/aws-rds';
import { ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import { Construct } from 'constructs';
import { BackupVaultLock } from '../constructs/backup/backup-vault-lock';
import type { Struct } from '../constructs/core/kinds';
import { PointInTime } from '../constructs/database/point-in-time';
import { ContainerHealthCheck } from '../constructs/processes/container-health-check';
import { Egress } from '../constructs/processes/egress';
import { Template } from './support';
import { type Given, MAKERS, type MakeStruct } from './tokens/makers';

/** What is right though it looks wrong: how it is written, and the resource that shows that it arrived. */
interface ValidRow {
  readonly name: string;
  readonly struct: Struct;
  readonly given: (scope: Construct) => Given;
  readonly type: string;
  readonly properties: object;
}

const has = expect.objectContaining;
const includes = expect.arrayContaining;
const text = expect.stringContaining;
const row =
  (struct: Struct, type: string) =>
  (name: string, given: Given | ((scope: Construct) => Given), properties: object): ValidRow => ({
    name: `${struct}: ${name}`,
    struct,
    given: typeof given === 'function' ? given : () => given,
    type,
    properties,
  });

const database = row('PostgresDatabaseProps', 'AWS::RDS::DBInstance');
const databaseSecret = row('PostgresDatabaseProps', 'AWS::SecretsManager::Secret');
const parameters = row('PostgresDatabaseProps', 'AWS::RDS::DBParameterGroup');
const listener = row('HttpsLoadBalancerProps', 'AWS::ElasticLoadBalancingV2::Listener');
const balancer = row('HttpsLoadBalancerProps', 'AWS::ElasticLoadBalancingV2::LoadBalancer');
const balancerGroup = row('HttpsLoadBalancerProps', 'AWS::EC2::SecurityGroup');
const certificate = row('HttpsLoadBalancerProps', 'AWS::CertificateManager::Certificate');
const rule = row('WebServiceProps', 'AWS::ElasticLoadBalancingV2::ListenerRule');
const paths = row('AsgiServiceProps', 'AWS::ElasticLoadBalancingV2::ListenerRule');
const web = row('WebServiceProps', 'AWS::ECS::TaskDefinition');
const worker = row('WorkerServiceProps', 'AWS::ECS::TaskDefinition');
const targets = row('WebServiceProps', 'AWS::ElasticLoadBalancingV2::TargetGroup');
const imported = row('HttpsLoadBalancerAttributes', 'AWS::ElasticLoadBalancingV2::ListenerRule');
const scaledWorker = row('WorkerServiceProps', 'AWS::ApplicationAutoScaling::ScalableTarget');
const scaling = row('WebServiceProps', 'AWS::ApplicationAutoScaling::ScalableTarget');
const queue = row('TaskQueueProps', 'AWS::SQS::Queue');
const media = row('MediaStorageProps', 'AWS::S3::Bucket');
const cache = row('CacheProps', 'AWS::ElastiCache::ReplicationGroup');
const mail = row('MailProps', 'AWS::SES::EmailIdentity');
const senders = row('MailProps', 'AWS::IAM::ManagedPolicy');
const mailRecord = row('MailProps', 'AWS::Route53::RecordSet');
const plan = row('DatabaseBackupProps', 'AWS::Backup::BackupPlan');
const vault = row('DatabaseBackupProps', 'AWS::Backup::BackupVault');
const command = row('ScheduledCommandProps', 'AWS::Scheduler::Schedule');
const firewall = row('WebFirewallProps', 'AWS::WAFv2::WebACL');
const topic = row('NotificationsProps', 'AWS::SNS::Subscription');
const network = row('NetworkProps', 'AWS::EC2::VPC');
const logs = row('WebServiceProps', 'AWS::Logs::LogGroup');
const release = row('ReleaseCommandProps', 'AWS::ECS::TaskDefinition');
const key = row('SecretKeyProps', 'AWS::SecretsManager::RotationSchedule');
const signing = row('UrlSigningKeysProps', 'AWS::Lambda::Function');

const type = (name: string) => ({ instanceType: new InstanceType(name) });
const host = (...names: string[]) => ({ HostHeaderConfig: { Values: names } });
const path = (...values: string[]) => ({ PathPatternConfig: { Values: values } });
const container = (values: object) => ({ ContainerDefinitions: [has(values)] });
const header = (name: string, value: string) => ({ ListenerAttributes: includes([{ Key: name, Value: value }]) });
const HSTS = 'routing.http.response.strict_transport_security.header_value';
const CSP = 'routing.http.response.content_security_policy.header_value';
const daily = { name: 'daily', schedule: Schedule.expression('cron(0 6 * * ? *)'), deleteAfter: Duration.days(35) };
const rules = (...changes: object[]) => ({ rules: changes.map((each) => ({ ...daily, ...each })) });
const planned = (values: object) => ({ BackupPlan: has({ BackupPlanRule: [has(values)] }) });
const certificateOf = (scope: Construct) =>
  Certificate.fromCertificateArn(scope, 'Given', 'arn:aws:acm:eu-central-1:111122223333:certificate/a');

const rows: readonly ValidRow[] = [
  // Names that a snapshot really has
  database(
    'an automated snapshot',
    { snapshotIdentifier: 'rds:shop-2026-11-27-03-10' },
    {
      DBSnapshotIdentifier: 'rds:shop-2026-11-27-03-10',
    },
  ),
  database(
    'a snapshot of AWS Backup',
    {
      snapshotIdentifier:
        'arn:aws:rds:eu-central-1:111122223333:snapshot:awsbackup:job-1f2e3d4c-0000-1111-2222-333344445555',
    },
    { DBSnapshotIdentifier: text('snapshot:awsbackup:job-1f2e3d4c') },
  ),
  database(
    'a snapshot in another partition',
    {
      snapshotIdentifier: 'arn:aws-us-gov:rds:us-gov-west-1:111122223333:snapshot:Shop-Final',
    },
    { DBSnapshotIdentifier: text('arn:aws-us-gov') },
  ),
  database('a snapshot in capitals', { snapshotIdentifier: 'ShopFinal' }, { DBSnapshotIdentifier: 'ShopFinal' }),
  databaseSecret(
    'a database of a snapshot in capitals',
    { snapshotIdentifier: 'old', databaseName: 'Shop' },
    {
      GenerateSecretString: has({ SecretStringTemplate: text('"dbname":"Shop"') }),
    },
  ),
  databaseSecret(
    'a database of a snapshot with a hyphen',
    { snapshotIdentifier: 'old', databaseName: 'my-shop' },
    {
      GenerateSecretString: has({ SecretStringTemplate: text('"dbname":"my-shop"') }),
    },
  ),
  databaseSecret(
    'a database of a moment with a blank and a dot',
    { pointInTime: PointInTime.ofInstance('old'), databaseName: 'Müller Co. shop' },
    {
      GenerateSecretString: has({ SecretStringTemplate: text('"dbname":"Müller Co. shop"') }),
    },
  ),
  databaseSecret(
    'a master of a snapshot that everybody guesses',
    { snapshotIdentifier: 'old', masterUsername: 'postgres' },
    {
      GenerateSecretString: has({ SecretStringTemplate: text('"username":"postgres"') }),
    },
  ),

  // Classes
  ...[
    'r7i.48xlarge',
    'm7i.48xlarge',
    'm8g.48xlarge',
    'r8g.48xlarge',
    'm6i.32xlarge',
    'r6gd.16xlarge',
    'm5d.24xlarge',
    't3.micro',
    'x2g.large',
    'x2iedn.32xlarge',
  ].map((name) => database(`class ${name}`, type(name), { DBInstanceClass: `db.${name}` })),

  // Storage and replicas
  database(
    'storage beyond what the profile lets it grow to',
    { allocatedStorage: 2000 },
    {
      AllocatedStorage: '2000',
      MaxAllocatedStorage: 3000,
    },
  ),
  database(
    'storage near the end of what there is',
    { allocatedStorage: 50_000 },
    {
      AllocatedStorage: '50000',
      MaxAllocatedStorage: 65_536,
    },
  ),
  database('the most storage', { allocatedStorage: 65_536 }, { AllocatedStorage: '65536' }),
  database(
    'storage that may grow by a tenth',
    { allocatedStorage: 200, maxAllocatedStorage: 220 },
    {
      AllocatedStorage: '200',
      MaxAllocatedStorage: 220,
    },
  ),
  database('fifteen replicas', { readReplicas: 15 }, { SourceDBInstanceIdentifier: expect.anything() }),
  database('the longest retention', { backupRetention: Duration.days(35) }, { BackupRetentionPeriod: 35 }),
  database('a week in hours', { backupRetention: Duration.hours(168) }, { BackupRetentionPeriod: 7 }),
  database(
    'a backup over midnight',
    { preferredBackupWindow: '23:45-00:15' },
    { PreferredBackupWindow: '23:45-00:15' },
  ),
  database(
    'maintenance over the end of the week',
    { preferredMaintenanceWindow: 'sat:23:30-sun:00:30' },
    {
      PreferredMaintenanceWindow: 'sat:23:30-sun:00:30',
    },
  ),
  database('the lowest port', { port: 1150 }, { Port: '1150' }),
  database('a minor version', { engineVersion: PostgresEngineVersion.of('17.99', '17') }, { EngineVersion: '17.99' }),
  database('the shortest identifier', { instanceIdentifier: 'db' }, { DBInstanceIdentifier: 'db' }),
  parameters(
    'a parameter of an extension',
    { parameters: { 'pg_stat_statements.max': '10000' } },
    {
      Parameters: has({ 'pg_stat_statements.max': '10000' }),
    },
  ),
  parameters(
    'a formula in place of a number',
    { parameters: { work_mem: '{DBInstanceClassMemory/65536}' } },
    {
      Parameters: has({ work_mem: '{DBInstanceClassMemory/65536}' }),
    },
  ),
  parameters(
    'a number below zero',
    { parameters: { log_min_duration_statement: '-1' } },
    {
      Parameters: has({ log_min_duration_statement: '-1' }),
    },
  ),
  parameters(
    'a number in an exponent',
    { parameters: { random_page_cost: '1.1e0' } },
    {
      Parameters: has({ random_page_cost: '1.1e0' }),
    },
  ),

  // Host names and headers
  certificate('host names in capitals', { domainNames: ['Shop.Example.COM'] }, { DomainName: 'shop.example.com' }),
  certificate(
    'ten names',
    { domainNames: Array.from({ length: 10 }, (_, index) => `s${index}.example.com`) },
    {
      SubjectAlternativeNames: includes(['s9.example.com']),
    },
  ),
  certificate(
    'a name in Punycode',
    { domainNames: ['xn--kse-qla.example.com'] },
    { DomainName: 'xn--kse-qla.example.com' },
  ),
  certificate('labels of digits', { domainNames: ['2026.4.example.com'] }, { DomainName: '2026.4.example.com' }),
  balancer(
    'twelve names with a certificate that is brought',
    (scope) => ({
      certificate: certificateOf(scope),
      domainNames: Array.from({ length: 12 }, (_, index) => `s${index}.example.com`),
    }),
    { Scheme: 'internet-facing' },
  ),
  ...[
    'includeSubDomains; max-age=63072000',
    'preload; includeSubDomains; max-age=31536000',
    'max-age="600"',
    'MAX-AGE=0',
  ].map((value) => listener(`HSTS as ${value}`, { strictTransportSecurity: value }, header(HSTS, value))),
  listener('a policy of 1024 characters', { contentSecurityPolicy: 'x'.repeat(1024) }, header(CSP, 'x'.repeat(1024))),
  balancer(
    'the longest idle timeout',
    { idleTimeout: Duration.seconds(4000) },
    {
      LoadBalancerAttributes: includes([{ Key: 'idle_timeout.timeout_seconds', Value: '4000' }]),
    },
  ),
  balancerGroup(
    'thirty blocks on two ports',
    { allowFrom: Array.from({ length: 30 }, (_, n) => Peer.ipv4(`203.0.113.${n}/32`)) },
    {
      SecurityGroupIngress: includes([has({ CidrIp: '203.0.113.29/32', FromPort: 443 })]),
    },
  ),
  balancerGroup(
    'addresses of version 6',
    { allowFrom: [Peer.ipv6('2001:db8::/32')] },
    {
      SecurityGroupIngress: includes([has({ CidrIpv6: '2001:db8::/32' })]),
    },
  ),

  // Rules of the load balancer
  rule('a wildcard and capitals', { hostNames: ['*.Example.com'] }, { Conditions: [has(host('*.example.com'))] }),
  rule('the last priority', { priority: 50_000 }, { Priority: 50_000 }),
  paths(
    'five values, each with its wildcard',
    { paths: ['/a/*', '/b/*', '/c/*', '/d/*'] },
    {
      Conditions: includes([has(path('/a/*', '/b/*', '/c/*', '/d/*'))]),
    },
  ),
  paths(
    'every character of its alphabet',
    { paths: ['/_-.$/~"\'@:+&'] },
    { Conditions: includes([has(path('/_-.$/~"\'@:+&'))]) },
  ),
  paths('six question marks', { paths: ['/??????'] }, { Conditions: includes([has(path('/??????'))]) }),
  targets(
    'a health check with a query',
    { healthCheckPath: '/healthz?from=balancer&full=%20' },
    {
      HealthCheckPath: '/healthz?from=balancer&full=%20',
    },
  ),
  targets(
    'no delay at all',
    { deregistrationDelay: Duration.seconds(0) },
    {
      TargetGroupAttributes: includes([{ Key: 'deregistration_delay.timeout_seconds', Value: '0' }]),
    },
  ),

  // Processes
  web('the largest task', { cpu: 16_384, memoryLimitMiB: 122_880 }, { Cpu: '16384', Memory: '122880' }),
  web('the smallest task', { cpu: 256, memoryLimitMiB: 512, processes: 1 }, { Cpu: '256', Memory: '512' }),
  web(
    'a module of one word beside its application',
    { settingsModule: 'settings', application: 'wsgi:app' },
    container({
      Command: includes(['wsgi:app']),
    }),
  ),
  web(
    'a module of one word beside a command',
    { settingsModule: 'settings', command: ['./serve'] },
    container({ Command: ['./serve'] }),
  ),
  web(
    'an argument with blanks',
    { command: ['sh', '-c', 'exec gunicorn config.wsgi'] },
    container({
      Command: ['sh', '-c', 'exec gunicorn config.wsgi'],
    }),
  ),
  web(
    "hosts of one's own",
    { environment: { DJANGO_ALLOWED_HOSTS: '*' } },
    container({
      Environment: includes([{ Name: 'DJANGO_ALLOWED_HOSTS', Value: '*' }]),
    }),
  ),
  web(
    'a variable with a line break',
    { environment: { BANNER: 'a\nb' } },
    container({
      Environment: includes([{ Name: 'BANNER', Value: 'a\nb' }]),
    }),
  ),
  web(
    'a variable that is empty',
    { environment: { SENTRY_DSN: '' } },
    container({
      Environment: includes([{ Name: 'SENTRY_DSN', Value: '' }]),
    }),
  ),
  web(
    'a way out to one port of one address',
    { egress: [Egress.https(), Egress.tcp(6379, 'Valkey (#1)', Peer.ipv4('10.1.0.0/16'))] },
    {
      Family: expect.anything(),
    },
  ),
  web(
    'the longest stop',
    { stopTimeout: Duration.minutes(2), gracefulTimeout: Duration.seconds(119) },
    container({ StopTimeout: 120 }),
  ),
  web(
    'a health check that is a program',
    { healthCheck: ContainerHealthCheck.command('/bin/true') },
    container({
      HealthCheck: has({ Command: ['CMD', '/bin/true'] }),
    }),
  ),
  worker(
    'a liveness file that may be older for half a second',
    { healthCheck: ContainerHealthCheck.livenessFile(Duration.millis(90_500)) },
    container({ HealthCheck: has({ Command: includes([text('> 90.5)')]) }) }),
  ),
  worker(
    'an application behind a colon',
    { application: 'shop.celery:make' },
    container({ Command: includes(['shop.celery:make']) }),
  ),
  scaling('as many tasks at least as at most', { minCapacity: 7, maxCapacity: 7 }, { MinCapacity: 7, MaxCapacity: 7 }),
  logs('logs for ten years', { logRetention: RetentionDays.TEN_YEARS }, { RetentionInDays: 3653 }),
  release('a release of one word', { command: ['./release.sh'] }, container({ Command: ['./release.sh'] })),

  // Queues, schedules, backups
  queue('a task of a second', { taskTimeLimit: Duration.seconds(1) }, { VisibilityTimeout: 5 }),
  queue(
    'the longest task',
    { taskTimeLimit: Duration.seconds(42_900), retentionPeriod: Duration.days(13) },
    { VisibilityTimeout: 43_200 },
  ),
  queue(
    'a thousand receives',
    { taskTimeLimit: Duration.seconds(4), maxReceiveCount: 1000 },
    {
      RedrivePolicy: has({ maxReceiveCount: 1000 }),
    },
  ),
  queue('whole seconds written as milliseconds', { taskTimeLimit: Duration.millis(4000) }, { VisibilityTimeout: 8 }),
  plan(
    'the last day of the month',
    rules({ schedule: Schedule.expression('cron(0 6 L * ? *)') }),
    planned({
      ScheduleExpression: 'cron(0 6 L * ? *)',
    }),
  ),
  plan(
    'the second Tuesday',
    rules({ schedule: Schedule.expression('cron(0 6 ? * TUE#2 *)') }),
    planned({
      ScheduleExpression: 'cron(0 6 ? * TUE#2 *)',
    }),
  ),
  plan(
    'a zone with half an hour',
    { timeZone: TimeZone.of('Asia/Kathmandu'), ...rules({}) },
    planned({
      ScheduleExpressionTimezone: 'Asia/Kathmandu',
    }),
  ),
  plan(
    'a backup for a century',
    rules({ deleteAfter: Duration.days(36_500) }),
    planned({ Lifecycle: { DeleteAfterDays: 36_500 } }),
  ),
  vault(
    'a lock for a day',
    { vaultLock: BackupVaultLock.governance({ minRetention: Duration.hours(24) }), ...rules({}) },
    {
      LockConfiguration: has({ MinRetentionDays: 1 }),
    },
  ),
  command(
    'once, at a time',
    { schedule: ScheduleExpression.at(new Date('2030-02-28T23:59:59Z')) },
    {
      ScheduleExpression: 'at(2030-02-28T23:59:59)',
    },
  ),
  command(
    'the first weekday of the quarter',
    { schedule: ScheduleExpression.expression('cron(5 4 1W 1/3 ? *)') },
    {
      ScheduleExpression: 'cron(5 4 1W 1/3 ? *)',
    },
  ),
  signing(
    'addresses of a second',
    { longestLifetime: Duration.seconds(1) },
    { Environment: { Variables: has({ LONGEST_LIFETIME: '1' }) } },
  ),
  signing(
    'addresses of five days, with a key a week',
    { longestLifetime: Duration.days(5), rotationPeriod: Duration.days(7) },
    { Environment: { Variables: has({ LONGEST_LIFETIME: '432000' }) } },
  ),
  key(
    'a rotation of a week in hours',
    { rotationPeriod: Duration.hours(168) },
    { RotationRules: { ScheduleExpression: 'rate(7 days)', Duration: '3h' } },
  ),

  // The rest
  firewall(
    'the lowest limits',
    { rateLimit: 10, loginRateLimit: 10 },
    {
      Rules: includes([has({ Statement: { RateBasedStatement: has({ Limit: 10 }) } })]),
    },
  ),
  topic(
    'an address with a plus and capitals',
    { emailAddresses: ['Ops+shop@Example.co.uk'] },
    { Endpoint: 'Ops+shop@Example.co.uk' },
  ),
  topic(
    'an address with an apostrophe',
    { emailAddresses: ["o'brien@ops.example.museum"] },
    { Endpoint: text("o'brien@") },
  ),

  // What looks like the mistakes of strangers
  ...['*', '.example.com', 'localhost', '10.0.0.1', '[::1]', 'Shop_1.Example.COM'].map((name) =>
    web(
      `an allowed host ${name}`,
      { allowedHosts: [name] },
      container({
        Environment: includes([{ Name: 'DJANGO_ALLOWED_HOSTS', Value: name }]),
      }),
    ),
  ),
  ...['https://*.example.com', 'http://localhost:8000'].map((origin) =>
    web(
      `an origin ${origin}`,
      { csrfTrustedOrigins: [origin] },
      container({
        Environment: includes([{ Name: 'DJANGO_CSRF_TRUSTED_ORIGINS', Value: origin }]),
      }),
    ),
  ),
  web(
    'hosts with blanks and a comma at the end',
    { environment: { DJANGO_ALLOWED_HOSTS: 'a.example.com, .example.org,' } },
    container({ Environment: includes([{ Name: 'DJANGO_ALLOWED_HOSTS', Value: 'a.example.com, .example.org,' }]) }),
  ),
  web(
    'a number of processes in a variable',
    { environment: { WEB_CONCURRENCY: '3' } },
    container({ Environment: includes([{ Name: 'WEB_CONCURRENCY', Value: '3' }]) }),
  ),
  ...['r5b.24xlarge', 'm6idn.large', 'x2idn.16xlarge'].map((name) =>
    database(`class ${name}`, type(name), { DBInstanceClass: `db.${name}` }),
  ),
  ...['cron(0 6 29 2 ? *)', 'cron(0 6 31 1,2 ? *)', 'cron(0 6 30 FEB-MAR ? *)', 'at(2032-02-29T06:00:00)'].map((when) =>
    command(`a schedule ${when}`, { schedule: ScheduleExpression.expression(when) }, { ScheduleExpression: when }),
  ),
  imported(
    'a load balancer in another partition, in capitals',
    {
      loadBalancerArn: 'arn:aws-us-gov:elasticloadbalancing:us-gov-west-1:111122223333:loadbalancer/app/Shop/1',
      listenerArn: 'arn:aws-us-gov:elasticloadbalancing:us-gov-west-1:111122223333:listener/app/Shop/1/2',
      loadBalancerDnsName: 'Shop-1.us-gov-west-1.elb.amazonaws.com',
      loadBalancerCanonicalHostedZoneId: 'Z33AYJ8TM3BH4J',
    },
    { ListenerArn: text('app/Shop/1/2') },
  ),
  scaledWorker('no task while nothing waits', { minCapacity: 0 }, { MinCapacity: 0 }),
  scaledWorker('messages that may wait for two weeks', { acceptableLatency: Duration.days(14) }, { MaxCapacity: 50 }),
  ...['http://localhost:8000', 'https://127.0.0.1:8443', 'https://xn--bro-hoa.example.com', 'http://intranet'].map(
    (origin) =>
      media(
        `uploads from ${origin}`,
        { corsAllowedOrigins: [origin] },
        { CorsConfiguration: { CorsRules: [has({ AllowedOrigins: [origin] })] } },
      ),
  ),
  media(
    'versions for a day',
    { noncurrentVersionExpiration: Duration.hours(24) },
    { LifecycleConfiguration: { Rules: [has({ NoncurrentVersionExpiration: { NoncurrentDays: 1 } })] } },
  ),
  cache('one node', { nodes: 1 }, { NumCacheClusters: 1, AutomaticFailoverEnabled: false }),
  cache('six nodes', { nodes: 6 }, { NumCacheClusters: 6, AutomaticFailoverEnabled: true }),
  ...['t3.micro', 't4g.medium', 'm5.24xlarge', 'r7g.16xlarge', 'c7gn.large', 'm8g.large'].map((name) =>
    cache(`nodes of ${name}`, { nodeType: new InstanceType(name) }, { CacheNodeType: `cache.${name}` }),
  ),
  cache('no snapshots', { snapshotRetention: Duration.days(0) }, { SnapshotRetentionLimit: 0 }),
  cache('snapshots for a day', { snapshotRetention: Duration.hours(24) }, { SnapshotRetentionLimit: 1 }),
  cache(
    'a snapshot across midnight',
    { snapshotWindow: '23:30-00:30' },
    { SnapshotWindow: '23:30-00:30', PreferredMaintenanceWindow: 'sun:04:30-sun:05:30' },
  ),
  cache('a version to come', { engineVersion: '8.9' }, { EngineVersion: '8.9' }),
  mail('a domain in capitals', { domain: 'Shop.Example.com' }, { EmailIdentity: 'shop.example.com' }),
  mail('the domain of the zone', { domain: 'example.com' }, { EmailIdentity: 'example.com' }),
  mail(
    'a return path two labels below',
    { mailFromDomain: 'a.b.example.com' },
    { MailFromAttributes: has({ MailFromDomain: 'a.b.example.com' }) },
  ),
  ...['ORDERS@example.com', 'a+b@shop.example.com', "o'neill@example.com"].map((address) =>
    senders(`mail from ${address}`, { fromAddresses: [address] }, { Description: address }),
  ),
  mailRecord(
    'DMARC reports to another domain',
    { dmarcReportAddress: 'shop@dmarc.example.org' },
    { ResourceRecords: ['"v=DMARC1; p=none; rua=mailto:shop@dmarc.example.org"'] },
  ),
  network('a block of /23', { ipAddresses: IpAddresses.cidr('172.31.254.0/23') }, { CidrBlock: '172.31.254.0/23' }),
];

/** Rows of one struct stand beside each other in one stack. */
function resourcesOf(struct: Struct): ReadonlyMap<ValidRow, readonly { Type: string; Properties: object }[]> {
  const stack = new Stack(new App({ context: { '@aws-cdk/core:stackResourceLimit': 0 } }), 'Shop');
  const own = rows.filter((each) => each.struct === struct);
  for (const [index, { given }] of own.entries()) {
    const scope = new Construct(stack, `Row${index + 1}`);
    (MAKERS[struct] as MakeStruct)(scope, given(scope));
  }
  const resources = Object.entries<{ Type: string; Properties: object }>(Template.fromStack(stack).toJSON().Resources);
  return new Map(
    own.map((each, index) => {
      const mine = resources.filter(([id]) => /^Row(\d+)\D/.exec(id)?.[1] === String(index + 1));
      return [each, mine.map(([, resource]) => resource)];
    }),
  );
}

describe.each([...new Set(rows.map(({ struct }) => struct))])('what is unusual and right, in %s', (struct) => {
  const made = resourcesOf(struct);

  test.each([...made].map(([each, resources]) => [each.name, each, resources] as const))('%s', (_, each, resources) => {
    const found = resources.filter(({ Type }) => Type === each.type).map(({ Properties }) => Properties);
    expect(found).toContainEqual(has(each.properties));
  });
});

test('there are at least 60 of them, no two alike', () => {
  expect(rows.length).toBeGreaterThanOrEqual(60);
  expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length);
});
