import { randomBytes } from 'node:crypto';
import { scramVerifier } from '../shared/scram';

/** As much of a PostgreSQL client as the work needs. */
export interface SqlClient {
  query(text: string, values?: unknown[]): Promise<{ rows: { [column: string]: unknown }[] }>;
}

export interface RolesSpec {
  readonly database: string;
  readonly owner: string;
  readonly logins: string[];
  /** The login whose password is to be set; the passwords of all others are left alone. */
  readonly password?: { readonly login: string; readonly value: string };
}

interface Role {
  readonly rolname: string;
  readonly rolcanlogin: boolean;
  readonly rolsuper: boolean;
  readonly rolconfig: string[] | null;
}

/** Any constant will do: two deliveries of the same event take turns. */
const LOCK = 7_283_645_190;
/** From here on, membership alone neither inherits nor allows SET ROLE. */
const SEPARATE_MEMBERSHIP_OPTIONS = 160_000;

/**
 * Makes the roles be as the specification says, in one transaction, and returns the statements that were
 * needed: none when everything is in place. The client is connected to the database as the master user, which
 * is not a superuser.
 */
export async function ensureRoles(client: SqlClient, spec: RolesSpec): Promise<string[]> {
  await client.query('BEGIN');
  try {
    await client.query(`SET LOCAL lock_timeout = '30s'`);
    await client.query('SELECT pg_advisory_xact_lock($1)', [LOCK]);
    const done = await new Work(client, spec).run();
    await client.query('COMMIT');
    return done;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined); // The connection may be gone; the first error is the one to tell.
    throw error;
  }
}

class Work {
  private readonly done: string[] = [];
  private separateOptions = true;

  constructor(
    private readonly client: SqlClient,
    private readonly spec: RolesSpec,
  ) {}

  public async run(): Promise<string[]> {
    const { owner, logins, password } = this.spec;
    const [server] = await this.rows(`SELECT current_setting('server_version_num')::int AS version`);
    this.separateOptions = (server.version as number) >= SEPARATE_MEMBERSHIP_OPTIONS;
    const roles = await this.existingRoles();
    await this.ensureRole(owner, 'NOLOGIN', roles.get(owner));
    const [{ master }] = await this.rows('SELECT current_user::text AS master');
    await this.ensureMember(master as string);
    for (const login of logins) {
      await this.ensureRole(login, 'LOGIN', roles.get(login));
      await this.ensureMember(login);
      if (!roles.get(login)?.rolconfig?.includes(`role=${owner}`)) {
        await this.apply(`ALTER ROLE ${identifier(login)} SET role = ${literal(owner)}`);
      }
    }
    await this.ensureOwnership();
    if (password !== undefined) {
      const verifier = scramVerifier(password.value, randomBytes(16));
      await this.apply(`ALTER ROLE ${identifier(password.login)} PASSWORD ${literal(verifier)}`);
    }
    return this.done;
  }

  private async existingRoles(): Promise<Map<string, Role>> {
    const names = [this.spec.owner, ...this.spec.logins];
    const rows = await this.rows(
      'SELECT rolname::text, rolcanlogin, rolsuper, rolconfig FROM pg_catalog.pg_roles WHERE rolname = ANY ($1)',
      [names],
    );
    const roles = rows as unknown as Role[];
    const superuser = roles.find((role) => role.rolsuper);
    if (superuser !== undefined) {
      throw new Error(`role "${superuser.rolname}" exists and is a superuser; choose another applicationUser`);
    }
    return new Map(roles.map((role) => [role.rolname, role]));
  }

  private async ensureRole(name: string, login: 'LOGIN' | 'NOLOGIN', role: Role | undefined): Promise<void> {
    if (role === undefined) {
      await this.apply(`CREATE ROLE ${identifier(name)} ${login}`);
    } else if (role.rolcanlogin !== (login === 'LOGIN')) {
      await this.apply(`ALTER ROLE ${identifier(name)} ${login}`);
    }
  }

  /** Members act with the owner's rights, and can become the owner. */
  private async ensureMember(member: string): Promise<void> {
    const needed = this.separateOptions ? ['USAGE', 'SET'] : ['USAGE'];
    const [{ holds }] = await this.rows(
      'SELECT bool_and(pg_catalog.pg_has_role($1, $2, privilege)) AS holds FROM unnest($3::text[]) AS privilege',
      [member, this.spec.owner, needed],
    );
    if (holds !== true) {
      const options = this.separateOptions ? ' WITH INHERIT TRUE, SET TRUE' : '';
      await this.apply(`GRANT ${identifier(this.spec.owner)} TO ${identifier(member)}${options}`);
    }
  }

  /**
   * The database, and with it the schema public, which belongs to whoever owns the database.
   *
   * Tables are left as they are.
   */
  private async ensureOwnership(): Promise<void> {
    const { database, owner } = this.spec;
    const [current] = await this.rows(
      'SELECT pg_catalog.pg_get_userbyid(datdba)::text AS owner FROM pg_catalog.pg_database WHERE datname = $1',
      [database],
    );
    if (current?.owner !== owner) {
      await this.apply(`ALTER DATABASE ${identifier(database)} OWNER TO ${identifier(owner)}`);
    }
    const [schema] = await this.rows(
      `SELECT pg_catalog.has_schema_privilege($1, oid, 'CREATE') AS creatable
         FROM pg_catalog.pg_namespace WHERE nspname = 'public'`,
      [owner],
    );
    if (schema !== undefined && schema.creatable !== true) {
      await this.apply(`GRANT USAGE, CREATE ON SCHEMA public TO ${identifier(owner)}`);
    }
  }

  private async rows(text: string, values?: unknown[]): Promise<{ [column: string]: unknown }[]> {
    return (await this.client.query(text, values)).rows;
  }

  private async apply(statement: string): Promise<void> {
    const shown = statement.replace(/PASSWORD '.*'/s, "PASSWORD '***'");
    try {
      await this.client.query(statement);
    } catch (error) {
      throw new Error(`${shown}: ${(error as Error).message}`);
    }
    this.done.push(shown);
  }
}

function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function literal(value: string): string {
  if (value.includes('\\')) {
    throw new Error('a value with a backslash cannot be quoted');
  }
  return `'${value.replaceAll("'", "''")}'`;
}
