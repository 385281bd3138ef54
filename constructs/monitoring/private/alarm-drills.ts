import { Duration } from 'aws-cdk-lib';
import { type IMetric, MathExpression, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { RestoreDrill } from '../../dumps/restore-drill';
import { anyNew, eachLetter } from './alarm-stores';
import { type AlarmRow, GREATER_THAN_THRESHOLD, LESS_THAN_THRESHOLD, MINUTE, NOT_BREACHING } from './alarm-table';

const HOUR = Duration.hours(1);
/** CloudWatch looks back no further. */
const HOURS_OF_A_WEEK = 7 * 24;
/** Percent of the space of a drill. */
const NEARLY_FULL = 80;

export const DRILL_ALARMS: AlarmRow<RestoreDrill>[] = [
  {
    id: 'DrillMissing',
    runbook: 'drill-missing',
    // An hour counts once the database is there: one older than its drills is reported until the first.
    metric: (drill) => (drill._watched.maxAge === undefined ? undefined : proven(drill)),
    threshold: () => 1,
    comparison: LESS_THAN_THRESHOLD,
    evaluationPeriods: ({ _watched: { maxAge } }) => hoursOf(maxAge),
    treatMissingData: NOT_BREACHING,
    sentence: (_, { _watched: { maxAge } }) => `no dump was restored and found good for ${hoursOf(maxAge)} hours.`,
  },
  anyNew({
    id: 'DrillFailed',
    runbook: 'drill-failed',
    metric: (drill) => eachLetter(drill.metricFailures({ period: MINUTE, statistic: Stats.MAXIMUM })),
    sentence: 'the newest dump could not be restored, or was not what the database had when it was dumped.',
  }),
  {
    id: 'DrillOutgrown',
    runbook: 'drill-outgrown',
    metric: ({ _watched: { dump, storage } }) =>
      new MathExpression({
        expression: `100 * (database + dump) / ${storage.toKibibytes() * 1024}`,
        usingMetrics: {
          database: dump.metricDatabaseBytes({ period: HOUR, statistic: Stats.MAXIMUM }),
          dump: dump.metricDumpBytes({ period: HOUR, statistic: Stats.MAXIMUM }),
        },
        label: '% of the space of a drill',
        period: HOUR,
      }),
    threshold: () => NEARLY_FULL,
    comparison: GREATER_THAN_THRESHOLD,
    evaluationPeriods: 1,
    treatMissingData: NOT_BREACHING,
    sentence: (_, { _watched: { storage } }) =>
      `the database and its dump take more than ${NEARLY_FULL} % of the ${storage.toGibibytes()} GiB that a drill has for them.`,
  },
];

/** Dumps that were proven in each hour in which the database was there. */
function proven(drill: RestoreDrill): IMetric {
  return new MathExpression({
    expression: 'IF(FILL(minutes, 0) > 0, FILL(proven, 0), 1)',
    usingMetrics: {
      proven: drill.metricProvenRows({ period: HOUR, statistic: Stats.SAMPLE_COUNT }),
      minutes: drill._watched.database.metricCPUUtilization({ period: HOUR, statistic: Stats.SAMPLE_COUNT }),
    },
    label: 'proven dumps',
    period: HOUR,
  });
}

function hoursOf(maxAge: Duration | undefined): number {
  return maxAge?.toHours() ?? HOURS_OF_A_WEEK;
}
