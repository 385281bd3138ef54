import { type Check, type CheckContext, expect } from '../checks/check';
import { direct } from '../checks/direct';
import { HEALTHY } from '../checks/names';
import type { Service } from '../task/services';
import { eventually, HANG_SECONDS, sleep } from '../wait';
import { inFlight, PATIENCE, slowClients, slowDependency, type Visit, Visitors } from './crowd';
import { childrenOf } from './processes';
import { HOLD, WAIT_SECONDS } from './views';

export const SLOW = 'slow clients and a slow dependency: no task is replaced, others are served within 5 s';
export const BUSY = 'every thread is busy: health checks are answered, and no task is replaced';
export const ONE_STOPPED = 'one server process is stopped: requests are served again within 60 s, by the same tasks';
export const ONE_HELD = 'a view holds the GIL of one process: requests are served again within 60 s';
export const ALL_STOPPED =
  'every process of a task is stopped: requests are served again within 60 s, the task is replaced';

const CLIENTS = 16;
const WAITING = 24;
/** More than the target group takes to give up a task that answers no health check: 40 seconds and a few. */
const LONG_ENOUGH = 55;
const SERVED_AGAIN = 60;
/** Seconds without a failure after which nothing more is waited for. */
const CALM = 10;

export const loadChecks: Check[] = [
  {
    name: SLOW,
    lane: 'load',
    needs: [HEALTHY],
    async run(context) {
      const service = serving(context);
      const watch = watchTasks(context, service);
      const leave = slowClients(context, CLIENTS);
      const waits = slowDependency(context, WAITING);
      await inFlight(service, CLIENTS + WAITING);
      const visitors = new Visitors(context.front, healthPathOf(service));
      await sleep(LONG_ENOUGH * 1000);
      const visits = await visitors.stop();
      const broken = [...leave(), ...(await waits())];
      expect(
        visitors.failed.length === 0,
        `${visitors.failed.length} of ${visits.length} others: ${said(visitors.failed)}`,
      );
      expect(broken.length === 0, `of the slow ones: ${broken.slice(0, 3).join('; ')}`);
      return `${visits.length} other requests in ${LONG_ENOUGH} s, the slowest ${slowest(visits)} s; ${await watch()}`;
    },
  },
  {
    name: ONE_STOPPED,
    lane: 'load',
    needs: [HEALTHY],
    disturbs: ['web', 'asgi'],
    applies: (context) => processesOf(serving(context)) > 1,
    run: (context) =>
      again(context, async ({ task }) => {
        const [pid] = childrenOf(task.pid as number);
        process.kill(pid, 'SIGSTOP');
        return { gone: () => !childrenOf(task.pid as number).includes(pid), replaced: false };
      }),
  },
  {
    name: ONE_HELD,
    lane: 'load',
    needs: [HEALTHY],
    run: (context) =>
      again(context, async (_, service) => {
        const before = processesIn(service);
        void context.front.request(HOLD, { timeout: 180_000 }).catch(() => undefined);
        const gone = () => before.some((pid) => !processesIn(service).includes(pid));
        return { gone, replaced: processesOf(service) === 1 };
      }),
  },
  {
    name: ALL_STOPPED,
    lane: 'load',
    needs: [HEALTHY],
    disturbs: ['web', 'asgi'],
    run: (context) =>
      again(context, async ({ task }, service) => {
        context.disturbance.hang(task);
        return { gone: () => service.running.every((member) => member.task !== task), replaced: true };
      }),
  },
  {
    name: BUSY,
    lane: 'load',
    needs: [HEALTHY],
    // The last of a run: what waits for a thread when it ends goes on waiting.
    applies: (context) => threadsOf(serving(context)) !== undefined,
    async run(context) {
      const service = serving(context);
      // Twice as many as there are: however they are spread, every thread has one and others wait.
      const count = 2 * service.running.length * (threadsOf(service) ?? 0);
      const watch = watchTasks(context, service);
      const stop = slowDependency(context, count);
      await inFlight(service, count);
      await sleep(LONG_ENOUGH * 1000);
      const seen = await watch();
      void stop(); // No more of them; those that are open end with the rehearsal.
      return `${count} requests of ${WAIT_SECONDS} s at any time; ${seen}`;
    },
  },
];

