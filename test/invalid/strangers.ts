import { Duration, RemovalPolicy, Stack, Stage } from 'aws-cdk-lib';
import { InstanceType } from 'aws-cdk-lib/aws-ec2';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { DatabaseInstance } from 'aws-cdk-lib/aws-rds';
import { ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Profile } from '../../constructs/core/profile';
import { DatabaseVariables } from '../../constructs/database/database-variables';
import { PostgresDatabase, type PostgresDatabaseAttributes } from '../../constructs/database/postgres-database';
import { HttpsLoadBalancer, type HttpsLoadBalancerAttributes } from '../../constructs/edge/https-load-balancer';
import { Notifications } from '../../constructs/notifications/notifications';
import { ContainerHealthCheck } from '../../constructs/processes/container-health-check';
import { Egress } from '../../constructs/processes/egress';
import { ScheduledCommand } from '../../constructs/processes/scheduled-command';
import { CeleryBroker } from '../../constructs/queues/celery-broker';
import { DjangoStack, type DjangoStackProps } from '../../lib/django-stack';
import { PipelineStack, type PipelineStackProps } from '../../lib/pipeline-stack';
import { processProps } from '../processes/support';
import { testVpc } from '../support';
import type { InvalidCase } from './case';
import { application, asgi, database, dsn, release, row, untyped, web, worker } from './second-hundred';

const brought = (name: string, prop: string, given: Partial<PostgresDatabaseAttributes>) =>
  row(`brought database: ${name}`, prop, (stack) => {
    const instance = DatabaseInstance.fromDatabaseInstanceAttributes(stack, 'Instance', {
      instanceIdentifier: 'shop',
      instanceEndpointAddress: 'shop.example.com',
      port: 15432,
      securityGroups: [],
    });
    const applicationSecret = Secret.fromSecretNameV2(stack, 'Login', 'shop');
    PostgresDatabase.fromPostgresDatabaseAttributes(stack, 'Brought', { instance, applicationSecret, ...given });
  });
const ARN = 'arn:aws:elasticloadbalancing:eu-central-1:111122223333';
const balancer = (name: string, prop: string, given: Partial<HttpsLoadBalancerAttributes>) =>
  row(`brought load balancer: ${name}`, prop, (stack) =>
    HttpsLoadBalancer.fromHttpsLoadBalancerAttributes(stack, 'Brought', {
      loadBalancerArn: `${ARN}:loadbalancer/app/shop/1`,
      loadBalancerDnsName: 'shop-1.eu-central-1.elb.amazonaws.com',
      listenerArn: `${ARN}:listener/app/shop/1/2`,
      securityGroupId: 'sg-0123456789abcdef0',
      vpc: testVpc(stack),
      ...given,
    }),
  );
const pipeline = (name: string, prop: string, given: Partial<PipelineStackProps>) =>
  row(`pipeline: ${name}`, prop, ({ node }) => {
    const [staging, production] = ['Staging', 'Production'].map((id) => {
      const stage = new Stage(node.root, id);
      new Topic(new Stack(stage, 'Site'), 'Topic');
      return stage;
    });
    new PipelineStack(node.root, 'Pipeline', {
      repository: 'example/shop',
      connectionArn: 'arn:aws:codeconnections:eu-central-1:111122223333:connection/1',
      staging,
      production,
      ...given,
    });
  });
const site = (name: string, prop: string, given: Partial<DjangoStackProps>) =>
  row(`stack: ${name}`, prop, ({ node }) => {
    const image = ContainerImage.fromRegistry('shop');
    new DjangoStack(node.root, 'Site', { image, settingsModule: 'config.settings', ...given });
  });
const scheduled = (text: string) =>
  row(`command: ${text}`, 'schedule', (stack) => {
    const schedule = ScheduleExpression.expression(text);
    new ScheduledCommand(stack, 'Clear', { ...processProps(stack), command: ['./clear'], schedule });
  });
const mail = (name: string, address: string) =>
  row(`notifications: ${name}`, 'emailAddresses[0]', (stack) => {
    new Notifications(stack, 'Notifications', { emailAddresses: [address] });
  });
const variables = (name: string) =>
  row(`database: a variable ${name}`, 'variables.host', (stack) => {
    const names = { host: name, port: 'P', name: 'N', user: 'U', password: 'W' };
    new PostgresDatabase(stack, 'Database', { vpc: testVpc(stack), variables: DatabaseVariables.of(names) });
  });
const constant = <Given>(value: unknown) => value as Given;
const zone = 'Z0123456789ABCDEFGHIJ';

