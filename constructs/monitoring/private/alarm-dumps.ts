import { Duration } from 'aws-cdk-lib';
import { type IMetric, MathExpression, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { DatabaseDump } from '../../dumps/database-dump';
import { anyNew, eachLetter } from './alarm-stores';
import {
  type AlarmRow,
  anyAbove0,
  GREATER_THAN_THRESHOLD,
  LESS_THAN_THRESHOLD,
  MINUTE,
  NOT_BREACHING,
} from './alarm-table';

const HOUR = Duration.hours(1);
const FIVE_MINUTES = Duration.minutes(5);
/** CloudWatch looks back no further. */
const HOURS_OF_A_WEEK = 7 * 24;
/** Percent of the largest dump of a week. */
const HALF = 50;

export const DUMP_ALARMS: AlarmRow<DatabaseDump>[] = [
  {
    id: 'DumpMissing',
    runbook: 'dump-missing',
    // An hour counts once the database is there. One older than its dumps is reported until the first.
    metric: (dump) => (dump._watched.maxAge === undefined ? undefined : arrived(dump)),
    threshold: () => 1,
    comparison: LESS_THAN_THRESHOLD,
    evaluationPeriods: ({ _watched: { maxAge } }) => hoursOf(maxAge),
    treatMissingData: NOT_BREACHING,
    sentence: (_, { _watched: { maxAge } }) => `no dump has arrived for ${hoursOf(maxAge)} hours.`,
  },
  {
    id: 'DumpShrank',
    runbook: 'dump-shrank',
    metric: (dump) =>
      new MathExpression({
        expression: '100 * bytes / MAX(bytes)',
        usingMetrics: { bytes: dump.metricDumpBytes({ period: HOUR, statistic: Stats.MINIMUM }) },
        label: '% of the largest dump of a week',
        period: HOUR,
      }),
    threshold: () => HALF,
    comparison: LESS_THAN_THRESHOLD,
    evaluationPeriods: HOURS_OF_A_WEEK,
    datapointsToAlarm: 1,
    treatMissingData: NOT_BREACHING,
    sentence: () => 'a dump is smaller than half of the largest one of the last seven days: rows may be missing.',
  },
  {
    id: 'DumpSlow',
    runbook: 'dump-slow',
    metric: (dump) => dump.metricDumpSeconds({ period: HOUR, statistic: Stats.MAXIMUM }),
    threshold: (_, { _watched: { maxDuration } }) => maxDuration.toSeconds(),
    comparison: GREATER_THAN_THRESHOLD,
    evaluationPeriods: 1,
    treatMissingData: NOT_BREACHING,
    sentence: (_, { _watched: { maxDuration } }) =>
      `a dump took longer than ${maxDuration.toHumanString()}; after twice that time it is ended, and is none.`,
  },
  anyNew({
    id: 'DumpFailed',
    runbook: 'dump-failed',
    metric: (dump) => eachLetter(dump.metricFailures({ period: MINUTE, statistic: Stats.MAXIMUM })),
    sentence: 'the task of a dump could not be started, or its dump, its upload or its copy elsewhere failed.',
  }),
  anyAbove0({
    id: 'DumpCopyFailed',
    runbook: 'dump-copy-failed',
    metric: (dump) => dump.metricFailedCopies({ period: FIVE_MINUTES, statistic: Stats.SUM }),
    sentence: 'S3 could not copy a file of a dump to the bucket elsewhere, and does not try again.',
  }),
];

/** Dumps that arrived in each hour in which the database was there. */
function arrived(dump: DatabaseDump): IMetric {
  return new MathExpression({
    expression: 'IF(FILL(minutes, 0) > 0, FILL(dumps, 0), 1)',
    usingMetrics: {
      dumps: dump.metricDumpBytes({ period: HOUR, statistic: Stats.SAMPLE_COUNT }),
      minutes: dump._watched.database.metricCPUUtilization({ period: HOUR, statistic: Stats.SAMPLE_COUNT }),
    },
    label: 'dumps',
    period: HOUR,
  });
}

function hoursOf(maxAge: Duration | undefined): number {
  return maxAge?.toHours() ?? HOURS_OF_A_WEEK;
}
