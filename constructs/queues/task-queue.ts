import { Duration, type RemovalPolicy } from 'aws-cdk-lib';
import { type Metric, type MetricOptions, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { type IQueue, RedrivePermission } from 'aws-cdk-lib/aws-sqs';
import { Construct, type IConstruct } from 'constructs';
import { Checks, isUnknown, secondsOf } from '../core/checks';
import { type Profile, profileValues } from '../core/profile';
import { DEAD_LETTER_RETENTION, deadLetterQueue, encryptedQueue } from '../core/queue';

const DEFAULT_TIME_LIMIT = Duration.minutes(25);
const MOST_VISIBILITY_SECONDS = 12 * 3600;

/** A queue of tasks and the queue where messages go that no worker could finish. */
export interface ITaskQueue extends IConstruct {
  /** Where tasks wait. */
  readonly queue: IQueue;
  /** Where messages go that were received too often without being finished. Always there unless the queue is imported. */
  readonly deadLetterQueue?: IQueue;
  /** How long a task may run at most: workers kill it after that. */
  readonly taskTimeLimit: Duration;
  /** How long a received message stays hidden from other workers. */
  readonly visibilityTimeout: Duration;
  /** Lets a process post tasks. */
  grantSend(grantee: IGrantable): Grant;
  /** Lets a process receive tasks and mark them as done. */
  grantConsume(grantee: IGrantable): Grant;
  /** Age in seconds of the oldest task that waits. Messages received three times or more do not count. */
  metricApproximateAgeOfOldestMessage(options?: MetricOptions): Metric;
  /** Tasks that wait. */
  metricApproximateNumberOfMessagesVisible(options?: MetricOptions): Metric;
  /** Tasks that a worker has received and not finished yet. */
  metricApproximateNumberOfMessagesNotVisible(options?: MetricOptions): Metric;
  /** Messages in the dead-letter queue; undefined when an imported queue has none. */
  metricDeadLetters(options?: MetricOptions): Metric | undefined;
}

/** What can be chosen for one queue. */
export interface TaskQueueOptions {
  /**
   * How long a task of this queue may run, in whole seconds. Workers of the queue stop a task after that, so it decides how
   * long a message is hidden. @default Duration.minutes(25)
   */
  readonly taskTimeLimit?: Duration;
  /**
   * How long a received message stays hidden from other workers: at least the time limit and a margin (a fifth of the limit,
   * no less than 4 seconds, no more than 5 minutes), at most 12 hours. @default - the time limit and the margin: 30 minutes
   */
  readonly visibilityTimeout?: Duration;
  /**
   * The longest `countdown` or `eta` that tasks of this queue are posted with. The worker holds such a message hidden until its
   * time has come, so it must not exceed the visibility timeout. @default - not checked
   */
  readonly maxEta?: Duration;
  /** How long a task waits at most before SQS drops it; less than the 14 days of the dead-letter queue. @default Duration.days(4) */
  readonly retentionPeriod?: Duration;
  /**
   * How often a message may be received before it goes to the dead-letter queue, 3 to 1000. Deployments and interrupted Spot
   * tasks legitimately receive a message again. @default 5
   */
  readonly maxReceiveCount?: number;
}

/** Properties of `TaskQueue`. */
export interface TaskQueueProps extends TaskQueueOptions {
  /** Where defaults come from. @default Profile.production() */
  readonly profile?: Profile;
  /** Key of both queues. @default - a key managed by SQS */
  readonly encryptionKey?: IKey;
  /** What happens to both queues when they leave the stack. @default - by profile: production RETAIN, development DESTROY */
  readonly removalPolicy?: RemovalPolicy;
}

/** What is known about a queue that is made elsewhere. */
export interface TaskQueueAttributes {
  /** The queue; not FIFO. */
  readonly queue: IQueue;
  /** Its dead-letter queue. @default - none is known */
  readonly deadLetterQueue?: IQueue;
  /** Its visibility timeout as set in SQS. */
  readonly visibilityTimeout: Duration;
  /** How long a task may run. @default Duration.minutes(25) */
  readonly taskTimeLimit?: Duration;
}

/**
 * What queues made here and elsewhere have in common.
 *
 * The grants are ours because those of `Queue` give `kms:ReEncrypt*`, `kms:GenerateDataKey*` and more, and kombu needs none of it.
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
 * One SQS queue for Celery tasks and its dead-letter queue: encrypted, TLS only, long polling, hidden for as long as a task
 * may run.
 *
 * Queues are standard queues: Celery gains nothing from FIFO ones. Their names are left to CloudFormation.
 *
 * @example
 * const queue = new TaskQueue(this, 'Reports', { taskTimeLimit: Duration.hours(1) });
 * queue.metricDeadLetters();
 *
 * @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
 */
export class TaskQueue extends TaskQueueBase {
  /** Uses a queue that is made elsewhere. */
  public static fromTaskQueueAttributes(scope: Construct, id: string, attrs: TaskQueueAttributes): ITaskQueue {
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

  constructor(scope: Construct, id: string, props: TaskQueueProps = {}) {
    super(scope, id);
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
      // Nobody's dead letters belong among the tasks. (The dead-letter queue cannot name this queue in turn: that is a circular
      // reference unless one of them has a fixed name.)
      redriveAllowPolicy: { redrivePermission: RedrivePermission.DENY_ALL },
    });

    this.queue = queue;
    this.deadLetterQueue = deadLetters;
    this.taskTimeLimit = taskTimeLimit;
    this.visibilityTimeout = visibilityTimeout;
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
    ? grant.combine(queue.encryptionMasterKey.grant(grantee, ...needed.keyActions))
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
  if ([taskTimeLimit, visibilityTimeout, maxReceiveCount].some(isUnknown)) {
    checks.throwIfAny();
    return;
  }
  const visible = secondsOf(visibilityTimeout ?? withMargin(taskTimeLimit));
  const received = visible * maxReceiveCount;
  checks
    .duration('maxEta', maxEta, {
      min: 0,
      max: visible,
      where: `(the visibility timeout of ${visible} seconds)`,
      remedy: 'Raise `visibilityTimeout`, or start such tasks from EventBridge Scheduler.',
    })
    .optional('retentionPeriod', retentionPeriod, () => !(secondsOf(retentionPeriod) < received), {
      must: `be at least \`maxReceiveCount\` times the visibility timeout, ${received} seconds`,
      remedy:
        'Otherwise a poison message expires before it reaches the dead-letter queue: raise it, or receive less often.',
    })
    .throwIfAny();
}

/** The time limit of tasks and the time that a message is hidden, against each other. */
function checkTimes(checks: Checks, taskTimeLimit: Duration, visibilityTimeout?: Duration): Checks {
  checks.duration('taskTimeLimit', taskTimeLimit, {
    whole: 'seconds',
    min: 1,
    max: MOST_VISIBILITY_SECONDS - 300,
    remedy: 'SQS hides a message for 12 hours at most: split longer tasks.',
  });
  if (isUnknown(taskTimeLimit)) {
    return checks.that('visibilityTimeout', visibilityTimeout, visibilityTimeout !== undefined, {
      must: 'be given when `taskTimeLimit` is only known at deployment',
      remedy: 'Give it, at least a fifth longer than the limit.',
    });
  }
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
