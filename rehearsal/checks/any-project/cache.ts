import { randomBytes } from 'node:crypto';
import type { RotationSchedule } from '../../aws/rotation';
import type { CacheLogin, ValkeyServer } from '../../cache/valkey-server';
import type { Rehearsal } from '../../rehearsal';
import { eventually, sleep } from '../../wait';
import { type Check, type CheckContext, expect, NotApplicable } from '../check';
import { AWAY_SECONDS } from '../disturbance';
import type { FrontDoor } from '../front-door';
import {
  AGAIN_CONSUMED,
  ANY_PASSWORD_ROTATED,
  BACK_CONSUMED,
  CACHE_AWAY,
  CACHE_LOGIN,
  CACHE_ROTATED,
  CACHE_SHARED,
  CONSUMED,
  DEPLOYABLE,
  DRAINING,
  LOGIN,
  MIGRATED,
  ONE_BEAT,
  PAGES,
  PASSWORD_ROTATED,
  RELEASED,
  REPLACED,
  SCHEDULE_FAILED,
  SOCKETS,
} from '../names';
import { knownPage } from '../page';
import { refreshed } from '../rotation';
import { evaluate, MARK } from './answer';
import { Guests } from './guests';

const RECOVERY_SECONDS = 15;
const ABOUT = 'a cache of the template';

const hasCache = ({ rehearsal }: CheckContext) => rehearsal.caches.size > 0;

/** Whoever breaks pages or tasks, or counts what becomes of them. */
const BEFORE = [DRAINING, REPLACED, ONE_BEAT, CONSUMED, BACK_CONSUMED, AGAIN_CONSUMED, SCHEDULE_FAILED, SOCKETS].concat(
  [DEPLOYABLE, MIGRATED, LOGIN, PASSWORD_ROTATED, ANY_PASSWORD_ROTATED],
);

const SET = `
import json, os
from django.core.cache import cache
cache.set(os.environ["REHEARSAL_KEY"], os.environ["REHEARSAL_VALUE"], 300)
print("${MARK}" + json.dumps(True))
`;

const GET = `
import json, os
from django.core.cache import cache
print("${MARK}" + json.dumps(cache.get(os.environ["REHEARSAL_KEY"])))
`;

