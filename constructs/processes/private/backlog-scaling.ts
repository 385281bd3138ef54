import { Duration } from 'aws-cdk-lib';
import { CfnScalingPolicy, type ScalableTarget } from 'aws-cdk-lib/aws-applicationautoscaling';
import { type IMetric, MathExpression, type MathExpressionOptions } from 'aws-cdk-lib/aws-cloudwatch';
import type { FargateService } from 'aws-cdk-lib/aws-ecs';
import type { ITaskQueue } from '../../queues/task-queue';
import { runningTasks } from '../service-metrics';

/** CloudWatch takes ten metrics in one alarm: two for each queue, one for the running tasks. */
export const MAX_QUEUES = 4;

const PERIOD = Duration.minutes(1);

/**
 * Messages of all queues for each running task. Those that a worker holds count too: without them a service whose tasks
 * are all busy with the last messages looks idle, and is scaled in while they work.
 */
export function backlogPerTask(
  service: FargateService,
  queues: ITaskQueue[],
  options?: MathExpressionOptions,
): MathExpression {
  const messages = Object.keys(messagesOf(queues)).map((id) => `FILL(${id}, 0)`); // An idle queue has no data.
  return new MathExpression({
    expression: `(${messages.join(' + ')}) / IF(running > 0, running, 1)`,
    label: 'messages per running task',
    period: PERIOD,
    ...options,
    usingMetrics: { ...messagesOf(queues), running: runningTasks(service, { period: PERIOD }) },
  });
}

/**
 * Adds tasks while there is more to do for each than `target`, and takes them away when there is less.
 *
 * The policy is an L1: the L2 refuses metric math in target tracking.
 */
export function scaleOnBacklog(
  service: FargateService,
  queues: ITaskQueue[],
  options: { readonly minCapacity: number; readonly maxCapacity: number; readonly target: number },
): void {
  const scaling = service.autoScaleTaskCount({ minCapacity: options.minCapacity, maxCapacity: options.maxCapacity });
  if (options.minCapacity === options.maxCapacity) {
    return;
  }
  const { expression, usingMetrics } = backlogPerTask(service, queues);
  const metrics = Object.entries(usingMetrics as { [id: string]: IMetric });
  new CfnScalingPolicy(scaling, 'Backlog', {
    policyName: 'backlog',
    policyType: 'TargetTrackingScaling',
    scalingTargetId: (scaling.node.findChild('Target') as ScalableTarget).scalableTargetId,
    targetTrackingScalingPolicyConfiguration: {
      targetValue: options.target,
      scaleOutCooldown: Duration.minutes(1).toSeconds(),
      scaleInCooldown: Duration.minutes(5).toSeconds(),
      customizedMetricSpecification: {
        metrics: [
          ...metrics.map(([id, metric]) => ({ id, metricStat: metricStat(metric), returnData: false })),
          { id: 'backlog', expression, label: 'messages per running task', returnData: true },
        ],
      },
    },
  });
}

function messagesOf(queues: ITaskQueue[]): { [id: string]: IMetric } {
  const metrics: { [id: string]: IMetric } = {};
  for (const [index, queue] of queues.entries()) {
    metrics[`waiting${index}`] = queue.metricApproximateNumberOfMessagesVisible({ period: PERIOD });
    metrics[`held${index}`] = queue.metricApproximateNumberOfMessagesNotVisible({ period: PERIOD });
  }
  return metrics;
}

function metricStat(metric: IMetric): CfnScalingPolicy.TargetTrackingMetricStatProperty {
  const config = metric.toMetricConfig().metricStat;
  return {
    metric: {
      namespace: config?.namespace,
      metricName: config?.metricName,
      dimensions: config?.dimensions?.map(({ name, value }) => ({ name, value: String(value) })),
    },
    stat: config?.statistic,
  };
}
