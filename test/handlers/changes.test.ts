import { guardChanges, messageOf, refusedChanges } from '../../constructs/handlers/protection/changes';
import {
  CHANGE_GUARD,
  type ChangeGuardProperties,
  FROZEN,
  type Frozen,
} from '../../constructs/handlers/protection/contract';

const DATABASE: { readonly [prop in Frozen]?: string } = {
  'databaseOptions.applicationUser': 'django',
  'databaseOptions.databaseName': 'django',
  'databaseOptions.instanceIdentifier': 'shop-database',
  'databaseOptions.masterUsername': 'django_master',
  'databaseOptions.port': '15432',
  encryptionKey: 'arn:key',
  vpc: 'vpc-1',
};
const PROPERTIES: ChangeGuardProperties = {
  Database: DATABASE,
  Names: ['shop.example.com', 'www.example.com'],
  Records: ['shop.example.com', 'www.example.com'],
};

function propsOf(change: Partial<ChangeGuardProperties>, before = PROPERTIES): Frozen[] {
  return refusedChanges(before, { ...PROPERTIES, ...change }).map(({ prop }) => prop);
}

const database = (change: { readonly [prop in Frozen]?: string }) => ({ Database: { ...DATABASE, ...change } });

const OF_DATABASE = FROZEN.filter((prop) => prop.startsWith('databaseOptions.'));

test.each<Frozen>([...OF_DATABASE, 'encryptionKey', 'vpc'])('refuses another value of %s, and not the same', (prop) => {
  expect(propsOf(database({ [prop]: 'another' }))).toEqual([prop]);
  expect(propsOf({})).toEqual([]);
});

test('lets a snapshot be restored into an instance with a new name, with the names that it has', () => {
  const restored = {
    'databaseOptions.instanceIdentifier': 'restored',
    'databaseOptions.snapshotIdentifier': 'snapshot',
    'databaseOptions.databaseName': 'shop',
    encryptionKey: 'arn:other',
  };
  expect(propsOf(database(restored))).toEqual([]);
  expect(propsOf(database({ ...restored, vpc: 'vpc-2' }))).toEqual(['vpc']);
});

test('lets a new instance start from a moment of another one, and no moment change by itself', () => {
  const moment = { 'databaseOptions.pointInTime': 'old at the latest time' };
  expect(
    propsOf(database({ ...moment, 'databaseOptions.instanceIdentifier': 'restored', encryptionKey: 'arn:other' })),
  ).toEqual([]);
  expect(propsOf(database(moment))).toEqual(['databaseOptions.pointInTime']);
  expect(propsOf(database({}), { ...PROPERTIES, ...database(moment) })).toEqual(['databaseOptions.pointInTime']);
});

test.each([
  ['a new name alone', {}, { 'databaseOptions.instanceIdentifier': 'empty' }, ['databaseOptions.instanceIdentifier']],
  [
    'a new name without the snapshot of before',
    { 'databaseOptions.snapshotIdentifier': 'snapshot' },
    { 'databaseOptions.instanceIdentifier': 'empty' },
    ['databaseOptions.instanceIdentifier', 'databaseOptions.snapshotIdentifier'],
  ],
])('takes %s for no restore', (_, before, after, expected) => {
  expect(propsOf(database(after), { ...PROPERTIES, ...database(before) })).toEqual(expected);
});

describe('a cluster', () => {
  const CLUSTER: { readonly [prop in Frozen]?: string } = {
    'aurora.applicationUser': 'django',
    'aurora.clusterIdentifier': 'orders',
    'aurora.databaseName': 'django',
    'aurora.masterUsername': 'django_master',
    'aurora.port': '15432',
    encryptionKey: 'arn:key',
    vpc: 'vpc-1',
  };
  const before = { ...PROPERTIES, Database: CLUSTER };
  const cluster = (change: { readonly [prop in Frozen]?: string }) => ({ Database: { ...CLUSTER, ...change } });
  const restored = { 'aurora.clusterIdentifier': 'restored', 'aurora.snapshotIdentifier': 'snapshot' };

  test.each<Frozen>([...FROZEN.filter((prop) => prop.startsWith('aurora.')), 'vpc'])(
    'refuses another value of %s, and not the same',
    (prop) => {
      expect(propsOf(cluster({ [prop]: 'another' }), before)).toEqual([prop]);
      expect(propsOf(cluster({}), before)).toEqual([]);
    },
  );

  test('starts from a snapshot under a new name, also in place of an instance', () => {
    expect(propsOf(cluster(restored), before)).toEqual([]);
    expect(propsOf(cluster(restored))).toEqual([]);
    expect(propsOf(cluster({ ...restored, vpc: 'vpc-2' }))).toEqual(['vpc']);
  });

  test('is refused in place of an instance with data, and the other way round', () => {
    expect(propsOf(cluster({}))).toEqual(['aurora']);
    expect(propsOf({}, before)).toEqual(['aurora']);
    expect(messageOf(refusedChanges(PROPERTIES, { ...PROPERTIES, ...cluster({}) }))).toContain(
      '`aurora` must not change from "an instance" to "a cluster"',
    );
  });
});

