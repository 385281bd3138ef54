import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { CONTRACT } from '../../constructs/core/contract';
import { WorkloadRole } from '../../constructs/core/workload-role';
import { CeleryBroker } from '../../constructs/queues/celery-broker';
import { TaskQueue } from '../../constructs/queues/task-queue';
import { errorOf, Match, only, templateOf, testStack } from '../support';

/** JSON with references in it, each shown as the logical id in angle brackets. */
function rendered(value: unknown): string {
  const parts = (value as { 'Fn::Join': [string, (string | { Ref: string })[]] })['Fn::Join'][1];
  return parts.map((part) => (typeof part === 'string' ? part : `<${part.Ref}>`)).join('');
}

function granted(act: (broker: CeleryBroker, role: WorkloadRole) => void) {
  const stack = testStack();
  const broker = new CeleryBroker(stack, 'Broker', { queues: { default: {}, mail: {} } });
  act(broker, new WorkloadRole(stack, 'Role', { assumedBy: new ServicePrincipal('ecs-tasks.amazonaws.com') }));
  const names = Object.fromEntries(
    Object.entries(broker.queues).map(([name, { queue }]) => [JSON.stringify(stack.resolve(queue.queueArn)), name]),
  );
  const { resource } = only(templateOf(stack), 'AWS::IAM::ManagedPolicy');
  return (resource.Properties.PolicyDocument.Statement as { Action: string[]; Resource: unknown }[]).map(
    ({ Action, Resource }) => `${names[JSON.stringify(Resource)]}: ${Action[0]}`,
  );
}

test('without anything chosen there is one queue, named default', () => {
  const stack = testStack();
  const broker = new CeleryBroker(stack, 'Broker');
  expect(Object.keys(broker.queues)).toEqual(['default']);
  expect(broker.defaultQueueName).toBe('default');
  templateOf(stack).resourceCountIs('AWS::SQS::Queue', 2);
});

test('tells kombu the queues and nothing else, in the words of the contract', () => {
  const stack = testStack();
  const broker = new CeleryBroker(stack, 'Broker', {
    queues: { default: {}, express: { taskTimeLimit: Duration.seconds(4), maxReceiveCount: 3 } },
  });
  const { CELERY_BROKER_TRANSPORT_OPTIONS: options, ...others } = broker.containerEnvironment;
  const id = (name: string) => stack.resolve(broker.queues[name].queue.queueUrl).Ref;
  expect(others).toEqual({ CELERY_BROKER_URL: 'sqs://', CELERY_TASK_DEFAULT_QUEUE: 'default' });
  expect(JSON.parse(rendered(stack.resolve(options)))).toEqual({
    region: '<AWS::Region>',
    wait_time_seconds: 20,
    'client-config': {
      connect_timeout: 2,
      read_timeout: 4,
      retries: { mode: 'standard', total_max_attempts: 2 },
    },
    predefined_queues: {
      default: { url: `<${id('default')}>`, longest_countdown: 1200, max_receive_count: 5 },
      express: { url: `<${id('express')}>`, longest_countdown: 904, max_receive_count: 3 },
    },
  });
  expect(Object.keys(CONTRACT)).toEqual(expect.arrayContaining(Object.keys(broker.containerEnvironment)));
});

