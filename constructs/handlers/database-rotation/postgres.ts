import type { Client } from 'pg';
import { Failure, nameOf } from '../shared/failure';
import { removeObstacles } from '../shared/obstacles';
import { connectPostgres, identifier, literal, NEUTRAL_DATABASE } from '../shared/postgres';
import type { DatabaseSecret } from './contract';
import type { IDatabase } from './database';

/** invalid_password and invalid_authorization_specification: this name with this password cannot log in. */
const REFUSED = new Set(['28P01', '28000']);
/** What the owner of a database can bring about, and what is to be said of it. */
const KEPT_OUT: { [code: string]: string } = {
  '53300': 'has no connection left: see CONNECTION LIMIT of the database, and max_connections',
  '55000': 'takes no connections: see ALLOW_CONNECTIONS of the database',
  '42501': 'does not let the login in: see its right to CONNECT',
  '58P01': 'cannot load a library: see local_preload_libraries of the database and of the login',
};

/** The real database. The master never connects to one that the application owns. */
export function postgresDatabase(connect: typeof connectPostgres = connectPostgres): IDatabase {
  return {
    async roleOf(login) {
      const query = 'SELECT current_user AS role';
      return orRefused(login, () =>
        withPostgres({ connect, login, assumesRole: true }, async (client) =>
          String((await client.query(query)).rows[0].role),
        ),
      );
    },
    async admits(master) {
      const login = { ...master, dbname: NEUTRAL_DATABASE };
      return (await orRefused(login, () => withPostgres({ connect, login }, async () => true))) ?? false;
    },
    async setPassword(master, { login, verifier, role, database }) {
      await withPostgres({ connect, login: { ...master, dbname: NEUTRAL_DATABASE } }, async (client) => {
        await client.query(`ALTER ROLE ${identifier(login)} PASSWORD ${literal(verifier)}`);
        if (role !== undefined) {
          await removeObstacles(client, database, [{ name: login, role }], async (statement) => {
            await client.query(statement).catch((error) => {
              throw new Failure(`${statement}: ${nameOf(error)}`);
            });
          });
        }
      });
    },
  };
}

export const postgres = postgresDatabase();

async function orRefused<T>({ dbname }: DatabaseSecret, act: () => Promise<T>): Promise<T | undefined> {
  try {
    return await act();
  } catch (error) {
    const { code = '' } = error as { code?: string };
    if (REFUSED.has(code)) {
      return undefined;
    }
    throw code in KEPT_OUT ? new Failure(`the database "${dbname}" ${KEPT_OUT[code]}`) : error;
  }
}

interface Access {
  readonly login: DatabaseSecret;
  readonly assumesRole?: boolean;
  readonly connect?: typeof connectPostgres;
}

/** Runs something on a connection of its own. */
export async function withPostgres<T>(
  { login, assumesRole, connect = connectPostgres }: Access,
  run: (client: Client) => Promise<T>,
): Promise<T> {
  const { host, port, dbname: database, username: user, password } = login;
  const client = await connect({
    host,
    port,
    database,
    user,
    password,
    assumesRole,
    query_timeout: 10_000,
    application_name: 'password-rotation',
  });
  try {
    return await run(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}
