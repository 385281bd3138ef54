import { Connections, Port } from 'aws-cdk-lib/aws-ec2';
import { type CfnDBInstance, type DatabaseInstance, DatabaseInstanceReadReplica } from 'aws-cdk-lib/aws-rds';
import type { Construct } from 'constructs';
import { acknowledge } from '../../core/acknowledge';
import { keptOrDestroyed } from '../../core/removal';
import type { DatabaseVariables } from '../database-variables';
import type { PostgresDatabaseAttributes } from '../postgres-database';
import type { FilledProps } from './defaults';
import { type DatabaseSettings, protectionOf } from './instance';
import { databaseLogs, instanceIdentifierOf } from './logs';

/** The variable with the host names of read replicas, unless `variables` names another one. */
export const REPLICA_HOST = 'DATABASE_REPLICA_HOST';

/** The read replicas of an instance, set up as it is and named after it. */
export function readReplicas(
  scope: Construct,
  props: FilledProps,
  settings: DatabaseSettings,
  instance: DatabaseInstance,
): DatabaseInstanceReadReplica[] {
  const numbers = Array.from({ length: props.readReplicas }, (_, index) => index + 1);
  return numbers.map((number) => {
    const identifier = `${props.instanceIdentifier ?? instanceIdentifierOf(scope)}-replica-${number}`;
    // Encryption and its key come from the source; CloudFormation does not let a replica in the same region
    // say so.
    const replica = new DatabaseInstanceReadReplica(scope, `Replica${number}`, {
      ...settings,
      sourceDatabaseInstance: instance,
      instanceIdentifier: identifier,
      removalPolicy: keptOrDestroyed(settings.removalPolicy), // RDS makes no last snapshot of a replica.
    });
    (replica.node.defaultChild as CfnDBInstance).deletionProtection = protectionOf(props);
    replica.node.addDependency(
      settings.monitoringRole,
      ...databaseLogs(scope, `Replica${number}Logs`, identifier, props),
    );
    acknowledgeInherited(replica);
    return replica;
  });
}

/**
 * The variable with the host names of the replicas, as libpq takes several.
 *
 * Their port, name and logins are those of the instance, and so are the passwords: roles arrive with all else
 * that replicates.
 */
export function replicaEnvironment(hosts: string[], { names }: DatabaseVariables): { [name: string]: string } {
  return hosts.length === 0 ? {} : { [names.replicaHost ?? REPLICA_HOST]: hosts.join(',') };
}

/** The ways to a database that is brought and to its replicas, which may have groups of their own. */
export function connectionsWithReplicas({ instance, port, readReplicas = [] }: PostgresDatabaseAttributes) {
  if (port === undefined && readReplicas.length === 0) {
    return instance.connections;
  }
  const groups = [instance, ...readReplicas].flatMap(({ connections }) => connections.securityGroups);
  return new Connections({
    securityGroups: [...new Set(groups)],
    defaultPort: port === undefined ? instance.connections.defaultPort : Port.tcp(port),
  });
}

function acknowledgeInherited(replica: DatabaseInstanceReadReplica): void {
  const expendable =
    'A replica holds nothing that the instance it follows does not: that one has the standby and the backups. A lost replica costs reading capacity only.';
  for (const rule of ['RDS3', 'RDS13', 'RDSMultiAZSupport', 'RDSInBackupPlan', 'RDSInstanceBackupEnabled']) {
    acknowledge(replica, rule, expendable);
  }
  const inherited =
    'RDS gives a replica in the same region the engine and the encryption of the instance it follows, whose template says both; CloudFormation does not accept them on the replica.';
  for (const rule of ['RDS2', 'RDS11', 'RDSStorageEncrypted']) {
    acknowledge(replica, rule, inherited);
  }
}
