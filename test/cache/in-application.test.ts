import { type App, RemovalPolicy } from 'aws-cdk-lib';
import { SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { DjangoApplicationProps } from '../../constructs/application/django-application-props';
import { Cache } from '../../constructs/cache/cache';
import { Profile } from '../../constructs/core/profile';
import { complianceOf, pairsOf } from '../../scripts/compliance';
import { only, templateOf, testStack } from '../support';
import { Graph } from '../wiring/graph';
import { unkeyed } from '../wiring/keys';
import { unmet } from '../wiring/order';
import { refused, refusedRoles } from '../wiring/senders';
import { PROCESSES, told, wholeApplication, wholeProduction } from '../wiring/whole-application';

const VARIABLES = ['CACHE_HOST', 'CACHE_PASSWORD', 'CACHE_PORT', 'CACHE_URL', 'CACHE_USERNAME', 'REDIS_URL'];
const namesOf = (found: object) => Object.keys(found).sort();

test('every process is told of the cache that `cache` makes, reaches it, and is replaced when its password rotates', () => {
  const stack = testStack();
  const made = wholeApplication(stack, { cache: {} });
  const found = told(stack, VARIABLES);
  expect(Object.keys(found).sort()).toEqual(PROCESSES);
  expect(Object.values(found).map(namesOf)).toEqual(PROCESSES.map(() => VARIABLES));

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
  const made = wholeApplication(stack, { cache: { nodes: 2 } });
  const ids = made.alarms.alarms.map(({ node }) => node.id);
  expect(ids).toEqual(
    expect.arrayContaining(['CacheCpu', 'CacheMemory', 'CacheEvictions', 'CacheConnections', 'CacheReplicationLag']),
  );
  const functions = made.alarms.alarms.filter(({ node }) => node.id === 'RotationErrors').length;
  const without = wholeApplication(testStack()).alarms.alarms.filter(({ node }) => node.id === 'RotationErrors').length;
  expect(functions).toBe(without + 1);
});

test('without it no process is told anything, and there is none', () => {
  const stack = testStack();
  expect(wholeApplication(stack).cacheStore).toBeUndefined();
  expect(Object.values(told(stack, VARIABLES))).toEqual(PROCESSES.map(() => ({})));
  templateOf(stack).resourceCountIs('AWS::ElastiCache::ReplicationGroup', 0);
});

test('every process is told of a cache that is brought', () => {
  const stack = testStack();
  const cacheStore = Cache.fromCacheAttributes(stack, 'Company', {
    host: 'cache.example.com',
    securityGroup: SecurityGroup.fromSecurityGroupId(stack, 'Group', 'sg-0123456789abcdef0'),
    secret: Secret.fromSecretNameV2(stack, 'Login', 'company'),
  });
  expect(wholeApplication(stack, { cacheStore }).cacheStore).toBe(cacheStore);
  expect(Object.values(told(stack, VARIABLES)).map(namesOf)).toEqual(PROCESSES.map(() => VARIABLES));
  templateOf(stack).resourceCountIs('AWS::ElastiCache::ReplicationGroup', 0);
});

test('the key stays where a last snapshot of a development cache is encrypted with it', () => {
  const policyOf = (props: Partial<DjangoApplicationProps>) => {
    const stack = testStack();
    const profile = Profile.development({ databaseRemovalPolicy: RemovalPolicy.DESTROY });
    wholeApplication(stack, { profile, ...props });
    const keys = templateOf(stack).findResources('AWS::KMS::Key');
    return Object.entries(keys).find(([id]) => id.startsWith('AppEncryptionKey'))?.[1].DeletionPolicy;
  };
  expect(policyOf({ cache: {} })).toBe('Delete');
  expect(policyOf({ cache: { removalPolicy: RemovalPolicy.SNAPSHOT } })).toBe('RetainExceptOnCreate');
});

describe('production with it', () => {
  const graph = new Graph(templateOf(wholeProduction({ cache: {} })).toJSON().Resources);
  const packs = complianceOf((props) => wholeProduction({ cache: {} }, props).node.root as App);

  test.each(packs)('has no finding of $pack that is not acknowledged', ({ findings, acknowledgements }) => {
    expect(findings).toEqual([]);
    expect(acknowledgements.length).toBeGreaterThan(0);
  });

  test('acknowledges a pair of its own, and the two of every function', () => {
    const pairs = pairsOf(packs.flatMap(({ acknowledgements }) => acknowledgements));
    expect(pairs.filter((pair) => pair.includes('/Cache/'))).toEqual([
      'AEC6 Shop/App/Cache/ReplicationGroup',
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
