import {
  ANSWER_MARGIN,
  MAXIMUM_TIMEOUT,
  type ReleaseProperties,
  START_TIMEOUT,
} from '../../constructs/handlers/release/contract';
import { notStarted } from '../../constructs/handlers/release/not-started';
import {
  type IReleaseWorld,
  isReleaseComplete,
  type ReleaseEvent,
  startRelease,
} from '../../constructs/handlers/release/release';
import { failureText } from '../../constructs/handlers/release/report';
import { Failure } from '../../constructs/handlers/shared/failure';
import { runReleaseCases } from '../faults/release-cases';
import { naiveRelease, realRelease } from '../faults/release-model';

const PROPERTIES: ReleaseProperties = {
  Cluster: 'cluster',
  TaskDefinition: 'arn:aws:ecs:eu-west-1:111122223333:task-definition/ShopRelease:7',
  Container: 'app',
  Subnets: ['subnet-1'],
  SecurityGroups: ['sg-1'],
  AssignPublicIp: 'DISABLED',
  LogGroup: '/shop/release',
  LogStreamPrefix: 'release',
  TimeoutSeconds: '600',
};

function event(changes: Partial<ReleaseEvent> = {}): ReleaseEvent {
  return {
    RequestType: 'Update',
    RequestId: 'request',
    StackId: 'stack',
    LogicalResourceId: 'Release',
    PhysicalResourceId: 'release',
    ResourceProperties: PROPERTIES,
    OldResourceProperties: { ...PROPERTIES, TaskDefinition: PROPERTIES.TaskDefinition.replace(':7', ':6') },
    ...changes,
  };
}

function world(changes: Partial<IReleaseWorld> = {}): { world: IReleaseWorld; calls: string[] } {
  const calls: string[] = [];
  let now = 1_000;
  const base: IReleaseWorld = {
    stack: async () => ({ status: 'UPDATE_IN_PROGRESS', updated: '1' }),
    runningTasks: async () => [],
    runTask: async (_, startedBy, token) => {
      calls.push(`run ${startedBy} ${token}`);
      return 'arn:task/cluster/0123';
    },
    describeTask: async () => undefined,
    stopTask: async (_, arn) => void calls.push(`stop ${arn}`),
    lastLines: async () => ['line one', 'line two'],
    now: () => now,
    sleep: async (seconds) => {
      now += seconds;
    },
    log: () => undefined,
  };
  return { world: { ...base, ...changes }, calls };
}

test('a new task definition runs the release once, with the same token for the same request', async () => {
  const { world: fake, calls } = world();
  const { Data } = await startRelease(event(), fake);
  await startRelease(event(), fake);
  expect(Data).toEqual({ TaskArn: 'arn:task/cluster/0123', Deadline: '1600' });
  expect(calls[0]).toMatch(/^run release-\w{13}-\w{13} \w{32}$/);
  expect(calls[1]).toBe(calls[0]);
});

test.each([
  ['nothing of the release changed', event({ OldResourceProperties: { ...PROPERTIES, TimeoutSeconds: '60' } }), {}],
  ['the stack rolls back', event(), { stack: async () => ({ status: 'UPDATE_ROLLBACK_IN_PROGRESS', updated: '1' }) }],
  ['the resource is deleted', event({ RequestType: 'Delete' }), {}],
])('nothing runs when %s', async (_, given, changes) => {
  const { world: fake, calls } = world(changes);
  const { Data } = await startRelease(given, fake);
  expect(Data.TaskArn).toBeUndefined();
  expect(calls).toEqual([]);
  await expect(isReleaseComplete({ ...given, Data }, fake)).resolves.toEqual({ IsComplete: true });
});

test.each([
  ['revision of the same image', { Revision: '2' }],
  ['instance of the database', { Database: 'db-RESTORED' }],
])('another %s runs it again', async (_, changed) => {
  const { world: fake, calls } = world();
  const properties = { ...PROPERTIES, ...changed };
  await startRelease(event({ ResourceProperties: properties, OldResourceProperties: PROPERTIES }), fake);
  expect(calls).toHaveLength(1);
});

