import { readFileSync } from 'node:fs';
import { Client } from 'pg';
import { portsOf } from '../task/listening';
import type { Service } from '../task/services';
import { HANG_SECONDS, sleep } from '../wait';
import { answersReadOnly, startsReadOnly } from './any-project/files';
import { type Check, type CheckContext, expect } from './check';
import { databaseLogin } from './database-login';
import { ANSWERS_READ_ONLY, HEALTHY, RELEASED, STARTED, STARTS_READ_ONLY } from './names';
import { announcingCheck } from './rotation';

/** Milliseconds after which is looked where a task listens. */
const LOOK_MS = 5000;

/** What must have happened before anything else can be looked at. */
export const startChecks: Check[] = [
  startsReadOnly,
  {
    name: RELEASED,
    lane: 'start',
    needs: [STARTS_READ_ONLY],
    proof: true,
    async run({ rehearsal }) {
      await verifiedConnection(rehearsal);
      const tasks = await rehearsal.release();
      expect(
        rehearsal.services.every((service) => service.members.length === 0),
        'a service started before the release had ended',
      );
      return `${tasks.length} release`;
    },
  },
  announcingCheck,
  {
    name: STARTED,
    lane: 'start',
    needs: [RELEASED],
    proof: true,
    async run({ rehearsal }) {
      await rehearsal.start();
      await Promise.all(rehearsal.services.map((service) => alive(service)));
      return `${rehearsal.services.length} services`;
    },
  },
  answersReadOnly,
  {
    name: HEALTHY,
    lane: 'start',
    needs: [STARTED, ANSWERS_READ_ONLY],
    proof: true,
    about: 'a load-balanced service',
    applies: ({ rehearsal }) => rehearsal.services.some(({ group }) => group !== undefined),
    async run({ rehearsal }) {
      const routed = rehearsal.services.filter(({ group }) => group !== undefined);
      for (const service of routed) {
        const hosts = service.definition.environment.DJANGO_ALLOWED_HOSTS ?? '';
        expect(!hosts.split(',').includes('*'), `${service.name} allows every host`);
        await Promise.race([service.untilSteady(), unhealthy(service)]);
      }
      return routed.map(({ name, group }) => `${name} ${group?.settings.path}`).join(', ');
    },
  },
];

/** Fails as soon as a target is unhealthy; otherwise never ends. */
async function unhealthy(service: Service): Promise<void> {
  for (;;) {
    const sick = service.group?.targets.find(({ health }) => health.state === 'unhealthy');
    expect(
      sick === undefined,
      `${sick?.id} is unhealthy at ${service.group?.settings.path}: ${sick?.answered}. The path must answer ${service.group?.settings.matcher} ` +
        'for any host name and without a login: answer it in a middleware before all others, or name another with `healthCheckPath`',
    );
    if (service.steady) {
      return;
    }
    await sleep(200);
  }
}

/** Waits until every task of a service runs. What its port answers is for another check. */
async function alive(service: Service): Promise<void> {
  const end = Date.now() + HANG_SECONDS * 1000;
  let elsewhere = '';
  for (;;) {
    expect(service.failures.length === 0, `${service.failures[0] ?? ''}${elsewhere}`);
    const running = service.running.length >= service.desiredCount;
    const ready = service.running.every(
      ({ task, registration }) =>
        (service.definition.healthCheck === undefined || task.health === 'HEALTHY' || registration !== undefined) &&
        (service.group === undefined || registration !== undefined),
    );
    if (running && ready) {
      return;
    }
    elsewhere ||= wrongPort(service);
    expect(Date.now() < end, `${service.name} did not start within ${HANG_SECONDS} s${elsewhere}`);
    await sleep(100);
  }
}

/** Says where a task listens that is not registered, since nothing listens on its port. */
function wrongPort({ group, running }: Service): string {
  const waiting = running.find(({ registration }) => group !== undefined && registration === undefined);
  // Most servers listen by then; a look costs too much to take one all the time.
  const pid = waiting !== undefined && Date.now() - waiting.task.startedAt > LOOK_MS ? waiting.task.pid : undefined;
  const ports = pid === undefined ? [] : portsOf(pid);
  return ports.length === 0 || ports.includes(waiting?.task.port ?? 0)
    ? ''
    : `. It listens on ${ports.join(' and ')}, and not on the port in PORT: let the server read that variable`;
}

/**
 * Connects as a process does, with its bundle and the name that it uses for the server, as verify-full
 * requires.
 */
async function verifiedConnection(rehearsal: CheckContext['rehearsal']): Promise<void> {
  const definition = [...rehearsal.definitions.values()].find(({ environment }) => environment.PGSSLMODE !== undefined);
  if (definition === undefined || rehearsal.postgres === undefined) {
    return;
  }
  expect(definition.environment.PGSSLMODE === 'verify-full', `PGSSLMODE is ${definition.environment.PGSSLMODE}`);
  const login = await databaseLogin(rehearsal, definition);
  const client = new Client({
    ...login,
    ssl: { ca: readFileSync(rehearsal.caBundle, 'utf8'), rejectUnauthorized: true },
  });
  await client.connect();
  await client.end();
}
