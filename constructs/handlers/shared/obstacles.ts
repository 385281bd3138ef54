import { identifier, literal, type SqlClient } from './postgres';

/** A login of an application, and the role that it becomes when it connects. */
export interface ApplicationLogin {
  readonly name: string;
  readonly role: string;
}

/** Settings that decide who a session is, or whether there is one at all. */
const DECISIVE = ['role', 'local_preload_libraries'];

/**
 * Takes away what the owner of a database, or a login for itself, can set to keep the application or our
 * handlers out: limits on connections, and another role at the start of a session. The client is the
 * master's, connected to another database. `apply` runs a statement and reports its failure.
 */
export async function removeObstacles(
  client: SqlClient,
  database: string,
  logins: ApplicationLogin[],
  apply: (statement: string) => Promise<void>,
): Promise<void> {
  await openDatabase(client, database, apply);
  for (const role of new Set(logins.map((login) => login.role))) {
    await letIn(client, database, role, apply);
  }
  const settings = await decisiveSettings(client, database);
  for (const { name } of settings.filter((setting) => setting.login === undefined)) {
    await apply(`ALTER DATABASE ${identifier(database)} RESET ${name}`);
  }
  for (const { name: login, role } of logins) {
    const own = settings.filter((setting) => setting.login === login);
    for (const { inDatabase, name } of own.filter((setting) => setting.inDatabase !== undefined)) {
      await apply(`ALTER ROLE ${identifier(login)} IN DATABASE ${identifier(inDatabase as string)} RESET ${name}`);
    }
    const everywhere = own.filter((setting) => setting.inDatabase === undefined);
    for (const { name } of everywhere.filter((setting) => setting.name !== 'role')) {
      await apply(`ALTER ROLE ${identifier(login)} RESET ${name}`);
    }
    if (everywhere.find((setting) => setting.name === 'role')?.value !== role) {
      await apply(`ALTER ROLE ${identifier(login)} SET role = ${literal(role)}`);
    }
  }
}

async function openDatabase(
  client: SqlClient,
  database: string,
  apply: (statement: string) => Promise<void>,
): Promise<void> {
  const { rows } = await client.query(
    'SELECT datallowconn, datconnlimit FROM pg_catalog.pg_database WHERE datname OPERATOR(pg_catalog.=) $1',
    [database],
  );
  if (rows[0]?.datallowconn === false) {
    await apply(`ALTER DATABASE ${identifier(database)} ALLOW_CONNECTIONS true`);
  }
  if (Number(rows[0]?.datconnlimit ?? -1) >= 0) {
    await apply(`ALTER DATABASE ${identifier(database)} CONNECTION LIMIT -1`);
  }
}

async function letIn(
  client: SqlClient,
  database: string,
  role: string,
  apply: (statement: string) => Promise<void>,
): Promise<void> {
  const { rows } = await client.query(
    `SELECT pg_catalog.has_database_privilege(r.oid, d.oid, 'CONNECT') AS connects
       FROM pg_catalog.pg_roles r, pg_catalog.pg_database d
      WHERE r.rolname OPERATOR(pg_catalog.=) $1 AND d.datname OPERATOR(pg_catalog.=) $2`,
    [role, database],
  );
  if (rows[0]?.connects === false) {
    await apply(`GRANT CONNECT ON DATABASE ${identifier(database)} TO ${identifier(role)}`);
  }
}

interface Setting {
  /** Not set: for everybody in the database. */
  readonly login?: string;
  /** Not set: in every database. */
  readonly inDatabase?: string;
  readonly name: string;
  readonly value: string;
}

async function decisiveSettings(client: SqlClient, database: string): Promise<Setting[]> {
  const { rows } = await client.query(
    `SELECT r.rolname AS login, d.datname AS database, s.setconfig AS settings
       FROM pg_catalog.pg_db_role_setting s
       LEFT JOIN pg_catalog.pg_roles r ON r.oid OPERATOR(pg_catalog.=) s.setrole
       LEFT JOIN pg_catalog.pg_database d ON d.oid OPERATOR(pg_catalog.=) s.setdatabase`,
  );
  return rows
    .filter((row) => row.database === database || (row.database === null && row.login !== null))
    .flatMap((row) =>
      (row.settings as string[]).map((setting) => ({
        login: (row.login as string | null) ?? undefined,
        inDatabase: (row.database as string | null) ?? undefined,
        name: setting.slice(0, setting.indexOf('=')),
        value: setting.slice(setting.indexOf('=') + 1),
      })),
    )
    .filter(({ name }) => DECISIVE.includes(name));
}
