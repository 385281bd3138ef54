import type { Queue } from '../aws/queues';
import type { Rehearsal } from '../rehearsal';
import { RETRY_DELAYS } from '../task/launcher';
import type { Task } from '../task/process';
import type { Service } from '../task/services';
import { eventually, HANG_SECONDS, sleep } from '../wait';
import { type Check, type CheckContext, EXAMPLE, expect } from './check';
import type { Disturbance } from './disturbance';
import { guestbook } from './guestbook';
import {
  AGAIN,
  AWAY,
  DONE,
  DRAINED,
  KEY_ROTATED,
  LIMIT,
  ONE_BEAT,
  PAGES,
  PASSWORD_ROTATED,
  PERIODIC,
  POISON,
} from './names';

/** Seconds by which two clocks, and a double that counts in whole seconds, may differ. */
const CLOCK_SECONDS = 1;
/** How many tasks are run to kill a worker in the middle of one. */
const TRIES = 10;
/** Name of a worker beside its service. */
export const SCALED_OUT = 'scaled-out';

const applies = ({ guestbook: yes }: CheckContext) => yes;

export const taskChecks: Check[] = [
  {
    name: DONE,
    lane: 'tasks',
    needs: [PAGES],
    proof: true,
    about: EXAMPLE,
    applies,
    async run({ rehearsal }) {
      const book = guestbook(rehearsal);
      const text = `three words ${Date.now()}`;
      await book.post(text);
      await eventually('the words are counted', HANG_SECONDS, async () =>
        (await book.messages()).some((message) => message.text === text && message.words === 3),
      );
      const id = await book.drill('ping', { label: 'ping' });
      await book.finished('ping');
      const [express, general] = [worker(rehearsal, 'express'), worker(rehearsal, 'default')];
      await eventually('the log of the worker has the task', HANG_SECONDS, () => mentions(express, id));
      expect(!mentions(general, id), 'the other worker did it');
      return undefined;
    },
  },
  {
    name: LIMIT,
    lane: 'tasks',
    needs: [DONE],
    proof: true,
    about: EXAMPLE,
    applies,
    async run({ rehearsal }) {
      const book = guestbook(rehearsal);
      const label = `limit-${Date.now()}`;
      // A second worker, as autoscaling would add: a single one would be too busy to take a message twice. It
      // stays until SQS is away, because a worker that is killed while it polls can cost a message a
      // delivery.
      const second = await rehearsal.run(worker(rehearsal, 'express').definition, SCALED_OUT);
      await eventually('the second worker is alive', HANG_SECONDS, () => second.health === 'HEALTHY');
      await book.drill('express-slow', { label, seconds: '3.5' });
      await book.finished(label);
      await sleep(2500);
      const records = await book.records({ label });
      expect(records.length === 1, `it was started ${records.length} times: SQS delivered it again while it ran`);
      return undefined;
    },
  },
  {
    name: POISON,
    lane: 'poison',
    needs: [DONE],
    proof: true,
    about: EXAMPLE,
    applies,
    async run({ rehearsal }) {
      const book = guestbook(rehearsal);
      const queue = brokerQueue(rehearsal, 'express');
      const dead = [...rehearsal.queues.values()].find(({ arn }) => arn === queue?.deadLetterArn);
      expect(queue !== undefined && dead !== undefined, 'express has no dead-letter queue');
      const label = `poison-${Date.now()}`;
      const started = Date.now();
      const id = await book.drill('poison', { label });
      const limit = queue.visibilityTimeout * (queue.maxReceiveCount ?? 1) + 25; // without runtime/, too
      await eventually('the message is in the dead-letter queue', limit, async () => {
        return (await rehearsal.doubles.bodies(dead.url)).some((body) => body.includes(id));
      });
      // Asked again where it fails: other checks, which run beside it, test whether requests get through.
      const runs = await eventually(
        'its runs are counted',
        HANG_SECONDS,
        async () => (await book.records({ label })).length,
      );
      expect(runs === queue.maxReceiveCount, `it ran ${runs} times, maxReceiveCount is ${queue.maxReceiveCount}`);
      const starts = (await book.records({ label }))
        .map(({ started_at }) => Date.parse(String(started_at)) / 1000)
        .sort();
      const pauses = starts.slice(1).map((start, number) => start - starts[number]);
      expect(
        pauses.every((pause, number) => pause >= RETRY_DELAYS[number] - CLOCK_SECONDS),
        `it ran again after ${pauses.map((pause) => pause.toFixed(1)).join(' and ')} s, the delays are ${RETRY_DELAYS}`,
      );
      return `${runs} runs, ${((Date.now() - started) / 1000).toFixed(0)} s`;
    },
  },
  {
    name: AGAIN,
    lane: 'tasks-killed',
    needs: [DONE],
    // A worker that is killed while it polls can cost a message a delivery: POISON counts them.
    after: [LIMIT, AWAY, POISON],
    disturbs: ['worker'],
    about: EXAMPLE,
    applies,
    async run({ rehearsal, disturbance }) {
      const book = guestbook(rehearsal);
      await sleep(1500);
      const label = await killedWhileItRuns(rehearsal, disturbance);
      const records = await book.finished(label);
      expect(records.length >= 2, 'it was not started again');
      return `${records.length} runs`;
    },
  },
  {
    name: DRAINED,
    lane: 'tasks-drained',
    needs: [DONE],
    after: [AWAY],
    about: EXAMPLE,
    applies,
    async run({ rehearsal }) {
      const book = guestbook(rehearsal);
      const label = `drained-${Date.now()}`;
      const general = worker(rehearsal, 'default');
      const count = 6;
      for (let number = 0; number < count; number++) {
        await book.drill('slow', { label, seconds: '1' });
      }
      await eventually('the first one runs', HANG_SECONDS, async () => (await book.records({ label })).length > 0, 50);
      const [old] = general.running;
      await general.replace(old);
      const exit = await old.task.exited;
      const records = await book.finished(label, count);
      expect(!exit.killed, 'it had to be killed');
      expect(records.length === count, `${count} tasks ran ${records.length} times`);
      return `${count} tasks`;
    },
  },
  {
    name: PERIODIC,
    lane: 'beat',
    needs: [DONE],
    about: EXAMPLE,
    applies: ({ guestbook: yes, rehearsal }) => yes && beat(rehearsal) !== undefined,
    async run({ rehearsal }) {
      const records = await eventually(
        'the heartbeat',
        HANG_SECONDS,
        async () => {
          const found = await guestbook(rehearsal).records({ name: 'guestbook.tasks.heartbeat' });
          return found.some(({ finished_at }) => finished_at !== null) ? found : undefined;
        },
        1000,
      );
      return `${records.length} so far`;
    },
  },
  {
    name: ONE_BEAT,
    lane: 'beat',
    needs: [PAGES],
    // The example’s heart beats a minute after its beat has started. Nobody waits for this check.
    after: [PERIODIC, KEY_ROTATED, PASSWORD_ROTATED],
    proof: true,
    about: 'a beat service',
    applies: ({ rehearsal }) => beat(rehearsal) !== undefined,
    async run({ rehearsal }) {
      const service = beat(rehearsal) as Service;
      await service.untilSteady();
      const samples: number[] = [];
      const timer = setInterval(() => samples.push(service.members.filter(({ task }) => task.running).length), 20);
      try {
        await service.redeploy();
      } finally {
        clearInterval(timer);
      }
      const most = Math.max(...samples);
      expect(most === 1, `there were ${most} at once`);
      return `${samples.length} samples`;
    },
  },
];

