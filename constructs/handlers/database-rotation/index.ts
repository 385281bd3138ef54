import { randomBytes } from 'node:crypto';
import { Failure } from '../shared/failure';
import { type RotationEvent, rotate } from '../shared/rotation';
import { scramVerifier } from '../shared/scram';
import { SecretsManagerStore } from '../shared/secrets-manager';
import { DATABASE_ROTATION, type RotatedLogin } from './contract';
import { DatabaseRotation } from './database';
import { postgres } from './postgres';

const store = new SecretsManagerStore();

/** Rotates the password of a database login: called by Secrets Manager, four times for each rotation. */
export async function handler(event: RotationEvent): Promise<void> {
  const { env } = process;
  const known: RotatedLogin[] = JSON.parse(env[DATABASE_ROTATION.logins] ?? '[]');
  const login = known.find(({ secretArn }) => secretArn === event.SecretId);
  const masterSecretArn = env[DATABASE_ROTATION.masterSecretArn];
  if (masterSecretArn !== undefined && login === undefined) {
    throw new Failure('this function does not rotate that secret');
  }
  const strategy = new DatabaseRotation({
    secretId: event.SecretId,
    store,
    database: postgres,
    masterSecretArn,
    logins: login?.logins ?? [],
    role: login?.role,
    random: () => randomBytes(33).toString('base64url'),
    verifier: (password) => scramVerifier(password, randomBytes(16)),
  });
  await rotate(event, store, strategy, console.log);
}
