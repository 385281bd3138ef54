import { randomBytes } from 'node:crypto';
import { type RotationEvent, rotate } from '../shared/rotation';
import { SecretsManagerStore } from '../shared/secrets-manager';
import { SECRET_KEY_ROTATION } from './contract';
import { SecretKeyRotation } from './secret-key';

const store = new SecretsManagerStore();
const strategy = new SecretKeyRotation({
  sessionCookieAge: Number(process.env[SECRET_KEY_ROTATION.sessionCookieAge]),
  rotationPeriod: Number(process.env[SECRET_KEY_ROTATION.rotationPeriod]),
  random: () => randomBytes(48).toString('base64url'),
  now: () => Math.floor(Date.now() / 1000),
});

/** Rotates Django's SECRET_KEY: called by Secrets Manager, four times for each rotation. */
export async function handler(event: RotationEvent): Promise<void> {
  await rotate(event, store, strategy, console.log);
}
