import { type IMetric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { IDatabaseInstance } from 'aws-cdk-lib/aws-rds';
import type { IPostgresDatabase } from '../../database/postgres-database';
import { type AlarmRow, BREACHING, GREATER_THAN_THRESHOLD, MINUTE } from './alarm-table';

/** The replicas of a database by number: those of different stacks may have the same id. */
export function replicasOf(database: IPostgresDatabase | undefined): { [id: string]: IDatabaseInstance } {
  const replicas = database?.readReplicas ?? [];
  return Object.fromEntries(replicas.map((replica, index) => [`Replica${index + 1}`, replica]));
}

/** Seconds since the newest transaction that a replica has replayed was committed. */
export function replicaLag(replica: IDatabaseInstance, label?: string): IMetric {
  return replica.metric('ReplicaLag', { period: MINUTE, statistic: Stats.MAXIMUM, label });
}

/** Alarms of a read replica. */
export const REPLICA_ALARMS: AlarmRow<IDatabaseInstance>[] = [
  {
    id: 'ReplicaLag',
    runbook: 'replica-lag',
    metric: (replica) => replicaLag(replica),
    threshold: ({ databaseReplicaLag }) => databaseReplicaLag.toSeconds(),
    comparison: GREATER_THAN_THRESHOLD,
    evaluationPeriods: 5,
    // A replica that is away reports nothing: reads have returned to the instance, which bears them all.
    treatMissingData: BREACHING,
    after: (replica) => replica,
    sentence: ({ databaseReplicaLag }) =>
      `it has lagged more than ${databaseReplicaLag.toSeconds()} seconds behind for 5 minutes, or is away.`,
  },
];
