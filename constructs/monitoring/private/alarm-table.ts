import { Duration } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, type IMetric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { type RunbookSection, runbookUrl } from '../../core/runbook';
import type { IHttpsLoadBalancer } from '../../edge/https-load-balancer';
import type { Thresholds } from '../alarm-thresholds';

export const MINUTE = Duration.minutes(1);
const { GREATER_THAN_THRESHOLD, GREATER_THAN_OR_EQUAL_TO_THRESHOLD, LESS_THAN_THRESHOLD } = ComparisonOperator;
const { BREACHING, NOT_BREACHING, MISSING } = TreatMissingData;

export {
  BREACHING,
  GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
  GREATER_THAN_THRESHOLD,
  LESS_THAN_THRESHOLD,
  MISSING,
  NOT_BREACHING,
};

/** Something that is reported, and where the operator reads on. */
export interface Reported {
  readonly id: string;
  readonly runbook: RunbookSection;
}

/** One alarm over every subject of a kind: what is measured, when it is bad, and what the operator is told. */
export interface AlarmRow<T> extends Reported {
  /** What is measured; undefined where the subject has no such thing. */
  readonly metric: (subject: T, context: AlarmContext) => IMetric | undefined;
  readonly threshold: (thresholds: Thresholds, subject: T) => number;
  readonly comparison: ComparisonOperator;
  readonly evaluationPeriods: number;
  /** @default - all of `evaluationPeriods` */
  readonly datapointsToAlarm?: number;
  readonly treatMissingData: TreatMissingData;
  /** What the operator is told, as a sentence that follows the name of the subject. */
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
  /** Where requests come from. @default - none is watched */
  readonly loadBalancer?: IHttpsLoadBalancer;
}

/**
 * One subject's alarms, below a namespace of its own; each tells the topic when it starts and when it is over.
 *
 * `name` is how the operator knows the subject.
 */
export function makeAlarms<T>(
  parent: Construct,
  id: string,
  subject: { readonly name: string; readonly value: T },
  rows: AlarmRow<T>[],
  context: AlarmContext,
): Alarm[] {
  const { topic, thresholds } = context;
  const scope = new Construct(parent, id);
  return rows.flatMap((row) => {
    const metric = row.metric(subject.value, context);
    if (metric === undefined) {
      return [];
    }
    const sentence = row.sentence(thresholds, subject.value);
    const alarm = new Alarm(scope, row.id, {
      alarmDescription: `${subject.name}: ${sentence} What to do: ${runbookUrl(row.runbook)}`,
      metric,
      threshold: row.threshold(thresholds, subject.value),
      comparisonOperator: row.comparison,
      evaluationPeriods: row.evaluationPeriods,
      datapointsToAlarm: row.datapointsToAlarm,
      treatMissingData: row.treatMissingData,
    });
    const tell = new SnsAction(topic);
    alarm.addAlarmAction(tell);
    alarm.addOkAction(tell);
    return [alarm];
  });
}
