import { request } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
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
  respond: (url, body) =>
    new Promise((resolve, reject) => {
      // The signature of the address covers an empty content type.
      const headers = { 'content-type': '', 'content-length': Buffer.byteLength(body) };
      const answer = request(url, { method: 'PUT', headers, timeout: 10_000 }, (response) => {
        response.resume();
        const status = response.statusCode ?? 0;
        response.on('end', () => (status < 300 ? resolve() : reject(new Error(`CloudFormation answered ${status}`))));
      });
      answer.on('timeout', () => answer.destroy(new Error('no answer from S3 within 10 seconds')));
      answer.on('error', reject);
      answer.end(body);
    }),
});
