import { connectPostgres } from '../../constructs/handlers/shared/postgres';
import { postgresBinaries } from '../../rehearsal/postgres/postgres-binaries';
import { cacheFolder } from '../../rehearsal/synth';
import {
  adopting,
  makeFormerLife,
  OF_SOMEBODY,
  PASSWORD,
  RELEASED,
  SERVED,
  secretsFor,
  sessionOf,
} from '../../scripts/lib/former-life';
import { type LocalPostgres, startPostgres } from '../../scripts/lib/local-postgres';
import { runRoles } from '../../scripts/lib/run-roles';

/** `npm run arrivals` has every version, and more former lives. */
describe('a database that was made elsewhere, on a real PostgreSQL 17', () => {
  const life = OF_SOMEBODY;
  const { NODE_EXTRA_CA_CERTS } = process.env;
  let server: LocalPostgres;

  beforeAll(async () => {
    const announce = { progress: () => undefined, substitution: () => undefined, event: () => undefined };
    server = await startPostgres(postgresBinaries(cacheFolder(), 17, announce), { wal_level: 'logical' });
    process.env.NODE_EXTRA_CA_CERTS = server.caFile;
    await makeFormerLife(server, life);
  }, 60_000);

  afterAll(async () => {
    await server.stop();
    process.env.NODE_EXTRA_CA_CERTS = NODE_EXTRA_CA_CERTS;
  });

  const run = (properties = adopting(life)) => runRoles(connectPostgres, secretsFor(server, life), properties);
  async function problems(login: string, statements: string[], password = login): Promise<string[]> {
    const session = await sessionOf(server, login, life.database, password);
    const found: string[] = [];
    for (const statement of statements) {
      await session.query(statement).catch((error) => found.push(`${statement}: ${error.message}`));
    }
    await session.end();
    return found;
  }

  test('is left to who owns it where nobody is named, and is taken over as a whole where it comes from elsewhere', async () => {
    const none = await run({ Database: life.database, TakeOwnershipFrom: [] });
    expect(none.reason).toBeUndefined();
    expect((await problems('shop_release_a', ['ALTER TABLE book ADD COLUMN mine int']))[0]).toMatch(/must be owner/);
    const { reason } = await run({ Database: life.database, TakeOwnershipFrom: [life.owner] });
    expect(reason).toBeUndefined();
    expect(await problems('shop_release_a', ['ALTER TABLE book ALTER COLUMN title DROP NOT NULL'])).toEqual([]);
    expect((await problems('shop_release_a', ['ALTER TABLE accounts.ledger ADD COLUMN mine int']))[0]).toMatch(/owner/);
  }, 60_000);

  test('names what cannot be taken, with what to run, in the log and in the answer', async () => {
    const all = { Database: life.database, TakeOwnershipFrom: [life.owner, 'accounts', 'superuser'] };
    const { reason, log, left } = await run(all);
    expect(reason).toBeUndefined();
    const named = log.filter(({ message }) => message === 'stays with its owner');
    expect(named.map(({ object }) => object)).toEqual([
      'event trigger noticing',
      'foreign-data wrapper left_out',
      'function public.noticed()',
      'user mapping "Shop-Owner" on server elsewhere',
      'server elsewhere',
    ]);
    expect(named[1]).toMatchObject({
      owner: 'superuser',
      statement: 'GRANT USAGE ON FOREIGN DATA WRAPPER left_out TO "shop"',
    });
    expect(left).toContain('foreign-data wrapper left_out');
  }, 60_000);

  test('gets the extensions that it lacks, and keeps one that left the list', async () => {
    const made = async (names: string[]) => {
      const { reason, log } = await run({ ...adopting(life), Extensions: names });
      expect(reason).toBeUndefined();
      return log.find(({ message }) => message === 'extensions are in place')?.made;
    };
    expect(await made(['hstore', 'pg_trgm'])).toEqual(['pg_trgm']);
    expect(await made(['hstore', 'pg_trgm'])).toEqual([]);
    expect(await made(['hstore'])).toEqual([]);
    expect(
      await problems('shop_release_a', ['CREATE INDEX book_trigram ON book USING gin (title public.gin_trgm_ops)']),
    ).toEqual([]);
    const { reason } = await run({ ...adopting(life), Extensions: ['postgis'] });
    expect(reason).toContain('extension "postgis" does not exist on this server: see SHOW rds.extensions');
  }, 60_000);

  test('is altered by a release and filled by what serves, and a second run changes nothing', async () => {
    expect((await run()).statements).toEqual([]);
    expect(await problems('shop_release_a', RELEASED)).toEqual([]);
    expect(await problems('shop_a', SERVED)).toEqual([]);
    expect(await problems(life.owner, ['SELECT * FROM author'], PASSWORD)).toHaveLength(1);
  }, 60_000);

  describe('with more that belongs to others', () => {
    const asSuperuser = async (...statements: string[]) => {
      const superuser = await server.superuser(life.database);
      for (const statement of statements) {
        await superuser.query(statement);
      }
      await superuser.end();
    };

    test('fails the run where the master may not give away what migrations alter', async () => {
      await asSuperuser('CREATE ROLE stranger NOLOGIN', 'CREATE SCHEMA strange AUTHORIZATION stranger');
      await asSuperuser('SET ROLE stranger; CREATE TABLE strange.shelf (id int)');
      const { reason, log } = await run({ Database: life.database, TakeOwnershipFrom: ['stranger'] });
      expect(reason).toContain('the master may not give away what migrations alter: schema strange of stranger');
      expect(reason).toContain('somebody who may has to run GRANT "stranger" TO "dbAdmin"');
      const named = log.filter(({ message }) => message === 'stays with its owner').map(({ object }) => object);
      expect(named).toEqual(['schema strange', 'table strange.shelf']);
      await asSuperuser('DROP SCHEMA strange CASCADE', 'DROP ROLE stranger');
    }, 60_000);

    test('says how the owner may use what a superuser has made', async () => {
      await asSuperuser('CREATE SCHEMA theirs', 'CREATE TABLE theirs.shelf (id int)', 'CREATE SEQUENCE theirs.counter');
      const { reason, log } = await run({ Database: life.database, TakeOwnershipFrom: ['superuser'] });
      expect(reason).toBeUndefined();
      const statements = log.map(({ statement }) => statement);
      expect(statements).toEqual(
        expect.arrayContaining([
          'GRANT ALL ON SCHEMA theirs TO "shop"',
          'GRANT ALL ON TABLE theirs.shelf TO "shop"',
          'GRANT ALL ON SEQUENCE theirs.counter TO "shop"',
          'GRANT USAGE ON FOREIGN DATA WRAPPER left_out TO "shop"',
        ]),
      );
      await asSuperuser('DROP SCHEMA theirs CASCADE');
    }, 60_000);
  });
});
