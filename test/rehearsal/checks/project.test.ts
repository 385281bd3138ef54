import { type Check, type CheckContext, NotApplicable } from '../../../rehearsal/checks/check';
import { modelMigrationsCheck } from '../../../rehearsal/checks/model-migrations';
import {
  AGAIN_CONSUMED,
  BACK_CONSUMED,
  CONSUMED,
  DATABASE,
  DEBUG_OFF,
  DEPLOYABLE,
  MIGRATED,
  MODELS,
  STATIC,
} from '../../../rehearsal/checks/names';
import { findPage } from '../../../rehearsal/checks/page';
import { projectChecks } from '../../../rehearsal/checks/project';
import { queueChecks } from '../../../rehearsal/checks/queues';

const ID = '01234567-89ab-cdef-0123-456789abcdef';
const LOGIN = '<link rel="stylesheet" href="/static/base.css"><script src="https://cdn.example.com/x.js"></script>';
const TECHNICAL = '<p>You’re seeing this error because you have <code>DEBUG = True</code></p>';

const SECRET = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:app-abcdef';
const SECRETS = { DB_HOST: `${SECRET}:host::`, DB_PASSWORD: `${SECRET}:password::` };

interface Project {
  /** What a path answers; 404 where it is not named. `missing` is what a page that does not exist answers. */
  readonly pages?: Record<string, { status: number; body?: string }>;
  /** What a command says, by a word of it. */
  readonly commands?: Record<string, { code: number; lines: string[] }>;
  /** Messages in the queue `imports`, and in its dead-letter queue. */
  readonly waiting?: string[];
  readonly dead?: string[];
  /** Tasks that end while SQS is away. */
  readonly lost?: string[];
  /** Whether a worker that is killed is replaced. */
  readonly replaced?: boolean;
}

const POSTGRES = { vendor: 'postgresql', name: 'inventory', tls: true, port: 5432 };
const answer = (debug: boolean, login: string | null, database: object = POSTGRES) => ({
  code: 0,
  lines: ['a line of a log', `rehearsal:${JSON.stringify({ debug, login, database })}`],
});
const healthy = answer(false, '/backstage/login/');

/** Runs a check of a project against one that answers and says these things. */
async function run(
  name: string,
  { pages = {}, commands = {}, waiting = [], dead = [], lost = [], replaced = true }: Project,
) {
  const ran: string[][] = [];
  const target = {};
  const broker = JSON.stringify({ predefined_queues: { imports: { url: 'sqs/imports' } } });
  const web = {
    name: 'web',
    group: { targets: [target], settings: { path: '/up' } },
    running: [],
    definition: { environment: { CELERY_BROKER_TRANSPORT_OPTIONS: broker }, secrets: SECRETS },
  };
  const command = ['celery', '--app', 'inventory', 'worker', '--queues', 'imprts'];
  const worker = {
    name: 'workers-imports',
    running: [{ task: { id: 'workers-imports/1' } }],
    definition: { command, environment: {} },
    untilSteady: async () => undefined,
  };
  const killed: string[] = [];
  const disturbance = {
    watchLosses: () => () => lost,
    withoutSqs: (work: () => Promise<void>) => work(),
    kill: ({ id }: { id: string }) => {
      killed.push(id);
      worker.running = replaced ? [{ task: { id: 'workers-imports/2' } }] : [];
    },
  };
  const rehearsal = {
    services: [web, worker],
    definitions: new Map([['release', { command: ['python', 'manage.py', 'migrate'] }]]),
    imageHas: () => true,
    postgres: { port: 5432 },
    run: async (definition: { command: string[] }) => {
      ran.push(definition.command);
      const [, { code, lines }] = Object.entries({ shell: healthy, ...commands }).find(([word]) =>
        definition.command.includes(word),
      ) ?? ['', { code: 0, lines: [] }];
      return { exited: Promise.resolve({ code }), logs: { last: () => lines } };
    },
    queues: new Map([
      ['imports', { url: 'sqs/imports', arn: 'imports', deadLetterArn: 'dead' }],
      ['dead', { url: 'sqs/dead', arn: 'dead' }],
    ]),
    doubles: {
      messages: async (url: string) => (url === 'sqs/dead' ? dead : waiting),
      foreignQueues: async () => [],
    },
  };
  let reached = 0;
  const front = {
    secure: true,
    isDescribed: true,
    calls: { last: target, requests: () => reached },
    hostFor: () => 'api.example.com',
    request: async (path: string) => {
      reached++;
      const known: Project['pages'] = { '/up': { status: 200 }, ...pages };
      const page = known[path] ?? (path.startsWith('/no-such-page') ? pages.missing : undefined);
      const { status, body = '' } = page ?? { status: 404 };
      return { status, body, headers: { location: '/sso/' } };
    },
  };
  const context = { rehearsal, front, disturbance } as unknown as CheckContext;
  await findPage(context);
  const check = [...projectChecks, modelMigrationsCheck, ...queueChecks].find((one) => one.name === name) as Check;
  return { said: check.run(context), ran, killed };
}

