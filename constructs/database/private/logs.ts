import { Names, type RemovalPolicy } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { logGroup } from '../../core/log-group';

/** What RDS writes to CloudWatch Logs. */
export const LOG_EXPORTS = ['postgresql', 'upgrade'];
/** Longest generated name of an instance: `-replica-5` still fits behind it into RDS's 63 characters. */
const LONGEST_NAME = 53;

/**
 * A name that RDS accepts, from the place in the tree: the log groups of the instance carry it and exist
 * before it.
 */
export function instanceIdentifierOf(scope: Construct): string {
  const name = Names.uniqueResourceName(scope, { maxLength: LONGEST_NAME, separator: '-' });
  return name
    .toLowerCase()
    .replace(/-+/g, '-')
    .replace(/^(?![a-z])/, 'db-')
    .slice(0, LONGEST_NAME)
    .replace(/-$/, '');
}

/** The log groups of an instance, made before RDS would make them without encryption and retention. */
export function databaseLogs(
  scope: Construct,
  id: string,
  instanceIdentifier: string,
  props: { encryptionKey?: IKey; logRetention: RetentionDays; secretsAndLogsRemovalPolicy: RemovalPolicy },
): LogGroup[] {
  return LOG_EXPORTS.map((name) =>
    logGroup(scope, `${id}${name[0].toUpperCase()}${name.slice(1)}`, {
      logGroupName: `/aws/rds/instance/${instanceIdentifier}/${name}`,
      encryptionKey: props.encryptionKey,
      logRetention: props.logRetention,
      removalPolicy: props.secretsAndLogsRemovalPolicy,
    }),
  );
}
