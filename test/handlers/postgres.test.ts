import { Client } from 'pg';
import { postgresDatabase, withPostgres } from '../../constructs/handlers/database-rotation/postgres';
import {
  connectPostgres,
  literal,
  type PostgresSettings,
  startupOptions,
} from '../../constructs/handlers/shared/postgres';
import { PLANTS, PLANTS_TOGETHER } from '../../scripts/lib/plants';

jest.mock('pg', () => ({
  Client: jest.fn(() => ({ on: () => undefined, connect: async () => undefined, end: jest.fn(async () => undefined) })),
}));

const SETTINGS: PostgresSettings = {
  host: 'db',
  port: 15432,
  database: 'shop',
  user: 'master',
  password: 'secret',
  application_name: 'test',
  query_timeout: 1_000,
};
const LOGIN = { host: 'db', port: 15432, dbname: 'shop', username: 'shop_a', password: 'x' };

test('every connection starts with options that nobody else can set, and verifies the certificate', async () => {
  await connectPostgres(SETTINGS);
  await connectPostgres({ ...SETTINGS, assumesRole: true });
  const [[master], [login]] = jest.mocked(Client).mock.calls as unknown as [{ [name: string]: unknown }][];
  expect(master).toMatchObject({ ...SETTINGS, options: startupOptions({}), ssl: { rejectUnauthorized: true } });
  expect(master.options).toContain('-c role=none');
  expect(login.options).toBe(startupOptions({ assumesRole: true }));
  expect(login).not.toHaveProperty('assumesRole');
});

test('a value is quoted for SQL, and refused where its meaning depends on a setting', () => {
  expect(literal("o'hara")).toBe("'o''hara'");
  expect(() => literal('a\\b')).toThrow('a value with a backslash cannot be quoted');
});

test('a rotation waits ten seconds for an answer, says who it is, and leaves the connection', async () => {
  const client = await withPostgres({ login: LOGIN }, async (connection) => connection);
  const settings = { host: 'db', port: 15432, database: 'shop', user: 'shop_a', password: 'x' };
  expect(jest.mocked(Client).mock.lastCall).toMatchObject([
    { ...settings, query_timeout: 10_000, application_name: 'password-rotation' },
  ]);
  expect(client.end).toHaveBeenCalledTimes(1);
});

describe('a rotation', () => {
  let connections: PostgresSettings[];
  let statements: string[];
  let fail: (() => never) | undefined;
  const database = postgresDatabase(async (settings) => {
    connections.push(settings);
    fail?.();
    const query = async (text: string) => {
      statements.push(text);
      return { rows: text.startsWith('SELECT current_user') ? [{ role: 'shop_serving' }] : [] };
    };
    return { query, end: async () => undefined } as unknown as Client;
  });

  beforeEach(() => {
    connections = [];
    statements = [];
    fail = undefined;
  });

  test('connects as the master to a database that the application does not own, and as a login to its own', async () => {
    expect(await database.admits({ ...LOGIN, username: 'master' })).toBe(true);
    expect(await database.roleOf(LOGIN)).toBe('shop_serving');
    const change = { login: 'shop_b', verifier: 'SCRAM', role: 'shop_serving', database: 'shop' };
    await database.setPassword({ ...LOGIN, username: 'master' }, change);
    expect(connections.map(({ user, database: where, assumesRole }) => [user, where, assumesRole ?? false])).toEqual([
      ['master', 'postgres', false],
      ['shop_a', 'shop', true],
      ['master', 'postgres', false],
    ]);
    expect(statements).toContain(`ALTER ROLE "shop_b" PASSWORD 'SCRAM'`);
    expect(statements).toContain(`ALTER ROLE "shop_b" SET role = 'shop_serving'`);
  });

  test("changes the master's password and nothing else", async () => {
    await database.setPassword({ ...LOGIN, username: 'master' }, { login: 'master', verifier: 'v', database: 'shop' });
    expect(statements).toEqual([`ALTER ROLE "master" PASSWORD 'v'`]);
  });

  test.each([
    ['28P01', undefined],
    ['28000', undefined],
  ])('takes %s for a refused password', async (code, answer) => {
    fail = () => {
      throw Object.assign(new Error('refused'), { code });
    };
    expect(await database.roleOf(LOGIN)).toBe(answer);
    expect(await database.admits(LOGIN)).toBe(false);
  });

  test.each([
    ['53300', 'the database "shop" has no connection left: see CONNECTION LIMIT'],
    ['55000', 'the database "shop" takes no connections: see ALLOW_CONNECTIONS'],
    ['42501', 'the database "shop" does not let the login in: see its right to CONNECT'],
    ['58P01', 'the database "shop" cannot load a library: see local_preload_libraries'],
  ])('says what the owner has set when the server answers %s', async (code, message) => {
    fail = () => {
      throw Object.assign(new Error('x'), { code });
    };
    await expect(database.roleOf(LOGIN)).rejects.toThrow(message);
  });

  test.each([
    ['a lost connection', new Error('Connection terminated')],
    ['a full disk', Object.assign(new Error('No space left'), { code: '53100' })],
  ])('does not take %s for a refused password', async (_, error) => {
    fail = () => {
      throw error;
    };
    await expect(database.roleOf(LOGIN)).rejects.toBe(error);
    await expect(database.admits(LOGIN)).rejects.toBe(error);
  });

  test('says nothing of the server’s own words about a statement that failed', async () => {
    const failing = postgresDatabase(async () => {
      const query = async (text: string) => {
        if (text.includes('SET role')) {
          throw Object.assign(new Error('password hunter2'), { name: 'error', code: '42704' });
        }
        return { rows: [] };
      };
      return { query, end: async () => undefined } as unknown as Client;
    });
    const change = { login: 'shop_b', verifier: 'v', role: 'gone', database: 'shop' };
    await expect(failing.setPassword(LOGIN, change)).rejects.toThrow(/^ALTER ROLE "shop_b" SET role = 'gone': 42704$/);
  });
});

test('the red team has at least forty plants, and the default run leaves none out', () => {
  expect(PLANTS.length).toBeGreaterThanOrEqual(40);
  expect(new Set(PLANTS.map(({ name }) => name)).size).toBe(PLANTS.length);
  const together = PLANTS_TOGETHER.flatMap(({ statements }) => statements);
  expect(PLANTS.flatMap(({ statements }) => statements).filter((statement) => !together.includes(statement))).toEqual(
    [],
  );
});
