import { Duration } from 'aws-cdk-lib';
import { CfnScalingPolicy, type ScalableTarget } from 'aws-cdk-lib/aws-applicationautoscaling';
import { type IMetric, MathExpression, type MathExpressionOptions } from 'aws-cdk-lib/aws-cloudwatch';
import type { FargateService } from 'aws-cdk-lib/aws-ecs';
import { type Checks, secondsOf } from '../../core/checks';
import type { ITaskQueue } from '../../queues/task-queue';
import { runningTasks } from '../service-metrics';
import type { WorkerServiceProps } from '../worker-service';
import type { Capacity } from './capacity';

/** CloudWatch takes ten metrics in one alarm: two for each queue, one for the running tasks. */
const MAX_QUEUES = 4;

const PERIOD = Duration.minutes(1);

/** What a worker service is scaled by, with every default filled in. */
export interface WorkerScaling {
  /** How long a message may wait. */
  readonly acceptableLatency: Duration;
  /** How long a Celery task takes on average. */
  readonly taskDuration: Duration;
  /** Messages that there should be for each running ECS task. */
  readonly backlogPerTask: number;
}

/** Fills in the defaults. */
export function workerScalingOf(props: WorkerServiceProps, { processes }: Capacity): WorkerScaling {
  const acceptableLatency = props.acceptableLatency ?? Duration.minutes(1);
  const taskDuration = props.taskDuration ?? Duration.seconds(5);
  const tasksInTime = secondsOf(acceptableLatency) / secondsOf(taskDuration);
  return { acceptableLatency, taskDuration, backlogPerTask: props.backlogPerTask ?? tasksInTime * processes };
}

/** Validates the queues of a worker. */
export function checkQueues(checks: Checks, props: WorkerServiceProps): void {
  const names = props.queueNames ?? [];
  const known = Object.keys(props.broker?.queues ?? {});
  checks.optional('queueNames', props.queueNames, () => names.length >= 1 && names.length <= MAX_QUEUES, {
    must: `be from 1 to ${MAX_QUEUES} names`,
    remedy: 'Make a WorkerService for each set of queues: CloudWatch cannot add up more of them for scaling.',
  });
  checks.optional('queueNames', props.queueNames, () => new Set(names).size === names.length, {
    must: 'name every queue once',
    remedy: 'Leave out the repeated name.',
  });
  for (const name of props.broker === undefined ? [] : names) {
    checks.that('queueNames', name, known.includes(name), {
      must: `be queues of the broker: ${known.join(', ')}`,
      remedy: 'Correct the name, or add the queue to the broker.',
    });
  }
}

/** Validates what a worker is scaled by. */
export function checkWorkerScaling(checks: Checks, props: WorkerServiceProps, scaling: WorkerScaling): void {
  const prop = props.acceptableLatency === undefined ? 'taskDuration' : 'acceptableLatency';
  checks
    .number('backlogPerTask', props.backlogPerTask, {
      min: 1,
      remedy: 'Give the messages that one ECS task may have to do.',
    })
    .optional(
      'backlogPerTask',
      props.backlogPerTask,
      () => props.acceptableLatency === undefined && props.taskDuration === undefined,
      {
        must: 'not be given together with `acceptableLatency` or `taskDuration`',
        remedy: 'Keep it alone, or the other two.',
      },
    )
    .duration('taskDuration', props.taskDuration, { min: 0.001, remedy: 'Give the average time of a Celery task.' })
    .optional(prop, props[prop], () => secondsOf(scaling.acceptableLatency) >= secondsOf(scaling.taskDuration), {
      must:
        prop === 'taskDuration'
          ? `be at most \`acceptableLatency\`, ${secondsOf(scaling.acceptableLatency)} seconds`
          : `be at least \`taskDuration\`, ${secondsOf(scaling.taskDuration)} seconds`,
      remedy: 'A busy ECS task would ask for another one for ever: raise `acceptableLatency`.',
    });
}

/**
 * Messages of all queues for each running task.
 *
 * Those that a worker holds count too: without them a service whose tasks are all busy with the last messages
 * looks idle, and is scaled in while they work.
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
  { minCapacity, maxCapacity }: Capacity,
  target: number,
): void {
  const scaling = service.autoScaleTaskCount({ minCapacity, maxCapacity });
  if (minCapacity === maxCapacity) {
    return;
  }
  const { expression, usingMetrics } = backlogPerTask(service, queues);
  const metrics = Object.entries(usingMetrics as { [id: string]: IMetric });
  new CfnScalingPolicy(scaling, 'Backlog', {
    policyName: 'backlog',
    policyType: 'TargetTrackingScaling',
    scalingTargetId: (scaling.node.findChild('Target') as ScalableTarget).scalableTargetId,
    targetTrackingScalingPolicyConfiguration: {
      targetValue: target,
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
