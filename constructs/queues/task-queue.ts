import { Duration, type RemovalPolicy } from 'aws-cdk-lib';
import { type Metric, type MetricOptions, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { type IQueue, RedrivePermission } from 'aws-cdk-lib/aws-sqs';
import { Construct, type IConstruct } from 'constructs';
import { Checks, secondsOf } from '../core/checks';
import { grantKeyVia } from '../core/key-policy';
import { checkKinds, pathOf } from '../core/kinds';
import { type Profile, profileValues } from '../core/profile';
import { DEAD_LETTER_RETENTION, deadLetterQueue, encryptedQueue } from '../core/queue';

const DEFAULT_TIME_LIMIT = Duration.minutes(25);
const MOST_VISIBILITY_SECONDS = 12 * 3600;

/** A queue of Celery tasks, and the dead-letter queue for messages that no worker could finish. */
export interface ITaskQueue extends IConstruct {
  /** The queue that tasks wait in. */
  readonly queue: IQueue;
  /**
   * Queue for messages that were received `maxReceiveCount` times and never finished.
   *
   * An imported queue may have none.
   */
  readonly deadLetterQueue?: IQueue;
  /** Longest time that a task may run. Workers kill it after that. */
  readonly taskTimeLimit: Duration;
  /** How long a received message stays hidden from other workers. */
  readonly visibilityTimeout: Duration;
  /**
   * How often a message is received before it moves to the dead-letter queue.
   *
   * Undefined for an imported queue.
   */
  readonly maxReceiveCount?: number;
  /** Grants permission to post tasks. */
  grantSend(grantee: IGrantable): Grant;
  /** Grants permission to receive tasks and to delete them when they are done. */
  grantConsume(grantee: IGrantable): Grant;
  /** Age in seconds of the oldest task that waits. Messages received three times or more do not count. */
  metricApproximateAgeOfOldestMessage(options?: MetricOptions): Metric;
  /** Number of tasks that wait. */
  metricApproximateNumberOfMessagesVisible(options?: MetricOptions): Metric;
  /** Number of tasks that a worker has received and not finished. */
  metricApproximateNumberOfMessagesNotVisible(options?: MetricOptions): Metric;
  /** Number of messages in the dead-letter queue. Undefined when an imported queue has no such queue. */
  metricDeadLetters(options?: MetricOptions): Metric | undefined;
}

/** Options of a queue. */
export interface TaskQueueOptions {
  /**
   * Longest time that a task of this queue may run, in whole seconds.
   *
   * Workers kill a task after that, and the visibility timeout follows from it.
   *
   * @default Duration.minutes(25)
   */
  readonly taskTimeLimit?: Duration;
  /**
   * How long a received message stays hidden from other workers, in whole seconds.
   *
   * At least the time limit and a margin (a fifth of the limit, no less than 4 seconds, no more than 5
   * minutes), at most 12 hours.
   *
   * @default - the time limit and the margin: 30 minutes
   */
  readonly visibilityTimeout?: Duration;
  /**
   * Longest `countdown` or `eta` of tasks in this queue.
   *
   * With `django-fargate` SQS keeps it for 15 minutes and hides it for the rest. Where a worker must hold it
   * instead, what is left of the visibility timeout must be enough for the task itself, or a second worker
   * starts it as well.
   *
   * @default - not checked
   */
  readonly maxEta?: Duration;
  /**
   * Longest time that a task may wait, in whole seconds; less than the 14 days of the dead-letter queue.
   *
   * **SQS deletes a task that waits longer.**
   *
   * @default Duration.days(4)
   */
  readonly retentionPeriod?: Duration;
  /**
   * How often a message is received before it moves to the dead-letter queue, 3 to 1000.
   *
   * Deployments and Spot interruptions make a message be received again without any fault of its own.
   *
   * @default 5
   */
  readonly maxReceiveCount?: number;
}

/** Properties of `TaskQueue`. */
export interface TaskQueueProps extends TaskQueueOptions {
  /**
   * Environment whose defaults apply.
   *
   * @default Profile.production()
   */
  readonly profile?: Profile;
  /**
   * KMS key of both queues.
   *
   * @default - a key managed by SQS
   */
  readonly encryptionKey?: IKey;
  /**
   * What happens to both queues when they leave the stack.
   *
   * **DESTROY deletes the tasks in them.**
   *
   * @default - by profile: production RETAIN_ON_UPDATE_OR_DELETE, development DESTROY
   */
  readonly removalPolicy?: RemovalPolicy;
}

/** What must be known about an existing queue. */
export interface TaskQueueAttributes {
  /** The queue, a standard queue. */
  readonly queue: IQueue;
  /**
   * Its dead-letter queue.
   *
   * @default - none is known
   */
  readonly deadLetterQueue?: IQueue;
  /** Its visibility timeout as set in SQS. */
  readonly visibilityTimeout: Duration;
  /**
   * Longest time that a task may run.
   *
   * @default Duration.minutes(25)
   */
  readonly taskTimeLimit?: Duration;
}

/**
 * Grants and metrics of created and imported queues.
 *
 * The grants of `Queue` are not used, because they include `kms:ReEncrypt*`, `kms:GenerateDataKey*` and more,
 * which kombu does not need.
 *
 * @internal
 */
abstract class TaskQueueBase extends Construct implements ITaskQueue {
  public abstract readonly queue: IQueue;
  public abstract readonly deadLetterQueue?: IQueue;
  public abstract readonly taskTimeLimit: Duration;
  public abstract readonly visibilityTimeout: Duration;

  public grantSend(grantee: IGrantable): Grant {
    return grantOn(this.queue, grantee, {
      actions: ['sqs:SendMessage', 'sqs:GetQueueAttributes'],
      keyActions: ['kms:Decrypt', 'kms:GenerateDataKey'],
    });
  }

  public grantConsume(grantee: IGrantable): Grant {
    return grantOn(this.queue, grantee, {
      actions: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:ChangeMessageVisibility', 'sqs:GetQueueAttributes'],
      keyActions: ['kms:Decrypt'],
    });
  }

  public metricApproximateAgeOfOldestMessage(options?: MetricOptions): Metric {
    return this.queue.metricApproximateAgeOfOldestMessage(everyMinute(options));
  }

  public metricApproximateNumberOfMessagesVisible(options?: MetricOptions): Metric {
    return this.queue.metricApproximateNumberOfMessagesVisible(everyMinute(options));
  }

  public metricApproximateNumberOfMessagesNotVisible(options?: MetricOptions): Metric {
    return this.queue.metricApproximateNumberOfMessagesNotVisible(everyMinute(options));
  }

  public metricDeadLetters(options?: MetricOptions): Metric | undefined {
    return this.deadLetterQueue?.metricApproximateNumberOfMessagesVisible(everyMinute(options));
  }
}

/**
 * One SQS queue for Celery tasks with its dead-letter queue: encrypted, TLS only, long polling, with a
 * visibility timeout that covers the longest task.
 *
 * Both are standard queues, because Celery gains nothing from FIFO queues. CloudFormation generates their
 * names.
 *
 * @example
 * const queue = new TaskQueue(this, 'Reports', { taskTimeLimit: Duration.hours(1) });
 * queue.metricDeadLetters();
 *
 * @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
 */
export class TaskQueue extends TaskQueueBase {
  /** Uses an existing queue. */
  public static fromTaskQueueAttributes(scope: Construct, id: string, attrs: TaskQueueAttributes): ITaskQueue {
    checkKinds(pathOf(scope, id), 'TaskQueueAttributes', attrs);
    const taskTimeLimit = attrs.taskTimeLimit ?? DEFAULT_TIME_LIMIT;
    class Import extends TaskQueueBase {
      public readonly queue = attrs.queue;
      public readonly deadLetterQueue = attrs.deadLetterQueue;
      public readonly taskTimeLimit = taskTimeLimit;
      public readonly visibilityTimeout = attrs.visibilityTimeout;
    }
    const queue = new Import(scope, id);
    const checks = new Checks(queue).that('queue', attrs.queue.node.path, !attrs.queue.fifo, {
      must: 'be a standard queue',
      remedy: 'FIFO queues are not supported; make a standard one.',
    });
    checkTimes(checks, taskTimeLimit, attrs.visibilityTimeout).throwIfAny();
    return queue;
  }

  public readonly queue: IQueue;
  public readonly deadLetterQueue?: IQueue;
  public readonly taskTimeLimit: Duration;
  public readonly visibilityTimeout: Duration;
  /** How often a message is received before it moves to the dead-letter queue. */
  public readonly maxReceiveCount?: number;

  constructor(scope: Construct, id: string, props: TaskQueueProps = {}) {
    super(scope, id);
    checkKinds(this, 'TaskQueueProps', props);
    const taskTimeLimit = props.taskTimeLimit ?? DEFAULT_TIME_LIMIT;
    const retentionPeriod = props.retentionPeriod ?? Duration.days(4);
    const maxReceiveCount = props.maxReceiveCount ?? 5;
    validate(this, { ...props, taskTimeLimit, retentionPeriod, maxReceiveCount });

    const visibilityTimeout = props.visibilityTimeout ?? withMargin(taskTimeLimit);
    const common = {
      encryptionKey: props.encryptionKey,
      removalPolicy: props.removalPolicy ?? profileValues(props.profile).removalPolicy,
    };
    const deadLetters = deadLetterQueue(this, 'DeadLetters', common);
    const queue = encryptedQueue(this, 'Queue', {
      ...common,
      visibilityTimeout,
      retentionPeriod,
      receiveMessageWaitTime: Duration.seconds(20),
      deadLetterQueue: { queue: deadLetters, maxReceiveCount },
      // No other queue may use this one as its dead-letter queue. (The dead-letter queue cannot name this
      // queue as its only source: that is a circular reference unless one of them has a fixed name.)
      redriveAllowPolicy: { redrivePermission: RedrivePermission.DENY_ALL },
    });

    this.queue = queue;
    this.deadLetterQueue = deadLetters;
    this.taskTimeLimit = taskTimeLimit;
    this.visibilityTimeout = visibilityTimeout;
    this.maxReceiveCount = maxReceiveCount;
  }
}

function grantOn(queue: IQueue, grantee: IGrantable, needed: { actions: string[]; keyActions: string[] }): Grant {
  const grant = Grant.addToPrincipalOrResource({
    grantee,
    actions: needed.actions,
    resourceArns: [queue.queueArn],
    resource: queue,
  });
  return queue.encryptionMasterKey
    ? grant.combine(
        grantKeyVia(
          { service: 'sqs', region: queue.env.region, key: queue.encryptionMasterKey },
          grantee,
          ...needed.keyActions,
        ),
      )
    : grant;
}

function everyMinute(options?: MetricOptions): MetricOptions {
  return { period: Duration.minutes(1), statistic: Stats.MAXIMUM, ...options };
}

function validate(
  scope: Construct,
  props: TaskQueueProps & { taskTimeLimit: Duration; retentionPeriod: Duration; maxReceiveCount: number },
): void {
  const { taskTimeLimit, visibilityTimeout, maxEta, retentionPeriod, maxReceiveCount } = props;
  const checks = new Checks(scope);
  checkTimes(checks, taskTimeLimit, visibilityTimeout);
  checks
    .integer('maxReceiveCount', maxReceiveCount, {
      min: 3,
      max: 1000,
      remedy: 'Deployments and interrupted tasks receive a message again; with less than 3 they end as dead letters.',
    })
    .duration('retentionPeriod', retentionPeriod, {
      whole: 'seconds',
      min: 60,
      max: DEAD_LETTER_RETENTION.toSeconds() - 1,
      remedy: 'The dead-letter queue keeps messages for 14 days from when they were posted, which must be longer.',
    });
  const visible = secondsOf(visibilityTimeout ?? withMargin(taskTimeLimit));
  const received = visible * maxReceiveCount;
  checks
    .duration('maxEta', maxEta, {
      min: 0,
      max: Math.min(visible, longestCountdown(visible, secondsOf(taskTimeLimit))),
      where: `(by the visibility timeout of ${visible} seconds and the time limit)`,
      remedy:
        'Raise `visibilityTimeout`, lower `taskTimeLimit`, or store when a task is due and let one of `beat` post it then.',
    })
    .optional('retentionPeriod', retentionPeriod, () => !(secondsOf(retentionPeriod) < received), {
      must: `be at least \`maxReceiveCount\` times the visibility timeout, ${received} seconds`,
      remedy:
        'Otherwise a poison message expires before it reaches the dead-letter queue: raise it, or receive less often.',
    })
    .throwIfAny();
}

/** Seconds that SQS itself keeps a message back at most. */
const MOST_DELAY = 900;

/**
 * The longest countdown of a task, in seconds: what SQS keeps back, and what a worker may hold so that the
 * task has its whole time limit.
 */
export function longestCountdown(visibilityTimeout: number, taskTimeLimit: number): number {
  return MOST_DELAY + visibilityTimeout - taskTimeLimit;
}

/** Validates the time limit and the visibility timeout against each other. */
function checkTimes(checks: Checks, taskTimeLimit: Duration, visibilityTimeout?: Duration): Checks {
  checks.duration('taskTimeLimit', taskTimeLimit, {
    whole: 'seconds',
    min: 1,
    max: MOST_VISIBILITY_SECONDS - 300,
    remedy: 'SQS hides a message for 12 hours at most: split longer tasks.',
  });
  return checks.duration('visibilityTimeout', visibilityTimeout, {
    whole: 'seconds',
    min: secondsOf(withMargin(taskTimeLimit)),
    max: MOST_VISIBILITY_SECONDS,
    where: '(the task time limit and a margin; 12 hours)',
    remedy:
      'A message that shows up again while its task still runs is done twice: raise it, or lower `taskTimeLimit`.',
  });
}

/** The time limit and a fifth of it, no less than 4 seconds and no more than 5 minutes. */
function withMargin(taskTimeLimit: Duration): Duration {
  const limit = secondsOf(taskTimeLimit);
  return Duration.seconds(Math.ceil(limit + Math.max(4, Math.min(300, limit / 5))));
}
