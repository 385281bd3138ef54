/**
 * Databases of another origin arrive, on a real PostgreSQL: what others own in them becomes the
 * application's, by a master as RDS has it, and what it may not take is named:
 *
 *     npx tsx scripts/database-adoption-check.ts [folder with the binaries of a version]
 */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Client } from 'pg';
import { postgresDatabase } from '../constructs/handlers/database-rotation/postgres';
import { connectPostgres, type PostgresSettings } from '../constructs/handlers/shared/postgres';
import { scramVerifier } from '../constructs/handlers/shared/scram';
import { virtualEnvironment } from '../rehearsal/image/python';
import { cacheFolder } from '../rehearsal/synth';
import {
  adopting,
  type FormerLife,
  makeFormerLife,
  OF_SOMEBODY,
  OF_THE_MASTER,
  PASSWORD,
  RELEASED,
  SERVED,
  secretsFor,
  sessionOf,
} from './lib/former-life';
import { type LocalPostgres, startPostgres } from './lib/local-postgres';
import { type RolesRun, runRoles } from './lib/run-roles';
import { withTrustedExtensions } from './lib/trusted-extensions';

const INSTALLED = ['Django==5.2.19', 'psycopg[binary]==3.3.9'];
const ROOT = join(__dirname, '..');

let [passed, failed] = [0, 0];

