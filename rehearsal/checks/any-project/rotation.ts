import type { RotationSchedule } from '../../aws/rotation';
import type { Rehearsal } from '../../rehearsal';
import type { Member } from '../../task/services';
import { anyProject, type Check, type CheckContext, expect, NotApplicable } from '../check';
import {
  AGAIN_CONSUMED,
  ANNOUNCED,
  ANY_KEY_ROTATED,
  ANY_PASSWORD_ROTATED,
  BACK_CONSUMED,
  CONSUMED,
  DEPLOYABLE,
  DRAINING,
  ENDED,
  LOGIN,
  MIGRATED,
  ONE_BEAT,
  PAGES,
  REPLACED,
  SCHEDULE_FAILED,
  SOCKETS,
  STILL_LOGGED_IN,
} from '../names';
import { connect, forgotten, keySchedule, keys, login, passwordSchedule, refreshed } from '../rotation';
import { evaluate, MARK } from './answer';
import { Guests } from './guests';
import { Staff } from './staff';

/** What happened to whoever was logged in when SECRET_KEY rotated. */
interface Rotated {
  readonly loggedOut: readonly string[];
  /** Why nobody was logged in. */
  readonly nobody?: string;
  /** Tasks that the refresh has replaced. */
  readonly old: readonly Member[];
}

/** Enough to meet several processes and tasks. */
const PAGES_OF_SESSION = 12;

const rotated = new WeakMap<Rehearsal, Rotated>();

/** Names of the fallback keys, of those in the secret, that the settings have. */
const FALLBACKS = `
import json, os
from django.conf import settings
keys = json.loads(os.environ.get("DJANGO_SECRET_KEYS") or "{}")
known = [*keys.get("fallbacks", []), keys.get("next")]
print("${MARK}" + json.dumps([known.index(key) for key in settings.SECRET_KEY_FALLBACKS if key in known]))
`;

const hasKey = ({ rehearsal }: CheckContext) => keySchedule(rehearsal) !== undefined;

/** Whoever breaks pages or tasks, or counts what becomes of them. */
const BEFORE = [DRAINING, REPLACED, ONE_BEAT, CONSUMED, BACK_CONSUMED, AGAIN_CONSUMED, SCHEDULE_FAILED, SOCKETS].concat(
  [DEPLOYABLE, MIGRATED, LOGIN],
);

