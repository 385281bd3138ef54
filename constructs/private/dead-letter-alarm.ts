import { Duration } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, type IMetric, MathExpression, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import type { ITaskQueue } from '../task-queue';
import { acknowledge } from './acknowledge';

/** Messages in a dead-letter queue roll a deployment back. One alarm over all queues; ECS disregards it if it was on before. */
export function deadLetterAlarms(scope: Construct, queues: ITaskQueue[]): Alarm[] | undefined {
  const period = Duration.minutes(1);
  const letters = queues.flatMap((queue) => queue.metricDeadLetters({ period }) ?? []);
  if (letters.length === 0) {
    return undefined;
  }
  const alarm = new Alarm(scope, 'DeploymentAlarm', {
    alarmDescription: 'Messages ended in a dead-letter queue; a running deployment of the worker is rolled back.',
    metric: letters.length === 1 ? letters[0] : sumOf(letters, period),
    threshold: 0,
    comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
    evaluationPeriods: 1,
    treatMissingData: TreatMissingData.NOT_BREACHING,
  });
  acknowledge(
    alarm,
    'CloudWatchAlarmAction',
    'The action is the roll-back: ECS watches this alarm during a deployment. People are told by the alarm on the dead-letter queue.',
  );
  return [alarm];
}

function sumOf(letters: IMetric[], period: Duration): MathExpression {
  return new MathExpression({
    expression: letters.map((_, index) => `FILL(letters${index}, 0)`).join(' + '), // An idle queue has no data.
    label: 'dead letters',
    period,
    usingMetrics: Object.fromEntries(letters.map((metric, index) => [`letters${index}`, metric])),
  });
}
