/**
 * Rotates the passwords of a real PostgreSQL with TLS, whose master is no superuser, with every call of every
 * step crashed in turn:
 *
 *     npx tsx scripts/database-rotation-check.ts
 */
import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { ensureRoles } from '../constructs/handlers/database-roles/roles';
import type { DatabaseSecret } from '../constructs/handlers/database-rotation/contract';
import { DatabaseRotation, type IDatabase } from '../constructs/handlers/database-rotation/database';
import { postgres, withPostgres } from '../constructs/handlers/database-rotation/postgres';
import { rotate } from '../constructs/handlers/shared/rotation';
import { scramVerifier } from '../constructs/handlers/shared/scram';
import { Chaos, Crash, type Fault, Invocation } from '../test/faults/chaos';
import { FakeSecret, storeOf } from '../test/faults/fake-secrets-manager';
import { STEPS } from '../test/faults/rotation-model';
import { type LocalPostgres, startPostgres } from './lib/local-postgres';

const OWNER = 'shop_owner';
const LOGINS = ['shop_a', 'shop_b'];
let [passed, failed] = [0, 0];

function check(what: string, ok: boolean): void {
  passed += ok ? 1 : 0;
  failed += ok ? 0 : 1;
  console.log(`${ok ? 'ok    ' : 'FAILED'} ${what}`);
}

interface Setup {
  readonly secret: FakeSecret;
  readonly masterSecretArn?: string;
  readonly logins: string[];
  readonly owner?: string;
}

class Check {
  private readonly master: FakeSecret;
  private readonly application: FakeSecret;
  private readonly written: string[] = [];
  private rotations = 0;

  public constructor(private readonly server: LocalPostgres) {
    this.master = new FakeSecret('arn:master', this.login('master', 'postgres'));
    this.application = new FakeSecret('arn:application', this.login('shop_a', 'shop'));
  }

  public async prepare(): Promise<void> {
    const superuser = await this.server.superuser();
    const { password } = this.current(this.master);
    // As RDS does it: may create roles and databases, and is no superuser.
    await superuser.query(
      `CREATE ROLE master LOGIN CREATEROLE CREATEDB PASSWORD '${scramVerifier(password, randomBytes(16))}'`,
    );
    await superuser.query('CREATE DATABASE shop OWNER master');
    await superuser.end();
    await withPostgres({ ...this.current(this.master), dbname: 'shop' }, async (client) => {
      const { rows } = await client.query(
        'SELECT version(), (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS super',
      );
      console.log(`       ${rows[0].version.split(' on ')[0]}`);
      check('the server is PostgreSQL 17 or later', Number(/ (\d+)/.exec(rows[0].version)?.[1]) >= 17);
      check('the master is not a superuser', rows[0].super === false);
      const { username, password } = this.current(this.application);
      await ensureRoles(client, {
        database: 'shop',
        owner: OWNER,
        logins: LOGINS,
        password: { login: username, value: password },
      });
    });
    await this.refusesWithoutTrust();
  }

  /** Three rotations in a row; before each a migration makes a table, after each another alters it. */
  public async alternating(): Promise<void> {
    for (let round = 1; round <= 3; round++) {
      const before = this.current(this.application);
      const open = await this.connect(before);
      await open.query(`CREATE TABLE item_${round} (id bigint PRIMARY KEY)`);
      await this.rotateOnce(this.alternatingSetup());
      const after = this.current(this.application);
      check(`rotation ${round}: the other login is current`, after.username !== before.username);
      check(`rotation ${round}: an open connection goes on`, (await open.query('SELECT 1')).rowCount === 1);
      await open.end();
      check(`rotation ${round}: the previous password works`, await this.works(before));
      check(`rotation ${round}: the current password works`, await this.works(after));
      await withPostgres(after, (client) => client.query(`ALTER TABLE item_${round} ADD COLUMN name text`));
      const { rows } = await withPostgres(after, (client) =>
        client.query(`SELECT tableowner FROM pg_tables WHERE tablename = 'item_${round}'`),
      );
      check(
        `rotation ${round}: a table from before belongs to ${OWNER} and can be altered`,
        rows[0].tableowner === OWNER,
      );
    }
  }

  /**
   * Every call to Secrets Manager or PostgreSQL of a rotation, crashed before and after it, the event
   * delivered again.
   */
  public async crashed(name: string, setup: Setup): Promise<void> {
    const calls = await this.rotateOnce(setup);
    let [cases, broken] = [0, 0];
    for (const fault of ['crash-before', 'crash-after'] as const) {
      for (let call = 0; call < calls; call++) {
        cases += 1;
        const before = this.current(setup.secret);
        await this.rotateOnce(setup, new Map([[call, fault]]));
        const after = this.current(setup.secret);
        const both = setup.logins.length === 0 || (await this.works(before));
        broken += after.password !== before.password && (await this.works(after)) && both ? 0 : 1;
      }
    }
    check(
      `${name}: ${cases} rotations, each crashed at another call and delivered again, all ended well`,
      broken === 0,
    );
  }

