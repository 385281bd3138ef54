import type { Announce } from '../../../rehearsal/announce';
import type { Exit, Task } from '../../../rehearsal/task/process';
import { Service, type ServiceProps } from '../../../rehearsal/task/services';

/** A task without a process. */
class FakeTask {
  readonly startedAt = Date.now();
  readonly exited: Promise<Exit>;
  readonly logs = { last: () => ['ModuleNotFoundError: No module named shop'] };
  running = true;
  private leave: (exit: Exit) => void = () => undefined;

  constructor(
    readonly id: string,
    readonly health: 'HEALTHY' | 'UNKNOWN',
  ) {
    this.exited = new Promise((resolve) => {
      this.leave = resolve;
    });
  }

  end(stopped: boolean): void {
    this.running = false;
    this.leave({ code: stopped ? 0 : 1, signal: null, stopped, killed: false });
  }

  async stop(): Promise<Exit> {
    this.end(true);
    return this.exited;
  }

  kill(): void {
    this.end(true);
  }
}

let service: Service;
let started: FakeTask[];
/** Milliseconds that the start of a task takes. */
let delay = 0;

afterEach(() => service.abandon());

/**
 * Runs a service of two tasks. `crashes` and `hangs` say by their numbers which end right after their start,
 * and which are never healthy.
 */
async function run(crashes: (number: number) => boolean, hangs = (_: number) => false): Promise<void> {
  started = [];
  delay = 0;
  const launch = async () => {
    if (delay > 0) {
      await new Promise((resolve) => setTimeout(resolve, delay));
    }
    const crashing = crashes(started.length + 1);
    const task = new FakeTask(
      `worker/${started.length + 1}`,
      crashing || hangs(started.length + 1) ? 'UNKNOWN' : 'HEALTHY',
    );
    started.push(task);
    if (crashing) {
      setTimeout(() => task.end(false), 1);
    }
    return task as unknown as Task;
  };
  service = new Service({
    id: 'Worker',
    name: 'worker',
    definition: { kind: 'worker', healthCheck: {} } as unknown as ServiceProps['definition'],
    desiredCount: 2,
    maximumPercent: 200,
    gracePeriod: 60,
    patience: 0.3,
    launch,
    announce: { event: () => undefined } as unknown as Announce,
    order: 'deregister-first',
  });
  service.start();
  await service.untilSteady();
}

const running = () => service.running.map(({ task }) => task.id).sort();

test.each<[string, (number: number) => boolean]>([
  ['every new task', (number) => number > 2],
  ['one of two', (number) => number > 2 && number !== 4],
])('a deployment fails where %s ends, after three of them; the old tasks stay alone', async (_, crashes) => {
  await run(crashes);
  await expect(service.redeploy()).rejects.toThrow(
    /^worker: new tasks do not stay; worker\/\d ended by itself \(exit code 1\): ModuleNotFoundError/,
  );
  expect(running()).toEqual(['worker/1', 'worker/2']);
  expect(started.length).toBeLessThanOrEqual(6);
});

test('a new task that ends once is followed by another, and the deployment goes on', async () => {
  await run((number) => number === 3);
  await service.redeploy();
  expect(running()).toEqual(['worker/4', 'worker/5']);
});

test('a deployment fails where a new task is never healthy; the old tasks stay alone', async () => {
  await run(
    () => false,
    (number) => number === 4,
  );
  await expect(service.redeploy()).rejects.toThrow('worker: new tasks are ready: not within 0.3 s');
  expect(running()).toEqual(['worker/1', 'worker/2']);
});

test('two deployments at once leave no more tasks than the service wants', async () => {
  await run(() => false);
  await Promise.all([service.redeploy(), service.redeploy()]);
  expect(started.length).toBeGreaterThan(4);
  await settled();
  expect(running()).toHaveLength(2);
  expect(service.steady).toBe(true);
});

test('while old and new tasks serve side by side, none of them ends as surplus', async () => {
  await run(() => false);
  const old = await service.surge();
  await settled();
  expect(running()).toEqual(['worker/1', 'worker/2', 'worker/3', 'worker/4']);
  await service.retireAll(old);
  expect(running()).toEqual(['worker/3', 'worker/4']);
});

test('a replacement that is given up leaves no more tasks than the service wants', async () => {
  await run(() => false);
  const [member] = service.members;
  const given = service.replace(member, () => Promise.reject(new Error('a request failed')));
  await expect(given).rejects.toThrow('a request failed');
  await settled();
  expect(running()).toHaveLength(2);
  expect(service.steady).toBe(true);
});

test('a service that stops within a deployment starts no further task, and leaves none', async () => {
  await run(
    () => false,
    () => started.length >= 2,
  );
  const [member] = service.members;
  delay = 100;
  const deployed = service.redeploy().catch((error: Error) => error.message);
  await service.stop();
  const ended = started.map((task) => !task.running);
  expect(await deployed).toBe('worker: the service ends');
  expect(ended).toEqual([true, true, true, true]);
  await expect(service.replace(member)).rejects.toThrow('worker: the service ends');
  expect(started).toHaveLength(4);
});

test('a task that somebody killed did not end by itself', async () => {
  await run(() => false);
  const [{ task }] = service.members;
  task.disturbedBy = 'a person at the terminal';
  started[0].end(false);
  await settled();
  expect(service.failures).toEqual(['worker/1 was ended by a person at the terminal (exit code 1)']);
});

/** After the service has looked at its tasks more than once. */
const settled = () => new Promise((resolve) => setTimeout(resolve, 500));
