import { Duration } from 'aws-cdk-lib';
import type { ISecurityGroup } from 'aws-cdk-lib/aws-ec2';
import {
  type CfnDBCluster,
  type CfnDBInstance,
  ClusterInstance,
  Credentials,
  DatabaseCluster,
  DatabaseClusterEngine,
  type IClusterInstance,
  ParameterGroup,
} from 'aws-cdk-lib/aws-rds';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { acknowledge, acknowledgeInTemplate } from '../../core/acknowledge';
import { keptOrDestroyed } from '../../core/removal';
import { databaseSubnetGroup, insightsOf, monitoringRole, PARAMETERS, protectionOf } from '../private/instance';
import { CLUSTER_LOG, clusterLog, instanceIdentifierOf } from '../private/logs';
import type { FilledClusterProps } from './defaults';

/** A cluster and its instances. */
export interface MadeCluster {
  readonly cluster: DatabaseCluster;
  readonly cfn: CfnDBCluster;
  /** The writer first. Which of them writes can change. */
  readonly instances: Construct[];
}

/** The cluster and its instances, after its log group and the permissions of its monitoring. */
export function databaseCluster(
  scope: Construct,
  props: FilledClusterProps,
  securityGroup: ISecurityGroup,
  masterSecret: ISecret,
): MadeCluster {
  const { vpc, removalPolicy, serverless } = props;
  const withCluster = keptOrDestroyed(removalPolicy);
  const identifier = props.clusterIdentifier ?? instanceIdentifierOf(scope);
  const monitoring = monitoringRole(scope, withCluster);
  const [writer, ...readers] = instancesOf(props);
  const cluster = new DatabaseCluster(scope, 'Cluster', {
    engine: DatabaseClusterEngine.auroraPostgres({ version: props.engineVersion }),
    vpc,
    removalPolicy,
    ...insightsOf(props),
    clusterIdentifier: identifier,
    defaultDatabaseName: props.databaseName,
    credentials: Credentials.fromPassword(props.masterUsername, masterSecret.secretValueFromJson('password')),
    port: props.port,
    parameterGroup: parameterGroup(scope, props),
    subnetGroup: databaseSubnetGroup(scope, props),
    securityGroups: [securityGroup],
    writer,
    readers,
    serverlessV2MinCapacity: serverless?.minCapacity,
    serverlessV2MaxCapacity: serverless?.maxCapacity,
    storageEncrypted: true,
    storageEncryptionKey: props.encryptionKey,
    storageType: props.storageType,
    iamAuthentication: true,
    backup: { retention: props.backupRetention, preferredWindow: props.preferredBackupWindow },
    preferredMaintenanceWindow: props.preferredMaintenanceWindow,
    monitoringInterval: Duration.minutes(1),
    monitoringRole: monitoring,
    cloudwatchLogsExports: [CLUSTER_LOG],
    autoMinorVersionUpgrade: true,
    engineLifecycleSupport: props.engineLifecycleSupport,
    copyTagsToSnapshot: true,
    deleteAutomatedBackups: false,
  });
  const cfn = cluster.node.defaultChild as CfnDBCluster;
  cfn.deletionProtection = protectionOf(props);
  if (serverless?.autoPause !== undefined) {
    // The construct of the CDK refuses to pause with a version that is named by its major number alone.
    const { minCapacity, maxCapacity, autoPause } = serverless;
    cfn.serverlessV2ScalingConfiguration = { minCapacity, maxCapacity, secondsUntilAutoPause: autoPause.toSeconds() };
  }
  startFromSnapshot(cfn, props.snapshotIdentifier);
  cluster.node.addDependency(monitoring, clusterLog(scope, identifier, props));
  const instances = cluster.node.children.filter((child) => INSTANCE.test(child.node.id));
  for (const instance of instances) {
    // RDS makes no snapshot of a single instance.
    (instance.node.defaultChild as CfnDBInstance).applyRemovalPolicy(withCluster);
    acknowledge(
      instance,
      'RDSInBackupPlan',
      'An instance of a cluster holds no data: all of them read and write the storage of the cluster, and that is what is backed up.',
    );
  }
  return { cluster, cfn, instances };
}

const INSTANCE = /^(Writer|Reader\d+)$/;

/** The writer, and readers that can take over from it. */
function instancesOf(props: FilledClusterProps): IClusterInstance[] {
  const { instanceType, readers, caCertificate, preferredMaintenanceWindow } = props;
  const { databaseInsightsMode: _ofCluster, ...insights } = insightsOf(props);
  const common = {
    ...insights, // As the cluster has it: the CDK warns of an instance that says nothing.
    caCertificate,
    preferredMaintenanceWindow,
    autoMinorVersionUpgrade: true,
    publiclyAccessible: false,
  };
  const make = (id: string): IClusterInstance =>
    instanceType === undefined
      ? ClusterInstance.serverlessV2(id, { ...common, ...(id === WRITER ? {} : { scaleWithWriter: true }) })
      : ClusterInstance.provisioned(id, { ...common, instanceType, ...(id === WRITER ? {} : { promotionTier: 1 }) });
  return [WRITER, ...Array.from({ length: readers }, (_, index) => `Reader${index + 1}`)].map(make);
}

const WRITER = 'Writer';

/** As `startFrom` does for an instance: the snapshot decides on what is dropped here. */
function startFromSnapshot(cfn: CfnDBCluster, snapshotIdentifier: string | undefined): void {
  if (snapshotIdentifier !== undefined) {
    cfn.databaseName = undefined;
    cfn.masterUsername = undefined;
    cfn.kmsKeyId = undefined;
    cfn.snapshotIdentifier = snapshotIdentifier;
    acknowledgeInTemplate(
      cfn,
      'F3021',
      'The snapshot has the name of the master. CloudFormation sets its password after the restore.',
    );
  }
}

/** As of an instance, with the family in its logical id. */
function parameterGroup(scope: Construct, props: FilledClusterProps): ParameterGroup {
  const version = props.engineVersion;
  const major = version.auroraPostgresMajorVersion;
  return new ParameterGroup(scope, `AuroraPostgres${major}`, {
    engine: DatabaseClusterEngine.auroraPostgres({ version }),
    description: `Django on Aurora PostgreSQL ${major}`,
    parameters: { ...PARAMETERS, ...props.parameters },
    removalPolicy: keptOrDestroyed(props.removalPolicy),
  });
}
