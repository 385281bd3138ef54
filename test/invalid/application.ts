import { join } from 'node:path';
import { Vpc } from 'aws-cdk-lib/aws-ec2';
import { Cluster, ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { DjangoApplication } from '../../constructs/application/django-application';
import type { DjangoApplicationProps } from '../../constructs/application/django-application-props';
import { Profile } from '../../constructs/core/profile';
import { PostgresDatabase } from '../../constructs/database/postgres-database';
import { HttpsLoadBalancer } from '../../constructs/edge/https-load-balancer';
import { Egress } from '../../constructs/processes/egress';
import { DjangoStack, type DjangoStackProps } from '../../lib/django-stack';
import type { InvalidCase } from './case';

const common = () => ({
  image: ContainerImage.fromAsset(join(__dirname, '..', 'fixtures', 'image')),
  settingsModule: 'config.settings',
  profile: Profile.development(),
});

const application = (name: string, prop: string, props: Partial<DjangoApplicationProps>): InvalidCase => ({
  name: `DjangoApplication: ${name}`,
  prop,
  make: (stack) => new DjangoApplication(stack, 'App', { ...common(), ...props }),
});

const shared = (name: string, prop: string, props: Partial<DjangoApplicationProps>): InvalidCase => ({
  name: `DjangoApplication: ${name}`,
  prop,
  make: (stack) => {
    const vpc = new Vpc(stack, 'Vpc', { maxAzs: 2, restrictDefaultSecurityGroup: false });
    const loadBalancer = new HttpsLoadBalancer(stack, 'Shared', { vpc, profile: Profile.development() });
    new DjangoApplication(stack, 'App', { ...common(), vpc, loadBalancer, ...props });
  },
});

const stack = (name: string, prop: string, props: Partial<DjangoStackProps>): InvalidCase => ({
  name: `DjangoStack: ${name}`,
  prop,
  make: ({ node }) => new DjangoStack(node.root, 'Site', { ...common(), ...props }),
});

export const cases: InvalidCase[] = [
  {
    name: 'DjangoApplication: options that hold a construct, beside a database that is brought',
    prop: 'databaseOptions',
    make: (stack) => {
      const vpc = new Vpc(stack, 'Vpc', { maxAzs: 2, restrictDefaultSecurityGroup: false });
      const database = new PostgresDatabase(stack, 'Database', { vpc });
      const databaseOptions = { eventTopic: new Topic(stack, 'Topic') };
      new DjangoApplication(stack, 'App', { ...common(), vpc, database, databaseOptions });
    },
  },
  application('workers without queues', 'workers', { workers: { all: {} } }),
  application('a change that needs no permission', 'allowedChanges[1]', { allowedChanges: ['vpc', 'queues'] }),
  application('a change by half its name', 'allowedChanges[0]', { allowedChanges: ['databaseName'] }),
  application('every change', 'allowedChanges[0]', { allowedChanges: ['*'] }),
  application('beat without queues', 'beat', { beat: {} }),
  application('a web service beside ASGI that takes every path', 'web', { web: {}, asgi: { paths: ['/*'] } }),
  application('more connections than the instance class has', 'web.maxCapacity', {
    web: { maxCapacity: 400, processes: 1, threads: 64, connectionsPerProcess: 64 },
  }),
  application('processes that cannot pull their image', 'egress', { egress: [Egress.tcp(587, 'SMTP')] }),
  application('production without a name', 'domainNames', { profile: Profile.production() }),
  application('a settings module that is a file', 'settingsModule', { settingsModule: 'config/settings.py' }),
  application('an environment value that is not defined', 'environment.DSN', {
    environment: { DSN: process.env.A_VARIABLE_THAT_NOBODY_SETS as string },
  }),
  application('a plain variable beside the secret of that name', 'environment.DATABASE_PASSWORD', {
    environment: { DATABASE_PASSWORD: 'secret' },
  }),
  shared('names for a load balancer that is brought', 'domainNames', { domainNames: ['a.example.com'] }),
  shared('a rate limit for a load balancer that is brought', 'firewallOptions', {
    firewallOptions: { rateLimit: 500 },
  }),
  {
    name: 'DjangoApplication: a cluster of another VPC',
    prop: 'vpc',
    make: (scope) => {
      const vpc = new Vpc(scope, 'Vpc', { restrictDefaultSecurityGroup: false });
      const other = new Vpc(scope, 'Other', { restrictDefaultSecurityGroup: false });
      new DjangoApplication(scope, 'App', { ...common(), vpc, cluster: new Cluster(scope, 'Cluster', { vpc: other }) });
    },
  },
  stack('a domain without its zone, without account and region', 'hostedZoneId', { domainName: 'a.example.com' }),
  stack('a zone id that is a name', 'hostedZoneId', { domainName: 'a.example.com', hostedZoneId: 'example.com' }),
  stack('a zone without a domain', 'hostedZoneId', { hostedZoneId: 'Z0123456789ABCDEFGHIJ' }),
  stack('one domain and several', 'domainName', {
    domainName: 'a.example.com',
    domainNames: ['b.example.com'],
    hostedZoneId: 'Z0123456789ABCDEFGHIJ',
  }),
];
