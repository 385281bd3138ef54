import { Client } from 'pg';
import type { Rehearsal } from '../rehearsal';
import { eventually, HANG_SECONDS, sleep } from '../wait';
import { type Check, type CheckContext, EXAMPLE, expect } from './check';
import { databaseLogin } from './database-login';
import type { Disturbance } from './disturbance';
import { guestbook } from './guestbook';
import { AWAY, CONSUMED, DONE, LIMIT, NAMED_SECRET, PAGES, POISON } from './names';
import { SCALED_OUT } from './tasks';

const AWAY_SECONDS = 20;
const RECOVERY_SECONDS = 15;
/** How the server knows the connections that use up all others. */
const HOARD = 'hoard';

const hasDatabase = ({ rehearsal, guestbook: yes }: CheckContext) => yes && rehearsal.postgres !== undefined;

export const badDayChecks: Check[] = [
  {
    name: AWAY,
    lane: 'sqs',
    needs: [DONE],
    after: [LIMIT, POISON, CONSUMED],
    about: EXAMPLE,
    applies: ({ guestbook: yes }) => yes,
    // The worker beside the service, which another check had started.
    disturbs: ['sqs', 'worker'],
    async run({ rehearsal, disturbance }) {
      const book = guestbook(rehearsal);
      const label = `away-${Date.now()}`;
      const lost = disturbance.watchLosses();
      await Promise.all(Array.from({ length: 8 }, () => book.drill('slow', { label, seconds: '1' })));
      await disturbance.withoutSqs(async () => {
        for (const task of rehearsal.tasks.filter(({ id }) => id.startsWith(SCALED_OUT))) {
          disturbance.kill(task);
        }
        await sleep(AWAY_SECONDS * 1000);
      });
      const back = Date.now();
      await book.finished(label, 8);
      expect(lost().length === 0, `replaced: ${lost().join('; ')}`);
      return `8 tasks done ${((Date.now() - back) / 1000).toFixed(0)} s after it came back`;
    },
  },
  {
    name: 'bad days: PostgreSQL restarts: health checks pass, nothing is replaced, pages recover within 15 s',
    lane: 'postgres',
    needs: [PAGES],
    // Processors have time for a copy then.
    after: [NAMED_SECRET],
    inCopy: true,
    about: EXAMPLE,
    applies: hasDatabase,
    disturbs: ['database'],
    async run({ front, disturbance }) {
      const lost = disturbance.watchLosses();
      const unhealthy: string[] = [];
      const watching = setInterval(() => unhealthy.push(...disturbance.unhealthyTargets()), 200);
      try {
        await disturbance.restartDatabase(3000);
        const back = Date.now();
        await eventually(
          'a page is 200 again',
          RECOVERY_SECONDS,
          async () => (await front.request('/')).status === 200,
        );
        const seconds = (Date.now() - back) / 1000;
        for (let number = 0; number < 10; number++) {
          const reply = await front.request('/');
          expect(
            reply.status === 200 || (Date.now() - back) / 1000 < RECOVERY_SECONDS,
            `a page answered ${reply.status}`,
          );
          await sleep(100);
        }
        expect(unhealthy.length === 0, `unhealthy meanwhile: ${[...new Set(unhealthy)].join(', ')}`);
        expect(lost().length === 0, `replaced: ${lost().join('; ')}`);
        return `recovered after ${seconds.toFixed(1)} s`;
      } finally {
        clearInterval(watching);
      }
    },
  },
  {
    name: 'bad days: all database connections are used: a clear 503, then recovery',
    lane: 'postgres',
    needs: [PAGES],
    inCopy: true,
    about: EXAMPLE,
    applies: hasDatabase,
    disturbs: ['database'],
    async run({ rehearsal, front, disturbance }) {
      const hoard = await useAllConnections(rehearsal, disturbance);
      try {
        const reply = await eventually(
          'a page without a connection',
          HANG_SECONDS,
          async () => {
            await hoard.more();
            const answer = await front.request('/');
            return answer.status === 200 ? undefined : answer;
          },
          50,
        );
        expect(reply.status === 503, `it answered ${reply.status}`);
        expect(!/Traceback|FATAL|OperationalError/.test(reply.body), 'the page shows the error');
        expect(disturbance.unhealthyTargets().length === 0, 'a target is unhealthy');
      } finally {
        await hoard.release();
      }
      await eventually('a page is 200 again', RECOVERY_SECONDS, async () => (await front.request('/')).status === 200);
      return `${hoard.count()} connections`;
    },
  },
];

/**
 * Opens connections with the application's login until the server refuses, and ends those of the application.
 */
async function useAllConnections(rehearsal: Rehearsal, disturbance: Disturbance) {
  const clients: Client[] = [];
  const definition = [...rehearsal.definitions.values()].find(({ kind }) => kind === 'web');
  expect(definition !== undefined, 'there is no web service');
  const login = await databaseLogin(rehearsal, definition);
  const connect = async () => {
    const client = new Client({
      ...login,
      application_name: HOARD,
      ssl: { ca: rehearsal.authority.certificate.cert },
    });
    client.on('error', () => undefined);
    try {
      await client.connect();
      clients.push(client);
      return true;
    } catch {
      return false;
    }
  };
  const fill = async () => {
    while ((await Promise.all(Array.from({ length: 8 }, connect))).some(Boolean)) {
      // Until nobody gets in any more.
    }
  };
  await fill();
  return {
    count: () => clients.length,
    more: async () => {
      await disturbance.endDatabaseConnections(HOARD);
      await fill();
    },
    release: () => Promise.all(clients.map((client) => client.end())).then(() => undefined),
  };
}
