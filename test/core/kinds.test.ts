import { Duration, Lazy, Size, Token } from 'aws-cdk-lib';
import { CpuArchitecture } from 'aws-cdk-lib/aws-ecs';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { checkKinds, pathOf, type Struct } from '../../constructs/core/kinds';
import { OBJECTS, STRUCTS } from '../../constructs/core/private/kind-table';
import { Profile } from '../../constructs/core/profile';
import { MESSAGE_FORM } from '../invalid/case';
import { errorOf, testStack } from '../support';

const refusal = (struct: Struct, props: unknown) => errorOf(() => checkKinds('Shop', struct, props));
const linesOf = (struct: Struct, props: unknown) => refusal(struct, props).split('\n');
const propsOf = (struct: Struct, props: unknown) =>
  linesOf(struct, props).map((line) => MESSAGE_FORM.exec(line)?.groups?.prop);

/** What a context or a language without types may put where something else belongs. */
const STRANGERS: { [what: string]: unknown } = {
  string: 'shop',
  number: 7,
  boolean: true,
  list: [null],
  map: { a: null },
  null: null,
  bigint: 10n,
  symbol: Symbol.iterator,
  function: () => 1,
};

/** Their strangers hold null, which is of no kind. */
const CONTAINERS = ['list', 'map'];

