import {
  anyProject,
  type Check,
  NotApplicable,
  type RunContext,
  runChecks,
  withNeeded,
} from '../../../rehearsal/checks/check';
import { CONNECTIONS, DRAINING, PAGES, READ_ONLY, RELEASED, STARTED } from '../../../rehearsal/checks/names';
import { allChecks } from '../../../rehearsal/checks/secrets';
import type { Rehearsal } from '../../../rehearsal/rehearsal';

const context = { rehearsal: { services: [], listeners: [] } as unknown as Rehearsal } as RunContext;

const MIGRATED_FIRST = 'releases: migrations are applied before the first request';

const check = (name: string, more: Partial<Check> = {}): Check => ({
  name,
  lane: name,
  run: async () => undefined,
  ...more,
});

test('a check is chosen with all that it needs, and nothing else', () => {
  const checks = [
    check('released'),
    check('started', { needs: ['released'] }),
    check('page', { needs: ['started'], after: ['rotated'] }),
    check('rotated', { needs: ['page'] }),
    check('loop', { needs: ['loop'] }),
  ];
  expect([...withNeeded(checks, ({ name }) => name === 'page')].sort()).toEqual(['page', 'released', 'started']);
  expect([...withNeeded(checks, ({ name }) => name === 'loop')]).toEqual(['loop']);
});

test('a check that looks at the traces of another one is chosen with it, and waits for it, however it ends', async () => {
  let isOver = false;
  const load = check('load', {
    async run() {
      await new Promise(setImmediate);
      isOver = true;
      throw new Error('a request failed');
    },
  });
  const connections = check('connections', { follows: ['load'], run: async () => `after the load: ${isOver}` });
  const names = withNeeded([load, connections], ({ name }) => name === 'connections');
  expect([...names].sort()).toEqual(['connections', 'load']);
  const outcomes = await runChecks([connections, load], context, () => undefined);
  expect(outcomes.map(({ verdict, detail }) => [verdict, detail])).toEqual([
    ['passed', 'after the load: true'],
    ['failed', 'a request failed'],
  ]);
});

test.each([
  [CONNECTIONS, DRAINING],
  [READ_ONLY, RELEASED],
  [READ_ONLY, PAGES],
  [MIGRATED_FIRST, STARTED],
])('--only %s takes along %s', (name, needed) => {
  expect(withNeeded(allChecks, (one) => one.name === name)).toContain(needed);
});

test('what each check of the rehearsal needs and waits for is a check', () => {
  const names = allChecks.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  expect(
    allChecks
      .flatMap(({ needs = [], after = [], follows = [] }) => [...needs, ...after, ...follows])
      .filter((one) => !names.includes(one)),
  ).toEqual([]);
});

test('no check waits for itself, by what it needs, what it comes after, or its lane', () => {
  const waits = new Map(
    allChecks.map(({ name, lane, needs = [], after = [], follows = [] }, index) => {
      const before = allChecks.slice(0, index).filter((other) => other.lane === lane);
      return [name, [...needs, ...after, ...follows, ...before.slice(-1).map((other) => other.name)]];
    }),
  );
  const over = new Set<string>();
  for (let ready: string[] = [''], left = [...waits.keys()]; ready.length > 0; ) {
    ready = left.filter((name) => waits.get(name)?.every((other) => over.has(other)));
    for (const name of ready) {
      over.add(name);
    }
    left = left.filter((name) => !over.has(name));
  }
  expect([...waits.keys()].filter((name) => !over.has(name))).toEqual([]);
});

test('a check that does not apply says what it needs, whether it knows before or while it runs', async () => {
  const ran: string[] = [];
  const outcomes = await runChecks(
    [
      check('tasks', { applies: () => false, about: 'queues', run: async () => void ran.push('tasks') as undefined }),
      check('admin', {
        run: async () => {
          throw new NotApplicable('an admin');
        },
      }),
      check('after both', { needs: ['tasks', 'admin'] }),
    ],
    context,
    () => undefined,
  );
  expect(outcomes.map(({ name, verdict, detail }) => [name, verdict, detail])).toEqual([
    ['tasks', 'not applicable', 'queues'],
    ['admin', 'not applicable', 'an admin'],
    ['after both', 'passed', ''],
  ]);
  expect(ran).toEqual([]);
});

test('where nobody can reach a page, no check applies that needs one, also by another check', async () => {
  const outcomes = await runChecks(
    [
      check('pages', { isGate: true, applies: () => false, about: 'a load balancer' }),
      check('workers', { needs: ['pages'] }),
      check('killed workers', { needs: ['workers'] }),
      check('release'),
    ],
    context,
    () => undefined,
  );
  expect(outcomes.map(({ name, verdict, detail }) => [name, verdict, detail])).toEqual([
    ['pages', 'not applicable', 'a load balancer'],
    ['workers', 'not applicable', 'a load balancer'],
    ['killed workers', 'not applicable', 'a load balancer'],
    ['release', 'passed', ''],
  ]);
  expect(allChecks.find(({ name }) => name === PAGES)).toMatchObject({ isGate: true });
});

test('a check of any project leaves the example to its own checks, and says so', async () => {
  const queues = check(
    'queues',
    anyProject('queues', () => true),
  );
  const admin = check(
    'admin',
    anyProject('the admin', () => false),
  );
  const verdicts = async (guestbook: boolean) => {
    const outcomes = await runChecks([queues, admin], { ...context, guestbook }, () => undefined);
    return outcomes.map(({ verdict, detail }) => [verdict, detail]);
  };
  expect(await verdicts(false)).toEqual([
    ['passed', ''],
    ['not applicable', 'the admin'],
  ]);
  const own = ['not applicable', 'a project other than the example, which has richer checks of its own'];
  expect(await verdicts(true)).toEqual([own, own]);
});

test('each check that does not apply to every stack says what it is about', () => {
  const silent = allChecks.filter(({ applies, about }) => applies !== undefined && about === undefined);
  expect(silent.map(({ name }) => name)).toEqual([]);
});

test('the database and the caches are taken away in the copy alone', () => {
  const takers = allChecks.filter(({ disturbs = [] }) => disturbs.includes('database') || disturbs.includes('cache'));
  expect(takers.length).toBeGreaterThan(0);
  expect(takers.filter(({ inCopy }) => !inCopy).map(({ name }) => name)).toEqual([]);
});

test('what a check takes away in the copy is missed by nobody, and waits for no other outage', async () => {
  const copy = { services: [], listeners: [] } as unknown as Rehearsal;
  const seen: Rehearsal[] = [];
  let end: () => void = () => undefined;
  const over = new Promise<void>((resolve) => {
    end = resolve;
  });
  const sqs = check('sqs', {
    disturbs: ['sqs'],
    async run({ rehearsal }) {
      await over;
      seen.push(rehearsal);
      return undefined;
    },
  });
  const database = check('database', {
    disturbs: ['database'],
    inCopy: true,
    async run({ rehearsal }) {
      seen.push(rehearsal);
      end();
      return undefined;
    },
  });
  const outcomes = await runChecks([sqs, database], { ...context, copy: async () => copy }, () => undefined);
  expect(outcomes.map(({ verdict }) => verdict)).toEqual(['passed', 'passed']);
  expect(seen).toEqual([copy, context.rehearsal]);
});

test('a check fails where the copy does not start', async () => {
  const copy = () => Promise.reject(new Error('the release failed'));
  const [outcome] = await runChecks([check('database', { inCopy: true })], { ...context, copy }, () => undefined);
  expect([outcome.verdict, outcome.detail]).toEqual(['failed', 'the release failed']);
});
