import { Aws, Duration, type RemovalPolicy, Stack } from 'aws-cdk-lib';
import { type ISecurityGroup, SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import {
  type CfnDBInstance,
  Credentials,
  DatabaseInsightsMode,
  DatabaseInstance,
  DatabaseInstanceEngine,
  ParameterGroup,
  PerformanceInsightRetention,
  type PostgresEngineVersion,
  StorageType,
  SubnetGroup,
} from 'aws-cdk-lib/aws-rds';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { acknowledge } from '../../core/acknowledge';
import { keptOrDestroyed } from '../../core/removal';
import { serviceForUs, WorkloadRole } from '../../core/workload-role';
import { startFrom } from '../arriving/source';
import type { CommonProps, FilledProps } from './defaults';
import { databaseLogs, instanceIdentifierOf, LOG_EXPORTS } from './logs';

/**
 * Parameters that every database here runs with; a user may add to them and change all but `rds.force_ssl`.
 */
export const PARAMETERS: { [name: string]: string } = {
  'rds.force_ssl': '1',
  shared_preload_libraries: 'pg_stat_statements',
  log_min_duration_statement: '500', // milliseconds
  idle_in_transaction_session_timeout: '60000', // milliseconds
};

/** Lets in whom consumers let in, and stays as long as the database. */
export function databaseSecurityGroup(scope: Construct, { vpc, removalPolicy }: CommonProps): SecurityGroup {
  const securityGroup = new SecurityGroup(scope, 'SecurityGroup', {
    vpc,
    description: 'Database: only whom consumers let in',
    allowAllOutbound: false,
  });
  securityGroup.applyRemovalPolicy(keptOrDestroyed(removalPolicy));
  return securityGroup;
}

/** The subnets of a database. */
export function databaseSubnetGroup(scope: Construct, { vpc, vpcSubnets, removalPolicy }: CommonProps): SubnetGroup {
  return new SubnetGroup(scope, 'Subnets', {
    vpc,
    vpcSubnets,
    description: 'Subnets of the database',
    removalPolicy: keptOrDestroyed(removalPolicy),
  });
}

/** Performance Insights, encrypted, for as long as the mode keeps it. */
export function insightsOf({ encryptionKey, databaseInsightsMode }: CommonProps) {
  const isAdvanced = databaseInsightsMode === DatabaseInsightsMode.ADVANCED;
  return {
    databaseInsightsMode,
    enablePerformanceInsights: true,
    performanceInsightEncryptionKey: encryptionKey,
    performanceInsightRetention: isAdvanced
      ? PerformanceInsightRetention.MONTHS_15
      : PerformanceInsightRetention.DEFAULT,
  };
}

/** What an instance and its replicas have in common. */
export type DatabaseSettings = ReturnType<typeof databaseSettings>;

/** Makes what an instance and its replicas share, and says how each of them is set up. */
export function databaseSettings(scope: Construct, props: FilledProps, securityGroup: ISecurityGroup) {
  const { vpc, removalPolicy } = props;
  const withInstance = keptOrDestroyed(removalPolicy);
  return {
    vpc,
    removalPolicy,
    ...insightsOf(props),
    port: props.port,
    instanceType: props.instanceType,
    maxAllocatedStorage: props.maxAllocatedStorage,
    preferredMaintenanceWindow: props.preferredMaintenanceWindow,
    caCertificate: props.caCertificate,
    parameterGroup: parameterGroup(scope, withInstance, props.engineVersion, props.parameters),
    subnetGroup: databaseSubnetGroup(scope, props),
    securityGroups: [securityGroup],
    publiclyAccessible: false,
    storageType: StorageType.GP3,
    iamAuthentication: true,
    monitoringInterval: Duration.minutes(1),
    monitoringRole: monitoringRole(scope, withInstance),
    cloudwatchLogsExports: LOG_EXPORTS,
    autoMinorVersionUpgrade: true,
    copyTagsToSnapshot: true,
    deleteAutomatedBackups: false,
  };
}

/** The instance, after its log groups and the permissions of its monitoring. */
export function databaseInstance(
  scope: Construct,
  props: FilledProps,
  settings: DatabaseSettings,
  masterSecret: ISecret,
): DatabaseInstance {
  const identifier = props.instanceIdentifier ?? instanceIdentifierOf(scope);
  const instance = new DatabaseInstance(scope, 'Instance', {
    ...settings,
    engine: DatabaseInstanceEngine.postgres({ version: props.engineVersion }),
    instanceIdentifier: identifier,
    databaseName: props.databaseName,
    credentials: Credentials.fromPassword(props.masterUsername, masterSecret.secretValueFromJson('password')),
    storageEncrypted: true,
    storageEncryptionKey: props.encryptionKey,
    allocatedStorage: props.allocatedStorage,
    multiAz: props.multiAz,
    backupRetention: props.backupRetention,
    preferredBackupWindow: props.preferredBackupWindow,
    allowMajorVersionUpgrade: props.allowMajorVersionUpgrade,
    engineLifecycleSupport: props.engineLifecycleSupport,
  });
  const cfn = instance.node.defaultChild as CfnDBInstance;
  cfn.deletionProtection = protectionOf(props);
  startFrom(cfn, props);
  instance.node.addDependency(settings.monitoringRole, ...databaseLogs(scope, 'Logs', identifier, props));
  return instance;
}

/**
 * Left out instead of false: with every change of the instance, RDS would switch off again what was switched
 * on after its creation.
 */
export function protectionOf({ deletionProtection }: Pick<CommonProps, 'deletionProtection'>): true | undefined {
  return deletionProtection ? true : undefined;
}

/**
 * A parameter group whose logical id carries the family: CloudFormation ignores a changed family on the same
 * group.
 */
function parameterGroup(
  scope: Construct,
  removalPolicy: RemovalPolicy,
  version: PostgresEngineVersion,
  parameters: { [name: string]: string } = {},
): ParameterGroup {
  return new ParameterGroup(scope, `Postgres${version.postgresMajorVersion}`, {
    engine: DatabaseInstanceEngine.postgres({ version }),
    description: `Django on PostgreSQL ${version.postgresMajorVersion}`,
    parameters: { ...PARAMETERS, ...parameters },
    removalPolicy,
  });
}

/** What RDS's enhanced monitoring needs, with the region and account that AWS's own policy leaves open. */
export function monitoringRole(scope: Construct, removalPolicy: RemovalPolicy): WorkloadRole {
  const role = new WorkloadRole(scope, 'MonitoringRole', {
    assumedBy: serviceForUs(scope, 'monitoring.rds.amazonaws.com', { service: 'rds', resource: 'db:*' }),
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
      // RDS makes the group and its streams; it names a stream after the instance's resource id, which exists
      // only later.
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
  role.applyRemovalPolicy(removalPolicy);
  acknowledge(
    role,
    'IAM5[Resource::arn:<AWS::Partition>:logs:<AWS::Region>:<AWS::AccountId>:log-group:RDSOSMetrics*]',
    'RDS makes the one log group of enhanced monitoring and names its streams by itself. The policy allows that group in this region only.',
  );
  return role;
}
