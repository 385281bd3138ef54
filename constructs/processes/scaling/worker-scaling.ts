import { Duration } from 'aws-cdk-lib';
import { CfnScalingPolicy, type ScalableTarget } from 'aws-cdk-lib/aws-applicationautoscaling';
import {
  Alarm,
  ComparisonOperator,
  type IMetric,
  MathExpression,
  type MathExpressionOptions,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { FargateService } from 'aws-cdk-lib/aws-ecs';
import type { Construct } from 'constructs';
import { type Checks, isUnknown, secondsOf } from '../../core/checks';
import { profileValues } from '../../core/profile';
import type { ITaskQueue } from '../../queues/task-queue';
import { type Capacity, capacityOf, workerConcurrency } from '../private/capacity';
import { samplesOfTasks } from '../service-metrics';
import { latest, written } from '../target-metrics';
import type { WorkerServiceOptions, WorkerServiceProps } from '../worker-service';
import { shareKept, stepsTo } from './steps';

/** CloudWatch takes ten metrics in one alarm: two for each queue, one for the running tasks. */
export const MAX_QUEUES = 4;

const PERIOD = Duration.minutes(1);

/** Seconds that SQS keeps a message at most. */
const LONGEST_WAIT = 14 * 24 * 3600;

/** Minutes in which there must have been too many tasks before some are taken away. */
const IDLE_MINUTES = 5;

/** What a worker service is scaled by, with every default filled in. */
export interface WorkerScaling {
  /** How long a message may wait. */
  readonly acceptableLatency: Duration;
  /** How long a Celery task takes on average. */
  readonly taskDuration: Duration;
  /** Messages that may wait before one more ECS task is started, beside those that are in work. */
  readonly backlogPerTask: number;
}

/** Size and number of the tasks of a worker, with every default filled in. */
export function workerCapacityOf(props: WorkerServiceOptions & Pick<WorkerServiceProps, 'profile'>): Capacity {
  const profile = profileValues(props.profile);
  return capacityOf(
    { ...props, processes: props.concurrency },
    {
      cpu: profile.workerCpu,
      memoryLimitMiB: profile.workerMemoryLimitMiB,
      minCapacity: profile.workerMinCapacity,
      maxCapacity: profile.workerMaxCapacity,
      processes: workerConcurrency,
    },
  );
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
      max: 1_000_000,
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
    .duration('acceptableLatency', props.acceptableLatency, {
      min: 0.001,
      max: LONGEST_WAIT,
      remedy: 'SQS keeps no message for longer than two weeks: give the time that one may wait.',
    })
    .optional(prop, props[prop], () => secondsOf(scaling.acceptableLatency) >= secondsOf(scaling.taskDuration), {
      must:
        prop === 'taskDuration'
          ? `be at most \`acceptableLatency\`, ${secondsOf(scaling.acceptableLatency)} seconds`
          : `be at least \`taskDuration\`, ${secondsOf(scaling.taskDuration)} seconds`,
      remedy: 'A busy ECS task would ask for another one for ever: raise `acceptableLatency`.',
    });
}

/** Validates the share of a worker that does not run on Spot. */
export function checkSpotBase(
  checks: Checks,
  props: WorkerServiceProps,
  { spot, maxCapacity }: { readonly spot: boolean; readonly maxCapacity: number },
): void {
  checks
    .integer('spotBase', props.spotBase, { min: 0, remedy: 'Give the number of ECS tasks that never run on Spot.' })
    .optional('spotBase', props.spotBase, () => spot, {
      must: 'come with `spot: true`',
      remedy: 'It would have no effect: without Spot every task runs on demand.',
    })
    .optional('spotBase', props.spotBase, () => isUnknown(maxCapacity) || (props.spotBase as number) <= maxCapacity, {
      must: `be at most \`maxCapacity\`, ${maxCapacity}`,
      remedy: 'Lower it, or set `spot: false` if no task may run on Spot.',
    });
}

/** Messages of all queues, waiting and in work, for each running task. */
export function backlogPerTask(
  service: FargateService,
  queues: ITaskQueue[],
  options?: MathExpressionOptions,
): MathExpression {
  return new MathExpression({
    expression: '(waiting + held) / IF(running > 0, running, 1)',
    label: 'messages per running task',
    period: PERIOD,
    ...options,
    usingMetrics: loadOf(service, queues),
  });
}

/** Tasks that stay for each at work, since the samples of a minute differ: none more below four. */
const HEADROOM = 1.25;

/** What is measured. */
interface Load {
  readonly [id: string]: IMetric;
  readonly waiting: IMetric;
  readonly held: IMetric;
  readonly running: IMetric;
}

/** What the number of tasks of a worker follows. */
export type BacklogScaling = Pick<Capacity, 'minCapacity' | 'maxCapacity' | 'processes'> &
  Pick<WorkerScaling, 'backlogPerTask'>;

/**
 * Sets the number of tasks by the messages that wait and are in work.
 *
 * One policy says how many tasks there should be for so many messages, and two alarms say when: at once where
 * fewer run, and after five minutes where more do. The policy sets a number instead of adding to one, so that
 * a decision which is made again while tasks start, or on a metric that is late, changes nothing.
 *
 * It never asks for fewer tasks than are needed for the messages that workers hold, which are being worked
 * on, and takes away a fifth of the tasks at a time.
 *
 * @see https://docs.aws.amazon.com/autoscaling/application/userguide/step-scaling-policy-overview.html
 */
export function scaleOnBacklog(service: FargateService, queues: ITaskQueue[], limits: BacklogScaling): void {
  const { minCapacity, maxCapacity } = limits;
  const scaling = service.autoScaleTaskCount({ minCapacity, maxCapacity });
  if (minCapacity === maxCapacity) {
    return;
  }
  const policy = new CfnScalingPolicy(scaling, 'Backlog', {
    policyName: 'backlog',
    policyType: 'StepScaling',
    scalingTargetId: (scaling.node.findChild('Target') as ScalableTarget).scalableTargetId,
    stepScalingPolicyConfiguration: {
      adjustmentType: 'ExactCapacity',
      metricAggregationType: 'Maximum',
      cooldown: PERIOD.toSeconds(),
      stepAdjustments: stepsTo(minCapacity, maxCapacity),
    },
  });
  const load = loadOf(service, queues);
  const [wanted, kept] = [1, HEADROOM].map((headroom) => tasksFor(load, limits, headroom));
  alarm(scaling, 'TooFew', policy, {
    description: 'more messages wait than the running tasks get done in time: adds tasks.',
    expression: 'IF(wanted > running, wanted, -1)',
    usingMetrics: { wanted, running: load.running },
    minutes: 1,
  });
  alarm(scaling, 'TooMany', policy, {
    description: `for ${IDLE_MINUTES} minutes there have been more tasks than the messages need: takes tasks away.`,
    expression: `IF(kept < running, ${largerOf('kept', `FLOOR(running * ${shareKept(minCapacity, maxCapacity)})`)}, -1)`,
    usingMetrics: { kept, running: load.running },
    minutes: IDLE_MINUTES,
  });
}

interface ScalingAlarm {
  readonly description: string;
  /** The number of tasks that there should be; -1 where nothing is to be done. */
  readonly expression: string;
  readonly usingMetrics: { [id: string]: IMetric };
  readonly minutes: number;
}

function alarm(scope: Construct, id: string, policy: CfnScalingPolicy, props: ScalingAlarm): void {
  const { description, expression, usingMetrics, minutes } = props;
  new Alarm(scope, id, {
    alarmDescription: `${scope.node.scope?.node.path}: ${description}`,
    metric: new MathExpression({ expression, label: 'tasks', period: PERIOD, usingMetrics }),
    threshold: 0,
    comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    evaluationPeriods: minutes,
    treatMissingData: TreatMissingData.NOT_BREACHING,
  }).addAlarmAction({ bind: () => ({ alarmActionArn: policy.attrArn }) });
}

/** The number of tasks for those at work, with some headroom, and for what waits. */
function tasksFor(load: Load, limits: BacklogScaling, headroom: number): MathExpression {
  const [least, most] = [limits.minCapacity, limits.maxCapacity].map(written);
  const busy = new MathExpression({
    // Messages of later are hidden, too, and those of failed tasks for a while: neither keeps more tasks at
    // work than run.
    expression: smallerOf(`CEIL(held / ${written(limits.processes)})`, 'running'),
    label: 'tasks at work',
    period: PERIOD,
    usingMetrics: { held: load.held, running: load.running },
  });
  const needed = new MathExpression({
    // Those at work will go on to have work: what waits is for others.
    expression: `${headroom === 1 ? 'busy' : `FLOOR(busy * ${headroom})`} + FLOOR(waiting / ${written(limits.backlogPerTask)})`,
    label: 'tasks needed',
    period: PERIOD,
    usingMetrics: { busy, waiting: load.waiting },
  });
  return new MathExpression({
    expression: smallerOf(most, largerOf('needed', limits.minCapacity === 0 ? 'IF(waiting + held > 0, 1, 0)' : least)),
    label: headroom === 1 ? 'tasks wanted' : 'tasks to keep',
    period: PERIOD,
    usingMetrics: limits.minCapacity === 0 ? { needed, waiting: load.waiting, held: load.held } : { needed },
  });
}

function smallerOf(one: string, other: string): string {
  return `IF(${one} < ${other}, ${one}, ${other})`;
}

function largerOf(one: string, other: string): string {
  return `IF(${one} > ${other}, ${one}, ${other})`;
}

/** Messages that wait, messages that workers hold, and tasks that run. */
function loadOf(service: FargateService, queues: ITaskQueue[]): Load {
  const sum = (name: string, label: string, metricOf: (queue: ITaskQueue) => IMetric) =>
    new MathExpression({
      expression: queues.map((_, index) => latest(`${name}${index}`)).join(' + '),
      label,
      period: PERIOD,
      usingMetrics: Object.fromEntries(queues.map((queue, index) => [`${name}${index}`, metricOf(queue)])),
    });
  return {
    waiting: sum('visible', 'waiting', (queue) => queue.metricApproximateNumberOfMessagesVisible({ period: PERIOD })),
    held: sum('hidden', 'in work', (queue) => queue.metricApproximateNumberOfMessagesNotVisible({ period: PERIOD })),
    running: new MathExpression({
      expression: latest('samples'),
      label: 'running tasks',
      period: PERIOD,
      usingMetrics: { samples: samplesOfTasks(service, { period: PERIOD }) },
    }),
  };
}
