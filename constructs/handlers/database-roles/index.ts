import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { put } from '../shared/custom-resource';
import { connectPostgres } from '../shared/postgres';
import { SecretsManagerStore } from '../shared/secrets-manager';
import { createHandler } from './handler';

const secrets = new SecretsManagerClient({
  maxAttempts: 5,
  requestHandler: { connectionTimeout: 5_000, requestTimeout: 10_000 },
});

/**
 * Makes the roles of a database, and completes the secrets of its logins, when CloudFormation creates or
 * changes `Custom::DatabaseRoles`; leaves both when it is deleted.
 */
export const handler = createHandler({
  sleep: (milliseconds) => sleep(milliseconds),
  readSecret: async (arn) => (await secrets.send(new GetSecretValueCommand({ SecretId: arn }))).SecretString ?? '',
  store: new SecretsManagerStore(secrets),
  newId: () => randomUUID(),
  connect: (settings) => connectPostgres({ ...settings, query_timeout: 60_000, application_name: 'database-roles' }),
  respond: put,
});
