import { type RemovalPolicy, Stack } from 'aws-cdk-lib';
import type { Grant, IGrantable } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct, type IConstruct } from 'constructs';
import { Checks, isUnknown, secondsOf } from '../core/checks';
import type { ContractVariable } from '../core/contract';
import { checkEffects, type Effects, voidWith } from '../core/effects';
import { checkKinds } from '../core/kinds';
import type { Profile } from '../core/profile';
import { type ITaskQueue, longestCountdown, TaskQueue, type TaskQueueOptions } from './task-queue';

/**
 * kombu looks a queue up under its name with other punctuation replaced (`a.b` becomes `a-b`) and would not
 * find it.
 */
const QUEUE_NAME = /^[A-Za-z][A-Za-z0-9_-]{0,79}$/;

/**
 * How long SQS may take, in seconds, for botocore (kombu 5.6 and later).
 *
 * Its own minutes hang every request that posts a task, and keep a worker from its liveness file until ECS
 * replaces it. Two attempts, because SQS may have closed a connection that was kept.
 */
const CLIENT_CONFIG = {
  connect_timeout: 2,
  read_timeout: 4,
  retries: { mode: 'standard', total_max_attempts: 2 },
};

/** Characters that are left for queues in the policy of a process, of which IAM allows 6,144. */
const ROOM_IN_POLICY = 5000;
/** Characters of the ARN of a queue beside its name, with quotes and comma. */
const ARN = 48;
/** What CloudFormation puts behind the name of a stack and a logical id, with two dashes. */
const SUFFIX = 14;
const LONGEST_QUEUE_NAME = 80;

/** The named queues of an application as one Celery broker. */
export interface ICeleryBroker extends IConstruct {
  /** The queues, by the name that Celery uses. */
  readonly queues: { [name: string]: ITaskQueue };
  /** Name of the queue for tasks that name none. */
  readonly defaultQueueName: string;
  /** Environment variables of every process that posts or runs Celery tasks. */
  readonly containerEnvironment: { [name: string]: string };
  /** Grants permission to post tasks to every queue. */
  grantProduce(grantee: IGrantable): Grant;
  /**
   * Grants permission to receive tasks of the named queues, and to post them again for a retry.
   *
   * All queues when none is named.
   */
  grantConsume(grantee: IGrantable, ...queueNames: string[]): Grant;
}

/** Properties of `CeleryBroker`. */
export interface CeleryBrokerProps {
  /**
   * Queues to create, by name: letters, digits, dashes and underscores.
   *
   * **Renaming a queue replaces it: tasks that wait in the old one are lost, or left behind when it is
   * retained.**
   *
   * @default - one queue named `default`, unless there are `existingQueues`
   */
  readonly queues?: { [name: string]: TaskQueueOptions };
  /**
   * Existing queues, by name.
   *
   * @default - none
   */
  readonly existingQueues?: { [name: string]: ITaskQueue };
  /**
   * Name of the queue for tasks that name none.
   *
   * @default - `default`, or the only queue
   */
  readonly defaultQueueName?: string;
  /**
   * Environment whose defaults apply.
   *
   * @default Profile.production()
   */
  readonly profile?: Profile;
  /**
   * KMS key of the queues that are created.
   *
   * @default - a key managed by SQS
   */
  readonly encryptionKey?: IKey;
  /**
   * What happens to the created queues when they leave the stack.
   *
   * **DESTROY deletes the tasks in them.**
   *
   * @default - by profile: production RETAIN_ON_UPDATE_OR_DELETE, development DESTROY
   */
  readonly removalPolicy?: RemovalPolicy;
}

/**
 * SQS as the broker of Celery: for each name a queue with its dead-letter queue, and the variables that make
 * kombu use these queues and no others.
 *
 * SQS has no priorities. Use a queue and a worker service for each class of work.
 *
 * @example
 * const broker = new CeleryBroker(this, 'Broker', {
 *   queues: { default: {}, express: { taskTimeLimit: Duration.seconds(4), maxReceiveCount: 3 } },
 * });
 *
 * @see https://docs.celeryq.dev/en/stable/getting-started/backends-and-brokers/sqs.html
 */
export class CeleryBroker extends Construct implements ICeleryBroker {
  public readonly queues: { [name: string]: ITaskQueue };
  public readonly defaultQueueName: string;
  public readonly containerEnvironment: { [name: string]: string };

  constructor(scope: Construct, id: string, props: CeleryBrokerProps = {}) {
    super(scope, id);
    checkKinds(this, 'CeleryBrokerProps', props);
    const given = props.queues ?? (props.existingQueues ? {} : { default: {} });
    const names = [...Object.keys(given), ...Object.keys(props.existingQueues ?? {})];
    const defaultQueueName = props.defaultQueueName ?? (names.length === 1 ? names[0] : 'default');
    validate(this, props, names, defaultQueueName);

    const made = Object.entries(given).map(([name, options]) => [
      name,
      new TaskQueue(this, name, {
        ...options,
        profile: props.profile,
        encryptionKey: props.encryptionKey,
        removalPolicy: props.removalPolicy,
      }),
    ]);
    this.queues = { ...Object.fromEntries(made), ...props.existingQueues };
    this.defaultQueueName = defaultQueueName;
    this.containerEnvironment = environment(Stack.of(this), this.queues, defaultQueueName);
  }

