import { anyRotationChecks, loginCheck } from '../../../../rehearsal/checks/any-project/rotation';
import { type Check, type CheckContext, NotApplicable } from '../../../../rehearsal/checks/check';
import { ANY_KEY_ROTATED, ANY_PASSWORD_ROTATED, ENDED, STILL_LOGGED_IN } from '../../../../rehearsal/checks/names';
import { findPage } from '../../../../rehearsal/checks/page';

const SECRET = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:key-abcdef';

interface Project {
  /** Whether the old worker had to be killed. */
  readonly isKilled?: boolean;
  /** What the page answers while tasks are replaced. */
  readonly status?: number;
  /** Whether the template's refresh names the services. */
  readonly isRefreshed?: boolean;
}

/** A project without an admin, whose key rotates. */
async function stack({ isKilled = false, status = 200, isRefreshed = true }: Project) {
  const target = { id: 'web/1', draining: false };
  let isRolling = false;
  let reached = 0;
  const service = (name: string, kind: string, exit?: object) => ({
    name,
    group: kind === 'web' ? { targets: [target], settings: { path: '/' } } : undefined,
    definition: { kind, command: [], environment: {}, secrets: { DJANGO_SECRET_KEYS: SECRET } },
    running: [{ task: { id: `${name}/1`, definition: { kind }, exit } }],
  });
  const services = [service('web', 'web'), service('worker', 'worker', { killed: isKilled })];
  let document: object = { key: 'first', next: 'second', fallbacks: [] };
  const rehearsal = {
    services,
    definitions: new Map(),
    imageHas: () => true,
    run: async () => ({
      exited: Promise.resolve({ code: 0 }),
      logs: { last: () => [`rehearsal:${JSON.stringify({ login: null, index: null })}`] },
    }),
    secrets: { read: async () => JSON.stringify(document) },
    rotation: {
      schedules: [{ secret: SECRET }],
      gone: async () => undefined,
      rotate: async () => {
        document = { key: 'second', next: 'third', fallbacks: ['first'] };
      },
      refresh: async (_: string, sideBySide: (old: ReadonlySet<string>) => Promise<void>) => {
        isRolling = true;
        await sideBySide(new Set(['web/1']));
        for (const one of services) {
          one.running = [{ task: { ...one.running[0].task, id: `${one.name}/2` } }];
        }
        return isRefreshed ? services : [];
      },
    },
  };
  const front = {
    secure: false,
    calls: { last: target, requests: () => reached },
    hostFor: () => 'shop.example.com',
    request: async () => {
      reached++;
      return { status: isRolling ? status : 200, headers: {}, body: '' };
    },
  };
  const context = { rehearsal, front, guestbook: false } as unknown as CheckContext;
  await findPage(context);
  const named = (name: string) => anyRotationChecks.find((one) => one.name === name) as Check;
  return { context, named, run: (name: string) => named(name).run(context) };
}

test('the key rotates while pages are read; nobody can be logged out where there is no admin', async () => {
  const { run, context } = await stack({});
  expect(await run(ANY_KEY_ROTATED)).toMatch(/^\d+ requests meanwhile$/);
  await expect(run(STILL_LOGGED_IN)).rejects.toThrow(new NotApplicable('the admin'));
  expect(await run(ENDED)).toBe('1 workers');
  await expect(loginCheck.run(context)).rejects.toThrow(new NotApplicable('the admin'));
});

test('a page that fails while tasks are replaced fails', async () => {
  const { run } = await stack({ status: 502 });
  await expect(run(ANY_KEY_ROTATED)).rejects.toThrow(/requests failed: \/ answered 502$/);
});

test('a refresh that leaves services as they are fails', async () => {
  const { run } = await stack({ isRefreshed: false });
  await expect(run(ANY_KEY_ROTATED)).rejects.toThrow('the refresh replaces nothing, the secret is used by web, worker');
});

test('a worker that had to be killed fails', async () => {
  const { run } = await stack({ isKilled: true });
  await run(ANY_KEY_ROTATED);
  await expect(run(ENDED)).rejects.toThrow('killed after stopTimeout: worker/1. Is SIGTERM handed on to Celery?');
});

test('a template without passwords has none to rotate', async () => {
  const { context, named } = await stack({});
  expect(named(ANY_KEY_ROTATED).applies?.(context)).toBe(true);
  expect(named(ANY_PASSWORD_ROTATED).applies?.(context)).toBe(false);
});