function check(what: string, ok: boolean, detail: unknown = ''): void {
  passed += ok ? 1 : 0;
  failed += ok ? 0 : 1;
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${what}${ok ? '' : `: ${String(detail)}`}`);
}

/** A cluster with one former life. */
class Arrival {
  public constructor(
    public readonly server: LocalPostgres,
    public readonly life: FormerLife,
    public readonly version: number,
  ) {}

  public run(properties = adopting(this.life), connect = connectPostgres): Promise<RolesRun> {
    return runRoles(connect, secretsFor(this.server, this.life), properties);
  }

  /** What statements of a login failed with. */
  public async problems(login: string, statements: string[], password = login): Promise<string[]> {
    const session = await sessionOf(this.server, login, this.life.database, password);
    const found: string[] = [];
    for (const statement of statements) {
      await session.query(statement).catch((error) => found.push(`${statement}: ${error.message}`));
    }
    await session.end();
    return found;
  }

  public async ask(statement: string, database = this.life.database): Promise<{ [column: string]: unknown }[]> {
    const superuser = await this.server.superuser(database);
    try {
      return (await superuser.query(statement)).rows;
    } finally {
      await superuser.end();
    }
  }

  /** What the master is a member of, with all options. */
  public async memberships(): Promise<string> {
    const rows = await this.ask(
      `SELECT to_jsonb(m) - 'oid' AS m FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid
         JOIN pg_roles n ON n.oid = m.member WHERE n.rolname = '${this.life.master}' AND r.rolname !~ '^shop' ORDER BY 1`,
    );
    return JSON.stringify(rows);
  }

  public left({ log }: RolesRun): string[] {
    return log.filter(({ message }) => message === 'stays with its owner').map(({ object }) => String(object));
  }
}

async function arrives(arrival: Arrival): Promise<void> {
  const { life } = arrival;
  const before = await arrival.memberships();
  const first = await arrival.run();
  check(`"${life.database}" of "${life.owner}" arrives`, first.reason === undefined, first.reason);
  const left = [
    'event trigger noticing',
    'foreign-data wrapper left_out',
    'function public.noticed()',
    `user mapping ${life.owner === 'postgres' ? 'postgres' : `"${life.owner}"`} on server elsewhere`,
    'server elsewhere',
  ];
  const found = arrival.left(first);
  const named =
    left.every((name) => found.includes(name) && first.left?.includes(name)) && found.length === left.length;
  check('what could not be taken is named, in the log and in the answer', named, `${found.join(', ')} | ${first.left}`);
  check('the master is a member of what it was', (await arrival.memberships()) === before, await arrival.memberships());
  const again = await arrival.run();
  const nothing = again.reason === undefined && again.statements.length === 0;
  check('a second run changes nothing', nothing, again.reason ?? again.statements);
  const released = await arrival.problems('shop_release_a', RELEASED);
  check(`a release alters everything, with ${RELEASED.length} statements`, released.length === 0, released.join('\n'));
  const served = await arrival.problems('shop_a', SERVED);
  check(`what serves fills and reads everything, with ${SERVED.length}`, served.length === 0, served.join('\n'));
  const forbidden = ['ALTER TABLE author ADD COLUMN mine int', 'CREATE TABLE mine (id int)', 'TRUNCATE book'];
  const refused = await arrival.problems('shop_a', forbidden);
  check('and cannot alter anything', refused.length === forbidden.length, refused.join('\n'));
  const [given] = await arrival.ask(
    `SELECT has_table_privilege('reader', 'shelf', 'SELECT') AS reads, has_table_privilege('reader', 'book', 'SELECT') AS read,
            (SELECT count(*) FROM pg_default_acl d JOIN pg_roles r ON r.oid = d.defaclrole WHERE r.rolname = 'shop')::int AS defaults`,
  );
  check('who could read new tables still can', given.reads === true && given.read === true, JSON.stringify(given));
  if (life.owner !== life.master) {
    const old = await arrival.problems(
      life.owner,
      ['SELECT * FROM author', 'INSERT INTO book DEFAULT VALUES'],
      PASSWORD,
    );
    check('the old owner has no power left in it', old.length === 2, old.join('\n'));
  }
}

async function rotates({ server, life }: Arrival): Promise<void> {
  process.env.NODE_EXTRA_CA_CERTS = server.caFile;
  const database = postgresDatabase();
  const secret = JSON.parse(secretsFor(server, life).master);
  for (const [login, role] of [
    ['shop_b', 'shop_serving'],
    ['shop_release_b', 'shop'],
  ]) {
    const verifier = scramVerifier('another', randomBytes(16));
    await database.setPassword(secret, { login, verifier, role, database: life.database });
    const found = await database.roleOf({ ...secret, username: login, password: 'another' });
    check(`a rotation gives ${login} another password`, found === role, found);
  }
}

/** Django's own migrations, as a release runs them, in a database that has none of its tables yet. */
async function migrates(arrival: Arrival, python: string): Promise<void> {
  const { server, life } = arrival;
  const django = (...args: string[]) =>
    execFileSync(python, ['-m', 'django', ...args], {
      encoding: 'utf8',
      stdio: 'pipe',
      env: {
        ...process.env,
        DATABASE_NAME: life.database,
        DATABASE_USER: 'shop_release_a',
        DATABASE_PASSWORD: 'shop_release_a',
        DATABASE_HOST: 'localhost',
        DATABASE_PORT: String(server.port),
        PGSSLMODE: 'verify-full',
        PGSSLROOTCERT: server.caFile,
        DJANGO_SETTINGS_MODULE: 'adoption_settings',
        PYTHONPATH: [join(ROOT, 'runtime'), join(__dirname, 'django')].join(':'),
        PYTHONDONTWRITEBYTECODE: '1',
      },
    });
  // The former life ended before the last migration of each application.
  const output = django('migrate', '--noinput');
  check('Django migrates it', /Applying auth\.0012.*OK/.test(output), output);
  const plan = django('migrate', '--check');
  check('and has nothing left to migrate', plan.trim() === '' || /No planned/.test(plan), plan);
  const problem = await arrival.problems('shop_a', [
    `INSERT INTO auth_group (name) VALUES ('x')`,
    `INSERT INTO django_session VALUES ('k', 'd', now())`,
  ]);
  check('what serves fills its tables', problem.length === 0, problem.join('\n'));
}

/** Who comes later, into a database that has arrived, keeps what is theirs until they are named. */
async function sharesLater(arrival: Arrival): Promise<void> {
  const { life } = arrival;
  await arrival.ask(`CREATE ROLE bi LOGIN PASSWORD 'bi'`);
  await arrival.ask(`GRANT bi TO "${life.master}"`);
  await arrival.ask('CREATE SCHEMA bi AUTHORIZATION bi');
  await arrival.problems('bi', ['CREATE TABLE bi.cube (id serial)']);
  const owner = async () =>
    (await arrival.ask(`SELECT tableowner FROM pg_tables WHERE tablename = 'cube'`))[0].tableowner;
  await arrival.run();
  check('what others make later stays theirs', (await owner()) === 'bi', await owner());
  const taken = await arrival.run({ Database: life.database, TakeOwnershipFrom: ['bi', 'nobody'] });
  check('until they are named', taken.reason === undefined && (await owner()) === 'shop', taken.reason);
}

/** Owners that the master is no member of: it may make itself one before PostgreSQL 16. */
async function withoutMembership(binaries: string): Promise<void> {
  await within(binaries, { ...OF_SOMEBODY, isMember: false }, async (arrival) => {
    const { life, version } = arrival;
    const run = await arrival.run();
    if (version < 16) {
      check('the master makes itself a member of an owner', run.reason === undefined, run.reason);
      return;
    }
    const reason = run.reason ?? '';
    const named = reason.includes(life.owner) && reason.includes(`GRANT "${life.owner}" TO "${life.master}"`);
    check('an owner that the master cannot become is named, with what to run', named, reason);
    await arrival.ask(`GRANT "${life.owner}" TO "${life.master}"`);
    const then = await arrival.run();
    check('and its database arrives once that has been run', then.reason === undefined, then.reason);
  });
  await within(binaries, OF_SOMEBODY, async (arrival) => {
    await arrival.ask(`CREATE ROLE "Stranger" LOGIN PASSWORD 'x'`);
    await arrival.ask('CREATE TABLE tenant.strange (id int)');
    await arrival.ask('ALTER TABLE tenant.strange OWNER TO "Stranger"');
    const run = await arrival.run();
    if (arrival.version >= 16) {
      const named = run.reason?.includes('table tenant.strange of Stranger') === true;
      check('a table that cannot be taken fails the run, and is named', named, run.reason);
      const [{ owner }] = await arrival.ask(`SELECT tableowner AS owner FROM pg_tables WHERE tablename = 'author'`);
      check('and nothing has changed', owner === arrival.life.owner, owner);
      const rest = await arrival.run({ Database: arrival.life.database, TakeOwnershipFrom: [arrival.life.owner] });
      check('it can be left out by naming the others', rest.reason === undefined, rest.reason);
    } else {
      check('a table of a stranger is taken', run.reason === undefined, run.reason);
    }
  });
}

/** A database of this library, whose roles had other names or other passwords. */
async function ofThisLibrary(binaries: string): Promise<void> {
  const server = await startPostgres(binaries, { wal_level: 'logical' });
  process.env.NODE_EXTRA_CA_CERTS = server.caFile;
  const superuser = await server.superuser();
  await superuser.query('CREATE ROLE rds_superuser NOLOGIN');
  await superuser.query(`CREATE ROLE master LOGIN CREATEROLE CREATEDB PASSWORD '${PASSWORD}' IN ROLE rds_superuser`);
  await superuser.query('CREATE DATABASE django OWNER master');
  const { rows } = await superuser.query('SHOW server_version_num');
  await superuser.end();
  if (Number(rows[0].server_version_num) < 150_000) {
    const inside = await server.superuser('django');
    await inside.query('ALTER SCHEMA public OWNER TO master');
    await inside.end();
  }
  const life: FormerLife = { database: 'django', master: 'master', owner: 'django', isMember: true };
  const login = (username: string, password = username) =>
    JSON.stringify({ host: 'localhost', port: server.port, dbname: 'django', username, password });
  const before = {
    Database: 'django',
    Owner: 'django',
    OwnerLogins: ['django_release_a', 'django_release_b'],
    ServingRole: 'django_serving',
    Logins: ['django_a', 'django_b'],
  };
  const master = login('master', PASSWORD);
  const secrets = { master, application: login('django_a'), owner: login('django_release_a') };
  await runRoles(connectPostgres, secrets, before);
  const arrival = new Arrival(server, life, 0);
  await arrival.problems('django_release_a', ['CREATE TABLE item (id serial PRIMARY KEY)', 'CREATE SCHEMA other']);
  await arrival.problems('django_a', ['SELECT lo_create(1)']);
  const others = { master, application: login('django_b', 'new'), owner: login('django_release_b', 'new') };
  const again = await runRoles(connectPostgres, others, { ...before, TakeOwnership: 'true' });
  const only = again.statements.every((statement) => statement.includes('PASSWORD'));
  check(
    'of this library, it gets the new passwords alone',
    again.reason === undefined && only,
    again.reason ?? again.statements,
  );
  const moved = await arrival.run();
  check('and another owner takes it over', moved.reason === undefined, moved.reason);
  const problems = [
    ...(await arrival.problems('shop_release_a', ['ALTER TABLE item ADD COLUMN name text', 'DROP SCHEMA other'])),
    ...(await arrival.problems('shop_a', [`INSERT INTO item (name) VALUES ('x')`])),
  ];
  check('and alters and fills it', problems.length === 0, problems.join('\n'));
  await server.stop();
}

/** Extensions that a release could not make: an empty database, and one that has some of them already. */
async function hasExtensions(binaries: string): Promise<void> {
  const trusted = withTrustedExtensions(binaries);
  await within(
    trusted.folder,
    OF_SOMEBODY,
    async (arrival) => {
      const names = ['earthdistance', 'hstore', 'pg_stat_statements', 'partman'];
      const properties = { ...adopting(arrival.life), Extensions: names };
      const before = await arrival.problems(arrival.life.owner, ['CREATE EXTENSION postgres_fdw'], PASSWORD);
      check('an extension that is not trusted is refused to an owner', /permission|exists/.test(before[0]), before);
      const first = await arrival.run(properties);
      const made = first.log.find(({ message }) => message === 'extensions are in place')?.made;
      check(
        'extensions are made that are not there',
        String(made) === 'earthdistance,pg_stat_statements,partman',
        made ?? first.reason,
      );
      const again = await arrival.run({ ...properties, Extensions: ['postgis', ...names] });
      const more = again.log.find(({ message }) => message === 'extensions are in place')?.made;
      check('and later those that are new in the list', String(more) === 'postgis', more ?? again.reason);
      await arrival.run({ ...properties, Extensions: ['hstore'] });
      const there = await arrival.ask('SELECT extname AS name FROM pg_extension ORDER BY 1');
      const all = ['cube', ...names, 'pgcrypto', 'plpgsql', 'postgis', 'postgres_fdw'].sort();
      check(
        'one that left the list stays',
        String(there.map(({ name }) => name).sort()) === String(all),
        JSON.stringify(there),
      );
      const wrong = await arrival.run({ ...properties, Extensions: ['no_such'] });
      check(
        'one that the server has not is named',
        wrong.reason?.includes('extension "no_such" does not exist') === true,
        wrong.reason,
      );
      const released = await arrival.problems('shop_release_a', [
        'CREATE EXTENSION IF NOT EXISTS postgis',
        'CREATE TABLE place (id serial PRIMARY KEY, at geometry, home earth)',
        'CREATE EXTENSION citext',
      ]);
      const served = await arrival.problems('shop_a', [
        'INSERT INTO place (at) VALUES (ROW(1, 2))',
        'SELECT st_x(at) FROM place',
        'SELECT * FROM spatial_ref_sys',
        'SELECT count(*) FROM pg_stat_statements',
      ]);
      check(
        'releases and what serves use them',
        released.length + served.length === 0,
        [...released, ...served].join('\n'),
      );
    },
    { shared_preload_libraries: 'pg_stat_statements' },
  );
  trusted.remove();
}

/** Many tenants: more objects than one transaction takes, and a run that is cut off anywhere goes on. */
async function isCutOff(binaries: string): Promise<void> {
  await within(binaries, OF_SOMEBODY, async (arrival) => {
    const { life } = arrival;
    await arrival.problems(
      life.owner,
      [
        `DO $$ BEGIN FOR n IN 1..450 LOOP EXECUTE format('CREATE TABLE t%s (id serial PRIMARY KEY)', n); END LOOP; END $$`,
      ],
      PASSWORD,
    );
    await arrival.ask(`ALTER DATABASE "${life.database}" RENAME TO pattern`, 'postgres');
    let [cases, broken, queries] = [0, 0, Number.POSITIVE_INFINITY];
    let before = '';
    for (let at = 3; at < queries; at = Math.ceil(at * 1.25)) {
      await arrival.ask(`DROP DATABASE IF EXISTS "${life.database}" WITH (FORCE)`, 'postgres');
      await arrival.ask(`CREATE DATABASE "${life.database}" TEMPLATE pattern OWNER "${life.owner}"`, 'postgres');
      before ||= await arrival.memberships();
      let count = 0;
      const cut = async (settings: PostgresSettings): Promise<Client> => {
        const client = await connectPostgres(settings);
        const query = client.query.bind(client) as (...args: unknown[]) => Promise<unknown>;
        return Object.assign(client, {
          query: async (...args: unknown[]) => {
            count += 1;
            if (count === at) {
              await client.end();
              throw new Error('cut off');
            }
            return query(...args);
          },
        });
      };
      const first = await arrival.run(undefined, cut);
      queries = first.reason === undefined ? count : queries;
      const then = await arrival.run();
      const last = await arrival.run();
      const [{ others }] = await arrival.ask(
        `SELECT count(*)::int AS others FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner
          WHERE c.oid >= 16384 AND r.rolname IN ('${life.owner}', 'accounts')
            AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')`,
      );
      const well = then.reason === undefined && last.statements.length === 0 && others === 0;
      cases += 1;
      broken += well && (await arrival.memberships()) === before ? 0 : 1;
    }
    check(
      `${cases} runs over 500 objects, each cut off elsewhere, go on where they were`,
      broken === 0 && cases > 10,
      `${broken} of ${cases}`,
    );
    const problems = await arrival.problems('shop_release_a', RELEASED);
    check('and its release alters everything', problems.length === 0, problems.join('\n'));
  });
}

