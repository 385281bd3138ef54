/**
 * Somebody has taken the application over and plants what they can in its database; then each handler comes
 * as the master:
 *
 *     npx tsx scripts/database-red-team.ts [FOLDER] [--each] [--without options|--without all]
 *
 * FOLDER holds the binaries of another version of PostgreSQL.
 *
 * Nothing that was planted may ever run in a session of the master, which the log of the server would show. A
 * handler succeeds, or fails and says why. `--each` plants each thing on its own, otherwise objects of the
 * same kind come together. `--without options` takes the options at the start of a connection away,
 * `--without all` also the neutral database and the qualified names: then the suite must fail.
 */
import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import type { DatabaseSecret } from '../constructs/handlers/database-rotation/contract';
import { DatabaseRotation } from '../constructs/handlers/database-rotation/database';
import { postgresDatabase } from '../constructs/handlers/database-rotation/postgres';
import { connectPostgres, NEUTRAL_DATABASE, type PostgresSettings } from '../constructs/handlers/shared/postgres';
import { rotate } from '../constructs/handlers/shared/rotation';
import { scramVerifier } from '../constructs/handlers/shared/scram';
import { Chaos, Invocation } from '../test/faults/chaos';
import { FakeSecret, storeOf } from '../test/faults/fake-secrets-manager';
import { STEPS } from '../test/faults/rotation-model';
import { type LocalPostgres, startPostgres } from './lib/local-postgres';
import { CANARY, PLANTS, PLANTS_TOGETHER, type Plant } from './lib/plants';
import { runRoles, SHOP } from './lib/run-roles';

/** What is taken away to see that the suite would notice. */
type Without = 'nothing' | 'options' | 'all';

const { ownerLogins: OWNER_LOGINS, servingLogins: LOGINS } = SHOP;
const EXPECTED_ROLES = ['master', SHOP.owner, SHOP.serving, ...OWNER_LOGINS, ...LOGINS].sort();

interface Result {
  readonly problems: string[];
  readonly refused: number;
  readonly failedClosed: string[];
}

class RedTeam {
  private master = new FakeSecret('arn:master', '{}');
  private application = this.master;
  private owner = this.master;
  private rotations = 0;
  private readonly connect: typeof connectPostgres;

  public constructor(
    private readonly server: LocalPostgres,
    without: Without,
  ) {
    this.connect = without === 'nothing' ? connectPostgres : (settings) => careless(settings, without === 'all');
  }

  public async version(): Promise<number> {
    const [{ version }] = await this.bySuperuser(`SELECT current_setting('server_version_num') AS version`);
    return Math.floor(Number(version) / 10_000);
  }

  /** Each handler after one plant, from a database that was just made. */
  public async withstand(plant: Plant): Promise<Result> {
    await this.fresh();
    const refused = await this.plant(plant);
    const logged = this.server.log().length;
    const attempts = [
      ['rotation of what serves', () => this.rotation(this.application, LOGINS, SHOP.serving)],
      ['rotation of the owner', () => this.rotation(this.owner, OWNER_LOGINS, SHOP.owner)],
      ['roles', () => this.roles()],
      ['rotation after the roles', () => this.rotation(this.application, LOGINS, SHOP.serving)],
      ['rotation of the master', () => this.rotation(this.master, [], undefined)],
    ] as const;
    const problems: string[] = [];
    const failedClosed: string[] = [];
    for (const [name, attempt] of attempts) {
      const reason = await attempt();
      if (reason !== undefined) {
        failedClosed.push(`${name}: ${reason}`);
        if (reason.trim() === '' || plant.harmless === true) {
          problems.push(`${name} failed: ${reason}`);
        }
      }
    }
    const loot = [
      ...this.server
        .log()
        .slice(logged)
        .matchAll(/LOOT session=master.*/g),
    ].map(([line]) => line);
    problems.push(...new Set(loot));
    problems.push(...(await this.gains()));
    return { problems, refused, failedClosed };
  }

  private async fresh(): Promise<void> {
    const superuser = await this.server.superuser();
    await superuser.query('DROP DATABASE IF EXISTS shop WITH (FORCE)');
    for (const { rolname } of (await superuser.query(`SELECT rolname FROM pg_roles WHERE rolname ~ '^(shop|master)'`))
      .rows) {
      await superuser.query(`ALTER ROLE "${rolname}" RESET ALL`);
    }
    const password = randomBytes(12).toString('hex');
    const exists = (await superuser.query(`SELECT 1 FROM pg_roles WHERE rolname = 'master'`)).rowCount === 1;
    await superuser.query(
      `${exists ? 'ALTER' : 'CREATE'} ROLE master LOGIN CREATEROLE CREATEDB PASSWORD '${password}'`,
    );
    await superuser.query('CREATE DATABASE shop OWNER master');
    await superuser.end();
    this.master = new FakeSecret('arn:master', this.login('master', password));
    this.application = new FakeSecret('arn:application', this.login('shop_a'));
    this.owner = new FakeSecret('arn:owner', this.login('shop_release_a'));
    const reason = await this.roles();
    if (reason !== undefined) {
      throw new Error(`the roles were not made: ${reason}`);
    }
  }

  /** How many statements PostgreSQL itself refused. */
  private async plant({ as, statements, database = 'shop' }: Plant): Promise<number> {
    const owner = await this.session(this.owner, 'shop');
    for (const statement of CANARY) {
      await owner.query(statement);
    }
    await owner.end();
    const session = await this.session(as === 'owner' ? this.owner : this.application, database);
    let refused = 0;
    for (const statement of statements) {
      await session.query(statement).catch(() => {
        refused += 1;
      });
    }
    await session.end();
    return refused;
  }