  public noLeak(): void {
    const serverLog = this.server.log();
    const text = this.written.join('\n') + serverLog;
    const values = [...this.master.values(), ...this.application.values()].map(
      (value) => JSON.parse(value).password as string,
    );
    check(
      `no password among ${values.length} in the log of the handler (${this.written.length} lines) and of the server`,
      serverLog.includes('ALTER ROLE') && !values.some((value) => text.includes(value)),
    );
  }

  public alternatingSetup(): Setup {
    return { secret: this.application, masterSecretArn: this.master.arn, logins: LOGINS, owner: OWNER };
  }

  public singleUserSetup(): Setup {
    return { secret: this.application, masterSecretArn: this.master.arn, logins: [], owner: OWNER };
  }

  public masterSetup(): Setup {
    return { secret: this.master, logins: [] };
  }

  /** The number of calls it took. */
  private async rotateOnce(setup: Setup, faults: ReadonlyMap<number, Fault> = new Map()): Promise<number> {
    const chaos = new Chaos({ faults });
    const token = setup.secret.startRotation(`rotation-${this.rotations++}`);
    for (const Step of STEPS) {
      for (let delivery = 0; delivery < 3; delivery++) {
        const invocation = new Invocation(chaos);
        const store = storeOf([this.master, this.application], invocation);
        const strategy = new DatabaseRotation({
          ...setup,
          secretId: setup.secret.arn,
          store,
          database: through(invocation),
          random: () => randomBytes(33).toString('base64url'),
          verifier: (password) => scramVerifier(password, randomBytes(16)),
        });
        const event = { Step, SecretId: setup.secret.arn, ClientRequestToken: token };
        const outcome = await rotate(event, store, strategy, (line) => this.written.push(line)).catch((error) => error);
        if (outcome === undefined) {
          break;
        }
        this.written.push(String((outcome as Error).stack));
        if (!invocation.isCrashed) {
          throw outcome;
        }
      }
    }
    return chaos.calls;
  }

  private async refusesWithoutTrust(): Promise<void> {
    const { NODE_EXTRA_CA_CERTS: file } = process.env;
    delete process.env.NODE_EXTRA_CA_CERTS;
    const code = await this.works(this.current(this.master)).catch((error) => error.code);
    process.env.NODE_EXTRA_CA_CERTS = file;
    check(
      'a certificate of an unknown authority is refused',
      code === 'SELF_SIGNED_CERT_IN_CHAIN' || code === 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    );
  }

  private current(secret: FakeSecret): DatabaseSecret {
    return JSON.parse(secret.withStage('AWSCURRENT')[0].value ?? '');
  }

  private login(username: string, dbname: string): string {
    const password = randomBytes(24).toString('base64url');
    return JSON.stringify({
      engine: 'postgres',
      host: 'localhost',
      port: this.server.port,
      dbname,
      username,
      password,
    });
  }

  private async works(login: DatabaseSecret): Promise<boolean> {
    return (await postgres.roleOf(login)) !== undefined;
  }

  private async connect({ host, port, dbname, username, password }: DatabaseSecret): Promise<Client> {
    const client = new Client({
      host,
      port,
      database: dbname,
      user: username,
      password,
      ssl: { rejectUnauthorized: false },
    });
    await client.connect();
    return client;
  }
}

/** The real database, whose calls can be crashed too. */
function through(invocation: Invocation): IDatabase {
  const crashable = async <T>(act: () => Promise<T>): Promise<T> => {
    let result: Promise<T> | undefined;
    await invocation
      .call(() => {
        result = act();
        result.catch(() => undefined);
      })
      .catch(async (error) => {
        await result?.catch(() => undefined);
        throw error instanceof Crash ? error : new Crash();
      });
    return result as Promise<T>;
  };
  return {
    roleOf: (login) => crashable(() => postgres.roleOf(login)),
    setPassword: (as, role, verifier) => crashable(() => postgres.setPassword(as, role, verifier)),
  };
}

async function main(): Promise<void> {
  const server = await startPostgres();
  try {
    process.env.NODE_EXTRA_CA_CERTS = server.caFile;
    const run = new Check(server);
    await run.prepare();
    await run.alternating();
    await run.crashed('two logins', run.alternatingSetup());
    await run.crashed('single user', run.singleUserSetup());
    await run.crashed('the master itself', run.masterSetup());
    run.noLeak();
  } finally {
    await server.stop();
  }
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}

main();
