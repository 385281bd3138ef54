import type { ISecurityGroup } from 'aws-cdk-lib/aws-ec2';
import {
  CfnParameterGroup,
  CfnReplicationGroup,
  type CfnReplicationGroupProps,
  CfnSubnetGroup,
} from 'aws-cdk-lib/aws-elasticache';
import type { Construct } from 'constructs';
import { acknowledge } from '../../core/acknowledge';
import { isUnknown } from '../../core/checks';
import type { FilledCache } from './defaults';

/** Port of every cache: the one that clients take when none is given. */
export const CACHE_PORT = 6379;
/** The longest description of a replication group. */
const LONGEST_DESCRIPTION = 255;

/** Who may reach the nodes, and as whom. */
export interface Access {
  readonly securityGroup: ISecurityGroup;
  readonly userGroupId: string;
}

/**
 * The nodes, with their subnets and parameters.
 *
 * Cluster mode is off: Channels and Django's cache name several keys in one command or script, which a
 * cluster refuses when the keys lie in different shards.
 */
export function replicationGroup(scope: Construct, props: FilledCache, access: Access): CfnReplicationGroup {
  const { vpc, nodes } = props;
  const description = `${scope.node.path}: cache of a Django application`.slice(-LONGEST_DESCRIPTION);
  const subnetGroup = new CfnSubnetGroup(scope, 'Subnets', {
    description,
    subnetIds: vpc.selectSubnets(props.vpcSubnets).subnetIds,
  });
  const parameterGroup = new CfnParameterGroup(scope, 'Parameters', {
    cacheParameterGroupFamily: 'valkey8',
    description,
    properties: { 'maxmemory-policy': props.evictionPolicy },
  });
  const made = new CfnReplicationGroup(scope, 'ReplicationGroup', {
    replicationGroupDescription: description,
    engine: 'valkey',
    engineVersion: props.engineVersion,
    cacheNodeType: `cache.${props.nodeType}`,
    numCacheClusters: nodes,
    ...availability(nodes),
    clusterMode: 'disabled',
    port: CACHE_PORT,
    transitEncryptionEnabled: true,
    transitEncryptionMode: 'required',
    atRestEncryptionEnabled: true,
    kmsKeyId: props.encryptionKey?.keyArn,
    cacheSubnetGroupName: subnetGroup.ref,
    cacheParameterGroupName: parameterGroup.ref,
    securityGroupIds: [access.securityGroup.securityGroupId],
    userGroupIds: [access.userGroupId],
    snapshotRetentionLimit: props.snapshotRetention.toDays(),
    snapshotWindow: props.snapshotRetention.toDays() === 0 ? undefined : props.snapshotWindow,
    preferredMaintenanceWindow: props.preferredMaintenanceWindow,
    autoMinorVersionUpgrade: true,
  });
  made.applyRemovalPolicy(props.removalPolicy);
  acknowledgeGroup(made, props.snapshotRetention.toDays());
  return made;
}

/** A replica takes over by itself, and stands in another zone. */
function availability(nodes: number): Pick<CfnReplicationGroupProps, 'automaticFailoverEnabled' | 'multiAzEnabled'> {
  const several = isUnknown(nodes) || nodes > 1;
  return { automaticFailoverEnabled: several, multiAzEnabled: several };
}

function acknowledgeGroup(made: CfnReplicationGroup, snapshotDays: number): void {
  acknowledge(
    made,
    'AEC6',
    'The rule looks for the one token of AUTH. Here the one user of a group logs in with a password that rotates, and there is no user without one.',
  );
  if (snapshotDays < 15) {
    acknowledge(
      made,
      'ElastiCacheRedisClusterAutomaticBackup',
      'Snapshots are kept for less than 15 days because `snapshotRetention` or the profile says so: what is cached is made anew, and sessions and groups of sockets live for days. The database has the longer backups.',
    );
  }
}
