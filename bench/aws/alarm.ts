import { calculate, type Point } from './metric-math';

/** A metric of CloudWatch with what is computed of it in each period. */
interface Stat {
  readonly name: string;
  readonly statistic: string;
  readonly period: number;
}

interface Query {
  readonly Id: string;
  readonly Expression?: string;
  readonly MetricStat?: {
    readonly Metric: { readonly MetricName: string };
    readonly Stat: string;
    readonly Period: number;
  };
  readonly ReturnData?: boolean;
}

/** An AWS::CloudWatch::Alarm, as far as its state follows from its metrics. */
export interface AlarmProperties {
  readonly MetricName?: string;
  readonly Statistic?: string;
  readonly Period?: number;
  readonly Metrics?: readonly Query[];
  readonly Threshold: number;
  readonly ComparisonOperator: string;
  readonly EvaluationPeriods: number;
  readonly DatapointsToAlarm?: number;
  readonly TreatMissingData: string;
}

/** A value that is published at a time, in seconds. */
export interface Sample {
  readonly metric: string;
  readonly second: number;
  readonly value: number;
}

/**
 * Whether an alarm of the template is on at the end of a period, after the samples of a history.
 *
 * Each period of the evaluation range is compared with the threshold, and one without data counts as the
 * alarm says.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html
 */
export function isOn(alarm: AlarmProperties, samples: readonly Sample[], now: number): boolean {
  const { period, pointOf } = seriesOf(alarm, samples, now);
  if (now % period !== 0) {
    throw new Error(`look at the end of a period of ${period} seconds`);
  }
  const points = Array.from({ length: alarm.EvaluationPeriods }, (_, ago) => pointOf(ago));
  const breaching = points.filter((point) => isBreaching(alarm, point));
  return breaching.length >= (alarm.DatapointsToAlarm ?? alarm.EvaluationPeriods);
}

function isBreaching(alarm: AlarmProperties, point: Point): boolean {
  if (point === undefined) {
    if (!['breaching', 'notBreaching'].includes(alarm.TreatMissingData)) {
      throw new Error(`no model of missing data that is ${alarm.TreatMissingData}`);
    }
    return alarm.TreatMissingData === 'breaching';
  }
  switch (alarm.ComparisonOperator) {
    case 'LessThanThreshold':
      return point < alarm.Threshold;
    case 'GreaterThanThreshold':
      return point > alarm.Threshold;
    case 'GreaterThanOrEqualToThreshold':
      return point >= alarm.Threshold;
    default:
      throw new Error(`no comparison ${alarm.ComparisonOperator}`);
  }
}

function seriesOf(alarm: AlarmProperties, samples: readonly Sample[], now: number) {
  if (alarm.Metrics === undefined) {
    const stat = { name: String(alarm.MetricName), statistic: String(alarm.Statistic), period: Number(alarm.Period) };
    return { period: stat.period, pointOf: (ago: number) => pointAt(stat, samples, now, ago) };
  }
  const stats = new Map<string, Stat>(
    alarm.Metrics.flatMap(({ Id, MetricStat }) =>
      MetricStat === undefined
        ? []
        : [[Id, { name: MetricStat.Metric.MetricName, statistic: MetricStat.Stat, period: MetricStat.Period }]],
    ),
  );
  const expression = String(alarm.Metrics.find(({ ReturnData }) => ReturnData !== false)?.Expression);
  const [{ period }] = stats.values();
  const resolve = Object.assign((id: string, ago: number) => pointAt(stats.get(id) as Stat, samples, now, ago), {
    periods: alarm.EvaluationPeriods,
  });
  return { period, pointOf: (ago: number) => calculate(expression, resolve, ago) };
}

/** The statistic of a metric in the period that ended so many periods ago. */
function pointAt({ name, statistic, period }: Stat, samples: readonly Sample[], now: number, ago: number): Point {
  const end = now - ago * period;
  const values = samples
    .filter(({ metric, second }) => metric === name && second >= end - period && second < end)
    .map(({ value }) => value);
  if (values.length === 0) {
    return undefined;
  }
  switch (statistic) {
    case 'SampleCount':
      return values.length;
    case 'Maximum':
      return Math.max(...values);
    case 'Minimum':
      return Math.min(...values);
    case 'Sum':
      return values.reduce((sum, value) => sum + value, 0);
    default:
      throw new Error(`no statistic ${statistic}`);
  }
}
