import { Ending } from '../../../rehearsal/view/ending';

/** What an ending does with a rehearsal that stops so. */
function ending(stop: () => Promise<void>) {
  const done: string[] = [];
  jest.spyOn(process, 'on').mockReturnValue(process);
  const rehearsal = { stop, close: () => void done.push('closed') };
  const one = new Ending(rehearsal, { progress: (text) => void done.push(text) }, () => done.push('free'));
  return { one, done };
}

afterEach(() => jest.restoreAllMocks());

const DRAINING = 'draining: once more Ctrl-C ends at once';

test('Ctrl-C drains, and the exit code is 0', async () => {
  const { one, done } = ending(async () => undefined);
  one.ask();
  expect(await one.ended).toBe(0);
  expect(done).toEqual(['free', DRAINING, 'stopped']);
});

test('Ctrl-C once more ends at once', async () => {
  const { one, done } = ending(() => new Promise(() => undefined));
  one.ask();
  one.ask();
  expect(await one.ended).toBe(130);
  expect(done).toEqual(['free', DRAINING, 'closed']);
});

test('what cannot be drained ends at once, with the reason', async () => {
  const { one, done } = ending(async () => {
    throw new Error('web/1 has no process');
  });
  one.ask();
  expect(await one.ended).toBe(1);
  expect(done).toEqual(['free', DRAINING, 'it could not be drained, and ends at once: web/1 has no process', 'closed']);
});

test('nothing new may start before anything drains', () => {
  let wasAborted = false;
  const { one } = ending(async () => {
    wasAborted = one.asked.aborted;
  });
  expect(one.asked.aborted).toBe(false);
  one.ask();
  expect(wasAborted).toBe(true);
});
