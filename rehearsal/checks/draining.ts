import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Service } from '../task/services';
import { eventually, HANG_SECONDS, sleep } from '../wait';
import { watchConnections } from './any-project/connections';
import { type Check, type CheckContext, expect } from './check';
import {
  AGAIN,
  AWAY,
  DEBUG_OFF,
  DONE,
  DRAINED,
  DRAINING,
  HEADERS,
  LIMIT,
  PAGES,
  PASSWORD_ROTATED,
  PERIODIC,
  POISON,
  REPLACED,
  SCHEDULE_FAILED,
  STATIC,
} from './names';
import { type Page, pageOf, visit } from './page';

/** Checks that read pages for a while. */
const QUIET = [DONE, HEADERS, DEBUG_OFF, STATIC, AWAY, DRAINED, AGAIN, POISON, PERIODIC, PASSWORD_ROTATED];
const OPEN = 200;
/** A few more than are counted: each pauses for a moment between two requests. */
const VISITORS = 230;
const ON_DRAINED = 50;
/** Answers until a target is drained, where the page is not slow: some for each visitor. */
const LOAD = 1000;

export const drainingChecks: Check[] = [
  {
    name: DRAINING,
    lane: 'draining',
    needs: [PAGES],
    // It keeps the web busy: others read their pages before, or wait for SQS to come back meanwhile.
    after: [LIMIT, HEADERS, SCHEDULE_FAILED],
    proof: true,
    async run(context) {
      const { front, guestbook, rehearsal } = context;
      const { service, host, path, status } = busyPage(context);
      await sleep(guestbook ? 3000 : 0);
      await service.untilSteady();
      const agent = new (front.secure ? https : http).Agent({ keepAlive: true, maxSockets: VISITORS });
      const failures: string[] = [];
      let answered = 0;
      let running = true;
      const visitor = async () => {
        while (running) {
          try {
            const reply = await front.request(path, { host, agent, timeout: 60_000 });
            answered++;
            if (reply.status !== status) {
              failures.push(`status ${reply.status}`);
            }
          } catch (error) {
            failures.push((error as Error).message);
          }
        }
      };
      const visitors = watchConnections(rehearsal, () => Promise.all(Array.from({ length: VISITORS }, visitor)));
      const [old] = service.running;
      const target = old.registration?.target;
      expect(target !== undefined, 'the target is not registered');
      const inFlight = () => front.calls?.open() ?? 0;
      const onOld = () => front.calls?.open([target]) ?? 0;
      let [open, onTarget] = [0, 0];
      // Right before the target is deregistered: how many are open changes with every answer.
      await service.replace(old, async () => {
        // A page that is fast is hardly ever in flight: there the load is a number of answers.
        const isBusy = () => (inFlight() >= OPEN && onOld() >= ON_DRAINED) || (!guestbook && answered >= LOAD);
        await eventually(
          `${OPEN} requests are in flight${guestbook ? '' : ` or ${LOAD} answered`}`,
          HANG_SECONDS,
          isBusy,
          5,
        );
        [open, onTarget] = [inFlight(), onOld()];
      });
      await sleep(500);
      running = false;
      await visitors;
      agent.destroy();
      const counted = Object.entries(count(failures)).map(([what, times]) => `${times} × ${what}`);
      expect(failures.length === 0, `${answered + failures.length} requests: ${counted.join(', ')}`);
      return `${answered} requests, ${open} open and ${onTarget} on the target when it was deregistered`;
    },
  },
  {
    name: REPLACED,
    lane: 'draining',
    needs: [PAGES],
    // What is in flight on a killed process is lost: nobody else should be asking.
    after: QUIET,
    disturbs: ['web', 'asgi'],
    async run(context) {
      const { front, rehearsal, disturbance } = context;
      const { service, status } = pageOf(rehearsal);
      await service.untilSteady();
      const sick = await sickTarget(service);
      const before = service.running.map(({ task }) => task.id);
      disturbance.kill(service.running[0].task);
      await eventually('a new task is there', HANG_SECONDS, () =>
        service.running.some(({ task }) => !before.includes(task.id)),
      );
      await service.untilSteady();
      for (let number = 0; number < 20; number++) {
        const reply = await visit(rehearsal, front);
        expect(reply.status === status, `a page answered ${reply.status}`);
      }
      const reached = sick.requests();
      sick.close();
      expect(reached === 0, `${reached} requests reached the unhealthy target`);
      return undefined;
    },
  },
];

/**
 * A page under load: one of the example that is slow on purpose, otherwise the page of every check.
 *
 * It takes the servers longer than a busy machine takes the visitors: so they all wait at the same time.
 */
function busyPage({ rehearsal, guestbook }: CheckContext): Pick<Page, 'service' | 'host' | 'path' | 'status'> {
  const page = pageOf(rehearsal);
  return guestbook ? { ...page, path: '/slow?seconds=2' } : page;
}

/** A target of the same group whose health check fails from the start; it counts every other request. */
async function sickTarget(service: Service): Promise<{ requests: () => number; close: () => void }> {
  let reached = 0;
  const server = http.createServer((request, response) => {
    reached += request.headers['user-agent']?.startsWith('ELB-HealthChecker') ? 0 : 1;
    response.statusCode = 503;
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const target = service.group?.register('sick', (server.address() as AddressInfo).port);
  return {
    requests: () => reached,
    close: () => {
      if (target !== undefined) {
        service.group?.remove(target);
      }
      server.close();
      server.closeAllConnections();
    },
  };
}

function count(list: string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const item of list) {
    counts[item] = (counts[item] ?? 0) + 1;
  }
  return counts;
}