async function within(
  binaries: string,
  life: FormerLife,
  act: (arrival: Arrival) => Promise<void>,
  more: { readonly [setting: string]: string } = {},
): Promise<void> {
  const server = await startPostgres(binaries, { wal_level: 'logical', log_statement: 'none', ...more });
  process.env.NODE_EXTRA_CA_CERTS = server.caFile;
  try {
    const superuser = await server.superuser();
    const { rows } = await superuser.query('SHOW server_version_num');
    await superuser.end();
    await makeFormerLife(server, life);
    await act(new Arrival(server, life, Math.floor(Number(rows[0].server_version_num) / 10_000)));
  } finally {
    await server.stop();
  }
}

async function main(): Promise<void> {
  const [, , binaries] = process.argv;
  const environment = await virtualEnvironment(cacheFolder(), 'migrations', { installs: [INSTALLED], key: [] });
  for (const life of [OF_THE_MASTER, OF_SOMEBODY]) {
    await within(binaries, life, async (arrival) => {
      console.log(`       PostgreSQL ${arrival.version}`);
      await arrives(arrival);
      await rotates(arrival);
      await migrates(arrival, join(environment, 'bin', 'python'));
      await sharesLater(arrival);
    });
  }
  await withoutMembership(binaries);
  await ofThisLibrary(binaries);
  await hasExtensions(binaries);
  await isCutOff(binaries);
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}

main();
