import { askDatabase } from '../../constructs/handlers/restore-validation/database';
import { connectPostgres } from '../../constructs/handlers/shared/postgres';
import { type LocalPostgres, startPostgres } from '../../scripts/lib/local-postgres';
import { freshShop } from '../../scripts/lib/run-roles';

/** `scripts/restore-validation-check.ts` has damaged pages, and every version. */
describe('a restored database, on a real PostgreSQL', () => {
  const { NODE_EXTRA_CA_CERTS } = process.env;
  let server: LocalPostgres;

  beforeAll(async () => {
    server = await startPostgres();
    process.env.NODE_EXTRA_CA_CERTS = server.caFile;
    await freshShop(connectPostgres, server);
    const superuser = await server.superuser('shop');
    await superuser.query('SET ROLE shop');
    await superuser.query('CREATE TABLE book (id int)');
    await superuser.query('INSERT INTO book VALUES (1), (2)');
    await superuser.query('RESET ROLE');
    await superuser.query('CREATE DATABASE strange');
    await superuser.end();
  }, 60_000);

  afterAll(async () => {
    await server.stop();
    process.env.NODE_EXTRA_CA_CERTS = NODE_EXTRA_CA_CERTS;
  });

  const ask = (query: string, change: object = {}) => {
    const login = { host: 'localhost', port: server.port, user: 'master', password: 'master', database: 'shop' };
    return askDatabase({ ...login, ...change }, { query, timeout: 20_000 });
  };

  test.each([
    ['rows of the owner', 'SELECT count(*) FROM book', true, 'The query answered 2.'],
    ['nothing', 'SELECT count(*) FROM book WHERE id > 2', false, 'The query answered 0.'],
    ['no such table', 'SELECT count(*) FROM shelf', false, 'The query failed: 42P01.'],
    ['a statement that writes', 'SELECT lo_create(1)', false, 'The query failed: 25006.'],
    ['two statements', 'SELECT 1; SELECT 2', false, 'The query failed: 42601.'],
  ])('%s', async (_, query, proven, message) => {
    expect(await ask(query)).toEqual({ proven, message });
  });

  test('that is not there fails, and one that cannot be reached is no result', async () => {
    expect(await ask('SELECT 1', { database: 'gone' })).toEqual({
      proven: false,
      message: 'There is no database "gone".',
    });
    await expect(ask('SELECT 1', { password: 'other' })).rejects.toMatchObject({ code: '28P01' });
  });

  test('of somebody whom the master is no member of is asked as the master', async () => {
    const who = "SELECT current_user = 'master'";
    expect((await ask(who, { database: 'strange' })).proven).toBe(true);
    expect((await ask(who)).proven).toBe(false);
  });
});
