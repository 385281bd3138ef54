import { type IMetric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { hasReaders, isServerless, readerMetric, writerMetric } from '../../database/database-server';
import type { IPostgresDatabase } from '../../database/postgres-database';
import { type AlarmRow, GREATER_THAN_THRESHOLD, LESS_THAN_THRESHOLD, MINUTE, MISSING } from './alarm-table';

/** Percent; what is left bears no peak. */
const MOST_OF_CAPACITY = 90;
/** Milliseconds; readers share the storage of the writer, and are some 20 behind. */
const MOST_LAG = 1000;

/** Milliseconds that the readers of a cluster are behind the writer. */
export function readerLag(database: IPostgresDatabase, label?: string): IMetric | undefined {
  return hasReaders(database)
    ? readerMetric(database, 'AuroraReplicaLag', { period: MINUTE, statistic: Stats.MAXIMUM, label })
    : undefined;
}

/** Alarms of a cluster, beside those of every database. One that is paused reports nothing. */
export const CLUSTER_ALARMS: AlarmRow<IPostgresDatabase>[] = [
  {
    id: 'LocalStorage',
    runbook: 'database-storage',
    metric: (database) =>
      isServerless(database)
        ? undefined
        : database.metricFreeStorageSpace({ period: MINUTE, statistic: Stats.MINIMUM }),
    threshold: ({ databaseFreeStorage }) => databaseFreeStorage.toBytes(),
    comparison: LESS_THAN_THRESHOLD,
    evaluationPeriods: 15,
    treatMissingData: MISSING,
    sentence: ({ databaseFreeStorage }) =>
      `less than ${databaseFreeStorage.toMebibytes()} MiB of local storage are free, which sorts and temporary tables use: without any, queries fail.`,
  },
  {
    id: 'Capacity',
    runbook: 'database-cpu',
    metric: (database) =>
      isServerless(database)
        ? writerMetric(database, 'ACUUtilization', { period: MINUTE, statistic: Stats.AVERAGE })
        : undefined,
    threshold: () => MOST_OF_CAPACITY,
    comparison: GREATER_THAN_THRESHOLD,
    evaluationPeriods: 15,
    treatMissingData: MISSING,
    sentence: () => `it has used more than ${MOST_OF_CAPACITY} % of its \`maxCapacity\` for 15 minutes.`,
  },
  {
    id: 'ReaderLag',
    runbook: 'replica-lag',
    metric: (database) => readerLag(database),
    threshold: () => MOST_LAG,
    comparison: GREATER_THAN_THRESHOLD,
    evaluationPeriods: 5,
    treatMissingData: MISSING,
    sentence: () => `its readers have lagged more than ${MOST_LAG} milliseconds behind for 5 minutes.`,
  },
];
