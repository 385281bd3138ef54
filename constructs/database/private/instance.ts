import { Duration } from 'aws-cdk-lib';
import type { ISecurityGroup } from 'aws-cdk-lib/aws-ec2';
import {
  type CfnDBInstance,
  Credentials,
  DatabaseInsightsMode,
  DatabaseInstance,
  DatabaseInstanceEngine,
  PerformanceInsightRetention,
  StorageType,
  SubnetGroup,
} from 'aws-cdk-lib/aws-rds';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import type { FilledProps } from './defaults';
import {
  databaseLogs,
  instanceIdentifierOf,
  LOG_EXPORTS,
  monitoringRole,
  parameterGroup,
  retainedOrDestroyed,
} from './logs-and-parameters';

/** What an instance and its replicas have in common. */
export type DatabaseSettings = ReturnType<typeof databaseSettings>;

/** Makes what an instance and its replicas share, and says how each of them is set up. */
export function databaseSettings(scope: Construct, props: FilledProps, securityGroup: ISecurityGroup) {
  const { vpc, encryptionKey, removalPolicy, databaseInsightsMode } = props;
  const advanced = databaseInsightsMode === DatabaseInsightsMode.ADVANCED;
  return {
    vpc,
    removalPolicy,
    databaseInsightsMode,
    port: props.port,
    instanceType: props.instanceType,
    maxAllocatedStorage: props.maxAllocatedStorage,
    preferredMaintenanceWindow: props.preferredMaintenanceWindow,
    caCertificate: props.caCertificate,
    deletionProtection: props.deletionProtection,
    parameterGroup: parameterGroup(scope, props.engineVersion, props.parameters),
    subnetGroup: new SubnetGroup(scope, 'Subnets', {
      vpc,
      vpcSubnets: props.vpcSubnets,
      description: 'Subnets of the database',
      removalPolicy: retainedOrDestroyed(removalPolicy),
    }),
    securityGroups: [securityGroup],
    publiclyAccessible: false,
    storageType: StorageType.GP3,
    iamAuthentication: true,
    monitoringInterval: Duration.minutes(1),
    monitoringRole: monitoringRole(scope),
    enablePerformanceInsights: true,
    performanceInsightEncryptionKey: encryptionKey,
    performanceInsightRetention: advanced ? PerformanceInsightRetention.MONTHS_15 : PerformanceInsightRetention.DEFAULT,
    cloudwatchLogsExports: LOG_EXPORTS,
    autoMinorVersionUpgrade: true,
    copyTagsToSnapshot: true,
    deleteAutomatedBackups: false,
  };
}

/** The instance, after its log groups and the permissions of its monitoring. */
export function databaseInstance(
  scope: Construct,
  id: string,
  props: FilledProps,
  settings: DatabaseSettings,
  masterSecret: ISecret,
): DatabaseInstance {
  const identifier = props.instanceIdentifier ?? instanceIdentifierOf(scope);
  const instance = new DatabaseInstance(scope, id, {
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
  cfn.dbInstanceClass = `db.${props.instanceType}`; // The L2 leaves a token that nobody else can read.
  if (props.snapshotIdentifier !== undefined) {
    restoreFrom(cfn, props.snapshotIdentifier);
  }
  instance.node.addDependency(settings.monitoringRole, ...databaseLogs(scope, 'Logs', identifier, props));
  return instance;
}

/** The snapshot decides on what is dropped here. The master's password is set after the restore. */
function restoreFrom(cfn: CfnDBInstance, snapshotIdentifier: string): void {
  cfn.dbSnapshotIdentifier = snapshotIdentifier;
  cfn.dbName = undefined;
  cfn.masterUsername = undefined;
  cfn.kmsKeyId = undefined;
}
