import { Duration, NestedStack, Stack } from 'aws-cdk-lib';
import { InstanceType } from 'aws-cdk-lib/aws-ec2';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { DjangoApplication } from '../../constructs/application/django-application';
import { Profile } from '../../constructs/core/profile';
import type { TaskQueueOptions } from '../../constructs/queues/task-queue';
import { errorOf, templateOf, testStack } from '../support';

interface Size {
  readonly workers?: number;
  readonly queues?: number;
  readonly schedules?: number;
}

function many<T>(count: number, name: string, value: (index: number) => T): { [name: string]: T } {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`${name}${index}`, value(index)]));
}

/** Production, with the size of database that so many workers need; each queue is read. */
function application({ workers = 1, queues = 1, schedules = 0 }: Size, stack: Stack = testStack()): DjangoApplication {
  const schedule = { schedule: ScheduleExpression.rate(Duration.hours(1)), command: ['python', 'manage.py', 'x'] };
  const read = (worker: number) =>
    queues < workers
      ? [`q${worker % queues}`]
      : Object.keys(many(queues, 'q', () => true)).filter((_, queue) => queue % workers === worker);
  return new DjangoApplication(stack, 'App', {
    image: ContainerImage.fromRegistry('registry.example.com/shop'),
    settingsModule: 'config.settings',
    profile: Profile.development({ databaseInstanceType: new InstanceType('m7g.4xlarge'), databaseBackup: true }),
    queues: many<TaskQueueOptions>(queues, 'q', () => ({})),
    defaultQueueName: 'q0',
    workers: many(workers, 'w', (worker) => ({ queueNames: read(worker) })),
    scheduledCommands: many(schedules, 's', () => schedule),
  });
}

function resourcesOf(stack: Stack): { [id: string]: { Type: string; Properties: Record<string, unknown> } } {
  return templateOf(stack).toJSON().Resources;
}

function typesIn(stack: Stack): string[] {
  return Object.values(resourcesOf(stack)).map(({ Type }) => Type);
}

const STORES = [
  'AWS::SQS::Queue',
  'AWS::KMS::Key',
  'AWS::SecretsManager::Secret',
  'AWS::RDS::DBInstance',
  'AWS::Logs::LogGroup',
];

/** Logical ids of what stores something. */
function storesOf(stack: Stack): string[] {
  return Object.entries(resourcesOf(stack))
    .filter(([, { Type }]) => STORES.includes(Type))
    .map(([id]) => id);
}

describe('an application of common size', () => {
  test('has its alarms in its own stack, and one refresh', () => {
    const stack = testStack();
    const { alarms, secretRefresh } = application({ workers: 3, queues: 3, schedules: 3 }, stack);
    expect(Stack.of(alarms)).toBe(stack);
    expect(secretRefresh?.node.id).toBe('SecretRefresh');
    expect(typesIn(stack)).not.toContain('AWS::CloudFormation::Stack');
  });
});

describe('an application with 27 workers, each with a queue', () => {
  const stack = testStack();
  const made = application({ workers: 27, queues: 27 }, stack);

  test('fits into a stack', () => {
    expect(Object.keys(made.workers)).toHaveLength(27);
    expect(typesIn(stack).length).toBeLessThanOrEqual(500);
  });

  test('has its alarms in a stack of their own, below all limits of a nested stack', () => {
    const nested = Stack.of(made.alarms);
    expect(nested).toBeInstanceOf(NestedStack);
    expect(typesIn(stack).filter((type) => type === 'AWS::CloudFormation::Stack')).toHaveLength(1);
    expect(typesIn(nested).length).toBeLessThanOrEqual(500);
    expect(Object.keys(templateOf(nested).toJSON().Parameters).length).toBeLessThanOrEqual(200);
    // Two for each worker and each queue.
    expect(typesIn(nested).filter((type) => type === 'AWS::CloudWatch::Alarm').length).toBeGreaterThanOrEqual(108);
  });

  test('stores what it stores under the ids of a small one', () => {
    const smallStack = testStack();
    application({}, smallStack);
    expect(storesOf(stack)).toEqual(expect.arrayContaining(storesOf(smallStack)));
  });

  test('stores nothing in the stack of the alarms', () => {
    expect(storesOf(Stack.of(made.alarms))).toEqual([]);
  });
});

