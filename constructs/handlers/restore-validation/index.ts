import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { BackupClient, DescribeRestoreJobCommand, PutRestoreValidationResultCommand } from '@aws-sdk/client-backup';
import { DescribeDBInstancesCommand, ModifyDBInstanceCommand, RDSClient } from '@aws-sdk/client-rds';
import { GetParameterCommand, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import type { LambdaContext } from '../shared/custom-resource';
import { safeFailure } from '../shared/failure';
import { NEVER, RESTORE_METRICS, RESTORE_VALIDATION } from './contract';
import { askDatabase } from './database';
import { handleValidation, type IValidationWorld, type ValidationEvent } from './validation';

const {
  [RESTORE_VALIDATION.query]: query = '',
  [RESTORE_VALIDATION.database]: database = '',
  [RESTORE_VALIDATION.lastProof]: Name = '',
  [RESTORE_VALIDATION.vault]: vault = '',
} = process.env;
const backups = new BackupClient({ maxAttempts: 5 });
const databases = new RDSClient({ maxAttempts: 5 });
const parameters = new SSMClient({ maxAttempts: 5 });

const world: IValidationWorld = {
  async instance(DBInstanceIdentifier) {
    const { DBInstances } = await databases.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier }));
    const [found] = DBInstances ?? [];
    return (
      found && {
        status: found.DBInstanceStatus ?? '',
        host: found.Endpoint?.Address,
        port: found.Endpoint?.Port,
        user: found.MasterUsername,
        database: found.DBName,
      }
    );
  },
  async setPassword(DBInstanceIdentifier, MasterUserPassword) {
    const change = { DBInstanceIdentifier, MasterUserPassword, ApplyImmediately: true };
    await databases.send(new ModifyDBInstanceCommand(change));
  },
  ask: (login, timeout) => askDatabase(login, { query, timeout }),
  async isReported(RestoreJobId) {
    const { ValidationStatus } = await backups.send(new DescribeRestoreJobCommand({ RestoreJobId }));
    return ValidationStatus === 'SUCCESSFUL' || ValidationStatus === 'FAILED';
  },
  async report(RestoreJobId, { proven, message: ValidationStatusMessage }) {
    const ValidationStatus = proven ? 'SUCCESSFUL' : 'FAILED';
    const result = { RestoreJobId, ValidationStatus, ValidationStatusMessage } as const;
    await backups.send(new PutRestoreValidationResultCommand(result));
  },
  async lastProof() {
    return (await parameters.send(new GetParameterCommand({ Name }))).Parameter?.Value ?? NEVER;
  },
  async setLastProof(Value) {
    await parameters.send(new PutParameterCommand({ Name, Value, Overwrite: true }));
  },
  measure(metric, value) {
    const { namespace: Namespace, dimension, [metric]: name } = RESTORE_METRICS;
    const CloudWatchMetrics = [{ Namespace, Dimensions: [[dimension]], Metrics: [{ Name: name }] }];
    const _aws = { Timestamp: Date.now(), CloudWatchMetrics };
    // Not by console.log, which puts the time and the id of the request before it.
    process.stdout.write(`${JSON.stringify({ _aws, [dimension]: vault, [name]: value })}\n`);
  },
  // RDS takes no slash, quote, at sign or space.
  newPassword: () => randomBytes(30).toString('base64url'),
  now: Date.now,
  sleep: (milliseconds) => sleep(milliseconds),
  log: (message) => console.log(message),
};

/** Proves a restored backup: called by EventBridge when a restore test has ended, and by the clock. */
export async function handler(event: ValidationEvent, context: LambdaContext): Promise<void> {
  try {
    await handleValidation(event, database, world, context);
  } catch (error) {
    throw safeFailure('restore validation', error);
  }
}
