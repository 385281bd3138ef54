import { setTimeout as sleep } from 'node:timers/promises';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { put } from '../shared/custom-resource';
import { connectPostgres } from '../shared/postgres';
import { createHandler } from './handler';

const secrets = new SecretsManagerClient({
  maxAttempts: 5,
  requestHandler: { connectionTimeout: 5_000, requestTimeout: 10_000 },
});

/**
 * Makes the roles of a database when CloudFormation creates or changes `Custom::DatabaseRoles`; leaves them
 * when it is deleted.
 */
export const handler = createHandler({
  sleep: (milliseconds) => sleep(milliseconds),
  readSecret: async (arn) => (await secrets.send(new GetSecretValueCommand({ SecretId: arn }))).SecretString ?? '',
  connect: (settings) => connectPostgres({ ...settings, query_timeout: 60_000, application_name: 'database-roles' }),
  respond: put,
});