describe('more services than one refresh can hold', () => {
  /** A long name leaves room for the names of fewer services. */
  const stack = testStack({ stackName: 'a-stack-whose-name-is-rather-long-as-some-companies-have-them' });
  const made = application({ workers: 25, queues: 1 }, stack);
  const functions = Object.values(resourcesOf(stack)).filter(
    ({ Type, Properties }) => Type === 'AWS::Lambda::Function' && /^Replaces/.test(String(Properties.Description)),
  );
  const told = functions.map(({ Properties }) => {
    const text = JSON.stringify((Properties.Environment as { Variables: object }).Variables);
    return [...text.matchAll(/"Fn::GetAtt":\["(App(?:Web|Workers)\w*Service\w*)","Name"\]/g)].map(([, id]) => id);
  });

  test('are divided between several', () => {
    expect(functions.length).toBeGreaterThan(1);
    expect(made.secretRefresh?.node.path).toBe('Shop/App/SecretRefresh');
  });

  test('and each of them is in exactly one', () => {
    const services = Object.entries(resourcesOf(stack)).filter(([, { Type }]) => Type === 'AWS::ECS::Service');
    expect(told.flat().sort()).toEqual(services.map(([id]) => id).sort());
    expect(new Set(told.flat()).size).toBe(26);
  });

  test('and both have their alarms', () => {
    const ids = made.alarms.alarms.map(({ node }) => node.path);
    expect(ids.filter((path) => path.endsWith('RefreshFailed'))).toHaveLength(functions.length);
  });
});

test('the policy of a process with fifty queues stays below what IAM allows, and names every queue', () => {
  const stack = testStack();
  const made = application({ workers: 13, queues: 50 }, stack);
  const { taskRole } = made.workers.w0;
  const policy = resourcesOf(stack)[stack.getLogicalId(taskRole.node.findChild('Policy').node.defaultChild as never)];
  const text = JSON.stringify(policy.Properties.PolicyDocument);
  const queues = new Set([...text.matchAll(/\["(AppBroker\w+)","Arn"\]/g)].map(([, id]) => id));
  expect(queues.size).toBe(50);
  // A queue's ARN is 34 characters and "Shop-", its logical id, a dash and 12 more.
  const known = text.replace(
    /\{"Fn::GetAtt":\["(\w+)","Arn"\]\}/g,
    (_, id) => `"${'x'.repeat(34 + 5 + id.length + 13)}"`,
  );
  expect(known.length).toBeLessThanOrEqual(6144);
});

describe('more than a stack can hold is refused in the words of the user', () => {
  test('workers', () => {
    expect(errorOf(() => application({ workers: 45, queues: 45 }))).toMatch(
      /^Shop\/App: `workers` must be fewer: a stack may have 500 resources, and this one has \d{3} \(405 for `workers`, 180 for `queues`, 0 for `scheduledCommands`, \d+ for everything else\), got 45\. /,
    );
  });

  test('queues that no policy can hold', () => {
    expect(errorOf(() => application({ workers: 18, queues: 70 }))).toMatch(
      /^Shop\/App\/Broker: `queues` must be at most 5\d with names as long as these, got 70\. /,
    );
  });

  test('schedules', () => {
    expect(errorOf(() => application({ schedules: 60 }))).toMatch(
      /^Shop\/App: `scheduledCommands` must be fewer: .*\(540 for `scheduledCommands`, .*, got 60\. /,
    );
  });

  test('what the user adds to the stack later counts too, when everything is there', () => {
    const stack = testStack();
    application({ workers: 20, queues: 20 }, stack);
    for (let index = 0; index < 250; index++) {
      new Queue(stack, `Queue${index}`);
    }
    expect(errorOf(() => templateOf(stack))).toMatch(/Shop\/App: `workers` must be fewer: .*, got 20\. /);
  });
});
