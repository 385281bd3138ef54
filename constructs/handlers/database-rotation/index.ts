import { randomBytes } from 'node:crypto';
import { type RotationEvent, rotate } from '../shared/rotation';
import { scramVerifier } from '../shared/scram';
import { SecretsManagerStore } from '../shared/secrets-manager';
import { DATABASE_ROTATION } from './contract';
import { DatabaseRotation } from './database';
import { postgres } from './postgres';

const store = new SecretsManagerStore();

/** Rotates the password of a database login: called by Secrets Manager, four times for each rotation. */
export async function handler(event: RotationEvent): Promise<void> {
  const { env } = process;
  const strategy = new DatabaseRotation({
    secretId: event.SecretId,
    store,
    database: postgres,
    masterSecretArn: env[DATABASE_ROTATION.masterSecretArn],
    logins: env[DATABASE_ROTATION.logins]?.split(',') ?? [],
    owner: env[DATABASE_ROTATION.owner],
    random: () => randomBytes(33).toString('base64url'),
    verifier: (password) => scramVerifier(password, randomBytes(16)),
  });
  await rotate(event, store, strategy, console.log);
}
