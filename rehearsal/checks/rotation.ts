import { Client } from 'pg';
import type { RotationSchedule } from '../aws/rotation';
import type { Rehearsal } from '../rehearsal';
import type { Service } from '../task/services';
import { eventually, HANG_SECONDS } from '../wait';
import { asgi } from './asgi';
import { type Check, type CheckContext, EXAMPLE, expect } from './check';
import { databaseVariables } from './database-login';
import {
  AGAIN,
  ANNOUNCED,
  BOMBS,
  DONE,
  DRAINED,
  DRAINING,
  ECHO,
  HUNG,
  KEY_ROTATED,
  LIMIT,
  LOGGED_IN,
  PASSWORD_ROTATED,
  PERIODIC,
  RELEASED,
  STRANGERS,
} from './names';
import { type Visit, Visitors } from './visitors';

const hasVisitors = ({ guestbook, rehearsal }: CheckContext) => guestbook && asgi(rehearsal) !== undefined;

/** Before any service starts. */
export const announcingCheck: Check = {
  name: ANNOUNCED,
  lane: 'start',
  needs: [RELEASED],
  proof: true,
  about: 'a SECRET_KEY of the template that rotates',
  applies: ({ rehearsal }) => keySchedule(rehearsal) !== undefined,
  async run({ rehearsal }) {
    const schedule = keySchedule(rehearsal) as RotationSchedule;
    const before = await keys(rehearsal, schedule);
    await rehearsal.rotation.rotate(schedule);
    const after = await keys(rehearsal, schedule);
    expect(before.next === undefined && after.next !== undefined, 'no next key is announced');
    expect(after.key === before.key && after.fallbacks.length === 0, 'the first rotation changed the key');
    return undefined;
  },
};

const visitors = new WeakMap<Rehearsal, Promise<Visitors>>();

/** Who is logged in at the first rotation still is at the second. */
function visitorsOf(context: CheckContext): Promise<Visitors> {
  const found = visitors.get(context.rehearsal) ?? Visitors.logIn(context);
  visitors.set(context.rehearsal, found);
  return found;
}

export const rotationChecks: Check[] = [
  {
    name: LOGGED_IN,
    lane: 'rotation',
    needs: [ANNOUNCED, DONE],
    after: [DRAINING],
    proof: true,
    about: EXAMPLE,
    applies: hasVisitors,
    async run(context) {
      await visitorsOf(context);
      return undefined;
    },
  },
  {
    name: KEY_ROTATED,
    lane: 'rotation',
    needs: [LOGGED_IN, ECHO, DRAINING],
    // It replaces every task, and must not lose what others do with one. Nor may its WebSockets wait behind
    // bombs.
    after: [LIMIT, HUNG, AGAIN, DRAINED, PERIODIC, BOMBS, STRANGERS],
    proof: true,
    about: EXAMPLE,
    applies: (context) => hasVisitors(context) && keySchedule(context.rehearsal) !== undefined,
    async run(context) {
      const { rehearsal } = context;
      const schedule = keySchedule(rehearsal) as RotationSchedule;
      const guests = await visitorsOf(context);
      const before = await keys(rehearsal, schedule);
      const visit = await guests.during(`key-${Date.now()}`, async () => {
        await rehearsal.rotation.rotate(schedule);
        const after = await keys(rehearsal, schedule);
        expect(after.key === before.next && after.fallbacks[0] === before.key, 'the key did not rotate');
        await refreshed(rehearsal, schedule, (old) => guests.meetBoth(old));
      });
      return figures(visit);
    },
  },
  {
    name: PASSWORD_ROTATED,
    lane: 'rotation',
    needs: [KEY_ROTATED],
    about: EXAMPLE,
    applies: (context) => hasVisitors(context) && passwordSchedule(context.rehearsal) !== undefined,
    async run(context) {
      const { rehearsal } = context;
      const { rotation } = rehearsal;
      const schedule = passwordSchedule(rehearsal) as RotationSchedule;
      const guests = await visitorsOf(context);
      const before = await login(rehearsal, schedule);
      const visit = await guests.during(`password-${Date.now()}`, async () => {
        // The master's own first: the application's is changed with its new password.
        const master = rotation.of(schedule.handler.environment.MASTER_SECRET_ARN);
        if (master !== undefined) {
          await rotation.rotate(master);
        }
        await rotation.rotate(schedule);
        await refreshed(rehearsal, schedule, (old) => guests.meetBoth(old));
        await rotation.gone();
      });
      await guests.settled('key-');
      guests.close();
      const after = await login(rehearsal, schedule);
      expect(after.password !== before.password, 'the password did not change');
      await Promise.all([before, after].map((one) => connect(rehearsal, one)));
      const users = await connectedUsers(rehearsal);
      expect(users.includes(after.username), `nobody is connected as ${after.username}: ${users.join(', ')}`);
      await forgotten(rehearsal, before.username);
      return `${figures(visit)}, ${before.username} → ${after.username}`;
    },
  },
];