export const cacheChecks: Check[] = [
  {
    name: CACHE_LOGIN,
    lane: 'cache',
    needs: [RELEASED],
    about: ABOUT,
    applies: hasCache,
    async run({ rehearsal }) {
      const { server, schedule } = rotatingCache(rehearsal);
      const ca = rehearsal.authority.certificate.cert;
      const login = schedule && (await loginOf(rehearsal, schedule));
      await expectRefusal(server.as(login, undefined, ['PING']), 'it answers without TLS: TransitEncryptionEnabled');
      if (server.isOpen) {
        throw new NotApplicable('a group of users at the cache');
      }
      await expectRefusal(server.as(undefined, ca, ['PING']), 'it answers a client without a login');
      if (login === undefined) {
        return 'no login that rotates';
      }
      await expectRefusal(server.as({ ...login, password: 'wrong' }, ca, ['PING']), 'it takes a wrong password');
      await server.as(login, ca, ['PING']);
      await expectRefusal(server.as(login, ca, ['CONFIG', 'GET', '*']), `${login.username} may administer it`);
      await expectRefusal(server.as(login, ca, ['ACL', 'LIST']), `${login.username} may read the list of users`);
      return undefined;
    },
  },
  {
    name: CACHE_SHARED,
    lane: 'cache',
    needs: [PAGES, CACHE_LOGIN],
    // Projects wait a few seconds for a connection: processors have time for it then.
    after: [DRAINING],
    about: ABOUT,
    applies: hasCache,
    async run({ rehearsal }) {
      const key = `rehearsal-${randomBytes(6).toString('hex')}`;
      const environment = { REHEARSAL_KEY: key, REHEARSAL_VALUE: randomBytes(6).toString('hex') };
      await evaluate(rehearsal, SET, environment);
      const read = await evaluate<string | null>(rehearsal, GET, environment);
      expect(
        read === environment.REHEARSAL_VALUE,
        'what one task puts into the default cache another one does not find: read CACHE_URL into CACHES',
      );
      const places = await Promise.all(
        [...rehearsal.caches.values()].map((server) => server.administer(['KEYS', `*${key}*`])),
      );
      expect(
        places.some(([keys]) => Array.isArray(keys) && keys.length > 0),
        'the default cache is another one than that of the template: read CACHE_URL into CACHES',
      );
      return undefined;
    },
  },
  {
    name: CACHE_ROTATED,
    lane: 'any-rotation',
    needs: [CACHE_SHARED],
    after: BEFORE,
    about: 'a password of a cache of the template that rotates',
    applies: (context) => hasCache(context) && rotatingCache(context.rehearsal).schedule !== undefined,
    async run({ rehearsal, front }) {
      const { rotation } = rehearsal;
      const { server, schedule } = rotatingCache(rehearsal) as { server: ValkeyServer; schedule: RotationSchedule };
      const before = await loginOf(rehearsal, schedule);
      const guests = new Guests({ rehearsal, front });
      const requests = await guests.during(async () => {
        await rotation.rotate(schedule);
        await refreshed(rehearsal, schedule, (old) => guests.meetBoth(old));
        await rotation.gone();
      });
      const after = await loginOf(rehearsal, schedule);
      expect(after.password !== before.password, 'the password did not change');
      const ca = rehearsal.authority.certificate.cert;
      await Promise.all([before, after].map((login) => server.as(login, ca, ['PING'])));
      await makeOlder(rehearsal, schedule);
      if ((await rotation.clock(schedule)) === 0) {
        return `${requests} requests meanwhile; both passwords are accepted`;
      }
      await expectRefusal(server.as(before, ca, ['PING']), 'the password before is still accepted two days later');
      await server.as(after, ca, ['PING']);
      return `${requests} requests meanwhile; both passwords are accepted, and two days later the new one alone`;
    },
  },
  {
    name: CACHE_AWAY,
    lane: 'postgres',
    needs: [CACHE_SHARED],
    after: [DRAINING],
    inCopy: true,
    about: ABOUT,
    applies: hasCache,
    disturbs: ['cache'],
    async run(context) {
      const { front, disturbance, pages } = context;
      const { path } = await knownPage(context);
      const usual = await statusesOf(front, pages ?? [path]);
      const lost = disturbance.watchLosses();
      const unhealthy: string[] = [];
      const seen = new Map<string, Set<number>>();
      await disturbance.withoutCache(async () => {
        for (const end = Date.now() + AWAY_SECONDS * 1000; Date.now() < end; await sleep(500)) {
          for (const [page, status] of await statusesOf(front, usual.keys())) {
            seen.set(page, (seen.get(page) ?? new Set()).add(status));
          }
          unhealthy.push(...disturbance.unhealthyTargets());
        }
      });
      await eventually('pages are answered as ever', RECOVERY_SECONDS, async () => {
        const now = await statusesOf(front, usual.keys());
        return [...usual].every(([page, status]) => now.get(page) === status);
      });
      const said = [...seen].map(([page, statuses]) => `${page} answered ${[...statuses].join(' and ')} meanwhile`);
      const isClear = ([page, statuses]: [string, Set<number>]) =>
        [...statuses].every((status) => status === usual.get(page) || status === 503);
      expect(
        [...seen].every(isClear),
        `${said.join(', ')}: a page that needs the cache must say 503, by a middleware that knows the errors of the cache`,
      );
      expect(unhealthy.length === 0, `unhealthy meanwhile: ${[...new Set(unhealthy)].join(', ')}`);
      expect(lost().length === 0, `replaced: ${lost().join('; ')}`);
      return said.join(', ');
    },
  },
];

/** What pages answer, by their paths. */
async function statusesOf(front: FrontDoor, pages: Iterable<string>): Promise<Map<string, number>> {
  const all = [...pages].map(async (page) => {
    const { status } = await front.request(page, { host: front.hostFor(page) });
    return [page, status] as const;
  });
  return new Map(await Promise.all(all));
}

/** A cache of the template, and the schedule by which the password of its user rotates. */
function rotatingCache(rehearsal: Rehearsal): { readonly server: ValkeyServer; readonly schedule?: RotationSchedule } {
  const [server] = rehearsal.caches.values();
  if (server === undefined) {
    throw new NotApplicable(ABOUT);
  }
  const sources = rehearsal.services.flatMap(({ definition }) => definition.secrets.CACHE_PASSWORD ?? []);
  const isOfCache = ({ secret }: RotationSchedule) => sources.some((source) => source.startsWith(secret));
  return { server, schedule: rehearsal.rotation.schedules.find(isOfCache) };
}

async function loginOf(rehearsal: Rehearsal, { secret }: RotationSchedule): Promise<CacheLogin> {
  return JSON.parse(await rehearsal.secrets.read(secret)) as CacheLogin;
}

/** Dates the rotation back by two days, after which no task has the password of before. */
async function makeOlder({ secrets }: Rehearsal, { secret }: RotationSchedule): Promise<void> {
  const value = JSON.parse(await secrets.read(secret)) as { rotated?: number };
  const rotated = (value.rotated ?? Date.now() / 1000) - 2 * 24 * 60 * 60;
  await secrets.change(secret, JSON.stringify({ ...value, rotated: Math.floor(rotated) }));
}

/** Expects that the cache refuses, by an error or by hanging up. */
async function expectRefusal(attempt: Promise<unknown>, problem: string): Promise<void> {
  const isRefused = await attempt.then(
    () => false,
    () => true,
  );
  expect(isRefused, problem);
}
