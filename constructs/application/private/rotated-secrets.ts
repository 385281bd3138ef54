import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import { DatabaseAccess } from '../../database/database-access';
import { type IPostgresDatabase, PostgresDatabase } from '../../database/postgres-database';
import { type ISecretKey, SecretKey } from '../../secrets/secret-key';

/** The functions that rotate what every process reads, where it is made here. */
export function rotationFunctionsOf(secretKey: ISecretKey, database: IPostgresDatabase): IFunction[] {
  const ofKey = secretKey instanceof SecretKey ? [secretKey.rotationFunction] : [];
  const ofDatabase = database instanceof PostgresDatabase ? database.rotationFunctions : [];
  return [...ofKey, ...ofDatabase].filter((handler) => handler !== undefined);
}

/**
 * The secrets that services read and whose change can be noticed: what is made here unless its rotation is off, and what is brought, since
 * its owner may change it. The event of a change names the full ARN.
 */
export function changingSecrets(
  secretKey: ISecretKey,
  database: IPostgresDatabase,
  accesses: (DatabaseAccess | undefined)[],
): ISecret[] {
  const keyStays = secretKey instanceof SecretKey && secretKey.rotationFunction === undefined;
  const passwordStays = database instanceof PostgresDatabase && database.rotationFunctions.length === 0;
  const { applicationSecret, ownerSecret } = database;
  const read = accesses.map((access) => (access === DatabaseAccess.OWNER ? ownerSecret : applicationSecret));
  const ofDatabase = [applicationSecret, ownerSecret].filter((secret) => read.includes(secret));
  return [...(keyStays ? [] : [secretKey.secret]), ...(passwordStays ? [] : new Set(ofDatabase))].filter(
    (secret) => secret.secretFullArn !== undefined,
  );
}
