import { Duration, Lazy, RemovalPolicy } from 'aws-cdk-lib';
import { ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { Profile } from '../../constructs/core/profile';
import { WorkloadRole } from '../../constructs/core/workload-role';
import { TaskQueue } from '../../constructs/queues/task-queue';
import { errorOf, Match, only, templateOf, testStack } from '../support';

const role = (stack: ReturnType<typeof testStack>) =>
  new WorkloadRole(stack, 'Role', { assumedBy: new ServicePrincipal('ecs-tasks.amazonaws.com') });

describe('a task queue with nothing chosen', () => {
  const stack = testStack();
  const tasks = new TaskQueue(stack, 'Tasks');
  const template = templateOf(stack);
  const arn = (queue?: { queueArn: string }) => stack.resolve(queue?.queueArn);

  test('hides a message for the 25 minutes of a task and 5 more, and keeps it for 4 days', () => {
    template.hasResourceProperties('AWS::SQS::Queue', {
      VisibilityTimeout: 30 * 60,
      MessageRetentionPeriod: 4 * 86400,
      ReceiveMessageWaitTimeSeconds: 20,
      RedrivePolicy: { deadLetterTargetArn: arn(tasks.deadLetterQueue), maxReceiveCount: 5 },
    });
    expect(tasks.taskTimeLimit.toMinutes()).toBe(25);
    expect(tasks.visibilityTimeout.toMinutes()).toBe(30);
  });

  test('keeps dead letters for longer than tasks, as long as SQS can', () => {
    template.hasResourceProperties('AWS::SQS::Queue', {
      MessageRetentionPeriod: 14 * 86400,
      RedrivePolicy: Match.absent(),
    });
  });

  test('does not serve other queues as their dead-letter queue', () => {
    template.hasResourceProperties('AWS::SQS::Queue', {
      RedrivePolicy: Match.anyValue(),
      RedriveAllowPolicy: { redrivePermission: 'denyAll' },
    });
  });

  test('encrypts both queues, retains them and names neither', () => {
    template.resourceCountIs('AWS::SQS::Queue', 2);
    template.allResources('AWS::SQS::Queue', {
      DeletionPolicy: 'RetainExceptOnCreate',
      UpdateReplacePolicy: 'Retain',
      Properties: Match.objectLike({
        SqsManagedSseEnabled: true,
        QueueName: Match.absent(),
        FifoQueue: Match.absent(),
      }),
    });
  });

  test('refuses requests without TLS on both queues', () => {
    for (const queue of [tasks.queue, tasks.deadLetterQueue]) {
      template.hasResourceProperties('AWS::SQS::QueuePolicy', {
        PolicyDocument: {
          Statement: [
            Match.objectLike({
              Effect: 'Deny',
              Action: 'sqs:*',
              Resource: arn(queue),
              Condition: { Bool: { 'aws:SecureTransport': 'false' } },
            }),
          ],
        },
      });
    }
  });
});

test('everything can be chosen', () => {
  const stack = testStack();
  const key = new Key(stack, 'Key');
  new TaskQueue(stack, 'Tasks', {
    taskTimeLimit: Duration.hours(1),
    visibilityTimeout: Duration.hours(3),
    maxEta: Duration.hours(2),
    retentionPeriod: Duration.days(1),
    maxReceiveCount: 8,
    encryptionKey: key,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  const template = templateOf(stack);
  template.hasResourceProperties('AWS::SQS::Queue', {
    VisibilityTimeout: 3 * 3600,
    MessageRetentionPeriod: 86400,
    RedrivePolicy: Match.objectLike({ maxReceiveCount: 8 }),
  });
  template.allResources('AWS::SQS::Queue', {
    DeletionPolicy: 'Delete',
    Properties: Match.objectLike({ KmsMasterKeyId: stack.resolve(key.keyArn) }),
  });
});

test('development throws queues away with the stack', () => {
  const stack = testStack();
  new TaskQueue(stack, 'Tasks', { profile: Profile.development() });
  templateOf(stack).allResources('AWS::SQS::Queue', { DeletionPolicy: 'Delete' });
});

test.each([
  [Duration.seconds(1), 5],
  [Duration.seconds(4), 8],
  [Duration.seconds(21), 26],
  [Duration.minutes(10), 12 * 60],
  [Duration.minutes(25), 30 * 60],
  [Duration.hours(11), 11 * 3600 + 300],
])('a time limit of %s hides messages for %d seconds', (taskTimeLimit, visible) => {
  expect(new TaskQueue(testStack(), 'Tasks', { taskTimeLimit }).visibilityTimeout.toSeconds()).toBe(visible);
});

describe('grants', () => {
  const grantedOn = (grant: 'grantSend' | 'grantConsume') => {
    const stack = testStack();
    const key = new Key(stack, 'Key');
    const tasks = new TaskQueue(stack, 'Tasks', { encryptionKey: key });
    tasks[grant](role(stack));
    const { resource } = only(templateOf(stack), 'AWS::IAM::ManagedPolicy');
    const statements = resource.Properties.PolicyDocument.Statement as {
      Action: string | string[];
      Resource: unknown;
    }[];
    expect(statements.map(({ Resource }) => Resource)).toEqual([
      stack.resolve(tasks.queue.queueArn),
      stack.resolve(key.keyArn),
    ]);
    return statements.map(({ Action }) => Action);
  };

  test('a producer may send, and use the key for it', () => {
    expect(grantedOn('grantSend')).toEqual([
      ['sqs:SendMessage', 'sqs:GetQueueAttributes'],
      ['kms:Decrypt', 'kms:GenerateDataKey'],
    ]);
  });

  test('a consumer may receive, finish and postpone, and decrypt', () => {
    expect(grantedOn('grantConsume')).toEqual([
      ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:ChangeMessageVisibility', 'sqs:GetQueueAttributes'],
      'kms:Decrypt',
    ]);
  });
});

test('metrics are of the right queue, by the minute', () => {
  const stack = testStack();
  const tasks = new TaskQueue(stack, 'Tasks');
  const shown = (metric = tasks.metricDeadLetters()) => stack.resolve(metric?.toMetricConfig().metricStat);
  const name = (queue = tasks.queue) => ({ name: 'QueueName', value: stack.resolve(queue.queueName) });
  expect(shown(tasks.metricApproximateAgeOfOldestMessage())).toMatchObject({
    metricName: 'ApproximateAgeOfOldestMessage',
    dimensions: [name()],
    statistic: 'Maximum',
    period: Duration.minutes(1),
  });
  expect(shown(tasks.metricApproximateNumberOfMessagesVisible())).toMatchObject({
    metricName: 'ApproximateNumberOfMessagesVisible',
  });
  expect(shown(tasks.metricApproximateNumberOfMessagesNotVisible())).toMatchObject({
    metricName: 'ApproximateNumberOfMessagesNotVisible',
  });
  expect(shown()).toMatchObject({
    metricName: 'ApproximateNumberOfMessagesVisible',
    dimensions: [name(tasks.deadLetterQueue)],
  });
  expect(tasks.metricApproximateNumberOfMessagesVisible({ statistic: 'Sum' }).statistic).toBe('Sum');
});

describe('a queue that is made elsewhere', () => {
  test('is granted and measured as if it were made here', () => {
    const stack = testStack();
    const queue = Queue.fromQueueArn(stack, 'Given', 'arn:aws:sqs:eu-central-1:111122223333:tasks');
    const tasks = TaskQueue.fromTaskQueueAttributes(stack, 'Tasks', {
      queue,
      visibilityTimeout: Duration.minutes(45),
    });
    tasks.grantConsume(role(stack));
    expect(tasks.taskTimeLimit.toMinutes()).toBe(25);
    expect(tasks.metricDeadLetters()).toBeUndefined();
    const template = templateOf(stack);
    template.resourceCountIs('AWS::SQS::Queue', 0);
    template.hasResourceProperties('AWS::IAM::ManagedPolicy', {
      PolicyDocument: { Statement: [Match.objectLike({ Resource: queue.queueArn })] },
    });
  });

  test('fails when it is a FIFO queue', () => {
    const stack = testStack();
    const queue = Queue.fromQueueArn(stack, 'Given', 'arn:aws:sqs:eu-central-1:111122223333:tasks.fifo');
    const message = errorOf(() =>
      TaskQueue.fromTaskQueueAttributes(stack, 'Tasks', { queue, visibilityTimeout: Duration.minutes(45) }),
    );
    expect(message).toContain('Shop/Tasks: `queue` must be a standard queue, got "Shop/Given".');
  });

  test('fails when its messages show up before the task is over', () => {
    const stack = testStack();
    const queue = Queue.fromQueueArn(stack, 'Given', 'arn:aws:sqs:eu-central-1:111122223333:tasks');
    const message = errorOf(() =>
      TaskQueue.fromTaskQueueAttributes(stack, 'Tasks', { queue, visibilityTimeout: Duration.seconds(30) }),
    );
    expect(message).toContain('`visibilityTimeout` must be whole seconds from 1800 to 43200');
  });
});

test('fails when the visibility timeout leaves no margin, and passes one second later', () => {
  const make = (visible: number) =>
    new TaskQueue(testStack(), 'Tasks', {
      taskTimeLimit: Duration.seconds(4),
      visibilityTimeout: Duration.seconds(visible),
    });
  expect(errorOf(() => make(7))).toBe(
    'Shop/Tasks: `visibilityTimeout` must be whole seconds from 8 to 43200 (the task time limit and a margin; 12 hours), got 7 seconds. A message that shows up again while its task still runs is done twice: raise it, or lower `taskTimeLimit`.',
  );
  expect(make(8).visibilityTimeout.toSeconds()).toBe(8);
});

test('fails when a worker would hide a postponed task for so long that its time limit has no room', () => {
  const make = (minutes: number) => new TaskQueue(testStack(), 'Tasks', { maxEta: Duration.minutes(minutes) });
  // SQS keeps it for 15 minutes; 30 of the visibility timeout less 25 of the time limit are 5.
  expect(errorOf(() => make(21))).toContain('`maxEta` must be from 0 to 1200 seconds');
  expect(() => make(20)).not.toThrow();
});

test('fails when dead letters would expire before tasks do', () => {
  const make = (days: number) => new TaskQueue(testStack(), 'Tasks', { retentionPeriod: Duration.days(days) });
  expect(errorOf(() => make(14))).toContain('`retentionPeriod` must be whole seconds from 60 to 1209599');
  expect(() => make(13)).not.toThrow();
});

test('names every problem at once', () => {
  const message = errorOf(() => new TaskQueue(testStack(), 'Tasks', { maxReceiveCount: 1, maxEta: Duration.hours(1) }));
  expect(message.split('\n')).toHaveLength(2);
});

test.each([
  ['taskTimeLimit', { taskTimeLimit: Duration.seconds(Lazy.number({ produce: () => 60 })) }],
  ['visibilityTimeout', { visibilityTimeout: Duration.seconds(Lazy.number({ produce: () => 3600 })) }],
  ['maxReceiveCount', { maxReceiveCount: Lazy.number({ produce: () => 5 }) }],
])('%s must be known, since the times of a queue depend on each other', (prop, props) => {
  expect(errorOf(() => new TaskQueue(testStack(), 'Tasks', props))).toContain(
    `Shop/Tasks: \`${prop}\` must be known at synthesis`,
  );
});

test('times of a queue that is brought must be known, too', () => {
  const stack = testStack();
  const unknown = Duration.seconds(Lazy.number({ produce: () => 3600 }));
  for (const times of [
    { visibilityTimeout: unknown },
    { visibilityTimeout: Duration.hours(1), taskTimeLimit: unknown },
  ]) {
    const act = () => TaskQueue.fromTaskQueueAttributes(stack, 'Tasks', { queue: new Queue(stack, 'Queue'), ...times });
    expect(errorOf(act)).toContain('must be known at synthesis');
    stack.node.tryRemoveChild('Queue');
  }
});