/** Objects of the wrong kind where nothing but the class tells one from the other. */
const lookAlikes: InvalidCase[] = [
  web('a health check as ECS takes it', 'healthCheck', untyped({ healthCheck: { command: ['true'] } })),
  worker('a health check as a list', 'healthCheck', untyped({ healthCheck: ['CMD', 'true'] })),
  web('a processor as ECS takes it', 'cpuArchitecture', untyped({ cpuArchitecture: { cpuArchitecture: 'ARM64' } })),
  web('an object to wait for', 'waitFor[0]', untyped({ waitFor: [{}] })),
  database('an authority as RDS takes it', 'caCertificate', untyped({ caCertificate: { name: 'rds-ca' } })),
  database('support that RDS does not sell', 'engineLifecycleSupport', untyped({ engineLifecycleSupport: 'extended' })),
  row('health check: an age in seconds', 'maxAge', () => ContainerHealthCheck.livenessFile(constant(90))),
  row('health check: a path as a number', 'path', () => ContainerHealthCheck.http(constant(200))),
];

const addresses: InvalidCase[] = [
  web('an allowed host with its scheme', 'allowedHosts[0]', { allowedHosts: ['https://shop.example.com'] }),
  web('an allowed host with a port', 'allowedHosts[0]', { allowedHosts: ['shop.example.com:8000'] }),
  worker('two allowed hosts in one', 'allowedHosts[0]', { allowedHosts: ['a.example.com,b.example.com'] }),
  web('a wildcard that Django does not know', 'allowedHosts[0]', { allowedHosts: ['*.example.com'] }),
  web('an origin without its scheme', 'csrfTrustedOrigins[0]', { csrfTrustedOrigins: ['shop.example.com'] }),
  asgi('an origin with a path', 'csrfTrustedOrigins[0]', { csrfTrustedOrigins: ['https://shop.example.com/'] }),
  web('an origin without its scheme in a variable', 'environment.DJANGO_CSRF_TRUSTED_ORIGINS', {
    environment: { DJANGO_CSRF_TRUSTED_ORIGINS: 'https://a.example.com, b.example.com' },
  }),
  web('a host with its scheme in a variable', 'environment.DJANGO_ALLOWED_HOSTS', {
    environment: { DJANGO_ALLOWED_HOSTS: 'http://shop.example.com' },
  }),
  web('processes in words', 'environment.WEB_CONCURRENCY', { environment: { WEB_CONCURRENCY: 'four' } }),
];

const contract: InvalidCase[] = [
  web('a process of its own', 'environment.DJANGO_FARGATE_PROCESS', { environment: { DJANGO_FARGATE_PROCESS: 'x' } }),
  asgi('a size of the pool', 'environment.DJANGO_FARGATE_CONNECTIONS', {
    environment: { DJANGO_FARGATE_CONNECTIONS: '9' },
  }),
  worker('a protection', 'secrets.DJANGO_FARGATE_TASK_PROTECTION', (stack) => ({
    secrets: { DJANGO_FARGATE_TASK_PROTECTION: dsn(stack) },
  })),
  variables('HOME'),
  variables('DJANGO_SECRET_KEY'),
  variables('CELERY_BROKER_URL'),
];

const attributes: InvalidCase[] = [
  row('brought database: a replica on another port', 'readReplicas', (stack) => {
    const [instance, replica] = [15432, 5432].map((port) =>
      DatabaseInstance.fromDatabaseInstanceAttributes(stack, `Instance${port}`, {
        instanceIdentifier: 'shop',
        instanceEndpointAddress: 'shop.example.com',
        port,
        securityGroups: [],
      }),
    );
    const applicationSecret = Secret.fromSecretNameV2(stack, 'Login', 'shop');
    const attributes = { instance, applicationSecret, readReplicas: [replica] };
    PostgresDatabase.fromPostgresDatabaseAttributes(stack, 'Brought', attributes);
  }),
  brought('a variable with the name of that of replicas', 'variables.host', {
    variables: DatabaseVariables.of({ ...DatabaseVariables.DATABASE.names, host: 'DATABASE_REPLICA_HOST' }),
  }),
  brought('a port that is no number', 'port', { port: Number.NaN }),
  brought('a port beyond all', 'port', { port: 70_000 }),
  brought('no connections', 'maxConnections', { maxConnections: 0 }),
  brought('a bundle at no place', 'caBundlePath', { caBundlePath: 'rds.pem' }),
  balancer('its ARN for its name', 'loadBalancerDnsName', { loadBalancerDnsName: `${ARN}:loadbalancer/app/shop/1` }),
  balancer('its address for its name', 'loadBalancerDnsName', { loadBalancerDnsName: 'https://shop.example.com' }),
  balancer('a network load balancer', 'loadBalancerArn', { loadBalancerArn: `${ARN}:loadbalancer/net/shop/1` }),
  balancer('the listener of another one', 'listenerArn', { listenerArn: `${ARN}:listener/app/blog/9/2` }),
  balancer('itself for its listener', 'listenerArn', { listenerArn: `${ARN}:loadbalancer/app/shop/1` }),
  balancer('the name of a zone', 'loadBalancerCanonicalHostedZoneId', {
    loadBalancerCanonicalHostedZoneId: 'example.com',
  }),
];

