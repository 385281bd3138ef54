import type { Doubles } from '../aws/doubles';
import type { Rehearsal } from '../rehearsal';
import { eventually, HANG_SECONDS, sleep } from '../wait';
import { anyProject, type Check, type CheckContext, expect } from './check';
import { AWAY_SECONDS } from './disturbance';
import { AGAIN_CONSUMED, BACK_CONSUMED, CONSUMED, DONE, PAGES } from './names';
import { successful } from './one-off';

/** A task that each Celery application has: it returns its arguments, here none. */
const TASK = 'celery.accumulate';
/** Where a queue's messages are, by the name that Celery has for it. */
interface NamedQueue {
  readonly name: string;
  readonly url: string;
}

/** Seconds after which another message is sent. */
const ANOTHER_SECONDS = 5;

/** Whether there is anything that sends and takes messages. */
const hasQueues = ({ rehearsal }: CheckContext) => queuesOf(rehearsal).length > 0 && celeryOf(rehearsal) !== undefined;
const QUEUES = 'queues of a Celery broker, and a worker that is started as `celery … worker`';

export const queueChecks: Check[] = [
  {
    name: CONSUMED,
    lane: 'queues',
    needs: [PAGES],
    after: [DONE],
    about: QUEUES,
    applies: hasQueues,
    async run({ rehearsal }) {
      const queues = queuesOf(rehearsal);
      for (const queue of queues) {
        const id = await send(rehearsal, queue);
        await noneIsForeign(rehearsal);
        await taken(rehearsal, queue, [id]);
      }
      return queues.map(({ name }) => name).join(', ');
    },
  },
  {
    name: BACK_CONSUMED,
    lane: 'queues',
    needs: [CONSUMED],
    ...anyProject(QUEUES, hasQueues),
    disturbs: ['sqs'],
    async run({ rehearsal, disturbance }) {
      const lost = disturbance.watchLosses();
      await disturbance.withoutSqs(() => sleep(AWAY_SECONDS * 1000));
      const back = Date.now();
      await eachIsRead(rehearsal);
      expect(
        lost().length === 0,
        `replaced: ${lost().join('; ')}. kombu 5.7.0 ends a worker when SQS fails: take kombu>=5.6,!=5.7.0`,
      );
      return `${((Date.now() - back) / 1000).toFixed(0)} s after it came back`;
    },
  },
  {
    name: AGAIN_CONSUMED,
    lane: 'queues',
    needs: [CONSUMED],
    ...anyProject(QUEUES, hasQueues),
    disturbs: ['worker'],
    async run({ rehearsal, disturbance }) {
      const services = workers(rehearsal);
      for (const service of services) {
        const before = service.running.map(({ task }) => task.id);
        for (const { task } of service.running) {
          disturbance.kill(task);
        }
        await eventually(`${service.name} has a new worker`, HANG_SECONDS, () =>
          service.running.some(({ task }) => !before.includes(task.id)),
        );
        await service.untilSteady();
      }
      await eachIsRead(rehearsal);
      return `${services.length} killed`;
    },
  },
];

/**
 * Throws unless a worker takes a message from every queue. A killed worker may take one with it, which it had
 * asked SQS for and which is then hidden until the visibility timeout: another is sent.
 */
async function eachIsRead(rehearsal: Rehearsal): Promise<void> {
  await Promise.all(
    queuesOf(rehearsal).map(async (queue) => {
      const sent: string[] = [];
      const end = Date.now() + HANG_SECONDS * 1000;
      for (let isTaken = false; !isTaken; ) {
        sent.push(await send(rehearsal, queue));
        const seconds = Date.now() > end ? 0 : ANOTHER_SECONDS;
        isTaken = await taken(rehearsal, queue, sent, seconds).then(
          () => true,
          (error: Error) => {
            expect(seconds > 0, error.message);
            return false;
          },
        );
      }
    }),
  );
}

/**
 * Throws when Celery has made queues of its own. Its messages would leave those, and the queues of the stack
 * would be empty all the time.
 */
export async function noneIsForeign({ doubles }: { readonly doubles: Pick<Doubles, 'foreignQueues'> }): Promise<void> {
  const foreign = await doubles.foreignQueues();
  expect(
    foreign.length === 0,
    `Celery has made queues of its own (${foreign.join(', ')}), which no task may do in AWS, and leaves those of the stack empty. ` +
      'Set CELERY_BROKER_TRANSPORT_OPTIONS = json.loads(os.environ["CELERY_BROKER_TRANSPORT_OPTIONS"]), whose predefined_queues name them: docs/your-project.md, Celery on SQS',
  );
}

/** Has the project's own Celery send a message; gives its id. */
async function send(rehearsal: Rehearsal, { name }: NamedQueue): Promise<string> {
  const command = [...(celeryOf(rehearsal) ?? []), 'call', TASK, '--queue', name];
  const { lines } = await successful(rehearsal, command);
  const id = lines
    .map((line) => /[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}/.exec(line)?.[0])
    .filter((found) => found !== undefined)
    .pop();
  expect(id !== undefined, `celery call printed no id: ${lines.slice(-1)}`);
  return id;
}

/** Waits until one of some messages has left its queue, and not for the dead letters. */
async function taken(
  rehearsal: Rehearsal,
  { name, url }: NamedQueue,
  ids: readonly string[],
  seconds = HANG_SECONDS,
): Promise<void> {
  const missing = async (queue: string) => {
    const bodies = await rehearsal.doubles.messages(queue);
    return ids.filter((id) => !bodies.some((body) => body.includes(id)));
  };
  const gone = await eventually(
    `a worker takes a message from the queue ${name} (${readersOf(rehearsal)}; one must name it, in \`queueNames\` or in its own command)`,
    seconds,
    async () => {
      const left = await missing(url);
      return left.length > 0 ? left : undefined;
    },
  );
  const dead = deadLettersOf(rehearsal, url);
  const done = dead === undefined ? gone : await missing(dead);
  expect(
    gone.some((id) => done.includes(id)),
    `${TASK} of the queue ${name} is a dead letter: no worker did it`,
  );
}

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
