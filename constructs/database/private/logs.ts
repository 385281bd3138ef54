import { Names, type RemovalPolicy } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { logGroup } from '../../core/log-group';
import { endOfStackId } from '../../core/removal';

/** What RDS writes to CloudWatch Logs. */
export const LOG_EXPORTS = ['postgresql', 'upgrade'];
/** What Aurora writes there: it has no log of upgrades. */
export const CLUSTER_LOG = 'postgresql';
/** Longest generated name of an instance: `-replica-9` still fits behind it into RDS's 63 characters. */
const LONGEST_NAME = 53;
const END_OF_STACK_ID = '-123456789012';
/** Of the name, what the place in the tree gives; the end of the stack's id follows. */
const LONGEST_PLACE = LONGEST_NAME - END_OF_STACK_ID.length;

/**
 * A name that RDS accepts, from the place in the tree: the log groups of the instance carry it and exist
 * before it.
 *
 * RDS makes the log groups once more when it delivers the last events of an instance that is gone. A new
 * stack has another id, so these are not in its way.
 */
export function instanceIdentifierOf(scope: Construct): string {
  return `${placeOf(scope)}-${endOfStackId()}`;
}

/** How long that name is once the id of the stack is known. */
export function lengthOfIdentifier(scope: Construct): number {
  return placeOf(scope).length + END_OF_STACK_ID.length;
}

function placeOf(scope: Construct): string {
  const name = Names.uniqueResourceName(scope, { maxLength: LONGEST_PLACE, separator: '-' });
  return name
    .toLowerCase()
    .replace(/-+/g, '-')
    .replace(/^(?![a-z])/, 'db-')
    .slice(0, LONGEST_PLACE)
    .replace(/-$/, '');
}

interface DatabaseLogProps {
  /** The kind of server, and its name. */
  readonly of: string;
  readonly encryptionKey?: IKey;
  readonly logRetention: RetentionDays;
  readonly secretsAndLogsRemovalPolicy: RemovalPolicy;
}

/** The log groups of an instance, made before RDS would make them without encryption and retention. */
export function databaseLogs(
  scope: Construct,
  id: string,
  instanceIdentifier: string,
  props: Omit<DatabaseLogProps, 'of'>,
): LogGroup[] {
  return LOG_EXPORTS.map((name) => databaseLog(scope, id, name, { ...props, of: `instance/${instanceIdentifier}` }));
}

/** The log group of a cluster, which RDS would make otherwise; all of its instances write to it. */
export function clusterLog(scope: Construct, clusterIdentifier: string, props: Omit<DatabaseLogProps, 'of'>): LogGroup {
  return databaseLog(scope, 'Logs', CLUSTER_LOG, { ...props, of: `cluster/${clusterIdentifier}` });
}

function databaseLog(scope: Construct, id: string, name: string, props: DatabaseLogProps): LogGroup {
  return logGroup(scope, `${id}${name[0].toUpperCase()}${name.slice(1)}`, {
    logGroupName: `/aws/rds/${props.of}/${name}`,
    encryptionKey: props.encryptionKey,
    logRetention: props.logRetention,
    removalPolicy: props.secretsAndLogsRemovalPolicy,
  });
}
