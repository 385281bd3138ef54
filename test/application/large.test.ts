import { CfnParameter, CfnResource, Duration, NestedStack, Stack } from 'aws-cdk-lib';
import { InstanceType } from 'aws-cdk-lib/aws-ec2';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { HostedZone } from 'aws-cdk-lib/aws-route53';
import { ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { DjangoApplication } from '../../constructs/application/django-application';
import type { DjangoApplicationProps } from '../../constructs/application/django-application-props';
import { ofParts, resourcesIn } from '../../constructs/application/private/resource-limit';
import { Profile } from '../../constructs/core/profile';
import type { TaskQueueOptions } from '../../constructs/queues/task-queue';
import { UrlSigningKeys } from '../../constructs/storage/url-signing-keys';
import { fixedName } from '../lifecycle/names';
import { errorOf, templateOf, testStack } from '../support';

interface Size {
  readonly workers?: number;
  readonly queues?: number;
  readonly schedules?: number;
  readonly production?: boolean;
}

function many<T>(count: number, name: string, value: (index: number) => T): { [name: string]: T } {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`${name}${index}`, value(index)]));
}

/** Production, with the size of database that so many workers need; each queue is read. */
function application(
  { workers = 1, queues = 1, schedules = 0, production = false }: Size,
  stack: Stack = testStack(),
  parts: Partial<DjangoApplicationProps> = {},
): DjangoApplication {
  const databaseInstanceType = new InstanceType('m7g.4xlarge');
  const schedule = { schedule: ScheduleExpression.rate(Duration.hours(1)), command: ['python', 'manage.py', 'x'] };
  const read = (worker: number) =>
    queues < workers
      ? [`q${worker % queues}`]
      : Object.keys(many(queues, 'q', () => true)).filter((_, queue) => queue % workers === worker);
  return new DjangoApplication(stack, 'App', {
    image: ContainerImage.fromRegistry('registry.example.com/shop'),
    settingsModule: 'config.settings',
    domainNames: production ? ['shop.example.com'] : undefined,
    hostedZone: production
      ? HostedZone.fromHostedZoneAttributes(stack, 'Zone', { hostedZoneId: 'Z1', zoneName: 'example.com' })
      : undefined,
    profile: production
      ? Profile.production({ databaseInstanceType, natGateways: 2 })
      : Profile.development({ databaseInstanceType, databaseBackup: true, webMaxCapacity: 2, workerMaxCapacity: 2 }),
    queues: many<TaskQueueOptions>(queues, 'q', () => ({})),
    defaultQueueName: 'q0',
    workers: many(workers, 'w', (worker) => ({ queueNames: read(worker) })),
    scheduledCommands: many(schedules, 's', () => schedule),
    ...parts,
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

test('alarms of a cache, of mail and of keys are reckoned with as many as there are', () => {
  const alarmsWith = (parts: Partial<DjangoApplicationProps>) =>
    resourcesIn(application({ production: true }, testStack(), parts).alarms);
  const none = alarmsWith({});
  const parts = { cacheStore: {}, outgoingMail: {} } as Parameters<typeof ofParts>[0];
  expect(alarmsWith({ cache: {} }) - none).toBe(ofParts({ cacheStore: parts.cacheStore }));
  expect(alarmsWith({ mail: {} }) - none).toBe(ofParts({ outgoingMail: parts.outgoingMail }));
  expect(alarmsWith({ cache: {}, mail: {} }) - none).toBe(ofParts(parts));
  const stack = testStack();
  const urlSigningKeys = new UrlSigningKeys(stack, 'SigningKeys');
  const alarms = resourcesIn(application({ production: true }, stack, { urlSigningKeys }).alarms);
  expect(alarms - none).toBe(ofParts({ urlSigningKeys }));
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

/** The logical ids that a resource refers to or waits for. */
function needs(resource: object): string[] {
  const text = JSON.stringify(resource);
  const waits = (resource as { DependsOn?: string | string[] }).DependsOn ?? [];
  const references = [...text.matchAll(/"(?:Ref|Fn::GetAtt)":\[?"(\w+)"/g)].map(([, id]) => id);
  return [...references, ...[waits].flat()];
}

/** A ring of resources of one template, each of which waits for the next; undefined where there is none. */
function ringOf(resources: { [id: string]: object }): string[] | undefined {
  const done = new Set<string>();
  const walk = (id: string, path: string[]): string[] | undefined => {
    if (path.includes(id)) {
      return path.slice(path.indexOf(id));
    }
    if (done.has(id) || resources[id] === undefined) {
      return undefined;
    }
    const found = needs(resources[id])
      .map((next) => walk(next, [...path, id]))
      .find((ring) => ring !== undefined);
    done.add(id);
    return found;
  };
  return Object.keys(resources)
    .map((id) => walk(id, []))
    .find((ring) => ring !== undefined);
}

/** The names that a template fixes, with the type: what an account has once. */
function fixedNames(stack: Stack): string[] {
  const place = { stackName: stack.stackName, stackId: 'the id of the stack' };
  return Object.values(resourcesOf(stack)).flatMap((resource) => fixedName(resource as never, place) ?? []);
}

describe('an application with thirty workers, thirty queues and fifty schedules, in production', () => {
  const stack = testStack();
  const size = { workers: 30, queues: 30, schedules: 50, production: true };
  const made = application(size, stack);
  const nested = made.node.children.filter((child): child is NestedStack => child instanceof NestedStack);

  test('fits: no stack has more resources, parameters, outputs or text than CloudFormation takes', () => {
    expect(typesIn(stack).length).toBeLessThanOrEqual(490);
    expect(nested.length).toBeGreaterThanOrEqual(4);
    for (const each of nested) {
      const { Resources, Parameters, Outputs = {} } = templateOf(each).toJSON();
      expect(Object.keys(Resources).length).toBeLessThanOrEqual(490);
      expect(Object.keys(Parameters).length).toBeLessThanOrEqual(200);
      expect(Object.keys(Outputs).length).toBeLessThanOrEqual(200);
      expect(JSON.stringify(templateOf(each).toJSON(), undefined, 1).length).toBeLessThan(900_000);
    }
  });

  test('every worker and schedule is made once', () => {
    const all = [stack, ...nested].flatMap(typesIn);
    expect(all.filter((type) => type === 'AWS::ECS::Service')).toHaveLength(31);
    expect(all.filter((type) => type === 'AWS::Scheduler::Schedule')).toHaveLength(50);
    expect(Object.keys(made.workers)).toHaveLength(30);
    expect(Object.keys(made.scheduledCommands)).toHaveLength(50);
  });

  test('has what it stores in its own stack, under the ids that an undivided one would have', () => {
    expect(nested.flatMap(storesOf)).toEqual([]);
    const queues = storesOf(stack).filter((id) => id.startsWith('AppSchedules'));
    expect(queues).toHaveLength(50);
    const undivided = testStack();
    application({ schedules: 3, production: true }, undivided);
    expect(storesOf(stack)).toEqual(expect.arrayContaining(storesOf(undivided)));
  });

  test('no stack waits for itself', () => {
    for (const each of [stack, ...nested]) {
      expect(ringOf(resourcesOf(each))).toBeUndefined();
    }
    expect(ringOf({ A: { DependsOn: 'B' }, B: { Properties: { X: { Ref: 'A' } } } })).toEqual(['A', 'B']);
  });

  test('every nested stack with processes waits for the release, and protection for every nested stack', () => {
    const resources = resourcesOf(stack);
    const stacks = Object.entries(resources).filter(([, { Type }]) => Type === 'AWS::CloudFormation::Stack');
    const [release] = Object.entries(resources).find(([, { Type }]) => Type === 'Custom::ReleaseCommand') ?? [''];
    const annexes = stacks.filter(([id]) => id.includes('Annex'));
    expect(annexes.length).toBe(nested.length - 1);
    for (const [, annex] of annexes) {
      expect(needs(annex)).toContain(release);
    }
    const protection = Object.values(resources).find(({ Type }) => Type === 'Custom::DeletionProtection');
    expect(needs(protection ?? {})).toEqual(expect.arrayContaining(stacks.map(([id]) => id)));
  });

  test('every service is in exactly one refresh', () => {
    const names = Object.values(resourcesOf(stack))
      .filter(
        ({ Type, Properties }) => Type === 'AWS::Lambda::Function' && /^Replaces/.test(String(Properties.Description)),
      )
      .flatMap(({ Properties }) => [
        ...JSON.stringify(Properties.Environment).matchAll(/"Fn::GetAtt":\["(\w+)","((?:Outputs\.\w+)?Name)"\]/g),
      ])
      .map(([, id, output]) => `${id} ${output}`)
      .filter((name) => name.includes('Service'));
    expect(new Set(names).size).toBe(names.length);
    expect(names).toHaveLength(31);
  });

  test('growing to it moves nothing that stores, nor anything with a fixed name', () => {
    const small = testStack();
    application({ workers: 18, queues: 18, schedules: 8, production: true }, small);
    expect(typesIn(small).length).toBeGreaterThan(440);
    expect(storesOf(stack)).toEqual(expect.arrayContaining(storesOf(small)));
    const staying = new Set(Object.keys(resourcesOf(stack)));
    const moved = Object.entries(resourcesOf(small)).filter(([id]) => !staying.has(id));
    for (const type of [
      'AWS::ECS::Service',
      'AWS::ApplicationAutoScaling::ScalingPolicy',
      'AWS::Scheduler::Schedule',
    ]) {
      expect(moved.filter(([, { Type }]) => Type === type).length).toBeGreaterThan(5);
    }
    // What is addressed by what it belongs to is taken from it when the old one goes.
    const attached = ['SQS::QueuePolicy', 'SNS::TopicPolicy', 'S3::BucketPolicy', 'EC2::SecurityGroupIngress'];
    expect(moved.filter(([, { Type }]) => attached.some((type) => Type.endsWith(type)))).toEqual([]);
    const place = { stackName: 'Shop', stackId: 'the id of the stack' };
    const names = moved.flatMap(([, resource]) => fixedName(resource as never, place) ?? []);
    expect(nested.flatMap(fixedNames).filter((name) => names.includes(name))).toEqual([]);
  });

  test('what was reckoned before it was made is there in the end', () => {
    expect(typesIn(stack).length).toBeLessThanOrEqual(480);
    expect(typesIn(stack).length).toBeGreaterThan(480 - 7); // One process less would have had to move.
  });
});

/** Resources that a stack will have, without a synthesis. */
function countIn(stack: Stack): number {
  return stack.node.findAll().filter((each) => CfnResource.isCfnResource(each) && Stack.of(each) === stack).length;
}

test.each<[number, string, Size]>([
  [500, 'an undivided', { workers: 22, queues: 30, production: true }],
  [475, 'a divided', { workers: 24, queues: 30, production: true }],
  [500, 'an undivided', { workers: 17, queues: 17, schedules: 15 }],
])('%i is what %s application has: it is divided only where it must be', (count, kind, size) => {
  const stack = testStack();
  const made = application(size, stack);
  expect(made.node.children.some(({ node }) => /Annex/.test(node.id))).toBe(kind === 'a divided');
  expect(countIn(stack) + 1).toBe(count); // The capacity providers come with the synthesis.
});

describe('more than stacks can hold is refused in the words of the user', () => {
  test('queues that no policy can hold', () => {
    expect(errorOf(() => application({ workers: 18, queues: 70 }))).toMatch(
      /^Shop\/App\/Broker: `queues` must be at most 5\d with names as long as these, got 70\. /,
    );
  });

  test('schedules', () => {
    expect(errorOf(() => application({ schedules: 180 }))).toMatch(
      /^Shop\/App: `scheduledCommands` must be fewer: .*\(360 for `scheduledCommands`, .*, got 180\. /,
    );
  });

  test('what a nested stack must be told', () => {
    const stack = testStack();
    const made = application({ queues: 2, workers: 1 }, stack);
    const nested = new NestedStack(made, 'Annex');
    for (let index = 0; index <= 200; index++) {
      new CfnParameter(nested, `Value${index}`);
    }
    expect(errorOf(() => templateOf(stack))).toMatch(
      /Shop\/App: `queues` must be fewer: a nested stack may have 200 parameters, and Annex needs 201, got 2\. Let a worker/,
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