describe('a database that is brought', () => {
  const brought = (BroughtDatabase: string) => ({ ...PROPERTIES, Database: undefined, BroughtDatabase });
  const restored = database({ 'databaseOptions.snapshotIdentifier': 'snapshot' });

  test.each<[string, Partial<ChangeGuardProperties>, ChangeGuardProperties, Frozen[]]>([
    ['comes in place of the own one', brought('company'), PROPERTIES, ['database']],
    ['makes place for an empty one', {}, brought('company'), ['database']],
    ['makes place for one that is restored', restored, brought('company'), []],
    ['is another one', brought('other'), brought('company'), ['database']],
    ['is the same', brought('company'), brought('company'), []],
    ['was not held by an older guard', brought('company'), { ...PROPERTIES, Database: undefined }, []],
  ])('%s', (_, after, before, expected) => {
    expect(propsOf(after, before)).toEqual(expected);
  });
});

describe('the network', () => {
  const network = (Zones: string[], Addresses = '10.0.0.0/16') => ({ Network: { Addresses, Zones } });
  const two = { ...PROPERTIES, ...network(['a', 'b']) };

  test.each<[string, Partial<ChangeGuardProperties>, ChangeGuardProperties, Frozen[]]>([
    ['is the same', network(['a', 'b']), two, []],
    ['gets a third zone', network(['a', 'b', 'c']), two, []],
    ['gets a third zone before the others', network(['c', 'a', 'b']), two, ['networkOptions.availabilityZones']],
    ['loses a zone', network(['a']), two, ['networkOptions.availabilityZones']],
    ['has another zone', network(['a', 'c']), two, ['networkOptions.availabilityZones']],
    ['has other addresses', network(['a', 'b'], '10.1.0.0/16'), two, ['networkOptions.ipAddresses']],
    ['is brought from now on, which `vpc` tells', {}, two, []],
    ['was not held by an older guard', network(['a', 'b']), PROPERTIES, []],
  ])('%s', (_, after, before, expected) => {
    expect(propsOf(after, before)).toEqual(expected);
  });
});

test.each<[string | undefined, string | undefined, Frozen[]]>([
  ['arn:one', 'arn:one', []],
  ['arn:one', 'arn:other', ['backupOptions.encryptionKey']],
  ['arn:one', undefined, []],
  [undefined, 'arn:other', []],
])('the key of the vault: from %s to %s', (before, after, expected) => {
  expect(propsOf({ VaultKey: after }, { ...PROPERTIES, VaultKey: before })).toEqual(expected);
});

test.each<[string | undefined, string | undefined, Frozen[]]>([
  ['arn:one', 'arn:one', []],
  ['arn:one', 'arn:other', ['encryptionKey']],
  ['arn:one', undefined, []], // The cache goes.
  [undefined, 'arn:other', []], // A guard of before held none, or there was no cache.
])('the key of the cache beside a database that is brought: from %s to %s', (before, after, expected) => {
  expect(propsOf({ CacheKey: after }, { ...PROPERTIES, CacheKey: before })).toEqual(expected);
});

test('the key of database and cache is refused once', () => {
  const database = (key: string) => ({ ...PROPERTIES.Database, encryptionKey: key });
  const before = { ...PROPERTIES, Database: database('arn:one'), CacheKey: 'arn:one' };
  expect(propsOf({ Database: database('arn:other'), CacheKey: 'arn:other' }, before)).toEqual(['encryptionKey']);
});

test.each<[string, Partial<ChangeGuardProperties>, Frozen[]]>([
  ['a name is added', { Names: [...PROPERTIES.Names, 'new.example.com'] }, []],
  ['a name goes with its records', { Names: ['www.example.com'], Records: ['www.example.com'] }, []],
  ['the names stay and the zone goes', { Records: [] }, ['hostedZone']],
  ['one name stays without its records', { Records: ['www.example.com'] }, ['hostedZone']],
  ['all goes', { Names: [], Records: [] }, []],
])('records: %s', (_, change, expected) => {
  expect(propsOf(change)).toEqual(expected);
});