test('deletion stops a task that runs', async () => {
  const { startedBy } = await startedTask();
  const { world: fake, calls } = world({ runningTasks: async () => [{ arn: 'arn:task/c/1', startedBy }] });
  await startRelease(event({ RequestType: 'Delete' }), fake);
  expect(calls).toEqual(['stop arn:task/c/1']);
});

test('while an earlier release runs none is started, and the error says how to stop it', async () => {
  const { startedBy } = await startedTask({ RequestId: 'earlier' });
  const { world: fake, calls } = world({ runningTasks: async () => [{ arn: 'arn:task/c/1', startedBy }] });
  await expect(startRelease(event(), fake)).rejects.toThrow('aws ecs stop-task --cluster cluster --task arn:task/c/1');
  expect(calls).toEqual([]);
  expect(fake.now() - 1_000).toBeLessThan(START_TIMEOUT);
});

test('a deployment that was replaced while it waited starts nothing', async () => {
  const { startedBy } = await startedTask({ RequestId: 'earlier' });
  let asked = 0;
  const { world: fake, calls } = world({
    runningTasks: async () => (asked++ === 0 ? [{ arn: 'arn:task/c/1', startedBy }] : []),
    stack: async () => ({ status: 'UPDATE_IN_PROGRESS', updated: String(asked) }),
  });
  await expect(startRelease(event(), fake)).rejects.toThrow('replaced by another one');
  expect(calls).toEqual([]);
});

test('a failed task is reported with exit code, reason, log stream and its last lines', async () => {
  const stopped = {
    arn: 'arn:task/cluster/0123',
    status: 'STOPPED',
    exitCode: 3,
    reason: 'Essential container exited',
  };
  const { world: fake } = world({ describeTask: async () => stopped });
  const error: Error = await isReleaseComplete(event({ Data: data() }), fake).catch((thrown) => thrown);
  expect(error.message).toBe(
    'Release failed: exit code 3 (Essential container exited). Log group /shop/release, stream release/app/0123. ' +
      'Its last lines:\nline one\nline two',
  );
});

test('a request that has started nothing is complete', async () => {
  const { world: fake, calls } = world({ describeTask: () => Promise.reject(new Error('must not be called')) });
  expect(await isReleaseComplete(event(), fake)).toEqual({ IsComplete: true });
  expect(calls).toEqual([]);
});

test('a task that stopped before its container ran is reported as that', async () => {
  const { world: fake } = world({ describeTask: async () => ({ arn: 'arn:task/cluster/0123', status: 'STOPPED' }) });
  await expect(isReleaseComplete(event({ Data: data() }), fake)).rejects.toThrow(
    'Release failed: exit code unknown: the container did not run',
  );
});

test.each([
  ['arn:aws:ecs:eu-west-1:111122223333:task-definition/ShopRelease:7', 'ShopRelease'],
  ['ShopRelease:7', 'ShopRelease'],
  ['ShopRelease', 'ShopRelease'],
])('running tasks are asked for by the family of %s', async (TaskDefinition, family) => {
  const asked: string[] = [];
  const { world: fake } = world({
    runningTasks: async (_, of) => {
      asked.push(of);
      return [];
    },
  });
  await startRelease(event({ ResourceProperties: { ...PROPERTIES, TaskDefinition } }), fake);
  expect(new Set(asked)).toEqual(new Set([family]));
});

test('a task that takes too long is stopped and reported', async () => {
  const { world: fake, calls } = world({
    describeTask: async () => ({ arn: 'arn:task/cluster/0123', status: 'PROVISIONING' }),
    now: () => 1_601,
  });
  const error: Error = await isReleaseComplete(event({ Data: data() }), fake).catch((thrown) => thrown);
  expect(error.message).toContain('still is PROVISIONING after 600 seconds, stopped');
  expect(calls).toEqual(['stop arn:task/cluster/0123']);
});

test('what ECS says about a task that it does not start is the answer', async () => {
  const runTask = async () => {
    throw new Failure('Release: ECS started no task: RESOURCE:ENI');
  };
  await expect(startRelease(event(), world({ runTask }).world)).rejects.toThrow('RESOURCE:ENI');
});