async function failure(name: string, project: Project): Promise<string> {
  const { said } = await run(name, project);
  return said.then(
    () => 'passed',
    (error: Error) => error.message,
  );
}

test('the technical page fails, and so does DEBUG where every unknown path leads to a login', async () => {
  expect(await failure(DEBUG_OFF, { pages: { missing: { status: 404, body: TECHNICAL } } })).toContain('DEBUG = False');
  const hidden = { pages: { missing: { status: 302 } }, commands: { shell: answer(true, null) } };
  expect(await failure(DEBUG_OFF, hidden)).toContain('DEBUG is on in a web task');
  expect(await failure(DEBUG_OFF, { pages: { missing: { status: 500 } } })).toContain('answers 500');
  expect(await failure(DEBUG_OFF, {})).toBe('passed');
});

test('files of the admin’s login page are asked for, but for those of another host', async () => {
  const login = { '/backstage/login/': { status: 200, body: LOGIN } };
  expect(await failure(STATIC, { pages: login })).toContain('/static/base.css answers 404: run collectstatic');
  const { said } = await run(STATIC, { pages: { ...login, '/static/base.css': { status: 200 } } });
  expect(await said).toBe('1 of /backstage/login/; 1 come from elsewhere');
  expect(await failure(STATIC, { pages: { '/backstage/login/': { status: 500 } } })).toContain('answered 500');
});

test('a login page that names no static file is said to have none', async () => {
  const body = '<style>body { margin: 0 }</style><form method="post"></form>';
  const { said } = await run(STATIC, { pages: { '/backstage/login/': { status: 200, body } } });
  const error: Error = await said.then(undefined, (reason) => reason);
  expect(error).toBeInstanceOf(NotApplicable);
  expect(error.message).toBe('a static file in the login page of the admin: /backstage/login/ names none');
});