  /** As CloudFormation would hear it; undefined when it succeeded. */
  private async roles(): Promise<string | undefined> {
    const [master, application, owner] = [this.master, this.application, this.owner].map(
      (secret) => secret.withStage('AWSCURRENT')[0].value ?? '',
    );
    return (await runRoles(this.connect, { master, application, owner })).reason;
  }

  private async rotation(secret: FakeSecret, logins: string[], role?: string): Promise<string | undefined> {
    const store = storeOf([this.master, this.application, this.owner], new Invocation(new Chaos()));
    const strategy = new DatabaseRotation({
      secretId: secret.arn,
      store,
      database: postgresDatabase(this.connect),
      masterSecretArn: role === undefined ? undefined : this.master.arn,
      logins,
      role,
      random: () => randomBytes(12).toString('base64url'),
      verifier: (password) => scramVerifier(password, randomBytes(16)),
    });
    const token = secret.startRotation(`rotation-${this.rotations++}`);
    for (const Step of STEPS) {
      const event = { Step, SecretId: secret.arn, ClientRequestToken: token };
      const error = await rotate(event, store, strategy, () => undefined).catch((thrown: Error) => thrown);
      if (error !== undefined) {
        return error.message;
      }
    }
    return undefined;
  }

  /** What the application has won in the end. */
  private async gains(): Promise<string[]> {
    const found = await this.bySuperuser(
      `SELECT rolname AS role, rolsuper OR rolcreaterole OR rolcreatedb OR rolbypassrls AS power FROM pg_roles
        WHERE rolname !~ '^pg_' AND rolname <> 'superuser' ORDER BY rolname`,
    );
    const roles = found.map(({ role }) => String(role)).sort();
    const powerful = found.filter(({ role, power }) => power === true && role !== 'master').map(({ role }) => role);
    const [{ master, owner }] = await this.bySuperuser(
      `SELECT bool_or(pg_has_role(rolname, 'master', 'MEMBER')) AS master,
              bool_or(rolname ~ '^shop_(a|b|serving)$' AND pg_has_role(rolname, 'shop', 'MEMBER')) AS owner
         FROM pg_roles WHERE rolname ~ '^shop'`,
    );
    return [
      ...(JSON.stringify(roles) === JSON.stringify(EXPECTED_ROLES) ? [] : [`roles are ${roles}`]),
      ...(powerful.length === 0 ? [] : [`powerful are ${powerful}`]),
      ...(master === true ? ['the application can become the master'] : []),
      ...(owner === true ? ['what serves can become the owner'] : []),
    ];
  }

  private async bySuperuser(query: string): Promise<{ [column: string]: unknown }[]> {
    const superuser = await this.server.superuser();
    const { rows } = await superuser.query(query);
    await superuser.end();
    return rows;
  }

  /** As a process of the application connects. */
  private async session(secret: FakeSecret, database: string): Promise<Client> {
    const { username: user, password } = JSON.parse(secret.withStage('AWSCURRENT')[0].value ?? '') as DatabaseSecret;
    return plain({ host: 'localhost', port: this.server.port, database, user, password });
  }

  private login(username: string, password = randomBytes(12).toString('hex')): string {
    return JSON.stringify({ host: 'localhost', port: this.server.port, dbname: 'shop', username, password });
  }
}

type Login = Pick<PostgresSettings, 'host' | 'port' | 'database' | 'user' | 'password'>;

async function plain({ host, port, database, user, password }: Login): Promise<Client> {
  const client = new Client({ host, port, database, user, password, ssl: { rejectUnauthorized: false } });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/**
 * A connection as handlers made it before: without options, in the application's database, with names that
 * anybody may answer to.
 */
async function careless(settings: PostgresSettings, unqualified: boolean): Promise<Client> {
  const database = unqualified && settings.database === NEUTRAL_DATABASE ? 'shop' : settings.database;
  const client = await plain({ ...settings, database });
  if (unqualified) {
    const query = client.query.bind(client) as (text: string, values?: unknown[]) => Promise<unknown>;
    const bare = (text: string) => text.replace(/OPERATOR\(pg_catalog\.(\S+)\)/g, '$1').replaceAll('pg_catalog.', '');
    Object.assign(client, { query: (text: string, values?: unknown[]) => query(bare(text), values) });
  }
  return client;
}

async function main(): Promise<void> {
  const [binaries] = process.argv.slice(2).filter((word) => word.includes('/'));
  const at = process.argv.indexOf('--without');
  const without = (at < 0 ? 'nothing' : process.argv[at + 1]) as Without;
  const server = await startPostgres(binaries);
  const { log } = console;
  let [passed, failed, refused, closed] = [0, 0, 0, 0];
  try {
    process.env.NODE_EXTRA_CA_CERTS = server.caFile;
    const team = new RedTeam(server, without);
    const version = await team.version();
    const plants = process.argv.includes('--each') ? PLANTS : PLANTS_TOGETHER;
    for (const plant of plants.filter(({ since = 0 }) => since <= version)) {
      const result = await team.withstand(plant);
      refused += result.refused;
      closed += result.failedClosed.length > 0 ? 1 : 0;
      if (result.problems.length === 0) {
        passed += 1;
      } else {
        failed += 1;
        log(`FAILED ${plant.name}\n       ${result.problems.join('\n       ')}`);
      }
    }
    log(
      `       PostgreSQL ${version}, without ${without}: ${PLANTS.length} plants in ${passed + failed} turns, five runs of the handlers after each`,
    );
    log(
      `       ${refused} statements were refused by PostgreSQL itself, after ${closed} plants a handler failed and said why`,
    );
  } finally {
    await server.stop();
  }
  log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}

main();
