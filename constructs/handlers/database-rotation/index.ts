import { randomBytes } from 'node:crypto';
import { scramVerifier } from '../database-roles/scram';
import { withPostgres } from '../shared/postgres';
import { type RotationEvent, rotate } from '../shared/rotation';
import { SecretsManagerStore } from '../shared/secrets-manager';
import { DATABASE_ROTATION } from './contract';
import { DatabaseRotation, type IDatabase } from './database';

/** invalid_password and invalid_authorization_specification: this name with this password cannot log in. */
const REFUSED = new Set(['28P01', '28000']);

const database: IDatabase = {
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

const store = new SecretsManagerStore();

/** Rotates the password of a database login: called by Secrets Manager, four times for each rotation. */
export async function handler(event: RotationEvent): Promise<void> {
  const { env } = process;
  const strategy = new DatabaseRotation({
    secretId: event.SecretId,
    store,
    database,
    masterSecretArn: env[DATABASE_ROTATION.masterSecretArn],
    logins: env[DATABASE_ROTATION.logins]?.split(',') ?? [],
    owner: env[DATABASE_ROTATION.owner],
    random: () => randomBytes(33).toString('base64url'),
    verifier: (password) => scramVerifier(password, randomBytes(16)),
  });
  await rotate(event, store, strategy, console.log);
}