  public grantProduce(grantee: IGrantable): Grant {
    return combined(Object.values(this.queues).map((queue) => queue.grantSend(grantee)));
  }

  public grantConsume(grantee: IGrantable, ...queueNames: string[]): Grant {
    checkKnown(this, this.queues, queueNames);
    const names = queueNames.length > 0 ? queueNames : Object.keys(this.queues);
    const queues = names.map((name) => this.queues[name]);
    return combined(queues.flatMap((queue) => [queue.grantConsume(grantee), queue.grantSend(grantee)]));
  }
}

function countdownOf({ visibilityTimeout, taskTimeLimit }: Pick<ITaskQueue, 'visibilityTimeout' | 'taskTimeLimit'>) {
  return isUnknown(visibilityTimeout) || isUnknown(taskTimeLimit)
    ? undefined
    : longestCountdown(secondsOf(visibilityTimeout), secondsOf(taskTimeLimit));
}

function environment(
  stack: Stack,
  queues: { [name: string]: ITaskQueue },
  defaultQueueName: string,
): { [name: string]: string } {
  const predefined = Object.entries(queues).map(([name, { queue, maxReceiveCount, ...times }]) => [
    name,
    // kombu does not read the last two; `runtime/` does.
    { url: queue.queueUrl, longest_countdown: countdownOf(times), max_receive_count: maxReceiveCount },
  ]);
  return {
    CELERY_BROKER_URL: 'sqs://',
    CELERY_BROKER_TRANSPORT_OPTIONS: stack.toJsonString({
      region: stack.region,
      wait_time_seconds: 20,
      'client-config': CLIENT_CONFIG,
      predefined_queues: Object.fromEntries(predefined),
    }),
    CELERY_TASK_DEFAULT_QUEUE: defaultQueueName,
  } satisfies { [name in ContractVariable]?: string };
}

function combined(grants: Grant[]): Grant {
  return grants.reduce((all, grant) => all.combine(grant));
}

const NOTHING_MADE = voidWith<CeleryBrokerProps>(
  'existingQueues',
  ({ queues, existingQueues }) => existingQueues !== undefined && Object.keys(queues ?? {}).length === 0,
  'it is for queues that are made here',
);
const EFFECTS: Effects<CeleryBrokerProps> = {
  encryptionKey: [NOTHING_MADE],
  removalPolicy: [NOTHING_MADE],
};

function validate(scope: Construct, props: CeleryBrokerProps, names: string[], defaultQueueName: string): void {
  const checks = new Checks(scope);
  checkEffects(checks, props, EFFECTS);
  checks.that('queues', names, names.length > 0, {
    must: 'name at least one queue',
    remedy: "Leave it out for one queue named 'default'.",
  });
  const most = mostQueues(scope, names);
  checks.that('queues', names.length, names.length <= most, {
    must: `be at most ${most} with names as long as these`,
    remedy:
      'The policy that lets a process post to all of them holds no more: let several kinds of work share a queue.',
  });
  for (const name of new Set(names)) {
    const made = props.queues?.[name] !== undefined || props.existingQueues?.[name] === undefined;
    checks.matches(made ? 'queues' : 'existingQueues', name, QUEUE_NAME, {
      must: 'have names of at most 80 letters, digits, dashes and underscores that begin with a letter',
      remedy: 'kombu does not find queues with other names.',
    });
    checks.partName(made ? 'queues' : 'existingQueues', name);
    checks.that('existingQueues', name, names.filter((other) => other === name).length === 1, {
      must: 'not repeat a name of `queues`',
      remedy: 'Rename one of them.',
    });
  }
  if (names.length > 0) {
    checks.that('defaultQueueName', defaultQueueName, names.includes(defaultQueueName), {
      must: `be one of the queues ${names.join(', ')}`,
      remedy: 'Name one of them, or add a queue of that name.',
    });
  }
  checks.throwIfAny();
}

/** How many queues fit into the policy of a process. */
function mostQueues(scope: Construct, names: string[]): number {
  const before = `${Stack.of(scope).stackName}${scope.node.path}/`.length + '/Queue'.length + SUFFIX;
  const longest = Math.max(0, ...names.map(({ length }) => length));
  return Math.floor(ROOM_IN_POLICY / (ARN + Math.min(LONGEST_QUEUE_NAME, before + longest)));
}

function checkKnown(scope: Construct, queues: { [name: string]: ITaskQueue }, names: string[]): void {
  const checks = new Checks(scope);
  for (const name of names) {
    checks.that('queueNames', name, queues[name] !== undefined, {
      must: `be among the queues ${Object.keys(queues).join(', ')}`,
      remedy: 'Add the queue to the broker, or correct the name.',
    });
  }
  checks.throwIfAny();
}