/**
 * Expects that the refresh replaces every service that uses the secret, and that no old task is left after
 * it.
 */
export async function refreshed(
  rehearsal: Rehearsal,
  { secret }: RotationSchedule,
  sideBySide: (old: ReadonlySet<string>) => Promise<void>,
): Promise<void> {
  const users = rehearsal.services.filter(({ definition }) =>
    Object.values(definition.secrets).some((source) => source.startsWith(secret)),
  );
  const old = users.flatMap(({ running }) => running.map(({ task }) => task.id));
  const replaced = await rehearsal.rotation.refresh(secret, sideBySide);
  const names = (services: Service[]) => services.map(({ name }) => name).sort();
  expect(
    users.length > 0 && names(replaced).join() === names(users).join(),
    `the refresh replaces ${names(replaced).join(', ') || 'nothing'}, the secret is used by ${names(users).join(', ')}`,
  );
  const left = users.flatMap(({ running }) => running.map(({ task }) => task.id)).filter((id) => old.includes(id));
  expect(left.length === 0, `not replaced: ${left.join(', ')}`);
}

export function scheduleOf(
  rehearsal: Rehearsal,
  sources: readonly (string | undefined)[],
): RotationSchedule | undefined {
  return rehearsal.rotation.schedules.find(({ secret }) => sources.some((source) => source?.startsWith(secret)));
}

export function keySchedule(rehearsal: Rehearsal): RotationSchedule | undefined {
  return scheduleOf(
    rehearsal,
    rehearsal.services.map(({ definition }) => definition.secrets.DJANGO_SECRET_KEYS),
  );
}

export function passwordSchedule(rehearsal: Rehearsal): RotationSchedule | undefined {
  const passwords = rehearsal.services.map(({ definition: { secrets } }) => {
    const variable = databaseVariables(secrets)?.password;
    return variable === undefined ? undefined : secrets[variable];
  });
  return scheduleOf(rehearsal, passwords);
}

export async function keys(rehearsal: Rehearsal, { secret }: RotationSchedule) {
  return JSON.parse(await rehearsal.secrets.read(secret)) as { key: string; next?: string; fallbacks: string[] };
}

interface Login {
  readonly username: string;
  readonly password: string;
  readonly host: string;
  readonly port: number;
  readonly dbname: string;
}

export async function login(rehearsal: Rehearsal, { secret }: RotationSchedule): Promise<Login> {
  return JSON.parse(await rehearsal.secrets.read(secret)) as Login;
}

/** Throws unless the database accepts the login. */
export async function connect(rehearsal: Rehearsal, { username, password, host, port, dbname }: Login): Promise<void> {
  const ssl = { ca: rehearsal.authority.certificate.cert };
  const client = new Client({ host, port, user: username, password, database: dbname, ssl });
  await client.connect();
  await client.end();
}

export async function connectedUsers(rehearsal: Rehearsal): Promise<string[]> {
  const rows = await rehearsal.postgres?.query('postgres', async (client) => {
    const query = 'SELECT DISTINCT usename AS name FROM pg_stat_activity WHERE client_addr IS NOT NULL';
    return (await client.query<{ name: string }>(query)).rows;
  });
  return (rows ?? []).map(({ name }) => name);
}

/** PostgreSQL takes a moment to notice that a process has ended; who still runs stays connected. */
export async function forgotten(rehearsal: Rehearsal, user: string): Promise<void> {
  await eventually(`nobody is connected as ${user} any more`, HANG_SECONDS, async () => {
    return !(await connectedUsers(rehearsal)).includes(user);
  });
}

function figures({ requests, sockets, tasks, late }: Visit): string {
  const again = late > 0 ? ` (${late} to be delivered again)` : '';
  return `${requests} requests, ${sockets} WebSockets and ${tasks} tasks meanwhile${again}`;
}
