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
import { type ApplicationTargetGroup, HttpCodeElb, HttpCodeTarget } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { acknowledge } from '../../core/acknowledge';
import { runbookUrl } from '../../core/runbook';
import type { IHttpsLoadBalancer } from '../../edge/https-load-balancer';
import type { ITaskQueue } from '../../queues/task-queue';
import { FEW_REQUESTS, newLetters, ofTargets } from '../target-metrics';

const period = Duration.minutes(1);

/**
 * Every deployment waits for as many minutes, once all tasks are replaced, to see whether an alarm goes off.
 */
const MINUTES = 2;

/** New letters in a minute up to which they may be of tasks that failed before the deployment. */
const FEW_LETTERS = 5;

/** What is made to watch over the deployments of a service behind the load balancer. */
export type ServiceAlarm = (
  scope: Construct,
  targetGroup: ApplicationTargetGroup,
  loadBalancer: IHttpsLoadBalancer,
  topic?: ITopic,
) => Alarm;

/**
 * More than one answer in twenty is an error of the application, or one of the load balancer because tasks
 * broke off or did not answer in time (502, 504): a deployment that does this is rolled back.
 *
 * The load balancer counts its own errors for all services behind it, and not for each.
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
  const { ELB_502_COUNT, ELB_504_COUNT } = HttpCodeElb;
  const options = { period, statistic: Stats.SUM };
  return deploymentAlarm(scope, topic, {
    description: 'More than 5 % of the answers are errors of the application, or no answer came',
    metric: math({
      // A request whose task breaks off is in no count of errors of the target group. That of requests is in
      // each minute, and is not filled: the newest minute has no data yet, which does not mean no errors.
      expression: `IF(requests + lost > ${FEW_REQUESTS}, 100 * (FILL(errors, 0) + lost) / (requests + lost), 0)`,
      label: 'errors, %',
      usingMetrics: {
        lost: math({
          expression: 'FILL(broken, 0) + FILL(late, 0)',
          label: '502 and 504 of the load balancer',
          usingMetrics: {
            broken: loadBalancer.metricHttpCodeElb(ELB_502_COUNT, options),
            late: loadBalancer.metricHttpCodeElb(ELB_504_COUNT, options),
          },
        }),
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
      // Not filled, as above, is the count that is there in each minute.
      expression: `IF(unhealthy > FILL(healthy, 0), 100, IF(FILL(requests, 0) > ${FEW_REQUESTS}, 100 * FILL(refused, 0) / FILL(requests, 0), 0))`,
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
 * Many messages that come into dead-letter queues roll a deployment back.
 *
 * One alarm over all queues. It counts new letters and not those that lie there: a message that an older
 * version failed on may become a letter in any minute, and old letters would keep the alarm on, which ECS
 * then disregards.
 */
export function deadLetterAlarms(scope: Construct, queues: ITaskQueue[], topic?: ITopic): Alarm[] | undefined {
  const letters = queues.flatMap((queue) => queue.metricDeadLetters({ period }) ?? []);
  if (letters.length === 0) {
    return undefined;
  }
  const alarm = deploymentAlarm(scope, topic, {
    description: `More than ${FEW_LETTERS} messages came into dead-letter queues within a minute`,
    metric: newLetters(letters, period),
    threshold: FEW_LETTERS,
    evaluationPeriods: 2, // the newest minute has no data yet, and repeats the one before
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
    alarmDescription: `${scope.node.path}: ${description}; a running deployment is rolled back. What to do: ${runbookUrl(scope, 'deployment-alarm')}`,
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

function math(props: MathExpressionProps): MathExpression {
  return new MathExpression({ ...props, period });
}
