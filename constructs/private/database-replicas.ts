import { RemovalPolicy } from 'aws-cdk-lib';
import {
  type DatabaseInstance,
  DatabaseInstanceReadReplica,
  type DatabaseInstanceReadReplicaProps,
} from 'aws-cdk-lib/aws-rds';
import type { Construct, IDependable } from 'constructs';
import { acknowledge } from './acknowledge';

/** Everything that a replica has in common with the instance that it follows. */
export type ReplicaProps = Omit<DatabaseInstanceReadReplicaProps, 'sourceDatabaseInstance' | 'instanceIdentifier'>;

/** Read replicas of an instance, named after it. */
export function readReplica(
  scope: Construct,
  id: string,
  source: { instance: DatabaseInstance; instanceIdentifier: string; prerequisites: IDependable[] },
  props: ReplicaProps,
): DatabaseInstanceReadReplica {
  const replica = new DatabaseInstanceReadReplica(scope, id, {
    ...props,
    // In one region a replica has the encryption and the key of its source; CloudFormation does not let it say so.
    storageEncryptionKey: undefined,
    storageEncrypted: undefined,
    sourceDatabaseInstance: source.instance,
    instanceIdentifier: source.instanceIdentifier,
    // RDS makes no last snapshot of a replica.
    removalPolicy: retainedOrDestroyed(props.removalPolicy),
  });
  replica.node.addDependency(...source.prerequisites);
  acknowledgeInherited(replica);
  return replica;
}

/** For what belongs to an instance but cannot be snapshotted. */
export function retainedOrDestroyed(removalPolicy: RemovalPolicy | undefined): RemovalPolicy {
  return removalPolicy === RemovalPolicy.RETAIN ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY;
}

function acknowledgeInherited(replica: DatabaseInstanceReadReplica): void {
  const expendable =
    'A replica holds nothing that the instance it follows does not: that one has the standby and the backups. A lost replica costs reading capacity only.';
  for (const rule of ['RDS3', 'RDS13', 'RDSMultiAZSupport', 'RDSInBackupPlan', 'RDSInstanceBackupEnabled']) {
    acknowledge(replica, rule, expendable);
  }
  const inherited =
    'RDS gives a replica in the same region the engine and the encryption of the instance it follows, whose template says both; CloudFormation refuses to hear it twice.';
  for (const rule of ['RDS2', 'RDS11', 'RDSStorageEncrypted']) {
    acknowledge(replica, rule, inherited);
  }
}
