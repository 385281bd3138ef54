import { Client } from 'pg';
import type { Rehearsal } from '../rehearsal';
import { eventually, sleep } from '../wait';
import { type Check, type CheckContext, expect } from './check';
import { guestbook } from './guestbook';
import {
  AGAIN,
  AWAY,
  DONE,
  DRAINED,
  DRAINING,
  LIMIT,
  PAGES,
  PASSWORD_ROTATED,
  PERIODIC,
  POISON,
  REPLACED,
} from './names';
import { SCALED_OUT } from './tasks';

const CALM = [POISON, AGAIN, DRAINED, PASSWORD_ROTATED];
const AWAY_SECONDS = 20;
const RECOVERY_SECONDS = 15;

const hasDatabase = ({ rehearsal, guestbook: yes }: CheckContext) => yes && rehearsal.postgres !== undefined;

export const badDayChecks: Check[] = [
  {
    name: AWAY,
    lane: 'sqs',
    needs: [DONE],
    after: [LIMIT],
    applies: ({ guestbook: yes }) => yes,
    async run({ rehearsal, front }) {
      const book = guestbook(rehearsal, front);
      const label = `away-${Date.now()}`;
      const before = replacements(rehearsal);
      await Promise.all(Array.from({ length: 8 }, () => book.drill('slow', { label, seconds: '1' })));
      await rehearsal.doubles.gate.close();
      for (const task of rehearsal.tasks.filter(({ id }) => id.startsWith(SCALED_OUT))) {
        task.kill();
      }
      await sleep(AWAY_SECONDS * 1000);
      await rehearsal.doubles.gate.open();
      const back = Date.now();
      await book.finished(label, 60, 8);
      expect(replacements(rehearsal) === before, 'a worker was replaced');
      return `8 tasks done ${((Date.now() - back) / 1000).toFixed(0)} s after it came back`;
    },
  },
  {
    name: 'bad days: PostgreSQL restarts: health checks pass, nothing is replaced, pages recover within 15 s',
    lane: 'postgres',
    needs: [PAGES],
    after: [...CALM, DRAINING, REPLACED, AWAY],
    applies: hasDatabase,
    async run({ rehearsal, front }) {
      const before = replacements(rehearsal);
      const unhealthy: string[] = [];
      const watching = setInterval(() => unhealthy.push(...unhealthyTargets(rehearsal)), 200);
      try {
        await rehearsal.postgres?.restart(3000);
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
        expect(replacements(rehearsal) === before, 'a task was replaced');
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
    after: [PERIODIC],
    applies: hasDatabase,
    async run({ rehearsal, front }) {
      const hoard = await useAllConnections(rehearsal);
      try {
        const reply = await eventually(
          'a page without a connection',
          15,
          async () => {
            await hoard.more();
            const answer = await front.request('/');
            return answer.status === 200 ? undefined : answer;
          },
          50,
        );
        expect(reply.status === 503, `it answered ${reply.status}`);
        expect(!/Traceback|FATAL|OperationalError/.test(reply.body), 'the page shows the error');
        expect(unhealthyTargets(rehearsal).length === 0, 'a target is unhealthy');
      } finally {
        await hoard.release();
      }
      await eventually('a page is 200 again', RECOVERY_SECONDS, async () => (await front.request('/')).status === 200);
      return `${hoard.count()} connections`;
    },
  },
];

function replacements(rehearsal: Rehearsal): number {
  return rehearsal.services.reduce((sum, service) => sum + service.replacements, 0);
}

function unhealthyTargets(rehearsal: Rehearsal): string[] {
  return rehearsal.services
    .filter(({ definition }) => definition.kind !== 'asgi')
    .flatMap(({ group }) => group?.targets ?? [])
    .filter((target) => target.health.state === 'unhealthy' && target.id !== 'sick')
    .map(({ id }) => id);
}

/** Opens connections as the application's own login until the server refuses, and takes away those that the application holds. */
async function useAllConnections(rehearsal: Rehearsal) {
  const clients: Client[] = [];
  const definition = [...rehearsal.definitions.values()].find(({ kind }) => kind === 'web');
  const value = (name: string) => rehearsal.secrets.inject(name, definition?.secrets[name] ?? '');
  const [user, password, database] = await Promise.all(
    ['DATABASE_USER', 'DATABASE_PASSWORD', 'DATABASE_NAME'].map((name) => value(name)),
  );
  const connect = async () => {
    const client = new Client({
      host: 'localhost',
      port: rehearsal.postgres?.port,
      user,
      password,
      database,
      application_name: 'hoard',
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
      await rehearsal.postgres?.query('postgres', (client) =>
        client.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE client_addr IS NOT NULL AND application_name <> 'hoard'`,
        ),
      );
      await fill();
    },
    release: () => Promise.all(clients.map((client) => client.end())).then(() => undefined),
  };
}
