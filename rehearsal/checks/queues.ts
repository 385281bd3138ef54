import type { Rehearsal } from '../rehearsal';
import { eventually, HANG_SECONDS } from '../wait';
import { type Check, type CheckContext, expect } from './check';
import { CONSUMED, DONE, PAGES } from './names';
import { successful } from './one-off';

/** A task that each Celery application has: it returns its arguments, here none. */
const TASK = 'celery.accumulate';
/** Only a queue that nobody reads takes so long. */

/** Where a queue's messages are, by the name that Celery has for it. */
interface NamedQueue {
  readonly name: string;
  readonly url: string;
}

export const queueChecks: Check[] = [
  {
    name: CONSUMED,
    lane: 'queues',
    needs: [PAGES],
    after: [DONE],
    about: 'queues of a Celery broker, and a worker that is started as `celery … worker`',
    applies: ({ rehearsal }) => queuesOf(rehearsal).length > 0 && celeryOf(rehearsal) !== undefined,
    async run({ rehearsal }) {
      const celery = celeryOf(rehearsal) ?? [];
      const queues = queuesOf(rehearsal);
      for (const { name, url } of queues) {
        const { lines } = await successful(rehearsal, [...celery, 'call', TASK, '--queue', name]);
        const id = lines
          .map((line) => /[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}/.exec(line)?.[0])
          .filter(Boolean)
          .pop();
        expect(id !== undefined, `celery call printed no id: ${lines.slice(-1)}`);
        const isIn = async (queue: string) =>
          (await rehearsal.doubles.messages(queue)).some((body) => body.includes(id));
        await eventually(
          `a worker takes a message from the queue ${name} (${readersOf(rehearsal)}; one must name it, in \`queueNames\` or in its own command)`,
          HANG_SECONDS,
          async () => !(await isIn(url)),
        );
        const dead = deadLettersOf(rehearsal, url);
        expect(
          dead === undefined || !(await isIn(dead)),
          `${TASK} of the queue ${name} is a dead letter: no worker did it`,
        );
      }
      return queues.map(({ name }) => name).join(', ');
    },
  },
];

function queuesOf(rehearsal: Rehearsal): NamedQueue[] {
  const options = rehearsal.services
    .map(({ definition }) => definition.environment.CELERY_BROKER_TRANSPORT_OPTIONS)
    .find((given) => given !== undefined);
  const queues: Record<string, { url: string }> = JSON.parse(options ?? '{}').predefined_queues ?? {};
  return Object.entries(queues).map(([name, { url }]) => ({ name, url }));
}

/** What stands before `worker` in the command of a worker: `celery --app config`. */
function celeryOf(rehearsal: Rehearsal): string[] | undefined {
  return workers(rehearsal).map(({ definition }) => celeryCommand(definition.command))[0];
}

function workers({ services }: CheckContext['rehearsal']) {
  return services.filter(({ definition }) => celeryCommand(definition.command) !== undefined);
}

export function celeryCommand(command: readonly string[] = []): string[] | undefined {
  const index = command.indexOf('worker');
  const before = command.slice(0, Math.max(0, index));
  return before.some((word) => /(^|\/)celery$/.test(word)) ? before : undefined;
}

/** Says which worker reads which queue. */
function readersOf(rehearsal: Rehearsal): string {
  const readers = workers(rehearsal).map(({ name, definition: { command = [] } }) => {
    const index = command.findIndex((word) => word === '--queues' || word === '-Q');
    return `${name} reads ${index < 0 ? 'the default queue' : command[index + 1]}`;
  });
  return readers.join('; ');
}

function deadLettersOf({ queues }: Rehearsal, url: string): string | undefined {
  const all = [...queues.values()];
  const queue = all.find((one) => one.url === url);
  return all.find(({ arn }) => arn === queue?.deadLetterArn)?.url;
}
