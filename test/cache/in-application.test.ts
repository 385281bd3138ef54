import { type App, Duration, RemovalPolicy, type Stack } from 'aws-cdk-lib';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { DjangoApplication } from '../../constructs/application/django-application';
import type { DjangoApplicationProps } from '../../constructs/application/django-application-props';
import { Cache } from '../../constructs/cache/cache';
import { Profile } from '../../constructs/core/profile';
import { complianceOf, pairsOf } from '../../scripts/compliance';
import { only, templateOf, testStack } from '../support';
import { Graph } from '../wiring/graph';
import { unkeyed } from '../wiring/keys';
import { unmet } from '../wiring/order';
import { refused, refusedRoles } from '../wiring/senders';

const VARIABLES = ['CACHE_HOST', 'CACHE_PASSWORD', 'CACHE_PORT', 'CACHE_URL', 'CACHE_USERNAME', 'REDIS_URL'];
const PROCESSES = ['asgi', 'beat', 'release', 'scheduled', 'web', 'worker'];

/** An application with every kind of process. */
function application(stack: Stack, props: Partial<DjangoApplicationProps> = {}): DjangoApplication {
  return new DjangoApplication(stack, 'App', {
    image: ContainerImage.fromRegistry('shop:1'),
    settingsModule: 'config.settings',
    profile: Profile.development(),
    asgi: { paths: ['/ws/*'] },
    queues: { default: {} },
    beat: {},
    scheduledCommands: {
      nightly: { command: ['python', 'manage.py', 'prune'], schedule: ScheduleExpression.rate(Duration.days(1)) },
    },
    ...props,
  });
}

interface Container {
  readonly Name: string;
  readonly Environment: { readonly Name: string }[];
  readonly Secrets: { readonly Name: string }[];
}

/** What each process is told of a cache, by process. */
function told(stack: Stack): { [process: string]: string[] } {
  const tasks = Object.values(templateOf(stack).findResources('AWS::ECS::TaskDefinition'));
  const containers: Container[] = tasks.map(({ Properties }) => Properties.ContainerDefinitions[0]);
  return Object.fromEntries(
    containers.map(({ Name, Environment, Secrets }) => [
      Name,
      [...Environment, ...Secrets]
        .map((each) => each.Name)
        .filter((name) => VARIABLES.includes(name))
        .sort(),
    ]),
  );
}

test('every process is told of the cache that `cache` makes, reaches it, and is replaced when its password rotates', () => {
  const stack = testStack();
  const made = application(stack, { cache: {} });
  const found = told(stack);
  expect(Object.keys(found).sort()).toEqual(PROCESSES);
  expect(Object.values(found)).toEqual(PROCESSES.map(() => VARIABLES));

  const template = templateOf(stack);
  const ingress = Object.values(template.findResources('AWS::EC2::SecurityGroupIngress'));
  const intoCache = ingress.filter(({ Properties }) => Properties.FromPort === 6379);
  expect(intoCache.map(({ Properties }) => Properties.SourceSecurityGroupId)).toEqual([
    stack.resolve(made.securityGroup.securityGroupId),
  ]);
  const secret = made.cacheStore?.secret;
  const refresh = Object.values(template.findResources('AWS::Events::Rule')).find(
    ({ Properties }) => Properties.EventPattern?.['detail-type']?.[0] === 'Secret Label Updated',
  );
  expect(refresh?.Properties.EventPattern.resources).toContainEqual(stack.resolve(secret?.secretArn));
  const { Properties } = only(template, 'AWS::ElastiCache::ReplicationGroup').resource;
  expect(Properties.KmsKeyId).toEqual(stack.resolve(made.encryptionKey.keyArn));
  expect(Properties.NumCacheClusters).toBe(1);
});

test('its alarms, and that of its rotation, go to the topic of the application', () => {
  const stack = testStack();
  const made = application(stack, { cache: { nodes: 2 } });
  const ids = made.alarms.alarms.map(({ node }) => node.id);
  expect(ids).toEqual(
    expect.arrayContaining(['CacheCpu', 'CacheMemory', 'CacheEvictions', 'CacheConnections', 'CacheReplicationLag']),
  );
  const functions = made.alarms.alarms.filter(({ node }) => node.id === 'RotationErrors').length;
  const without = application(testStack()).alarms.alarms.filter(({ node }) => node.id === 'RotationErrors').length;
  expect(functions).toBe(without + 1);
});

