import type { Client } from 'pg';
import { connectPostgres } from '../shared/postgres';
import type { DatabaseSecret } from './contract';
import type { IDatabase } from './database';

/** invalid_password and invalid_authorization_specification: this name with this password cannot log in. */
const REFUSED = new Set(['28P01', '28000']);

/** The real database. */
export const postgres: IDatabase = {
  async roleOf(login) {
    try {
      const query = 'SELECT current_user::text AS role';
      return await withPostgres(login, async (client) => String((await client.query(query)).rows[0].role));
    } catch (error) {
      if (REFUSED.has((error as { code?: string }).code ?? '')) {
        return undefined;
      }
      throw error;
    }
  },
  async setPassword(as, role, verifier) {
    await withPostgres(as, (client) =>
      client.query(`ALTER ROLE ${client.escapeIdentifier(role)} PASSWORD ${client.escapeLiteral(verifier)}`),
    );
  },
};

/** Runs something on a connection of its own. */
export async function withPostgres<T>(login: DatabaseSecret, run: (client: Client) => Promise<T>): Promise<T> {
  const { host, port, dbname: database, username: user, password } = login;
  const client = await connectPostgres({
    host,
    port,
    database,
    user,
    password,
    query_timeout: 10_000,
    application_name: 'password-rotation',
  });
  try {
    return await run(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}
