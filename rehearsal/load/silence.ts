import { type Check, expect } from '../checks/check';
import { guestbook } from '../checks/guestbook';
import { DONE, PAGES } from '../checks/names';
import { sleep } from '../wait';

export const SILENT = 'silence: SQS answers nothing for 60 s: posting fails within 10 s, nothing is replaced or lost';

const SILENT_SECONDS = 60;
/**
 * Two attempts of four seconds each towards SQS, and the pause between them, by the timeouts of the template.
 */
const FAILED_SECONDS = 10;
/** On a machine with other work, the page around it may take longer, but not every time. */
const HUNG_SECONDS = 25;
/** So long after SQS fell silent, a worker must still have touched its file. */
const LIVELY_SECONDS = 30;
/** Seconds of work of a Celery task, shorter than the limit of its queue. */
const WORK = '2';
const TASKS = 4;

/**
 * A network that drops every packet between the tasks and SQS.
 *
 * They need a rehearsal with the timeouts of the template (`isHurried`).
 */
export const silenceChecks: Check[] = [
  {
    name: SILENT,
    lane: 'silence',
    needs: [PAGES, DONE],
    proof: true,
    applies: ({ guestbook: yes }) => yes,
    disturbs: ['sqs'],
    async run({ rehearsal, front, disturbance }) {
      const book = guestbook(rehearsal);
      const label = `silent-${Date.now()}`;
      const lost = disturbance.watchLosses();
      const unhealthy = new Set<string>();
      const watching = setInterval(() => {
        for (const id of disturbance.unhealthyTargets()) {
          unhealthy.add(id);
        }
      }, 200);
      const tries: number[] = [];
      try {
        await Promise.all(Array.from({ length: TASKS }, () => book.drill('express-slow', { label, seconds: WORK })));
        const began = Date.now();
        await disturbance.withSilentSqs(async () => {
          const over = sleep(SILENT_SECONDS * 1000);
          const end = Date.now() + SILENT_SECONDS * 1000;
          while (Date.now() < end) {
            const asked = Date.now();
            const reply = await book.tryDrill('ping', { label: `${label}-lost` });
            tries.push((Date.now() - asked) / 1000);
            expect(
              reply.status === 503 && /queue does not answer/.test(reply.body),
              `posting a task answered ${reply.status} after ${tries.at(-1)?.toFixed(1)} s: ${reply.body.slice(0, 100)}`,
            );
            const page = await front.request('/');
            expect(page.status === 200, `meanwhile a page answered ${page.status}`);
            await sleep(1000);
          }
          await over;
          // ECS looks at these files, and is patient for longer than a minute.
          for (const { task } of rehearsal.services.flatMap(({ running }) => running)) {
            const { kind, environment } = task.definition;
            const late =
              kind === 'worker' &&
              (await task.modified(environment.CELERY_LIVENESS_FILE)) < began + LIVELY_SECONDS * 1000;
            expect(
              !late,
              `${task.id} has not touched its liveness file since ${LIVELY_SECONDS} s after SQS fell silent`,
            );
          }
        });
        const [fastest, slowest] = [Math.min(...tries), Math.max(...tries)];
        expect(
          fastest < FAILED_SECONDS && slowest < HUNG_SECONDS,
          `posting a task failed only after ${fastest.toFixed(1)} to ${slowest.toFixed(1)} s`,
        );
        const back = Date.now();
        await book.drill('ping', { label: `${label}-after` });
        await book.finished(`${label}-after`);
        await book.finished(label, TASKS);
        const seconds = (Date.now() - back) / 1000;
        expect(lost().length === 0, `replaced: ${lost().join('; ')}`);
        expect(unhealthy.size === 0, `unhealthy meanwhile: ${[...unhealthy].join(', ')}`);
        return `${tries.length} times posting failed, after ${fastest.toFixed(1)} to ${slowest.toFixed(1)} s; all done ${seconds.toFixed(0)} s after SQS answered again`;
      } finally {
        clearInterval(watching);
      }
    },
  },
];