/** What must have become of a process that was stopped or held. */
interface Aftermath {
  readonly gone: () => boolean;
  /** Whether the task must be replaced; otherwise it must not. */
  readonly replaced: boolean;
}

/** Breaks something in a task while visitors read pages; they must get them again in time. */
async function again(
  context: CheckContext,
  breakIt: (member: Service['running'][number], service: Service) => Promise<Aftermath>,
): Promise<string> {
  const service = serving(context);
  await ready(service);
  const lost = context.disturbance.watchLosses();
  const visitors = new Visitors(context.front, healthPathOf(service));
  await sleep(3000);
  expect(visitors.failed.length === 0, `before anything broke: ${said(visitors.failed)}`);
  const brokenAt = Date.now();
  const since = () => (Date.now() - brokenAt) / 1000;
  const { gone, replaced } = await breakIt(service.running[0], service);
  const lastFailure = () => Math.max(0, ...visitors.failed.map(({ startedAt }) => (startedAt - brokenAt) / 1000));
  while (since() < SERVED_AGAIN + CALM && !(gone() && since() > lastFailure() + CALM)) {
    await sleep(200);
  }
  const visits = await visitors.stop();
  const last = lastFailure();
  expect(last < SERVED_AGAIN, `after ${last.toFixed(0)} s a page is not served: ${said(visitors.failed.slice(-3))}`);
  expect(gone(), 'what was broken is still there');
  expect(replaced === lost().length > 0, replaced ? 'the task was not replaced' : `replaced: ${lost().join('; ')}`);
  await ready(service);
  return `${visitors.failed.length} of ${visits.length} requests failed, the last that began after ${last.toFixed(0)} s`;
}

/** Waits until as many tasks as there must be get requests; others may be on their way out. */
async function ready(service: Service): Promise<void> {
  const healthy = () => service.running.filter(({ registration }) => registration?.target.health.state === 'healthy');
  await eventually('every task gets requests', HANG_SECONDS, () => healthy().length >= service.desiredCount);
}

/** Watches over the tasks of a service: none may be replaced, and each must answer health checks. */
function watchTasks({ disturbance }: CheckContext, service: Service): () => Promise<string> {
  const lost = disturbance.watchLosses();
  const path = healthPathOf(service);
  const targets = service.group?.targets ?? [];
  const times: number[] = [];
  const problems: string[] = [];
  let running = true;
  const ask = async (port: number) => {
    while (running) {
      const started = Date.now();
      await direct(port, path);
      times.push((Date.now() - started) / 1000);
      await sleep(1000);
    }
  };
  const asking = targets.map(({ port }) => ask(port).catch((error: Error) => problems.push(error.message)));
  return async () => {
    running = false;
    await Promise.all(asking);
    expect(lost().length === 0, `replaced: ${lost().join('; ')}`);
    expect(problems.length === 0, `health checks: ${problems.join('; ')}`);
    const worst = Math.max(...times);
    expect(worst < PATIENCE, `a health check was answered after ${worst.toFixed(1)} s`);
    return `${times.length} health checks, the slowest ${worst.toFixed(2)} s`;
  };
}

/** The service that answers pages: the only one that runs. */
function serving({ rehearsal }: CheckContext): Service {
  const service = rehearsal.services.find(({ desiredCount, group }) => desiredCount > 0 && group !== undefined);
  expect(service !== undefined, 'no service answers pages');
  return service;
}

function healthPathOf({ group }: Service): string {
  return group?.settings.path ?? '/';
}

function processesOf({ definition }: Service): number {
  return Number(definition.environment.WEB_CONCURRENCY);
}

/** The processes of all tasks, those that start others among them. */
function processesIn({ running }: Service): number[] {
  return running.flatMap(({ task }) => [task.pid as number, ...childrenOf(task.pid as number)]);
}

/** Threads of a task, where its server has a number of them. */
function threadsOf(service: Service): number | undefined {
  const command = service.definition.command ?? [];
  const index = command.indexOf('--threads');
  return index < 0 ? undefined : Number(command[index + 1]) * processesOf(service);
}

function said(visits: readonly Visit[]): string {
  return visits
    .slice(0, 3)
    .map(({ path, seconds, problem }) => `${path}: ${problem} after ${seconds.toFixed(1)} s`)
    .join('; ');
}

function slowest(visits: readonly Visit[]): string {
  return Math.max(...visits.map(({ seconds }) => seconds)).toFixed(2);
}
