import { Duration } from 'aws-cdk-lib';
import {
  Alarm,
  ComparisonOperator,
  type IMetric,
  MathExpression,
  type MathExpressionProps,
  Stats,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { type ApplicationTargetGroup, HttpCodeTarget } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { acknowledge } from '../../core/acknowledge';
import { runbookUrl } from '../../core/runbook';
import type { IHttpsLoadBalancer } from '../../edge/https-load-balancer';
import type { ITaskQueue } from '../../queues/task-queue';
import { ofTargets } from '../target-metrics';

const period = Duration.minutes(1);

/** Every deployment waits for as many minutes, once all tasks are replaced, to see whether an alarm goes off. */
const MINUTES = 2;

/** What is made to watch over the deployments of a service behind the load balancer. */
export type ServiceAlarm = (
  scope: Construct,
  targetGroup: ApplicationTargetGroup,
  loadBalancer: IHttpsLoadBalancer,
  topic?: ITopic,
) => Alarm;

/**
 * More than one answer in twenty is an error of the application: a deployment that does this is rolled back.
 *
 * Only for services where most of the requests come from people who use the application. What anybody may ask
 * for in vain must not count, or anybody could hold the alarm: Django answers unknown paths with 404.
 */
export function errorAlarm(
  scope: Construct,
  targetGroup: ApplicationTargetGroup,
  loadBalancer: IHttpsLoadBalancer,
  topic?: ITopic,
): Alarm {
  const { metrics } = targetGroup;
  return deploymentAlarm(scope, topic, {
    description: 'More than 5 % of the answers are errors of the application',
    metric: math({
      expression: 'IF(requests > 20, 100 * errors / requests, 0)',
      label: 'errors, %',
      usingMetrics: {
        errors: ofTargets(metrics.httpCodeTarget(HttpCodeTarget.TARGET_5XX_COUNT, { period }), loadBalancer),
        requests: ofTargets(metrics.requestCount({ period }), loadBalancer),
      },
    }),
    threshold: 5,
    evaluationPeriods: MINUTES,
    datapointsToAlarm: MINUTES,
  });
}

/**
 * Tasks that fail their health checks or refuse connections: a deployment that does this is rolled back.
 *
 * For WebSockets, of which there are few for each person: where a project answers a bad handshake with an
 * error, one stranger could keep the share of errors high, whatever the version. What is counted here is
 * nothing that a client asks for.
 */
export function unservedAlarm(
  scope: Construct,
  targetGroup: ApplicationTargetGroup,
  loadBalancer: IHttpsLoadBalancer,
  topic?: ITopic,
): Alarm {
  const { metrics } = targetGroup;
  const { MINIMUM, MAXIMUM } = Stats;
  return deploymentAlarm(scope, topic, {
    description: 'Most tasks fail their health checks, or more than 5 % of the requests found no task that took them',
    metric: math({
      expression:
        'IF(FILL(unhealthy, 0) > FILL(healthy, 0), 100, IF(FILL(requests, 0) > 20, 100 * FILL(refused, 0) / FILL(requests, 0), 0))',
      label: 'not served, %',
      usingMetrics: {
        unhealthy: ofTargets(metrics.unhealthyHostCount({ period, statistic: MINIMUM }), loadBalancer),
        healthy: ofTargets(metrics.healthyHostCount({ period, statistic: MAXIMUM }), loadBalancer),
        refused: ofTargets(metrics.targetConnectionErrorCount({ period }), loadBalancer),
        requests: ofTargets(metrics.requestCount({ period }), loadBalancer),
      },
    }),
    threshold: 5,
    evaluationPeriods: MINUTES,
    datapointsToAlarm: MINUTES,
  });
}

/**
 * Messages in a dead-letter queue roll a deployment back.
 *
 * One alarm over all queues; ECS disregards it if it was on before.
 */
export function deadLetterAlarms(scope: Construct, queues: ITaskQueue[], topic?: ITopic): Alarm[] | undefined {
  const letters = queues.flatMap((queue) => queue.metricDeadLetters({ period }) ?? []);
  if (letters.length === 0) {
    return undefined;
  }
  const alarm = deploymentAlarm(scope, topic, {
    description: 'Messages ended in a dead-letter queue',
    metric: letters.length === 1 ? letters[0] : sumOf(letters),
    threshold: 0,
    evaluationPeriods: 1,
    datapointsToAlarm: 1,
  });
  return [alarm];
}

interface DeploymentAlarmProps {
  readonly description: string;
  readonly metric: IMetric;
  readonly threshold: number;
  readonly evaluationPeriods: number;
  readonly datapointsToAlarm: number;
}

function deploymentAlarm(
  scope: Construct,
  topic: ITopic | undefined,
  { description, ...sign }: DeploymentAlarmProps,
): Alarm {
  const alarm = new Alarm(scope, 'DeploymentAlarm', {
    ...sign,
    alarmDescription: `${scope.node.path}: ${description}; a running deployment is rolled back. What to do: ${runbookUrl('deployment-alarm')}`,
    comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
    treatMissingData: TreatMissingData.NOT_BREACHING,
  });
  if (topic === undefined) {
    acknowledge(
      alarm,
      'CloudWatchAlarmAction',
      'The action is the roll-back: ECS watches this alarm during a deployment.',
    );
  } else {
    alarm.addAlarmAction(new SnsAction(topic));
    alarm.addOkAction(new SnsAction(topic));
  }
  return alarm;
}

function sumOf(letters: IMetric[]): MathExpression {
  return math({
    // An idle queue has no data.
    expression: letters.map((_, index) => `FILL(letters${index}, 0)`).join(' + '),
    label: 'dead letters',
    usingMetrics: Object.fromEntries(letters.map((metric, index) => [`letters${index}`, metric])),
  });
}

function math(props: MathExpressionProps): MathExpression {
  return new MathExpression({ ...props, period });
}
