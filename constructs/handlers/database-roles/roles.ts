import { randomBytes } from 'node:crypto';
import { identifier, literal, type SqlClient } from '../shared/postgres';
import { scramVerifier } from '../shared/scram';
import { ensurePrivileges } from './privileges';
import { inTransaction, Work } from './work';

export interface RolesSpec {
  readonly database: string;
  /** Owns the database and what is in it. */
  readonly owner: string;
  readonly ownerLogins: string[];
  /** Reads and changes rows. */
  readonly serving: string;
  readonly servingLogins: string[];
  /** Logins whose passwords are to be set; those of all others are left alone. */
  readonly passwords?: { readonly login: string; readonly value: string }[];
}

interface Role {
  readonly rolname: string;
  readonly rolcanlogin: boolean;
  readonly rolsuper: boolean;
  readonly rolconfig: string[] | null;
}

/** From here on, membership alone neither inherits nor allows SET ROLE. */
export const SEPARATE_MEMBERSHIP_OPTIONS = 160_000;

/**
 * Makes the roles and what they may do be as the specification says, in one transaction, and returns the
 * statements that were needed: none when everything is in place.
 *
 * The client is connected to the database as the master user, which is not a superuser, with the options of
 * `startupOptions`: whoever owns the database may have made anything in it.
 */
export async function ensureRoles(client: SqlClient, spec: RolesSpec): Promise<string[]> {
  const work = new Work(client);
  await inTransaction(client, () => new Roles(work, spec).ensure());
  return work.done;
}

/** Makes the owner alone, with the master as its member: somebody whom things can be given to. */
export async function ensureOwner(client: SqlClient, spec: RolesSpec): Promise<string[]> {
  const work = new Work(client);
  await inTransaction(client, async () => void (await new Roles(work, spec).ensureOwner()));
  return work.done;
}

class Roles {
  private separateOptions = true;

  constructor(
    private readonly work: Work,
    private readonly spec: RolesSpec,
  ) {}

  public async ensure(): Promise<void> {
    const { owner, ownerLogins, serving, servingLogins, passwords = [] } = this.spec;
    const { roles, master } = await this.ensureOwner();
    await this.ensureLogins(ownerLogins, owner, roles);
    await this.ensureOwnership();
    await this.ensureRole(serving, 'NOLOGIN', roles.get(serving));
    await ensurePrivileges(this.work, this.spec);
    await this.ensureLogins(servingLogins, serving, roles);
    for (const name of [serving, ...servingLogins]) {
      await this.ensureCannotBecomeOwner(name);
    }
    // Whoever looks after the database as the owner sees what the sessions of the other logins do, and can
    // end them.
    for (const login of ownerLogins) {
      for (const servingLogin of servingLogins) {
        await this.ensureMember(login, servingLogin);
      }
    }
    await this.ensureManageable([owner, ...ownerLogins, serving, ...servingLogins], master);
    for (const { login, value } of passwords) {
      const verifier = scramVerifier(value, randomBytes(16));
      await this.work.apply(`ALTER ROLE ${identifier(login)} PASSWORD ${literal(verifier)}`);
    }
  }

  public async ensureOwner(): Promise<{ roles: Map<string, Role>; master: string }> {
    const { owner } = this.spec;
    const [{ version }] = await this.work.rows(`SELECT pg_catalog.current_setting('server_version_num') AS version`);
    this.separateOptions = Number(version) >= SEPARATE_MEMBERSHIP_OPTIONS;
    const roles = await this.existingRoles();
    await this.ensureRole(owner, 'NOLOGIN', roles.get(owner));
    const [{ master }] = await this.work.rows('SELECT current_user AS master');
    await this.ensureMember(master as string, owner);
    return { roles, master: master as string };
  }

  /**
   * From PostgreSQL 16 on, only who has the ADMIN option of a role may change it, and has it of those that it
   * makes. Before, nobody needs it: without it the master would lose what it has made in an upgrade.
   */
  private async ensureManageable(roles: string[], master: string): Promise<void> {
    if (this.separateOptions) {
      return;
    }
    const rows = await this.work.rows(
      `SELECT r.rolname FROM pg_catalog.pg_auth_members m
         JOIN pg_catalog.pg_roles r ON r.oid OPERATOR(pg_catalog.=) m.roleid
         JOIN pg_catalog.pg_roles n ON n.oid OPERATOR(pg_catalog.=) m.member
        WHERE n.rolname OPERATOR(pg_catalog.=) $1 AND m.admin_option`,
      [master],
    );
    const manageable = new Set(rows.map(({ rolname }) => rolname));
    for (const role of roles.filter((name) => !manageable.has(name))) {
      await this.work.apply(`GRANT ${identifier(role)} TO ${identifier(master)} WITH ADMIN OPTION`);
    }
  }