test('a start that fails for want of capacity is repeated while there is time, with the same token', async () => {
  const tokens: string[] = [];
  const runTask = async (_: unknown, __: string, token: string) => {
    tokens.push(token);
    if (tokens.length < 4) {
      throw notStarted('Release: ECS started no task: Capacity is unavailable at this time. Please try again later');
    }
    return 'arn:task/cluster/0123';
  };
  const { Data } = await startRelease(event(), world({ runTask }).world);
  expect(Data.TaskArn).toBe('arn:task/cluster/0123');
  expect([tokens.length, new Set(tokens).size]).toEqual([4, 1]);
});

test.each([
  ['Capacity is unavailable at this time', true],
  ["You've reached the limit on the number of vCPUs you can run concurrently", true],
  ['RESOURCE:ENI', true],
  ['MISSING', false],
  ['The subnet does not exist', false],
])('%s: the reason is told, after a while where it may pass: %s', async (reason, passes) => {
  let started = 0;
  const runTask = async () => {
    started += 1;
    throw notStarted(`Release: ECS started no task: ${reason}`);
  };
  const { world: fake } = world({ runTask });
  await expect(startRelease(event(), fake)).rejects.toThrow(`ECS started no task: ${reason}`);
  expect(started > 1).toBe(passes);
  expect(fake.now() - 1_000).toBeLessThan(START_TIMEOUT);
});

test('the longest timeout leaves room to start and to answer within the hour of CloudFormation', () => {
  expect(MAXIMUM_TIMEOUT + START_TIMEOUT + ANSWER_MARGIN).toBe(3_600);
});

test('the report keeps the end of the log and stays below what CloudFormation shows', () => {
  const lines = Array.from({ length: 20 }, (_, index) => `${index} ${'é'.repeat(2_000)}`);
  const text = failureText({ what: 'exit code 1', group: '/g', stream: 's', lines: [...lines, 'the reason'] });
  expect(Buffer.byteLength(text)).toBeLessThanOrEqual(3_000);
  expect(text.endsWith('the reason')).toBe(true);
});

test('what ECS says and what the process logged are shown without secrets', () => {
  const lines = [
    'password=two words',
    'DETAIL:  Failing row contains (17, Jane',
    'Doe).',
    'relation "key" does not exist',
  ];
  const text = failureText({ what: 'exit code 1', reason: 'https://u:p@x', group: '/g', stream: 's', lines });
  expect(text).toBe(
    'Release failed: exit code 1 (https://***). Log group /g, stream s. Its last lines:\n' +
      'password=***\nDETAIL: ***\nrelation "key" does not exist',
  );
});

test('where the log is not to be shown, it is not even read', async () => {
  const { world: fake } = world({
    describeTask: async () => ({ arn: 'arn:task/cluster/0123', status: 'STOPPED', exitCode: 3 }),
    lastLines: () => Promise.reject(new Error('must not be called')),
  });
  const quiet = event({ Data: data(), ResourceProperties: { ...PROPERTIES, ShowLog: 'false' } });
  const error: Error = await isReleaseComplete(quiet, fake).catch((thrown) => thrown);
  expect(error.message).toBe('Release failed: exit code 3. Log group /shop/release, stream release/app/0123.');
});

test('no fault violates anything', async () => {
  const figures = await runReleaseCases(realRelease, 600);
  expect(figures).toMatchObject({ cases: 600, failed: 0, example: undefined });
});

test('the model bites: a naive handler runs two at once, downgrades and never answers', async () => {
  const figures = await runReleaseCases(naiveRelease, 100);
  expect(Object.keys(figures.violations)).toEqual(expect.arrayContaining(['two', 'downgrade', 'late', 'leak', 'left']));
});

function data() {
  return { TaskArn: 'arn:task/cluster/0123', Deadline: '1600' };
}

/** The name that a release of this stack is started by. */
async function startedTask(changes: Partial<ReleaseEvent> = {}): Promise<{ startedBy: string }> {
  const { world: fake, calls } = world();
  await startRelease(event(changes), fake);
  return { startedBy: calls[0].split(' ')[1] };
}