test('options of a queue and of the broker reach the queues', () => {
  const stack = testStack();
  const key = new Key(stack, 'Key');
  new CeleryBroker(stack, 'Broker', {
    queues: { express: { taskTimeLimit: Duration.seconds(4), maxReceiveCount: 3 } },
    encryptionKey: key,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  const template = templateOf(stack);
  template.hasResource('AWS::SQS::Queue', {
    DeletionPolicy: 'Delete',
    Properties: Match.objectLike({
      VisibilityTimeout: 8,
      KmsMasterKeyId: stack.resolve(key.keyArn),
      RedrivePolicy: Match.objectLike({ maxReceiveCount: 3 }),
    }),
  });
});

test('a queue is found under its name, and another one beside it does not change its identity', () => {
  const ids = (queues: { [name: string]: object }) => {
    const stack = testStack();
    const broker = new CeleryBroker(stack, 'Broker', { queues });
    return stack.resolve(broker.queues.mail.queue.queueUrl);
  };
  const broker = new CeleryBroker(testStack(), 'Broker', { queues: { mail: {} } });
  expect(broker.node.children.map(({ node }) => node.id)).toEqual(['mail']);
  expect(ids({ mail: {} })).toEqual(ids({ aaa: {}, default: {}, mail: {} }));
});

test('the only queue is the default one', () => {
  expect(new CeleryBroker(testStack(), 'Broker', { queues: { mail: {} } }).defaultQueueName).toBe('mail');
});

test('queues that are made elsewhere stand beside those made here, or alone', () => {
  const stack = testStack();
  const legacy = TaskQueue.fromTaskQueueAttributes(stack, 'Legacy', {
    queue: Queue.fromQueueArn(stack, 'Given', 'arn:aws:sqs:eu-central-1:111122223333:legacy'),
    visibilityTimeout: Duration.hours(1),
  });
  const beside = new CeleryBroker(stack, 'Beside', { queues: { default: {} }, existingQueues: { legacy } });
  const alone = new CeleryBroker(stack, 'Alone', { existingQueues: { legacy } });
  expect(Object.keys(beside.queues)).toEqual(['default', 'legacy']);
  expect(alone.queues).toEqual({ legacy });
  expect(alone.defaultQueueName).toBe('legacy');
  expect(rendered(stack.resolve(alone.containerEnvironment.CELERY_BROKER_TRANSPORT_OPTIONS))).toContain('/legacy');
});

test('a producer may send to every queue', () => {
  expect(granted((broker, role) => broker.grantProduce(role))).toEqual([
    'default: sqs:SendMessage',
    'mail: sqs:SendMessage',
  ]);
});

test('a worker may do the tasks of its queues, and post them again', () => {
  expect(granted((broker, role) => broker.grantConsume(role, 'mail'))).toEqual([
    'mail: sqs:ReceiveMessage',
    'mail: sqs:SendMessage',
  ]);
});

test('a worker without named queues does the tasks of all', () => {
  expect(granted((broker, role) => broker.grantConsume(role))).toEqual([
    'default: sqs:ReceiveMessage',
    'default: sqs:SendMessage',
    'mail: sqs:ReceiveMessage',
    'mail: sqs:SendMessage',
  ]);
});

test('fails when a worker asks for a queue that does not exist', () => {
  const stack = testStack();
  const broker = new CeleryBroker(stack, 'Broker', { queues: { default: {}, mail: {} } });
  const role = new WorkloadRole(stack, 'Role', { assumedBy: new ServicePrincipal('ecs-tasks.amazonaws.com') });
  expect(errorOf(() => broker.grantConsume(role, 'mial'))).toBe(
    'Shop/Broker: `queueNames` must be among the queues default, mail, got "mial". Add the queue to the broker, or correct the name.',
  );
});

test('fails when kombu would look a queue up under another name', () => {
  expect(errorOf(() => new CeleryBroker(testStack(), 'Broker', { queues: { 'mail.out': {} } }))).toContain(
    'Shop/Broker: `queues` must have names of at most 80 letters',
  );
});

test('fails when no queue is the obvious default', () => {
  expect(errorOf(() => new CeleryBroker(testStack(), 'Broker', { queues: { mail: {}, reports: {} } }))).toContain(
    '`defaultQueueName` must be one of the queues mail, reports, got "default"',
  );
});

test('runtime/ has the same timeouts towards SQS, for a template that says none', () => {
  const source = readFileSync(join(__dirname, '..', '..', 'runtime', 'django_fargate', 'celery.py'), 'utf8');
  const [, written] = /^CLIENT_CONFIG: .* = (\{.*?^\})/ms.exec(source) ?? [];
  const stack = testStack();
  const { CELERY_BROKER_TRANSPORT_OPTIONS: options } = new CeleryBroker(stack, 'Broker', {}).containerEnvironment;
  const { 'client-config': given } = JSON.parse(rendered(stack.resolve(options)));
  expect(JSON.parse(written.replace(/,(\s*\})/g, '$1'))).toEqual(given);
});