  private async existingRoles(): Promise<Map<string, Role>> {
    const { owner, ownerLogins, serving, servingLogins } = this.spec;
    const rows = await this.work.rows(
      `SELECT rolname, rolcanlogin, rolsuper, rolconfig FROM pg_catalog.pg_roles
        WHERE rolname OPERATOR(pg_catalog.=) ANY ($1::pg_catalog.name[])`,
      [[owner, ...ownerLogins, serving, ...servingLogins]],
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
      await this.work.apply(`CREATE ROLE ${identifier(name)} ${login}`);
    } else if (role.rolcanlogin !== (login === 'LOGIN')) {
      await this.work.apply(`ALTER ROLE ${identifier(name)} ${login}`);
    }
  }

  /** Logins that become a role when they connect, so that all that they make belongs to it. */
  private async ensureLogins(logins: string[], role: string, existing: Map<string, Role>): Promise<void> {
    for (const login of logins) {
      await this.ensureRole(login, 'LOGIN', existing.get(login));
      await this.ensureMember(login, role);
      if (!existing.get(login)?.rolconfig?.includes(`role=${role}`)) {
        await this.work.apply(`ALTER ROLE ${identifier(login)} SET role = ${literal(role)}`);
      }
    }
  }

  /** Members act with the role's rights, and can become the role. */
  private async ensureMember(member: string, role: string): Promise<void> {
    const needed = this.separateOptions ? ['USAGE', 'SET'] : ['USAGE'];
    const [{ holds }] = await this.work.rows(
      `SELECT pg_catalog.bool_and(pg_catalog.pg_has_role($1, $2, privilege)) AS holds
         FROM pg_catalog.unnest($3::pg_catalog.text[]) AS privilege`,
      [member, role, needed],
    );
    if (holds !== true) {
      const options = this.separateOptions ? ' WITH INHERIT TRUE, SET TRUE' : '';
      await this.work.apply(`GRANT ${identifier(role)} TO ${identifier(member)}${options}`);
    }
  }

  /**
   * What serves was a member of the owner before there were two powers, and on PostgreSQL 15 a login of the
   * owner can give its own rights away. Old tasks go on: what is open stays open, and what they open next may
   * change rows.
   */
  private async ensureCannotBecomeOwner(name: string): Promise<void> {
    const { owner, ownerLogins } = this.spec;
    const powers = [owner, ...ownerLogins];
    const direct = await this.work.rows(
      `SELECT r.rolname AS role, g.rolname AS grantor FROM pg_catalog.pg_auth_members m
         JOIN pg_catalog.pg_roles r ON r.oid OPERATOR(pg_catalog.=) m.roleid
         JOIN pg_catalog.pg_roles n ON n.oid OPERATOR(pg_catalog.=) m.member
         LEFT JOIN pg_catalog.pg_roles g ON g.oid OPERATOR(pg_catalog.=) m.grantor
        WHERE n.rolname OPERATOR(pg_catalog.=) $1 AND r.rolname OPERATOR(pg_catalog.=) ANY ($2::pg_catalog.name[])`,
      [name, powers],
    );
    for (const { role, grantor } of direct) {
      const by = this.separateOptions && grantor !== null ? ` GRANTED BY ${identifier(grantor as string)}` : '';
      await this.work.apply(`REVOKE ${identifier(role as string)} FROM ${identifier(name)}${by}`);
    }
    const [{ reaches }] = await this.work.rows(`SELECT pg_catalog.pg_has_role($1, $2, 'MEMBER') AS reaches`, [
      name,
      owner,
    ]);
    if (reaches === true) {
      throw new Error(
        `role "${name}" is a member of "${owner}" through another role; take that away: what serves must not alter tables`,
      );
    }
  }

  /**
   * The database, and with it the schema public, which belongs to whoever owns the database.
   *
   * Tables are left as they are: `takeOver` gives them to the owner, where they are the application's.
   */
  private async ensureOwnership(): Promise<void> {
    const { database, owner } = this.spec;
    const [current] = await this.work.rows(
      `SELECT pg_catalog.pg_get_userbyid(datdba) AS owner FROM pg_catalog.pg_database
        WHERE datname OPERATOR(pg_catalog.=) $1`,
      [database],
    );
    if (current?.owner !== owner) {
      await this.work.apply(`ALTER DATABASE ${identifier(database)} OWNER TO ${identifier(owner)}`);
    }
    const [schema] = await this.work.rows(
      `SELECT pg_catalog.has_schema_privilege($1, oid, 'CREATE') AS creatable
         FROM pg_catalog.pg_namespace WHERE nspname OPERATOR(pg_catalog.=) 'public'`,
      [owner],
    );
    if (schema !== undefined && schema.creatable !== true) {
      await this.work.apply(`GRANT USAGE, CREATE ON SCHEMA public TO ${identifier(owner)}`);
    }
  }
}