const amounts: InvalidCase[] = [
  web('more tasks than a service has', 'maxCapacity', { maxCapacity: 5001 }),
  web('more requests than there are', 'requestsPerTarget', { requestsPerTarget: 1e21 }),
  web('a connection that is kept for a week', 'keepAlive', { keepAlive: Duration.days(7) }),
  asgi('more connections than PostgreSQL has', 'connectionsPerProcess', { connectionsPerProcess: 1e21 }),
  worker('a wait that SQS does not allow', 'acceptableLatency', { acceptableLatency: Duration.days(15) }),
  worker('a backlog beyond all', 'backlogPerTask', { backlogPerTask: 1e21 }),
  release('reserved concurrency beyond all', 'handlerReservedConcurrency', { handlerReservedConcurrency: 1e21 }),
  row('egress: a port as a string', 'port', () => Egress.tcp(constant('587'), 'SMTP')),
  row('egress: a port that is no number', 'port', () => Egress.tcp(Number.NaN, 'SMTP')),
];

const names: InvalidCase[] = [
  row('broker: a queue that objects have', 'queues', (stack) => {
    new CeleryBroker(stack, 'Broker', { queues: { constructor: {} }, defaultQueueName: 'constructor' });
  }),
  row('broker: another queue that objects have', 'queues', (stack) => {
    new CeleryBroker(stack, 'Broker', { queues: { default: {}, toString: {} } as never });
  }),
  application('a worker without a name', 'workers', { queues: { default: {} }, workers: { '': {} } }),
  application('a worker with a slash', 'workers', { queues: { default: {} }, workers: { 'a/b': {} } }),
  application('a command that objects have', 'scheduledCommands', {
    scheduledCommands: {
      constructor: { command: ['./clear'], schedule: ScheduleExpression.rate(Duration.days(1)) },
    } as never,
  }),
  site('a name with its scheme', 'domainName', { domainName: 'https://shop.example.com', hostedZoneId: zone }),
  site('a zone with its scheme', 'hostedZoneName', {
    domainName: 'shop.example.com',
    hostedZoneId: zone,
    hostedZoneName: 'https://example.com',
  }),
  site('a name of another zone', 'domainName', {
    domainName: 'shop.example.org',
    hostedZoneId: zone,
    hostedZoneName: 'example.com',
  }),
  mail('two addresses in one', 'ops@example.com,dev@example'),
  mail('an address in brackets', '<ops@example.com>'),
];

const dates: InvalidCase[] = ['cron(0 6 30 2 ? *)', 'cron(0 6 31 APR,JUN ? *)', 'at(2030-02-30T06:00:00)'].map(
  scheduled,
);

const instanceClasses: InvalidCase[] = ['T4G.MEDIUM', 'm7g.metal', 'foo.large', 't4g.medium '].map((name) =>
  database(`class ${name}`, 'instanceType', { instanceType: new InstanceType(name) }),
);

const fromStrings: InvalidCase[] = [
  site('protection in a string', 'terminationProtection', untyped({ terminationProtection: 'false' })),
  site('a region for its environment', 'env', untyped({ env: 'eu-central-1' })),
  web('a file for a module', 'settingsModule', { settingsModule: 'config.settings.py' }),
  web('dots for a module', 'application', { application: '..:app' }),
  application('an address that no alarm can hold', 'runbookBase', {
    runbookBase: `https://wiki.example.com/${'x'.repeat(1000)}`,
  }),
];

/** What a profile says is used by many parts, some of which would not notice. */
const profiles: InvalidCase[] = [
  row('profile: no worker at most', 'workerMaxCapacity', () => Profile.production({ workerMaxCapacity: 0 })),
  row('profile: fewer tasks at most than at least', 'webMaxCapacity', () =>
    Profile.production({ webMinCapacity: 4, webMaxCapacity: 3 }),
  ),
  row('profile: a snapshot of queues', 'removalPolicy', () =>
    Profile.production({ removalPolicy: RemovalPolicy.SNAPSHOT }),
  ),
  row('broker: a snapshot of queues', 'removalPolicy', (stack) => {
    new CeleryBroker(stack, 'Broker', { removalPolicy: RemovalPolicy.SNAPSHOT });
  }),
];

const pipelines: InvalidCase[] = [
  pipeline('an address of git', 'repository', { repository: 'git@github.com:example/shop.git' }),
  pipeline('the end of an address', 'repository', { repository: 'example/shop.git' }),
  pipeline('a reference', 'branch', { branch: 'refs/heads/main' }),
  pipeline('an option for a branch', 'branch', { branch: '--force' }),
  pipeline('a blank command', 'synthCommands[1]', { synthCommands: ['npm test', ' '] }),
  pipeline('an empty command', 'installCommands[0]', { installCommands: [''] }),
  pipeline('a folder above', 'primaryOutputDirectory', { primaryOutputDirectory: '../cdk.out' }),
];

/** What somebody who does not know the library tried, by what is wrong with it. */
export const strange: { readonly [kind: string]: readonly InvalidCase[] } = {
  lookAlikes,
  addresses,
  contract,
  attributes,
  amounts,
  names,
  dates,
  instanceClasses,
  pipelines,
  fromStrings,
  profiles,
};

export const cases: InvalidCase[] = Object.values(strange).flat();