/**
 * Kills every worker of `express` while it runs a task, and gives the task's label.
 * On a busy machine a task may have ended before its worker did: then the next one is tried.
 */
async function killedWhileItRuns(rehearsal: Rehearsal, disturbance: Disturbance): Promise<string> {
  const book = guestbook(rehearsal);
  const express = worker(rehearsal, 'express');
  for (let number = 0; number < TRIES; number++) {
    const label = `killed-${Date.now()}`;
    await express.untilSteady();
    await book.drill('express-slow', { label, seconds: '3' });
    await eventually('it has started', HANG_SECONDS, async () => (await book.records({ label })).length > 0, 50);
    for (const { task } of express.running) {
      disturbance.kill(task);
    }
    const records = await book.records({ label });
    if (records.every(({ finished_at }) => finished_at === null)) {
      return label;
    }
  }
  throw new Error(`in ${TRIES} tries no worker was killed while it ran a task of three seconds`);
}

export function beat(rehearsal: CheckContext['rehearsal']): Service | undefined {
  return rehearsal.services.find(({ definition }) => definition.kind === 'beat');
}

/** The service that works on a queue, by its command. */
export function worker(rehearsal: CheckContext['rehearsal'], queue: string): Service {
  const found = rehearsal.services.find(
    ({ definition }) =>
      definition.kind === 'worker' && definition.command?.some((word) => word.split(',').includes(queue)),
  );
  expect(found !== undefined, `no worker for the queue ${queue}`);
  return found;
}

/** A queue by the name that Celery has for it. */
export function brokerQueue(rehearsal: CheckContext['rehearsal'], name: string): Queue | undefined {
  const known = queueUrl(rehearsal, name);
  return [...rehearsal.queues.values()].find(({ url }) => url === known);
}

function queueUrl(rehearsal: CheckContext['rehearsal'], name: string): string {
  const [web] = [...rehearsal.definitions.values()].filter(
    ({ environment }) => environment.CELERY_BROKER_TRANSPORT_OPTIONS !== undefined,
  );
  return JSON.parse(web?.environment.CELERY_BROKER_TRANSPORT_OPTIONS ?? '{}').predefined_queues?.[name]?.url ?? '';
}

function mentions(service: Service, id: string): boolean {
  return service.members.some(({ task }: { task: Task }) => task.logs.last().some((line) => line.includes(id)));
}