test('without an admin, or with a login elsewhere, there are no such files', async () => {
  const none = await run(STATIC, { commands: { shell: answer(false, null) } });
  await expect(none.said).rejects.toThrow(NotApplicable);
  const elsewhere = await run(STATIC, { pages: { '/backstage/login/': { status: 302 } } });
  await expect(elsewhere.said).rejects.toThrow(/\/backstage\/login\/ leads to \/sso\//);
});

test('check --deploy is run as the release calls manage.py; ids are said, and what is moot is argued', async () => {
  const W012 = '?: (security.W012) SESSION_COOKIE_SECURE is not set to True.';
  const W004 = '?: (security.W004) You have not set a value for the SECURE_HSTS_SECONDS setting.';
  expect(await failure(DEPLOYABLE, { commands: { check: { code: 0, lines: [W004, W012] } } })).toMatch(
    /^security\.W012 SESSION_COOKIE_SECURE is not set to True\. Mend each/,
  );
  const { said, ran } = await run(DEPLOYABLE, { commands: { check: { code: 0, lines: [W004] } } });
  expect(await said).toBe('security.W004: a check of its own reads this header, which the load balancer sends');
  expect(ran).toEqual([['python', 'manage.py', 'check', '--deploy']]);
  const broken = { code: 1, lines: ['ImproperlyConfigured: no such module'] };
  expect(await failure(DEPLOYABLE, { commands: { check: broken } })).toContain('no such module');
});

test('migrations that the release has left are named', async () => {
  const lines = ['Planned operations:', 'stock.0002_item_price', '    Add field price to item'];
  expect(await failure(MIGRATED, { commands: { '--check': { code: 1, lines } } })).toContain('stock.0002_item_price');
});

test('a change of a model without a migration fails by its name, and a command that fails by its error', async () => {
  const lines = ["Migrations for 'stock':", '  stock/migrations/0002_item_price.py', '    + Add field price to item'];
  const changed = await failure(MODELS, { commands: { shell: { code: 1, lines } } });
  expect(changed).toContain("Migrations for 'stock': + Add field price to item. Run makemigrations");
  const broken = { code: 1, lines: ['ModuleNotFoundError: No module named stock'] };
  expect(await failure(MODELS, { commands: { shell: broken } })).toContain('No module named stock');
  expect(await failure(MODELS, { commands: { shell: { code: 0, lines: [] } } })).toBe('passed');
});

test.each([
  ['is SQLite', { vendor: 'sqlite3', name: '/tmp/db.sqlite3' }, 'DATABASES["default"] is sqlite3 (/tmp/db.sqlite3)'],
  ['is another server', { ...POSTGRES, port: 6432 }, 'DATABASES["default"] is another server'],
  ['has no TLS', { ...POSTGRES, tls: false }, 'no TLS: leave sslmode to PGSSLMODE'],
  ['cannot be asked', { error: 'OperationalError: refused' }, 'OperationalError: refused'],
])('a database of the settings that %s fails', async (_, database, message) => {
  const said = await failure(DATABASE, { commands: { shell: answer(false, null, database) } });
  expect(said).toContain(message);
  expect(said.includes('read DB_HOST, DB_PASSWORD into DATABASES')).toBe(!message.includes('TLS'));
  expect(await failure(DATABASE, {})).toBe('passed');
});

describe('a message of Celery', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());
  const call = { call: { code: 0, lines: [ID] } };

  test('is sent to each queue by the worker’s own Celery, and leaves it', async () => {
    const { said, ran } = await run(CONSUMED, { commands: call, waiting: ['another message'] });
    expect(await said).toBe('imports');
    expect(ran).toEqual([['celery', '--app', 'inventory', 'call', 'celery.accumulate', '--queue', 'imports']]);
  });

  test('that nobody takes fails, and says who reads what', async () => {
    const failed = failure(CONSUMED, { commands: call, waiting: [`{"id": "${ID}"}`] });
    await jest.advanceTimersByTimeAsync(200_000);
    expect(await failed).toContain(
      'from the queue imports (workers-imports reads imprts; one must name it, in `queueNames`',
    );
  });

  test('that is a dead letter fails', async () => {
    expect(await failure(CONSUMED, { commands: call, dead: [ID] })).toContain('of the queue imports is a dead letter');
  });

  test('that cannot be sent fails with the reason', async () => {
    const broken = { call: { code: 1, lines: ['Error: Unable to load celery application.'] } };
    expect(await failure(CONSUMED, { commands: broken })).toContain('Unable to load celery application');
  });

  test('is taken again after SQS was away; a worker that ended meanwhile fails', async () => {
    const back = run(BACK_CONSUMED, { commands: call });
    await jest.advanceTimersByTimeAsync(25_000);
    expect(await (await back).said).toBe('0 s after it came back');
    const lost = failure(BACK_CONSUMED, { commands: call, lost: ['worker/1 ended by itself (exit code 1)'] });
    await jest.advanceTimersByTimeAsync(25_000);
    expect(await lost).toContain('replaced: worker/1 ended by itself (exit code 1). kombu 5.7.0 ends a worker');
  });

  test('is taken by the worker in the place of a killed one', async () => {
    const { said, killed } = await run(AGAIN_CONSUMED, { commands: call });
    expect(await said).toBe('1 killed');
    expect(killed).toEqual(['workers-imports/1']);
    const never = failure(AGAIN_CONSUMED, { commands: call, replaced: false });
    await jest.advanceTimersByTimeAsync(200_000);
    expect(await never).toContain('workers-imports has a new worker: not within 180 s');
  });

  test('that nobody takes any more fails, although others are sent', async () => {
    const failed = failure(AGAIN_CONSUMED, { commands: call, waiting: [ID] });
    await jest.advanceTimersByTimeAsync(400_000);
    expect(await failed).toContain('a worker takes a message from the queue imports');
  });
});
