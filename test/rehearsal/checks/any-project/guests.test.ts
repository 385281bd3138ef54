import { Guests } from '../../../../rehearsal/checks/any-project/guests';
import type { Staff } from '../../../../rehearsal/checks/any-project/staff';
import type { CheckContext } from '../../../../rehearsal/checks/check';
import type { FrontDoor } from '../../../../rehearsal/checks/front-door';
import { findPage } from '../../../../rehearsal/checks/page';

/** Tasks that answer in turns, and which of them knows a session that one of them began. */
interface Project {
  readonly page?: (number: number) => number;
  readonly knows?: (task: string, begunBy: string) => boolean;
}

const OLD = new Set(['web/1']);

async function guestsOf({ page = () => 200, knows = () => true }: Project) {
  const tasks = ['web/1', 'web/2'];
  const targets = tasks.map((id) => ({ id, draining: false }));
  let turn = 0;
  let pages = 0;
  const rehearsal = { services: [{ name: 'web', group: { targets, settings: { path: '/' } } }] };
  /** A browser: the task that began its session, and who answered last. */
  const browser = (begunBy?: string) => {
    const calls = { last: targets[0], requests: () => turn };
    const answer = () => {
      calls.last = targets[turn++ % 2];
      return calls.last.id;
    };
    return { calls, answer, begunBy: begunBy ?? answer() };
  };
  const visitor = {
    ...browser('web/1'),
    secure: false,
    hostFor: () => 'shop.example.com',
    request: async () => ({ status: turn++ === 0 ? 200 : page(++pages), headers: {}, body: '' }),
  };
  const staff = {
    logIn: async () => browser(),
    knows: async (front: ReturnType<typeof browser>) => knows(front.answer(), front.begunBy),
  } as unknown as Staff;
  const context = { rehearsal, front: visitor } as unknown as CheckContext;
  await findPage(context);
  const guests = new Guests({ rehearsal: context.rehearsal, front: visitor as unknown as FrontDoor, staff });
  await guests.logIn();
  return guests;
}

test('sessions that every task knows last from old tasks to new ones, and back', async () => {
  const guests = await guestsOf({});
  expect(await guests.during(() => guests.meetBoth(OLD))).toBeGreaterThan(5);
  expect(guests.out).toEqual([]);
});

test('a page that fails once is told', async () => {
  const guests = await guestsOf({ page: (number) => (number === 2 ? 502 : 200) });
  await expect(guests.during(async () => undefined)).rejects.toThrow(/^1 of \d+ requests failed: \/ answered 502$/);
});

test('a new task that does not know a session of an old one logs it out', async () => {
  const guests = await guestsOf({ knows: (task, begunBy) => !(task === 'web/2' && begunBy === 'web/1') });
  await guests.during(() => guests.meetBoth(OLD));
  expect(guests.out).toContain('a session from before');
});

test('an old task that does not know a session of a new one logs it out', async () => {
  const guests = await guestsOf({ knows: (task, begunBy) => !(task === 'web/1' && begunBy === 'web/2') });
  await guests.during(() => guests.meetBoth(OLD));
  expect(guests.out).toContain('a session of a new task at an old one');
});
