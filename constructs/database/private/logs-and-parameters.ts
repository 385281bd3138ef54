import { Aws, Names, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { DatabaseInstanceEngine, ParameterGroup, type PostgresEngineVersion } from 'aws-cdk-lib/aws-rds';
import type { Construct } from 'constructs';
import { acknowledge } from '../../core/acknowledge';
import { logGroup } from '../../core/log-group';
import { WorkloadRole } from '../../core/workload-role';

/** What RDS writes to CloudWatch Logs. */
export const LOG_EXPORTS = ['postgresql', 'upgrade'];
/** Longest generated name of an instance: `-replica-5` still fits behind it into RDS's 63 characters. */
const LONGEST_NAME = 53;

/** Parameters that every database here runs with; a user may add to them and change all but `rds.force_ssl`. */
const PARAMETERS: { [name: string]: string } = {
  'rds.force_ssl': '1',
  shared_preload_libraries: 'pg_stat_statements',
  log_min_duration_statement: '500', // milliseconds
  idle_in_transaction_session_timeout: '60000', // milliseconds
};

/** A name that RDS accepts, from the place in the tree: the log groups of the instance carry it and exist before it. */
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

/** A parameter group whose logical id carries the family: CloudFormation ignores a changed family on the same group. */
export function parameterGroup(
  scope: Construct,
  version: PostgresEngineVersion,
  parameters: { [name: string]: string } = {},
): ParameterGroup {
  return new ParameterGroup(scope, `Postgres${version.postgresMajorVersion}`, {
    engine: DatabaseInstanceEngine.postgres({ version }),
    description: `Django on PostgreSQL ${version.postgresMajorVersion}`,
    parameters: { ...PARAMETERS, ...parameters },
  });
}

/** What RDS's enhanced monitoring needs, with the region and account that AWS's own policy leaves open. */
export function monitoringRole(scope: Construct): WorkloadRole {
  const role = new WorkloadRole(scope, 'MonitoringRole', {
    assumedBy: new ServicePrincipal('monitoring.rds.amazonaws.com'),
    description: 'Enhanced monitoring of the database',
  });
  role.addToPrincipalPolicy(
    new PolicyStatement({
      actions: [
        'logs:CreateLogGroup',
        'logs:PutRetentionPolicy',
        'logs:CreateLogStream',
        'logs:PutLogEvents',
        'logs:DescribeLogStreams',
        'logs:GetLogEvents',
      ],
      // RDS makes the group and its streams; it names a stream after the instance's resource id, which exists only later.
      resources: [
        Stack.of(scope).formatArn({
          service: 'logs',
          resource: 'log-group:RDSOSMetrics*',
          region: Aws.REGION, // Not the literal that the stack may know: the acknowledgement names this text.
          account: Aws.ACCOUNT_ID,
        }),
      ],
    }),
  );
  acknowledge(
    role,
    'IAM5[Resource::arn:<AWS::Partition>:logs:<AWS::Region>:<AWS::AccountId>:log-group:RDSOSMetrics*]',
    'RDS makes the one log group of enhanced monitoring and names its streams by itself. The policy allows that group in this region only.',
  );
  return role;
}

/** For what belongs to an instance but cannot be snapshotted. */
export function retainedOrDestroyed(removalPolicy: RemovalPolicy): RemovalPolicy {
  return removalPolicy === RemovalPolicy.RETAIN ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY;
}