describe.each(Object.entries(STRUCTS))('%s', (struct, kinds: { readonly [prop: string]: string }) => {
  const known = Object.entries(kinds).filter(([, kind]) => !kind.startsWith('anything'));

  test.each(known)('refuses for %s what is not %s', (prop, kind) => {
    const [what, type, base] = kind.replace('?', '').split(' ');
    // Nothing tells an object of these types from another: they have no public members.
    const faceless = what === 'object' && OBJECTS[type].length === 0 ? ['list', 'map'] : [];
    const own = what === 'enum' ? base : what;
    const fitting = [own, ...faceless, ...(what === 'literal' ? ['map'] : [])].filter(
      (name) => !(CONTAINERS.includes(name) && name === what),
    );
    for (const [name, value] of Object.entries(STRANGERS)) {
      const lines = fitting.includes(name) ? [] : linesOf(struct as Struct, { [prop]: value });
      const named = lines.map((line) => MESSAGE_FORM.exec(line)?.groups?.prop);
      const about = named.filter((each) => each !== undefined && each.split(/[.[]/)[0] === prop);
      expect({ name, inForm: !named.includes(undefined), refused: about.length > 0 }).toEqual({
        name,
        inForm: true,
        refused: !fitting.includes(name),
      });
    }
  });
});

describe('what is refused', () => {
  test.each([
    ['TaskQueueProps', { taskTimeLimit: '5 minutes' }, 'taskTimeLimit', 'be a Duration', 'Duration.minutes(5)'],
    ['WebServiceOptions', { maxCapacity: '4' }, 'maxCapacity', 'be a number', 'Number(value)'],
    ['WebServiceOptions', { spot: 'false' }, 'spot', 'be true or false', "value === 'true'"],
    ['DjangoStackProps', { domainNames: 'a.example.com' }, 'domainNames', 'be a list', 'brackets'],
    ['DjangoStackProps', { profile: 'production' }, 'profile', 'be a Profile', 'Profile.production()'],
    ['DjangoStackProps', { vpc: 'vpc-0123' }, 'vpc', 'be an IVpc', 'not its name, id or ARN'],
    ['DjangoStackProps', { queues: ['default'] }, 'queues', 'be a map', 'braces'],
    ['DjangoStackProps', { environment: { A: 1 } }, 'environment.A', 'be a string', 'Give it a value'],
    ['DjangoStackProps', { web: { hostNames: 'a.b' } }, 'web.hostNames', 'be a list', 'brackets'],
    ['DjangoStackProps', { workers: { w: { cpu: '1' } } }, 'workers.w.cpu', 'be a number', 'Number(value)'],
    ['DatabaseBackupProps', { rules: [{ name: 1 }] }, 'rules[0].name', 'be a string', 'Give it a value'],
    ['ProfileOptions', { logRetention: 45 }, 'logRetention', 'be a value of RetentionDays', '30, 60'],
    ['HttpsLoadBalancerOptions', { framePolicy: 'NONE' }, 'framePolicy', 'be a value of FramePolicy', 'SAMEORIGIN'],
    ['HttpsLoadBalancerOptions', { sslPolicy: 13 }, 'sslPolicy', 'be a value of SslPolicy', 'SslPolicy.'],
  ] as const)('%s %j', (...given) => {
    const [struct, props, prop, must, remedy] = given;
    const line = linesOf(struct, props).find((each) => each.startsWith(`Shop: \`${prop}\` must `));
    expect(line).toContain(`must ${must}, got `);
    expect(line).toContain(remedy);
  });

  test('a required value that is missing', () => {
    expect(propsOf('DatabaseBackupRule', {})).toEqual(['name', 'schedule', 'deleteAfter']);
  });

  test('props that are none', () => {
    expect(propsOf('TaskQueueProps', undefined)).toEqual(['props']);
    expect(propsOf('TaskQueueProps', [])).toEqual(['props']);
  });

  test('a name in the form of another language, which would have no effect', () => {
    expect(refusal('DjangoStackProps', { workers: { w: { queue_names: ['a'] } } })).toContain(
      'Shop: `workers.w.queue_names` must be written `queueNames`, got "queue_names".',
    );
    expect(refusal('NetworkProps', { natgateways: 1 })).toContain('must be written `natGateways`');
  });

  test('a name that an option does not have', () => {
    expect(refusal('DjangoStackProps', { asgi: { workers: 2 } })).toContain(
      'Shop: `asgi.workers` must be a property of AsgiServiceOptions',
    );
  });

  test.each([
    // What belongs to options: every place where it may stand.
    ['DjangoStackProps', { server: 1 }, 'server', 'Did you mean `web.server` or `asgi.server`? '],
    ['DjangoStackProps', { queueNames: [] }, 'queueNames', 'Did you mean `workers.NAME.queueNames`? '],
    ['DjangoStageProps', { threads: 4 }, 'threads', 'Did you mean `application.web.threads`? '],
    ['DjangoStackProps', { web: { domainNames: [] } }, 'web.domainNames', 'Did you mean `domainNames`? '],
    // What is written wrong: the name beside it comes before one of other options.
    ['DjangoStackProps', { databse: {} }, 'databse', 'Did you mean `database`? '],
    [
      'DjangoApplicationProps',
      { domainName: 'a.b' },
      'domainName',
      'Did you mean `domainNames` or `redirectedDomainNames`? ',
    ],
    ['DjangoStackProps', { web: { thread: 4 } }, 'web.thread', 'Did you mean `web.threads`? '],
    [
      'DjangoStackProps',
      { workers: { w: { memoryLimit: 4 } } },
      'workers.w.memoryLimit',
      'Did you mean `workers.w.memoryLimitMiB`? ',
    ],
    [
      'DjangoStackProps',
      { queues: { q: { timeLimit: 4 } } },
      'queues.q.timeLimit',
      'Did you mean `queues.q.taskTimeLimit`? ',
    ],
    // What is like nothing.
    ['PipelineStackProps', { vat: 1 }, 'vat', 'It would have no effect here. '],
    ['ProfileOptions', { vat: 1 }, 'vat', 'It would have no effect here. '],
    ['GunicornOptions', { preload: true }, 'preload', 'It would have no effect here. '],
  ] as const)('%s %j, with what was meant', (struct, props, prop, remedy) => {
    const line = linesOf(struct, props).find((each) => each.startsWith(`Shop: \`${prop}\` must be a property of `));
    expect(MESSAGE_FORM.exec(line ?? '')?.groups?.remedy.slice(0, remedy.length)).toBe(remedy);
  });

  test('a strange name, with all that could stand there: the most similar first', () => {
    expect(refusal('BackupVaultLockOptions', { maxRetntion: 7 })).toBe(
      'Shop: `maxRetntion` must be a property of BackupVaultLockOptions, got "maxRetntion". Did you mean `maxRetention`? It would have no effect here. These may stand here: maxRetention, minRetention.',
    );
  });

  test('a token of another kind', () => {
    const text = Lazy.string({ produce: () => 'x' });
    expect(refusal('WebServiceOptions', { cpu: text })).toBe(
      'Shop: `cpu` must be a number, got a value known only at deployment. Give a value that is known at synthesis, or a token of that kind.',
    );
    expect(propsOf('WebServiceOptions', { spot: Lazy.any({ produce: () => true }) })).toEqual(['spot']);
  });
});

test('a strange name without a value, or of the prototype, is no matter: jsii and classes leave such behind', () => {
  const inherited = Object.create({ server: 1 });
  const given = Object.assign(inherited, { image: {}, settingsModule: 'config.settings', vatRate: undefined });
  const hidden = Object.defineProperty(given, '$__jsii__objid__$', { value: 'Shop@1', enumerable: false });
  expect(propsOf('DjangoStackProps', hidden)).toEqual(['image']);
});

test('the props of a stack may be handed on whole to the application in it', () => {
  const ofStack = { env: { region: 'eu-central-1' }, description: 'A shop', terminationProtection: true, tags: {} };
  expect(propsOf('DjangoApplicationProps', ofStack)).toEqual(['image', 'settingsModule']);
  expect(propsOf('DjangoApplicationProps', { web: ofStack })).toEqual(
    expect.arrayContaining(['web.env', 'web.description']),
  );
});

test('props of parts that are handed on may hold what belongs to others', () => {
  expect(() => checkKinds('Shop', 'NetworkProps', { maxAzs: 2, domainNames: ['a.example.com'] })).not.toThrow();
});

test('values and tokens of the right kind are let through', () => {
  const given = {
    databaseOptions: {
      port: Token.asNumber({ Ref: 'Port' }),
      snapshotIdentifier: Token.asString({ Ref: 'Snapshot' }),
      logRetention: Token.asNumber({ Ref: 'Days' }),
    },
    profile: Profile.development({ logRetention: RetentionDays.ONE_DAY }),
    domainNames: [Token.asString({ Ref: 'Name' })],
    alarmThresholds: { databaseFreeStorage: Size.gibibytes(3) },
    env: { region: 'eu-central-1' },
  };
  expect(propsOf('DjangoStackProps', given)).toEqual(['image', 'settingsModule']);
  expect(() => checkKinds('Shop', 'ProfileOptions', { logRetention: Token.asNumber({ Ref: 'Days' }) })).not.toThrow();
});

describe('tokens are refused where something follows from the value', () => {
  const days = Token.asNumber({ Ref: 'Days' });
  test.each([
    ['TaskQueueProps', { taskTimeLimit: Duration.seconds(days) }, 'taskTimeLimit', 'a duration known only'],
    ['AlarmThresholds', { databaseFreeStorage: Size.gibibytes(days) }, 'databaseFreeStorage', 'a size known only'],
    ['WebServiceOptions', { cpu: days }, 'cpu', 'a value known only'],
    ['DjangoStackProps', { web: { cpu: days } }, 'web.cpu', 'a value known only'],
    ['NetworkProps', { removalPolicy: Token.asString({ Ref: 'Policy' }) }, 'removalPolicy', 'a value known only'],
    ['WorkerServiceOptions', { queueNames: [Token.asString({ Ref: 'Queue' })] }, 'queueNames[0]', 'a value known'],
    ['WebServiceOptions', { hostNames: Token.asList({ Ref: 'Names' }) }, 'hostNames', 'a value known only'],
    [
      'DjangoStackProps',
      { cpuArchitecture: CpuArchitecture.of(Token.asString({ Ref: 'Cpu' })) },
      'cpuArchitecture',
      'a',
    ],
  ] as const)('%s %j', (struct, props, prop, got) => {
    const line = linesOf(struct, props).find((each) => each.startsWith(`Shop: \`${prop}\` must be `));
    expect(line).toMatch(/must be (known at synthesis|written out as a list), got /);
    expect(line).toContain(`, got ${got}`);
  });
});

test('the path of what is about to be made', () => {
  const stack = testStack();
  expect(pathOf(new Construct(stack, 'Shop'), 'Web')).toBe(`${stack.node.path}/Shop/Web`);
  expect(pathOf(stack.node.root, 'Site')).toBe('Site');
});