test('without it no process is told anything, and there is none', () => {
  const stack = testStack();
  expect(application(stack).cacheStore).toBeUndefined();
  expect(Object.values(told(stack))).toEqual(PROCESSES.map(() => []));
  templateOf(stack).resourceCountIs('AWS::ElastiCache::ReplicationGroup', 0);
});

test('every process is told of a cache that is brought', () => {
  const stack = testStack();
  const cacheStore = Cache.fromCacheAttributes(stack, 'Company', {
    host: 'cache.example.com',
    securityGroup: SecurityGroup.fromSecurityGroupId(stack, 'Group', 'sg-0123456789abcdef0'),
    secret: Secret.fromSecretNameV2(stack, 'Login', 'company'),
  });
  expect(application(stack, { cacheStore }).cacheStore).toBe(cacheStore);
  expect(Object.values(told(stack))).toEqual(PROCESSES.map(() => VARIABLES));
  templateOf(stack).resourceCountIs('AWS::ElastiCache::ReplicationGroup', 0);
});

test('the key stays where a last snapshot of a development cache is encrypted with it', () => {
  const policyOf = (props: Partial<DjangoApplicationProps>) => {
    const stack = testStack();
    const profile = Profile.development({ databaseRemovalPolicy: RemovalPolicy.DESTROY });
    application(stack, { profile, ...props });
    const keys = templateOf(stack).findResources('AWS::KMS::Key');
    return Object.entries(keys).find(([id]) => id.startsWith('AppEncryptionKey'))?.[1].DeletionPolicy;
  };
  expect(policyOf({ cache: {} })).toBe('Delete');
  expect(policyOf({ cache: { removalPolicy: RemovalPolicy.SNAPSHOT } })).toBe('RetainExceptOnCreate');
});

describe('production with it', () => {
  const production = (props: object) => {
    const stack = testStack({ env: { account: '111122223333', region: 'eu-central-1' } }, props);
    application(stack, {
      profile: Profile.production(),
      cache: {},
      domainNames: ['shop.example.com'],
      certificate: Certificate.fromCertificateArn(
        stack,
        'Certificate',
        'arn:aws:acm:eu-central-1:111122223333:certificate/11111111-2222-3333-4444-555555555555',
      ),
    });
    return stack;
  };
  const graph = new Graph(templateOf(production({})).toJSON().Resources);
  const packs = complianceOf((props) => production(props).node.root as App);

  test.each(packs)('has no finding of $pack that is not acknowledged', ({ findings, acknowledgements }) => {
    expect(findings).toEqual([]);
    expect(acknowledgements.length).toBeGreaterThan(0);
  });

  test('acknowledges two pairs of its own, and the two of every function', () => {
    const pairs = pairsOf(packs.flatMap(({ acknowledgements }) => acknowledgements));
    expect(pairs.filter((pair) => pair.includes('/Cache/'))).toEqual([
      'AEC6 Shop/App/Cache/ReplicationGroup',
      'ElastiCacheRedisClusterAutomaticBackup Shop/App/Cache/ReplicationGroup',
      'LambdaConcurrency Shop/App/Cache/Login/Rotation/Handler/Resource',
      'LambdaInsideVPC Shop/App/Cache/Login/Rotation/Handler/Resource',
    ]);
  });

  test('waits for what it needs, may send where it sends, and use the keys of what it uses', () => {
    expect([...unmet(graph), ...refused(graph), ...refusedRoles(graph), ...unkeyed(graph)]).toEqual([]);
  });

  test('has nothing start before the cache is complete', () => {
    const [address] = graph.ofType('Custom::CacheAddress');
    const starts = graph.ofType('AWS::ECS::Service', 'Custom::Release', 'AWS::Scheduler::Schedule');
    expect(starts.length).toBeGreaterThan(4);
    expect(starts.filter((id) => !graph.waitsFor(id, address))).toEqual([]);
  });
});
