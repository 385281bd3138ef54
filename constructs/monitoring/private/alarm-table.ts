import { Duration } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, type IMetric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { Construct, IDependable } from 'constructs';
import { type RunbookSection, runbookUrl } from '../../core/runbook';
import type { IHttpsLoadBalancer } from '../../edge/https-load-balancer';
import type { Thresholds } from '../alarm-thresholds';

export const MINUTE = Duration.minutes(1);
const { GREATER_THAN_THRESHOLD, GREATER_THAN_OR_EQUAL_TO_THRESHOLD, LESS_THAN_THRESHOLD } = ComparisonOperator;
const { BREACHING, IGNORE, MISSING, NOT_BREACHING } = TreatMissingData;

export {
  BREACHING,
  GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
  GREATER_THAN_THRESHOLD,
  IGNORE,
  LESS_THAN_THRESHOLD,
  MISSING,
  NOT_BREACHING,
};

/** Something that is reported, and its section of the runbooks. */
export interface Reported {
  readonly id: string;
  readonly runbook: RunbookSection;
}

/** One alarm for every subject of a kind: the metric, when it fires, and the sentence for the operator. */
export interface AlarmRow<T> extends Reported {
  /** The metric. Undefined when the subject has no such metric. */
  readonly metric: (subject: T, context: AlarmContext) => IMetric | undefined;
  readonly threshold: (thresholds: Thresholds, subject: T) => number;
  readonly comparison: ComparisonOperator;
  readonly evaluationPeriods: number | ((subject: T) => number);
  /** @default - all of `evaluationPeriods` */
  readonly datapointsToAlarm?: number;
  readonly treatMissingData: TreatMissingData;
  /**
   * What must exist before the alarm, which without data would go off at once.
   *
   * @default - nothing
   */
  readonly after?: (subject: T) => IDependable;
  /** The sentence for the operator, which follows the name of the subject. */
  readonly sentence: (thresholds: Thresholds, subject: T) => string;
}

/** An alarm on something that should never happen: one is enough, and no data means none. */
export function anyAbove0<T>(
  row: Pick<AlarmRow<T>, 'id' | 'runbook' | 'metric'> & { readonly sentence: string },
): AlarmRow<T> {
  return {
    ...row,
    threshold: () => 0,
    comparison: GREATER_THAN_THRESHOLD,
    evaluationPeriods: 1,
    treatMissingData: NOT_BREACHING,
    sentence: () => row.sentence,
  };
}

/** What the alarms of one application share. */
export interface AlarmContext {
  readonly topic: ITopic;
  readonly thresholds: Thresholds;
  /**
   * Load balancer before the services.
   *
   * @default - none is watched
   */
  readonly loadBalancer?: IHttpsLoadBalancer;
}

/**
 * The alarms of one subject, below a construct that holds nothing else.
 *
 * Each notifies the topic when it fires and when it is over.
 *
 * `name` is what the operator calls the subject.
 */
export function makeAlarms<T>(
  scope: Construct,
  subject: { readonly name: string; readonly value: T },
  rows: AlarmRow<T>[],
  context: AlarmContext,
): Alarm[] {
  const { topic, thresholds } = context;
  return rows.flatMap((row) => {
    const metric = row.metric(subject.value, context);
    if (metric === undefined) {
      return [];
    }
    const sentence = row.sentence(thresholds, subject.value);
    const alarm = new Alarm(scope, row.id, {
      alarmDescription: `${subject.name}: ${sentence} What to do: ${runbookUrl(scope, row.runbook)}`,
      metric,
      threshold: row.threshold(thresholds, subject.value),
      comparisonOperator: row.comparison,
      evaluationPeriods:
        typeof row.evaluationPeriods === 'number' ? row.evaluationPeriods : row.evaluationPeriods(subject.value),
      datapointsToAlarm: row.datapointsToAlarm,
      treatMissingData: row.treatMissingData,
    });
    if (row.after !== undefined) {
      alarm.node.addDependency(row.after(subject.value));
    }
    const tell = new SnsAction(topic);
    alarm.addAlarmAction(tell);
    alarm.addOkAction(tell);
    return [alarm];
  });
}
