import type { Announce } from '../../../rehearsal/announce';
import type { Logs } from '../../../rehearsal/task/logs';
import type { Exit } from '../../../rehearsal/task/process';
import { released } from '../../../rehearsal/task/release';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

const EXIT: Exit = { code: 0, signal: null, stopped: false, killed: false };

/** A release that ends after some seconds, or never; and what was printed. */
function release(seconds?: number) {
  const said: string[] = [];
  const announce = { progress: (text: string) => said.push(text) } as unknown as Announce;
  const kill = jest.fn();
  const exited = new Promise<Exit>((resolve) => {
    if (seconds !== undefined) {
      setTimeout(() => resolve(EXIT), seconds * 1000);
    }
  });
  const logs = { last: () => ['run.sh: 10: nc: not found', ''] } as unknown as Logs;
  return { task: { exited, kill, logs }, kill, announce, said };
}

test('a release that ends soon asks nothing, and leaves no timer', async () => {
  const { task, announce, said, kill } = release(19);
  const exit = released(task, { timeout: 1800, entryPoint: ['/entrypoint.sh'] }, announce);
  await jest.advanceTimersByTimeAsync(19_000);
  expect(await exit).toBe(EXIT);
  expect(jest.getTimerCount()).toBe(0);
  expect(said).toEqual([]);
  expect(kill).not.toHaveBeenCalled();
});

test('after 20 s the question about its ENTRYPOINT is printed, once, with its last words', async () => {
  const { task, announce, said } = release(60);
  const exit = released(task, { timeout: 1800, entryPoint: ['/entrypoint.sh'] }, announce);
  await jest.advanceTimersByTimeAsync(60_000);
  expect(await exit).toBe(EXIT);
  expect(said).toEqual([
    'the release still runs after 20 s. Its ENTRYPOINT is /entrypoint.sh: does it run its arguments? It must end in `exec "$@"`. It last wrote: run.sh: 10: nc: not found',
  ]);
});

test('an image without ENTRYPOINT is not asked about one', async () => {
  const { task, announce, said } = release(30);
  const exit = released(task, { timeout: 1800, entryPoint: [] }, announce);
  await jest.advanceTimersByTimeAsync(30_000);
  await exit;
  expect(said).toEqual(['the release still runs after 20 s. It last wrote: run.sh: 10: nc: not found']);
});

test('fails when the time of the template is over, and ends the release', async () => {
  const { task, announce, kill } = release();
  const failing = expect(released(task, { timeout: 300, entryPoint: ['/run.sh'] }, announce)).rejects.toThrow(
    /did not end within 300 s, its timeout in the template.*Its ENTRYPOINT is \/run.sh/,
  );
  await jest.advanceTimersByTimeAsync(299_000);
  expect(kill).not.toHaveBeenCalled();
  await jest.advanceTimersByTimeAsync(1_000);
  await failing;
  expect(kill).toHaveBeenCalledTimes(1);
});
