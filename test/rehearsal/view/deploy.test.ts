import type { Service } from '../../../rehearsal/task/services';
import { deploy } from '../../../rehearsal/view/deploy';
import { Rolls } from '../../../rehearsal/view/rolls';

/** Of a rehearsal that does not end. */
const RUNNING = new AbortController().signal;

/** Services by what their deployments do, each after as many milliseconds. */
function rehearsal(outcomes: Record<string, [milliseconds: number, problem?: string]>) {
  const done: string[] = [];
  const services = Object.entries(outcomes).map(([name, [milliseconds, problem]]) => ({
    name,
    redeploy: async () => {
      await new Promise((resolve) => setTimeout(resolve, milliseconds));
      done.push(name);
      if (problem !== undefined) {
        throw new Error(problem);
      }
    },
  }));
  const rebuild = async () => () => void done.push('undo');
  return { done, given: { rebuild, release: async () => [], services: services as unknown as Service[] } };
}

test('a deployment is over when every service is, and names all that failed', async () => {
  const { done, given } = rehearsal({
    web: [0, 'web: no task stays'],
    asgi: [20],
    worker: [40, 'worker: no task stays'],
  });
  await expect(deploy(given, RUNNING)).rejects.toThrow(
    /^web: no task stays\. Not deployed: web, worker; deployed: asgi$/,
  );
  expect(done).toEqual(['web', 'asgi', 'worker', 'undo']);
});

test('the only service that there is needs no list', async () => {
  const { given } = rehearsal({ web: [0, 'web: no task stays'] });
  await expect(deploy(given, RUNNING)).rejects.toThrow(/^web: no task stays$/);
});

test.each([
  [
    'some services',
    { web: [0, 'web: no task stays'], asgi: [0] },
    'web: no task stays. Not deployed: web; deployed: asgi',
  ],
  ['none', { web: [0, 'web: no task stays'] }, 'what ran before still runs. web: no task stays'],
] as const)('a change of the source that deploys %s says what runs', async (_, outcomes, expected) => {
  const { given } = rehearsal(outcomes as never);
  const said: string[] = [];
  const rolls = new Rolls(() => deploy(given, RUNNING), { progress: (text) => void said.push(text) }, RUNNING, 0);
  rolls.ask();
  while (said.length < 2) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  expect(said[1]).toBe(expected);
});
