import { App } from 'aws-cdk-lib';
import { IpAddresses, Vpc } from 'aws-cdk-lib/aws-ec2';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { Key } from 'aws-cdk-lib/aws-kms';
import { HostedZone } from 'aws-cdk-lib/aws-route53';
import { DjangoApplication } from '../../constructs/application/django-application';
import type { DjangoApplicationProps } from '../../constructs/application/django-application-props';
import { Profile } from '../../constructs/core/profile';
import { PostgresDatabase } from '../../constructs/database/postgres-database';
import { CHANGE_GUARD } from '../../constructs/handlers/protection/contract';
import { DjangoStack } from '../../lib/django-stack';
import { statefulIds } from '../../scripts/compare-templates';
import { Annotations, Match, only, type Template, templateOf, testStack } from '../support';
import { Graph } from '../wiring/graph';

const TYPE = 'Custom::ChangeGuard';
const KEY = 'arn:aws:kms:eu-west-1:111122223333:key/11111111-2222-3333-4444-555555555555';
const OWN = 'the one that is made here';

type Props = Partial<DjangoApplicationProps>;

function made(props: (stack: ReturnType<typeof testStack>) => Props = () => ({})) {
  const stack = testStack();
  new DjangoApplication(stack, 'App', {
    image: ContainerImage.fromRegistry('shop:1'),
    settingsModule: 'config.settings',
    profile: Profile.development(),
    queues: { default: {} },
    ...props(stack),
  });
  return { stack, template: templateOf(stack) };
}

function guardOf(template: Template) {
  return only(template, TYPE).resource.Properties;
}

const zone = (stack: ReturnType<typeof testStack>) =>
  HostedZone.fromHostedZoneAttributes(stack, 'Zone', { hostedZoneId: 'Z0123456789ABCDEF', zoneName: 'example.com' });

test('holds the values of the database as they come out, defaults included', () => {
  const { template } = made();
  const { Database, BroughtDatabase, Network, VaultKey, Names, Records, AllowedChanges } = guardOf(template);
  expect(Database).toEqual({
    'databaseOptions.applicationUser': 'django',
    'databaseOptions.databaseName': 'django',
    'databaseOptions.instanceIdentifier': only(template, 'AWS::RDS::DBInstance').resource.Properties
      .DBInstanceIdentifier,
    'databaseOptions.masterUsername': 'django_master',
    'databaseOptions.port': '15432',
    encryptionKey: OWN,
    vpc: OWN,
  });
  const Zones = [0, 1].map((zone) => ({ 'Fn::Select': [zone, { 'Fn::GetAZs': '' }] }));
  expect(Network).toEqual({ Addresses: '10.0.0.0/16', Zones });
  expect([BroughtDatabase, VaultKey]).toEqual([undefined, undefined]); // Development makes no backups.
  expect([Names, Records, AllowedChanges]).toEqual([[], [], undefined]);
});

test.each<[string, Partial<DjangoApplicationProps>, string]>([
  ['a public one', {}, 'internet-facing'],
  ['one behind a distribution', { cdn: {} }, 'internal'],
  ['one of a company', { loadBalancerOptions: { internetFacing: false } }, 'internal'],
])('holds the scheme of the load balancer: %s', (_, props, expected) => {
  expect(guardOf(made(() => props).template).Scheme).toBe(expected);
});

test('holds what is named and brought', () => {
  const { stack, template } = made((stack) => ({
    vpc: new Vpc(stack, 'Vpc', { maxAzs: 2, restrictDefaultSecurityGroup: false }),
    encryptionKey: Key.fromKeyArn(stack, 'Key', KEY),
    databaseOptions: { databaseName: 'shop', snapshotIdentifier: 'before', instanceIdentifier: 'shop' },
    domainNames: ['Shop.example.com'],
    hostedZone: zone(stack),
    allowedChanges: ['vpc'],
  }));
  const vpc = stack.node.findChild('Vpc') as Vpc;
  expect(guardOf(template)).toMatchObject({
    Database: {
      'databaseOptions.databaseName': 'shop',
      'databaseOptions.instanceIdentifier': 'shop',
      'databaseOptions.snapshotIdentifier': 'before',
      encryptionKey: KEY,
      vpc: stack.resolve(vpc.vpcId),
    },
    Names: ['shop.example.com'],
    Records: ['shop.example.com'],
    AllowedChanges: ['vpc'],
  });
});

test('holds of a database that is brought which it is, and does not wait for it', () => {
  const { template } = made((stack) => {
    const vpc = new Vpc(stack, 'Vpc', { maxAzs: 2, restrictDefaultSecurityGroup: false });
    return { vpc, database: new PostgresDatabase(stack, 'Database', { vpc, profile: Profile.development() }) };
  });
  const { id, resource } = only(template, TYPE);
  const instance = only(template, 'AWS::RDS::DBInstance');
  expect([resource.Properties.Database, resource.Properties.Network]).toEqual([undefined, undefined]);
  expect(resource.Properties.BroughtDatabase).toEqual(instance.resource.Properties.DBInstanceIdentifier);
  expect(new Graph(template.toJSON().Resources).waitsFor(id, instance.id)).toBe(false);
});

