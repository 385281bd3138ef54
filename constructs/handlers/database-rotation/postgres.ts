import { withPostgres } from '../shared/postgres';
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
