import { eventually, HANG_SECONDS, sleep } from '../wait';
import { databasePage } from './any-project/database-page';
import { anyProject, type Check, type CheckContext, DATABASE_OF_TEMPLATE, EXAMPLE, expect, hasDatabase } from './check';
import { AWAY_SECONDS } from './disturbance';
import { guestbook } from './guestbook';
import { useAllConnections } from './hoard';
import { ANY_CONNECTIONS, AWAY, CONSUMED, DONE, DRAINING, LIMIT, PAGES, POISON } from './names';
import { brokerQueue, SCALED_OUT } from './tasks';

const RECOVERY_SECONDS = 15;

/** Where nothing may be replaced. A worker without its queue ends again and again, database or not. */
const WHOLE = [PAGES, CONSUMED];

const isExample = (context: CheckContext) => context.guestbook && hasDatabase(context);

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
      await Promise.all(Array.from({ length: 8 }, () => book.drill('slow', { label, seconds: '0.5' })));
      await disturbance.withoutSqs(async () => {
        for (const task of rehearsal.tasks.filter(({ id }) => id.startsWith(SCALED_OUT))) {
          disturbance.kill(task);
        }
        await sleep(AWAY_SECONDS * 1000);
      });
      const back = Date.now();
      // A message that was handed out while the connection ended is hidden for as long as its queue says.
      const hidden = brokerQueue(rehearsal, 'default')?.visibilityTimeout ?? 0;
      await book.finished(label, 8, HANG_SECONDS + hidden);
      expect(lost().length === 0, `replaced: ${lost().join('; ')}`);
      return `8 tasks done ${((Date.now() - back) / 1000).toFixed(0)} s after it came back`;
    },
  },
  {
    name: 'bad days: PostgreSQL restarts: health checks pass, nothing is replaced, pages recover within 15 s',
    lane: 'postgres',
    needs: WHOLE,
    // Processors have time for a copy then.
    after: [DRAINING],
    inCopy: true,
    about: DATABASE_OF_TEMPLATE,
    applies: hasDatabase,
    disturbs: ['database'],
    async run(context) {
      const { disturbance } = context;
      const answers = await databasePage(context);
      const lost = disturbance.watchLosses();
      const unhealthy: string[] = [];
      const watching = setInterval(() => unhealthy.push(...disturbance.unhealthyTargets()), 200);
      try {
        await disturbance.restartDatabase(3000);
        const back = Date.now();
        await eventually('a page is answered as ever', RECOVERY_SECONDS, answers);
        const seconds = (Date.now() - back) / 1000;
        for (let number = 0; number < 10; number++) {
          const well = await answers();
          expect(well || (Date.now() - back) / 1000 < RECOVERY_SECONDS, 'a page failed after it had recovered');
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
    name: ANY_CONNECTIONS,
    lane: 'postgres',
    needs: WHOLE,
    ...anyProject(DATABASE_OF_TEMPLATE, hasDatabase),
    inCopy: true,
    disturbs: ['database'],
    async run(context) {
      const { rehearsal, disturbance } = context;
      const answers = await databasePage(context);
      const lost = disturbance.watchLosses();
      const hoard = await useAllConnections(rehearsal, disturbance);
      try {
        await hoard.more();
        await answers().catch(() => false);
      } finally {
        await hoard.release();
      }
      await eventually('a page is answered as ever', RECOVERY_SECONDS, answers);
      expect(lost().length === 0, `replaced: ${lost().join('; ')}`);
      return `${hoard.count()} connections`;
    },
  },
  {
    name: 'bad days: all database connections are used: a clear 503, then recovery',
    lane: 'postgres',
    needs: [PAGES],
    inCopy: true,
    about: EXAMPLE,
    applies: isExample,
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
