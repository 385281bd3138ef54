import { calculate } from '../../bench/aws/metric-math';

/**
 * What is measured in one minute: undefined where CloudWatch has no data. `of` is the logical id of a target
 * group, if any.
 */
export type World = (metric: { name: string; of?: string; statistic: string }, minute: number) => number | undefined;

interface MetricRef {
  readonly Namespace: string;
  readonly MetricName: string;
  readonly Dimensions?: { readonly Name: string; readonly Value: unknown }[];
}

interface Query {
  readonly Id: string;
  readonly Expression?: string;
  readonly MetricStat?: { readonly Metric: MetricRef; readonly Period: number; readonly Stat: string };
  readonly ReturnData?: boolean;
}

/** An alarm as the template has it. */
export interface AlarmProperties extends Partial<MetricRef> {
  readonly ComparisonOperator: string;
  readonly Threshold: number;
  readonly EvaluationPeriods: number;
  readonly DatapointsToAlarm?: number;
  readonly TreatMissingData?: string;
  readonly Period?: number;
  readonly Statistic?: string;
  readonly ExtendedStatistic?: string;
  readonly Metrics?: Query[];
}

const COMPARE: { [operator: string]: (value: number, threshold: number) => boolean } = {
  GreaterThanThreshold: (value, threshold) => value > threshold,
  GreaterThanOrEqualToThreshold: (value, threshold) => value >= threshold,
  LessThanThreshold: (value, threshold) => value < threshold,
  LessThanOrEqualToThreshold: (value, threshold) => value <= threshold,
};

/**
 * The minutes, from 0, in which an alarm of the template would be on.
 *
 * `late` is how many of the newest minutes CloudWatch has no data of yet when it looks. It then goes by older
 * points, unless the expression makes a point of nothing.
 */
export function minutesInAlarm(alarm: AlarmProperties, world: World, minutes: number, late = 0): number[] {
  const step = periodOf(alarm) / 60;
  const pointsUntil = (end: number): (number | undefined)[] => {
    const seen: World = (metric, minute) => (minute < end * step - late ? world(metric, minute) : undefined);
    const points = Array.from({ length: end }, (_, index) => pointOf(alarm, seen, index, step));
    const isMissing = points.slice(end - Math.ceil(late / step)).every((point) => point === undefined);
    return late > 0 && isMissing ? points.slice(0, end - Math.ceil(late / step)) : points;
  };
  return Array.from({ length: Math.floor(minutes / step) }, (_, index) => index + 1).flatMap((end) => {
    const recent = pointsUntil(end).slice(-alarm.EvaluationPeriods);
    const breaching = recent.filter((point) => breaches(alarm, point)).length;
    return breaching >= (alarm.DatapointsToAlarm ?? alarm.EvaluationPeriods) ? [end * step - 1] : [];
  });
}

/** The namespaces that an alarm reads. */
export function namespacesOf({ Namespace, Metrics = [] }: AlarmProperties): string[] {
  const read = [Namespace, ...Metrics.map(({ MetricStat }) => MetricStat?.Metric.Namespace)];
  return [...new Set(read.filter((each) => each !== undefined))];
}

function periodOf({ Period, Metrics = [] }: AlarmProperties): number {
  return Period ?? Metrics.find(({ MetricStat }) => MetricStat)?.MetricStat?.Period ?? 60;
}

function breaches(alarm: AlarmProperties, value: number | undefined): boolean {
  return value === undefined
    ? alarm.TreatMissingData === 'breaching'
    : COMPARE[alarm.ComparisonOperator](value, alarm.Threshold);
}

function pointOf(alarm: AlarmProperties, world: World, index: number, step: number): number | undefined {
  const read = (metric: MetricRef, statistic: string, ago = 0) =>
    index < ago ? undefined : measured(metric, statistic, world, { index: index - ago, step });
  if (alarm.Metrics === undefined) {
    return read(alarm as MetricRef, alarm.Statistic ?? alarm.ExtendedStatistic ?? '');
  }
  const queries = new Map(alarm.Metrics.map((query) => [query.Id, query]));
  const resolve = (id: string, ago: number): number | undefined => {
    const { Expression, MetricStat } = queries.get(id) as Query;
    return Expression === undefined
      ? MetricStat && read(MetricStat.Metric, MetricStat.Stat, ago)
      : calculate(Expression, resolve, ago);
  };
  return resolve((alarm.Metrics.find(({ ReturnData }) => ReturnData !== false) as Query).Id, 0);
}

/** A statistic over the minutes of one period. */
function measured(
  metric: MetricRef,
  statistic: string,
  world: World,
  { index, step }: { readonly index: number; readonly step: number },
) {
  const group = metric.Dimensions?.find(({ Name }) => Name === 'TargetGroup')?.Value as { 'Fn::GetAtt'?: string[] };
  const samples = Array.from({ length: step }, (_, minute) =>
    world({ name: metric.MetricName, of: group?.['Fn::GetAtt']?.[0], statistic }, index * step + minute),
  ).filter((sample) => sample !== undefined);
  if (samples.length === 0) {
    return undefined;
  }
  const sum = samples.reduce((total, sample) => total + sample, 0);
  const statistics: { [name: string]: number } = {
    Sum: sum,
    Average: sum / samples.length,
    Minimum: Math.min(...samples),
    Maximum: Math.max(...samples),
    SampleCount: sum, // The world says how many samples a minute has, where that is asked for.
  };
  return statistics[statistic] ?? Math.max(...samples);
}
