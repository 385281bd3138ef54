import { Duration } from 'aws-cdk-lib';
import type { ICertificate } from 'aws-cdk-lib/aws-certificatemanager';
import { type IMetric, MathExpression, type Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { DatabaseBackup } from '../../backup/database-backup';
import { secondsOf } from '../../core/checks';
import type { IPostgresDatabase } from '../../database/postgres-database';
import type { ScheduledCommand } from '../../processes/scheduled-command';
import { latest, newLetters } from '../../processes/target-metrics';
import type { ITaskQueue } from '../../queues/task-queue';
import {
  type AlarmRow,
  anyAbove0,
  BREACHING,
  GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
  GREATER_THAN_THRESHOLD,
  LESS_THAN_THRESHOLD,
  MINUTE,
  MISSING,
  NOT_BREACHING,
} from './alarm-table';

/** With the minute until CloudWatch has the data, somebody is told within ten. */
const STUCK_MINUTES = 9;
const FIVE_MINUTES = Duration.minutes(5);
const DAY = Duration.days(1);
/** Minutes; RDS measures once in each, unless an instance restarts. */
const MOST_OF_A_DAY = 23.5 * 60;
/** PostgreSQL stops taking writes at about 2.1 billion. */
const MANY_TRANSACTION_IDS = 1_000_000_000;
/** Days; more than any schedule leaves between two restores. */
const UNKNOWN_AGE = 9999;
const FEW_CREDITS = 20;

export const QUEUE_ALARMS: AlarmRow<ITaskQueue>[] = [
  {
    id: 'OldestTask',
    runbook: 'oldest-task',
    metric: (queue) => queue.metricApproximateAgeOfOldestMessage({ period: MINUTE, statistic: Stats.MAXIMUM }),
    // A message that is being worked on counts too: it may be as old as its task may take, and waited before.
    threshold: (thresholds, queue) => oldest(thresholds.waitingTime, queue).toSeconds({ integral: false }),
    comparison: GREATER_THAN_THRESHOLD,
    evaluationPeriods: 3,
    treatMissingData: NOT_BREACHING,
    sentence: (thresholds, queue) =>
      `a task was posted more than ${oldest(thresholds.waitingTime, queue).toHumanString()} ago and is not done: workers do not keep up, or take nothing.`,
  },
  {
    id: 'QueueStuck',
    runbook: 'oldest-task',
    metric: (queue) => stuck(queue),
    threshold: () => 0,
    comparison: GREATER_THAN_THRESHOLD,
    evaluationPeriods: STUCK_MINUTES,
    treatMissingData: NOT_BREACHING,
    sentence: () => `tasks wait, and none has been done for ${STUCK_MINUTES} minutes: workers take nothing, or hang.`,
  },
  anyNew({
    id: 'DeadLetters',
    runbook: 'dead-letters',
    metric: (queue) => eachLetter(queue.metricDeadLetters({ period: MINUTE, statistic: Stats.MAXIMUM })),
    sentence: 'a task that no worker could finish came into the dead-letter queue; it is kept for 14 days.',
  }),
];

/** Both kinds of failure send a message to one queue. The message says which kind it was. */
export const SCHEDULE_ALARMS: AlarmRow<ScheduledCommand>[] = [
  anyNew({
    id: 'Failed',
    runbook: 'scheduled-command-failed',
    metric: (command) => eachLetter(command.metricFailures({ period: MINUTE, statistic: Stats.MAXIMUM })),
    sentence: 'a scheduled command could not be started, or ended with another status than 0.',
  }),
];

export const DATABASE_ALARMS: AlarmRow<IPostgresDatabase>[] = [
  {
    id: 'DatabaseCpu',
    runbook: 'database-cpu',
    metric: (database) => database.metricCPUUtilization({ period: MINUTE, statistic: Stats.AVERAGE }),
    threshold: ({ databaseCpuPercent }) => databaseCpuPercent,
    comparison: GREATER_THAN_THRESHOLD,
    evaluationPeriods: 15,
    treatMissingData: MISSING,
    sentence: ({ databaseCpuPercent }) => `CPU above ${databaseCpuPercent} % for 15 minutes.`,
  },
  {
    id: 'DatabaseStorage',
    runbook: 'database-storage',
    metric: (database) =>
      database.cluster === undefined
        ? database.metricFreeStorageSpace({ period: MINUTE, statistic: Stats.MINIMUM })
        : undefined,
    threshold: ({ databaseFreeStorage }) => databaseFreeStorage.toBytes(),
    comparison: LESS_THAN_THRESHOLD,
    // RDS enlarges the storage by itself after 5 minutes below a tenth; this is long enough for that to show.
    evaluationPeriods: 15,
    treatMissingData: BREACHING,
    sentence: ({ databaseFreeStorage }) =>
      `less than ${databaseFreeStorage.toMebibytes()} MiB of storage are free; without any the database stops.`,
  },
  {
    id: 'DatabaseMemory',
    runbook: 'database-memory',
    metric: (database) => database.metricFreeableMemory({ period: MINUTE, statistic: Stats.MINIMUM }),
    threshold: ({ databaseFreeableMemory }) => databaseFreeableMemory.toBytes(),
    comparison: LESS_THAN_THRESHOLD,
    evaluationPeriods: 15,
    treatMissingData: MISSING,
    sentence: ({ databaseFreeableMemory }) =>
      `less than ${databaseFreeableMemory.toMebibytes()} MiB of memory have been free for 15 minutes.`,
  },
  {
    id: 'DatabaseConnections',
    runbook: 'database-connections',
    metric: (database) =>
      database.maxConnections === undefined
        ? undefined
        : database.metricDatabaseConnections({ period: MINUTE, statistic: Stats.MAXIMUM }),
    threshold: ({ databaseConnectionsPercent }, { maxConnections = 0 }) =>
      Math.floor((maxConnections * databaseConnectionsPercent) / 100),
    comparison: GREATER_THAN_THRESHOLD,
    evaluationPeriods: 3,
    treatMissingData: MISSING,
    sentence: ({ databaseConnectionsPercent }, { maxConnections }) =>
      `more than ${databaseConnectionsPercent} % of its ${maxConnections} connections are in use; then new ones are refused.`,
  },
  {
    id: 'DatabaseCredits',
    runbook: 'database-credits',
    metric: (database) =>
      database.burstable === true
        ? database.metricCpuCreditBalance({ period: FIVE_MINUTES, statistic: Stats.MINIMUM })
        : undefined,
    threshold: () => FEW_CREDITS,
    comparison: LESS_THAN_THRESHOLD,
    // A new instance starts without any and earns 12 to 36 an hour.
    evaluationPeriods: 24,
    treatMissingData: MISSING,
    sentence: () =>
      'its CPU credits have been used up for two hours: it needs more CPU than its class is made for, which AWS charges for.',
  },
  {
    id: 'TransactionIds',
    runbook: 'transaction-ids',
    metric: (database) => database.metricMaximumUsedTransactionIDs({ period: FIVE_MINUTES, statistic: Stats.MAXIMUM }),
    threshold: () => MANY_TRANSACTION_IDS,
    comparison: GREATER_THAN_THRESHOLD,
    evaluationPeriods: 1,
    treatMissingData: MISSING,
    sentence: () => 'a billion transaction ids are in use: vacuum is held up, and at two billion the database stops.',
  },
];

export const CERTIFICATE_ALARMS: AlarmRow<ICertificate>[] = [
  {
    id: 'CertificateExpiry',
    runbook: 'certificate-expiry',
    metric: (certificate) => certificate.metricDaysToExpiry({ period: DAY, statistic: Stats.MINIMUM }),
    threshold: ({ certificateDays }) => certificateDays,
    comparison: LESS_THAN_THRESHOLD,
    evaluationPeriods: 1,
    treatMissingData: MISSING,
    sentence: ({ certificateDays }) => `fewer than ${certificateDays} days are left, and it has not renewed itself.`,
  },
];

export const BACKUP_ALARMS: AlarmRow<DatabaseBackup>[] = [
  {
    id: 'BackupMissing',
    runbook: 'backup-missing',
    // A day counts once the database is there for all of it: the first backup is up to a day away. One that
    // is older than its backups is reported until the first of them.
    metric: (backup) =>
      new MathExpression({
        expression: `IF(FILL(minutes, 0) > ${MOST_OF_A_DAY}, FILL(backups, 0), 1)`,
        usingMetrics: {
          backups: backup.metricNumberOfBackupJobsCompleted({ period: DAY, statistic: Stats.SUM }),
          minutes: backup._database.metricCPUUtilization({ period: DAY, statistic: Stats.SAMPLE_COUNT }),
        },
        label: 'backups',
        period: DAY,
      }),
    threshold: () => 1,
    comparison: LESS_THAN_THRESHOLD,
    // Two days: a backup may start at any time inside its window. The newest day is not over yet.
    evaluationPeriods: 3,
    datapointsToAlarm: 2,
    treatMissingData: NOT_BREACHING,
    sentence: () => 'no backup was completed in two days.',
  },
  {
    id: 'RestoreFailed',
    runbook: 'restore-failed',
    metric: (backup) => backup._restores?.failed,
    threshold: () => 0,
    comparison: GREATER_THAN_THRESHOLD,
    evaluationPeriods: 1,
    treatMissingData: NOT_BREACHING,
    sentence: () => 'a backup was restored as a test, and its data was not found in it.',
  },
  {
    id: 'RestoreNotProven',
    runbook: 'restore-not-proven',
    // Where nothing was said on a day on which the database was there, the function does not run.
    metric: ({ _restores: restores, _database }) =>
      restores &&
      new MathExpression({
        expression: `IF(FILL(age, -1) > -1, FILL(age, 0), IF(FILL(minutes, 0) > ${MOST_OF_A_DAY}, ${UNKNOWN_AGE}, 0))`,
        usingMetrics: {
          age: restores.age,
          minutes: _database.metricCPUUtilization({ period: DAY, statistic: Stats.SAMPLE_COUNT }),
        },
        label: 'days since a restore was proven',
        period: DAY,
      }),
    threshold: (_, { _restores: restores }) => restores?.mostDays ?? 0,
    comparison: GREATER_THAN_THRESHOLD,
    // As with backups: the newest day is not over yet.
    evaluationPeriods: 3,
    datapointsToAlarm: 2,
    treatMissingData: NOT_BREACHING,
    sentence: (_, { _restores: restores }) => `no restore of a backup was proven in ${restores?.mostDays} days.`,
  },
];

/** Lines of the log at level ERROR or CRITICAL, from every process of the application. */
export const LOG_ALARMS: AlarmRow<Metric>[] = [
  {
    id: 'ApplicationErrors',
    runbook: 'application-errors',
    metric: (errors) => errors,
    threshold: ({ applicationErrors }) => applicationErrors,
    comparison: GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    evaluationPeriods: 1,
    treatMissingData: NOT_BREACHING,
    sentence: ({ applicationErrors }) => `${applicationErrors} or more errors were logged within 5 minutes.`,
  },
];

/** A heartbeat that beat sends through a queue and a worker. */
export const HEARTBEAT_ALARMS: AlarmRow<Metric>[] = [
  {
    id: 'HeartbeatMissing',
    runbook: 'heartbeat-missing',
    metric: (heartbeat) => heartbeat.with({ period: FIVE_MINUTES, statistic: Stats.SUM }),
    threshold: () => 1,
    comparison: LESS_THAN_THRESHOLD,
    evaluationPeriods: 2,
    treatMissingData: BREACHING,
    sentence: () => 'no sign of life for 10 minutes: periodic tasks are not posted, or not done.',
  },
];

/** The newest minutes may have no data yet, and repeat the one before: there is nothing new in them. */
export function anyNew<T>(row: Parameters<typeof anyAbove0<T>>[0]): AlarmRow<T> {
  return { ...anyAbove0(row), evaluationPeriods: 3, datapointsToAlarm: 1 };
}

/** Whatever lies in the queue already: an alarm on that would tell of the first letter and of no other. */
export function eachLetter(letters: Metric | undefined): IMetric | undefined {
  return letters && newLetters([letters], MINUTE);
}

/**
 * 1 in a minute in which tasks wait and none is done.
 *
 * Where a task may take longer than the alarm looks back, workers that hold one are taken to be at work.
 */
function stuck(queue: ITaskQueue): IMetric {
  const options = { period: MINUTE, statistic: Stats.MAXIMUM };
  const isShort = secondsOf(queue.taskTimeLimit) <= STUCK_MINUTES * 60;
  const still = isShort ? 'FILL(done, 0) < 1' : `FILL(done, 0) + ${latest('held')} < 1`;
  return new MathExpression({
    expression: `IF(${latest('waiting')} > 0, ${still}, 0)`,
    label: 'tasks wait and none is done',
    period: MINUTE,
    usingMetrics: {
      waiting: queue.metricApproximateNumberOfMessagesVisible(options),
      done: queue.queue.metricNumberOfMessagesDeleted({ period: MINUTE, statistic: Stats.SUM }),
      ...(isShort ? {} : { held: queue.metricApproximateNumberOfMessagesNotVisible(options) }),
    },
  });
}

function oldest(waitingTime: Duration, queue: ITaskQueue): Duration {
  return queue.taskTimeLimit.plus(waitingTime);
}
