import { Annotations, type Duration, Stack } from 'aws-cdk-lib';
import type { Metric, MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import { Connections, type IConnectable } from 'aws-cdk-lib/aws-ec2';
import type { FargateTaskDefinition } from 'aws-cdk-lib/aws-ecs';
import type { IRole } from 'aws-cdk-lib/aws-iam';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import { Schedule, type ScheduleExpression, TimeWindow } from 'aws-cdk-lib/aws-scheduler';
import type { IQueue, Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { acknowledge } from '../core/acknowledge';
import { Checks } from '../core/checks';
import { checkEffects, type Effects, type NoEffect, voidBeside, voidWith } from '../core/effects';
import { checkKinds } from '../core/kinds';
import { namesInProfile, profileValues } from '../core/profile';
import { deadLetterQueue } from '../core/queue';
import type { DatabaseAccess } from '../database/database-access';
import { checkProcess, HardenedTask } from './private/hardened-task';
import type { ProcessProps, TemporaryStorageOptions } from './process-props';
import { checkFargateSize } from './task/fargate-size';
import { checkSchedule, taskTarget } from './task/schedule';
import { schedulerRole } from './task/scheduler-role';
import { reportFailures } from './task/task-failure-rule';

/** What a scheduled command runs, and when. */
export interface ScheduledCommandOptions extends TemporaryStorageOptions {
  /** When it runs, with the time zone. */
  readonly schedule: ScheduleExpression;
  /** The program and its arguments, in exec form. */
  readonly command: string[];
  /**
   * CPU units of the task; 1024 is one vCPU.
   *
   * @default - that of workers, from the profile
   */
  readonly cpu?: number;
  /**
   * Memory of the task in MiB.
   *
   * Must form a pair with `cpu` that Fargate sells.
   *
   * @default - that of workers, from the profile
   */
  readonly memoryLimitMiB?: number;
  /**
   * Power that the process has in the database.
   *
   * `OWNER` is for what makes schemas or tables at run time. Everything else reads and changes rows.
   *
   * @default DatabaseAccess.READ_WRITE
   */
  readonly databaseAccess?: DatabaseAccess;
  /**
   * Whether the schedule is on.
   *
   * @default true
   */
  readonly enabled?: boolean;
  /**
   * Time after the scheduled moment within which the command may start.
   *
   * @default - it starts on time
   */
  readonly flexibleTimeWindow?: Duration;
  /**
   * How often starting the task is tried again, 0 to 185 times.
   *
   * A task that started is not run again.
   *
   * @default 3
   */
  readonly retryAttempts?: number;
  /**
   * For how long starting the task is tried again, from a minute to a day.
   *
   * @default Duration.hours(1)
   */
  readonly maxEventAge?: Duration;
  /**
   * Queue that failures are reported to.
   *
   * Several commands may share it. The policy of an imported queue must let
   * `events.amazonaws.com` send to it.
   *
   * @default - a new one
   */
  readonly deadLetterQueue?: IQueue;
}

/** Properties of `ScheduledCommand`. */
export interface ScheduledCommandProps extends ProcessProps, ScheduledCommandOptions {}

/**
 * A command of the application that runs at set times in a task of its own, in place of cron.
 *
 * Makes a hardened task definition, a schedule and one queue for reports of both kinds of failure: the ECS
 * task could not be started, or the program ended with another status than 0. An alarm on `metricFailures()`
 * is therefore enough.
 *
 * **EventBridge Scheduler may start a run twice: the command must be safe to run twice.** ECS sets no limit
 * on how long a run takes. Where a command can hang, let the program itself end it, for example `timeout 3600
 * python manage.py …`.
 *
 * @example
 * declare const cluster: ecs.Cluster;
 *
 * new ScheduledCommand(this, 'ClearSessions', {
 *   cluster,
 *   image: ecs.ContainerImage.fromAsset('app'),
 *   settingsModule: 'config.settings',
 *   command: ['python', 'manage.py', 'clearsessions'],
 *   schedule: scheduler.ScheduleExpression.cron({ minute: '30', hour: '3', timeZone: TimeZone.EUROPE_VIENNA }),
 * });
 *
 * @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/tasks-scheduled-eventbridge-scheduler.html
 */
export class ScheduledCommand extends Construct implements IConnectable {
  /** The schedule. */
  public readonly schedule: Schedule;
  /** The task definition that it runs. */
  public readonly taskDefinition: FargateTaskDefinition;
  /** IAM role of the running process. */
  public readonly taskRole: IRole;
  /** Log group of the process. */
  public readonly logGroup: ILogGroup;
  /** Queue that failures are reported to. */
  public readonly deadLetterQueue: IQueue;
  /** Security group of the process, for rules of your own. */
  public readonly connections: Connections;

  constructor(scope: Construct, id: string, props: ScheduledCommandProps) {
    super(scope, id);
    checkKinds(this, 'ScheduledCommandProps', props);

    const profile = profileValues(props.profile);
    const cpu = props.cpu ?? profile.workerCpu;
    const memoryLimitMiB = props.memoryLimitMiB ?? profile.workerMemoryLimitMiB;
    validate(this, props, cpu, memoryLimitMiB);

    const task = new HardenedTask(this, 'Task', {
      kind: 'scheduled',
      process: props,
      command: props.command,
      databaseAccess: props.databaseAccess,
      cpu,
      memoryLimitMiB,
      temporaryStorage: props.temporaryStorage,
    });
    this.deadLetterQueue = props.deadLetterQueue ?? queueOfFailures(this, props);
    const reports = reportFailures(this, task, props.cluster.clusterArn, this.deadLetterQueue);
    if (reports.length === 1) {
      Annotations.of(this).addWarningV2(
        'cdk-django-fargate:deadLetterQueueOfOthers',
        'The policy of `deadLetterQueue` cannot be changed from here: let events.amazonaws.com send to it, or failures of the program go unnoticed.',
      );
    }
    const role = schedulerRole(this, task, props.cluster, this.deadLetterQueue);
    this.schedule = new Schedule(this, 'Schedule', {
      schedule: props.schedule,
      description: this.node.path,
      enabled: props.enabled ?? true,
      timeWindow: props.flexibleTimeWindow && TimeWindow.flexible(props.flexibleTimeWindow),
      target: {
        bind: () =>
          taskTarget({ cluster: props.cluster, task, role, deadLetterQueue: this.deadLetterQueue, retry: props }),
      },
    });
    // A nested stack cannot wait for the policy of a queue outside, which waits for the rule inside.
    const before = reports.filter((report) => Construct.isConstruct(report) && Stack.of(report) === Stack.of(this));
    this.schedule.node.addDependency(role, ...task.prerequisites, ...before, ...(props.waitFor ?? []));

    this.taskDefinition = task.taskDefinition;
    this.taskRole = task.taskRole;
    this.logGroup = task.logGroup;
    this.connections = new Connections({ securityGroups: [task.securityGroup] });
  }

  /**
   * Reports of failures that are still in the queue.
   *
   * Anything above 0 is worth a look. Maximum over 5 minutes unless changed.
   */
  public metricFailures(options?: MetricOptions): Metric {
    return this.deadLetterQueue.metricApproximateNumberOfMessagesVisible(options);
  }
}

const NOTHING_MADE: NoEffect<ScheduledCommandProps> = {
  when: ({ logGroup, deadLetterQueue }) => logGroup !== undefined && deadLetterQueue !== undefined,
  must: 'be left out with `logGroup` and `deadLetterQueue`',
  remedy: 'It would have no effect: it is for the log group and the queue that are made where none is brought.',
};

/** What only has an effect beside other props. */
const EFFECTS: Effects<ScheduledCommandProps> = {
  maxEventAge: [
    voidWith('retryAttempts: 0', ({ retryAttempts }) => retryAttempts === 0, 'starting the task is tried once'),
  ],
  logRetention: [voidBeside('logGroup', 'it is for the log group that is made where none is brought')],
  encryptionKey: [NOTHING_MADE],
  removalPolicy: [NOTHING_MADE],
};

function validate(scope: Construct, props: ScheduledCommandProps, cpu: number, memoryLimitMiB: number): void {
  const checks = new Checks(scope).called(
    namesInProfile(props, { cpu: 'workerCpu', memoryLimitMiB: 'workerMemoryLimitMiB' }),
  );
  checkProcess(checks, props);
  checkFargateSize(checks, cpu, memoryLimitMiB);
  checkEffects(checks, props, EFFECTS);
  checkSchedule(checks, 'schedule', props.schedule);
  checks
    .integer('retryAttempts', props.retryAttempts, {
      min: 0,
      max: 185,
      remedy: 'Three attempts outlast a throttled start.',
    })
    .duration('maxEventAge', props.maxEventAge, {
      whole: 'seconds',
      min: 60,
      max: 86400,
      remedy: 'An hour suits most commands.',
    })
    .duration('flexibleTimeWindow', props.flexibleTimeWindow, {
      whole: 'minutes',
      min: 1,
      max: 1440,
      remedy: 'Leave it out for commands that must start on time.',
    })
    .optional('deadLetterQueue', props.deadLetterQueue?.node.path, () => props.deadLetterQueue?.fifo !== true, {
      must: 'be a standard queue',
      remedy: 'EventBridge Scheduler does not send to FIFO queues.',
    })
    .throwIfAny();
}

/**
 * The queue that the failures of a command are reported to.
 *
 * @internal
 */
export function queueOfFailures(
  scope: Construct,
  props: Pick<ScheduledCommandProps, 'encryptionKey' | 'profile' | 'removalPolicy'>,
): Queue {
  const queue = deadLetterQueue(scope, 'DeadLetters', {
    encryptionKey: props.encryptionKey,
    removalPolicy: props.removalPolicy ?? profileValues(props.profile).removalPolicy,
  });
  acknowledge(
    queue,
    'SQS3',
    'This is the dead-letter queue of a schedule, which the rule does not know; its messages are read by people, after an alarm.',
  );
  return queue;
}