test('holds the addresses and zones that are given, and the key of the vault', () => {
  const pool = { ipv4IpamPoolId: 'ipam-pool-1', ipv4NetmaskLength: 20, defaultSubnetIpv4NetmaskLength: 24 };
  const { template } = made((stack) => ({
    profile: Profile.development({ databaseBackup: true }),
    networkOptions: {
      availabilityZones: ['eu-west-1b', 'eu-west-1c'],
      ipAddresses: IpAddresses.awsIpamAllocation(pool),
    },
    backupOptions: { encryptionKey: Key.fromKeyArn(stack, 'Key', KEY) },
  }));
  expect(guardOf(template)).toMatchObject({
    Network: { Addresses: '/20 of ipam-pool-1', Zones: ['eu-west-1b', 'eu-west-1c'] },
    VaultKey: KEY,
  });
  const own = made(() => ({ profile: Profile.development({ databaseBackup: true }) })).template;
  expect(guardOf(own).VaultKey).toBe(OWN);
  expect(guardOf(own).CacheKey).toBeUndefined();
});

test('holds the key of the cache, and goes before it', () => {
  expect(guardOf(made(() => ({ cache: {} })).template).CacheKey).toBe(OWN);
  const { template } = made((stack) => ({ cache: {}, encryptionKey: Key.fromKeyArn(stack, 'Key', KEY) }));
  expect(guardOf(template).CacheKey).toBe(KEY);
  const graph = new Graph(template.toJSON().Resources);
  const { id } = only(template, 'AWS::ElastiCache::ReplicationGroup');
  expect(graph.waitsFor(id, only(template, CHANGE_GUARD).id)).toBe(true);
});

test('comes before everything that stores something, and after nothing of the application but its function', () => {
  const { template } = made((stack) => ({
    profile: Profile.production(),
    domainNames: ['shop.example.com'],
    hostedZone: zone(stack),
  }));
  const graph = new Graph(template.toJSON().Resources);
  const { id } = only(template, TYPE);
  const stored = Object.entries(statefulIds(template.toJSON()))
    .filter(([type]) => type !== 'AWS::KMS::Key')
    .flatMap(([, ids]) => ids)
    .filter((each) => !each.startsWith('AppChangeGuard'));
  expect(stored.length).toBeGreaterThan(15);
  expect(stored.filter((each) => !graph.waitsFor(each, id))).toEqual([]);
  const subnets = Object.keys(graph.resources).filter((each) => /^AppDatabaseSubnets/.test(each));
  expect(subnets.map((each) => graph.waitsFor(each, id))).toEqual([true]);
  const before = Object.keys(graph.resources).filter((each) => graph.waitsFor(id, each));
  expect(before.map((each) => graph.resources[each].Type).sort()).toEqual([
    'AWS::IAM::ManagedPolicy',
    'AWS::IAM::Role',
    'AWS::Lambda::Function',
    'AWS::Logs::LogGroup',
  ]);
});

test('shares the function of termination protection where the stack has one, and adds one resource', () => {
  const app = new App();
  const props = {
    image: ContainerImage.fromRegistry('shop:1'),
    settingsModule: 'config.settings',
    domainName: 'shop.example.com',
    hostedZoneId: 'Z0123456789ABCDEF',
  };
  const template = templateOf(new DjangoStack(app, 'Production', props));
  const token = only(template, 'Custom::TerminationProtection').resource.Properties.ServiceToken;
  expect(guardOf(template).ServiceToken).toEqual(token);
  const ids = Object.keys(template.toJSON().Resources).filter((id) => id.startsWith('AppChangeGuard'));
  expect(ids).toHaveLength(1);
});

test('its function may read the status of its own stack, write its log, and nothing else', () => {
  const { stack, template } = made();
  const policies = Object.entries(template.findResources('AWS::IAM::ManagedPolicy'));
  const [[, policy]] = policies.filter(([id]) => id.startsWith('AppChangeGuard'));
  const statements: { Action: unknown; Resource: unknown }[] = policy.Properties.PolicyDocument.Statement;
  expect(statements.map(({ Action }) => Action)).toEqual([
    ['logs:CreateLogStream', 'logs:PutLogEvents'],
    'cloudformation:DescribeStacks',
  ]);
  expect(statements[1].Resource).toEqual(stack.resolve(stack.stackId));
});

test('what is allowed is warned of', () => {
  const warning = Match.stringLikeRegexp('`allowedChanges` lets a deployment lose what is stored');
  Annotations.fromStack(made(() => ({ allowedChanges: ['hostedZone'] })).stack).hasWarning('/Shop/App', warning);
  Annotations.fromStack(made().stack).hasNoWarning('/Shop/App', warning);
});