export const anyRotationChecks: Check[] = [
  {
    name: ANY_KEY_ROTATED,
    lane: 'any-rotation',
    needs: [ANNOUNCED, PAGES],
    after: BEFORE,
    ...anyProject('a SECRET_KEY of the template that rotates', hasKey),
    async run(context) {
      const { rehearsal } = context;
      const schedule = keySchedule(rehearsal) as RotationSchedule;
      const { guests, nobody } = await guestsOf(context);
      const old = rehearsal.services.flatMap(({ running }) => running);
      const before = await keys(rehearsal, schedule);
      const requests = await guests.during(async () => {
        await rehearsal.rotation.rotate(schedule);
        const after = await keys(rehearsal, schedule);
        expect(after.key === before.next && after.fallbacks[0] === before.key, 'the key did not rotate');
        await refreshed(rehearsal, schedule, (leaving) => guests.meetBoth(leaving));
      });
      rotated.set(rehearsal, { loggedOut: guests.out, nobody, old });
      return `${requests} requests meanwhile`;
    },
  },
  {
    name: STILL_LOGGED_IN,
    lane: 'any-rotation',
    needs: [ANY_KEY_ROTATED],
    ...anyProject('a SECRET_KEY of the template that rotates', hasKey),
    async run({ rehearsal }) {
      const { loggedOut, nobody } = rotated.get(rehearsal) as Rotated;
      if (nobody !== undefined) {
        throw new NotApplicable(nobody);
      }
      if (loggedOut.length > 0 && (await evaluate<number[]>(rehearsal, FALLBACKS)).length === 0) {
        throw new NotApplicable(
          'SECRET_KEY_FALLBACKS with the keys of DJANGO_SECRET_KEYS, "next" among them: each rotation logs everybody out',
        );
      }
      expect(
        loggedOut.length === 0,
        `logged out: ${loggedOut.join(', ')}. SECRET_KEY_FALLBACKS must have "fallbacks" and "next" of DJANGO_SECRET_KEYS`,
      );
      return 'on old tasks and on new ones';
    },
  },
  {
    name: ENDED,
    lane: 'any-rotation',
    needs: [ANY_KEY_ROTATED],
    ...anyProject(
      'a worker, and a SECRET_KEY of the template that rotates',
      (context) => hasKey(context) && hasWorker(context),
    ),
    async run({ rehearsal }) {
      await rehearsal.rotation.gone();
      const workers = (rotated.get(rehearsal) as Rotated).old.filter(({ task }) => task.definition.kind === 'worker');
      const killed = workers.filter(({ task }) => task.exit?.killed);
      expect(
        killed.length === 0,
        `killed after stopTimeout: ${killed.map(({ task }) => task.id).join(', ')}. Is SIGTERM handed on to Celery?`,
      );
      return `${workers.length} workers`;
    },
  },
  {
    name: ANY_PASSWORD_ROTATED,
    lane: 'any-rotation',
    needs: [ANNOUNCED, PAGES],
    after: [ANY_KEY_ROTATED, ...BEFORE],
    ...anyProject(
      'a database password of the template that rotates',
      ({ rehearsal }) => passwordSchedule(rehearsal) !== undefined,
    ),
    async run(context) {
      const { rehearsal } = context;
      const { rotation } = rehearsal;
      const schedule = passwordSchedule(rehearsal) as RotationSchedule;
      const { guests } = await guestsOf(context);
      const before = await login(rehearsal, schedule);
      const requests = await guests.during(async () => {
        // The master's own first: the application's is changed with its new password.
        const master = rotation.of(schedule.handler.environment.MASTER_SECRET_ARN);
        if (master !== undefined) {
          await rotation.rotate(master);
        }
        await rotation.rotate(schedule);
        await refreshed(rehearsal, schedule, (leaving) => guests.meetBoth(leaving));
        await rotation.gone();
      });
      const after = await login(rehearsal, schedule);
      expect(after.password !== before.password, 'the password did not change');
      await Promise.all([before, after].map((one) => connect(rehearsal, one)));
      expect(guests.out.length === 0, `logged out: ${guests.out.join(', ')}`);
      await forgotten(rehearsal, before.username);
      return `${requests} requests meanwhile, ${before.username} → ${after.username}`;
    },
  },
];

function hasWorker({ rehearsal }: CheckContext): boolean {
  return rehearsal.services.some(({ definition }) => definition.kind === 'worker');
}

/** Visitors who are logged in, where the project lets anybody in by its admin. */
async function guestsOf({ rehearsal, front }: CheckContext): Promise<{ guests: Guests; nobody?: string }> {
  const reason: { nobody?: string } = {};
  const guests = await Staff.of(rehearsal)
    .then(async (staff) => {
      const all = new Guests({ rehearsal, front, staff });
      await all.logIn();
      return all;
    })
    .catch((error: Error) => {
      if (!(error instanceof NotApplicable)) {
        throw error;
      }
      reason.nobody = error.message;
      return new Guests({ rehearsal, front });
    });
  return { guests, ...reason };
}

/** Somebody logs in at the admin of the project. */
export const loginCheck: Check = {
  name: LOGIN,
  lane: 'project',
  needs: [PAGES],
  ...anyProject('the admin'),
  async run({ rehearsal }) {
    const staff = await Staff.of(rehearsal);
    const session = await staff.logIn();
    for (let page = 0; page < PAGES_OF_SESSION; page++) {
      expect(
        await staff.knows(session),
        'who has just logged in is asked to log in again: every process of every task must find a session, so keep sessions in the database',
      );
    }
    return undefined;
  },
};