test.each<[string | undefined, string | undefined, Frozen[]]>([
  ['internet-facing', 'internal', ['loadBalancerOptions.internetFacing']],
  ['internal', 'internet-facing', ['loadBalancerOptions.internetFacing']],
  ['internal', 'internal', []],
  [undefined, 'internal', []], // A guard of before held none.
  ['internal', undefined, []], // A load balancer that is brought.
])('a scheme of the load balancer: %s, then %s', (before, after, expected) => {
  expect(propsOf({ Scheme: after }, { ...PROPERTIES, Scheme: before })).toEqual(expected);
});

test('says what a distribution that is added must keep', () => {
  const [schemeBefore, schemeAfter] = ['internet-facing', 'internal'].map((Scheme) => ({ ...PROPERTIES, Scheme }));
  expect(messageOf(refusedChanges(schemeBefore, schemeAfter))).toContain(
    '`loadBalancerOptions.internetFacing` must not change from true to false: CloudFormation would make another load balancer, and fail half-way: a target group cannot belong to two. Beside `cdn`, say `internetFacing: true`',
  );
});

test('allows by name, and nothing else', () => {
  const change = { ...database({ 'databaseOptions.port': '5433' }), Records: [] };
  expect(propsOf({ ...change, AllowedChanges: ['hostedZone'] })).toEqual(['databaseOptions.port']);
  expect(propsOf({ ...change, AllowedChanges: ['hostedZone', 'databaseOptions.port'] })).toEqual([]);
});

test('says what changed, from what to what, what that would do, and how to go on', () => {
  const change = { ...PROPERTIES, ...database({ 'databaseOptions.databaseName': 'shop' }), Records: [] };
  const message = messageOf(refusedChanges(PROPERTIES, change));
  expect(message).toBe(
    'Nothing stored has changed. `databaseOptions.databaseName` must not change from "django" to "shop": RDS would make an empty instance in place of the old one; ' +
      '`hostedZone` must not change from a hosted zone to none: the records of shop.example.com, www.example.com would be deleted, and the names resolve to nothing. ' +
      "Put the old value back, or see docs/changing.md. To do it all the same: allowedChanges: ['databaseOptions.databaseName', 'hostedZone']",
  );
});

describe('the handler', () => {
  const context = { logStreamName: 'log', getRemainingTimeInMillis: () => 120_000 };
  const event = (RequestType: 'Create' | 'Update' | 'Delete') => ({
    RequestType,
    ResponseURL: 'https://s3',
    StackId: 'arn:stack',
    RequestId: '1',
    LogicalResourceId: 'Guard',
    ResourceType: CHANGE_GUARD,
    ResourceProperties: { ...PROPERTIES, Records: [] },
    OldResourceProperties: RequestType === 'Update' ? PROPERTIES : undefined,
  });
  const world = (...answers: (string | Error)[]) => ({
    stackStatus: async () => {
      const answer = answers.shift() ?? '';
      if (answer instanceof Error) {
        throw answer;
      }
      return answer;
    },
    sleep: async () => undefined,
  });

  test('fails an update, and lets its rollback through', async () => {
    await expect(guardChanges(world('UPDATE_IN_PROGRESS'), event('Update'), context)).rejects.toThrow('`hostedZone`');
    await expect(guardChanges(world('UPDATE_ROLLBACK_IN_PROGRESS'), event('Update'), context)).resolves.toBeUndefined();
  });

  test.each(['Create', 'Delete'] as const)('has nothing to say to %s', async (type) => {
    await expect(guardChanges(world('CREATE_IN_PROGRESS'), event(type), context)).resolves.toBeUndefined();
  });

  test('asks again when CloudFormation is busy, and gives up on anything else without its words', async () => {
    const busy = Object.assign(new Error('Rate exceeded'), { name: 'ThrottlingException' });
    const denied = Object.assign(new Error('not authorized to perform'), { name: 'AccessDenied' });
    await expect(guardChanges(world(busy, 'UPDATE_IN_PROGRESS'), event('Update'), context)).rejects.toThrow(
      'hostedZone',
    );
    await expect(guardChanges(world(denied), event('Update'), context)).rejects.toThrow(
      'AccessDenied (status of the stack)',
    );
  });

  test('answers at once when nothing is refused', async () => {
    const same = { ...event('Update'), ResourceProperties: PROPERTIES };
    await expect(guardChanges(world(new Error('not to be asked')), same, context)).resolves.toBeUndefined();
  });
});
