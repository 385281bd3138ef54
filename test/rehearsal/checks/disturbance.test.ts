import { type Check, type Outcome, runChecks } from '../../../rehearsal/checks/check';
import { Disturbance, type Subject } from '../../../rehearsal/checks/disturbance';
import type { Rehearsal } from '../../../rehearsal/rehearsal';
import type { Task } from '../../../rehearsal/task/process';
import type { Loss } from '../../../rehearsal/task/services';

/** A rehearsal with one worker service; `lose` is what the service does when a task of it has ended. */
function rehearsalOfOneWorker() {
  const losses: Loss[] = [];
  const task = { id: 'worker/1', definition: { kind: 'worker' }, kill: () => undefined } as unknown as Task;
  const rehearsal = { services: [{ losses }], listeners: [] } as unknown as Rehearsal;
  const lose = (cause: string | undefined) => losses.push({ service: 'worker', message: 'worker/1 ended', cause });
  return { rehearsal, task, lose };
}

test('a loss that another check caused is not counted; one of its own and one of nobody are', () => {
  const { rehearsal, task, lose } = rehearsalOfOneWorker();
  lose(undefined);
  const lost = new Disturbance(rehearsal, 'SQS is away', ['sqs']).watchLosses();
  new Disturbance(rehearsal, 'a worker is killed', ['worker']).kill(task);
  lose(task.disturbedBy);
  expect(lost()).toEqual([]);
  lose('SQS is away');
  lose(undefined);
  expect(lost()).toHaveLength(2);
});

test('what is not declared cannot be disturbed', async () => {
  const { rehearsal, task } = rehearsalOfOneWorker();
  const disturbance = new Disturbance(rehearsal, 'a page is read', ['web']);
  expect(() => disturbance.kill(task)).toThrow('the check disturbs worker and does not declare it');
  await expect(disturbance.withoutSqs(async () => undefined)).rejects.toThrow('disturbs sqs');
  expect(task.disturbedBy).toBeUndefined();
});

test('one check at a time takes SQS away; the others run beside it', async () => {
  const away = new Set<string>();
  let [most, beside] = [0, false];
  const check = (name: string, disturbs: Subject[]): Check => ({
    name,
    lane: name,
    disturbs,
    async run() {
      if (disturbs.length === 0) {
        await new Promise((resolve) => setTimeout(resolve, 10));
        beside ||= away.size > 0;
        return undefined;
      }
      away.add(name);
      most = Math.max(most, away.size);
      await new Promise((resolve) => setTimeout(resolve, 20));
      away.delete(name);
      return undefined;
    },
  });
  const checks = [check('away', ['sqs']), check('silent', ['sqs', 'worker']), check('pages', [])];
  const { rehearsal } = rehearsalOfOneWorker();
  const given = () => Promise.resolve(rehearsal);
  const context = { rehearsal, another: given, copy: given, printed: () => '', guestbook: false };
  const outcomes: Outcome[] = await runChecks(checks, context, () => undefined);
  expect(outcomes.map(({ verdict }) => verdict)).toEqual(['passed', 'passed', 'passed']);
  expect([most, beside]).toEqual([1, true]);
});

test('every cache is away until the work is done, whether it is done well or not', async () => {
  const said: string[] = [];
  const gate = (name: string) => ({
    gate: { close: async () => said.push(`${name} closes`), open: async () => said.push(`${name} opens`) },
  });
  const caches = new Map([
    ['one', gate('one')],
    ['two', gate('two')],
  ]);
  const rehearsal = { caches, services: [] } as unknown as Rehearsal;
  const fail = () => Promise.reject(new Error('the work fails'));
  await expect(new Disturbance(rehearsal, 'away', ['cache']).withoutCache(fail)).rejects.toThrow('the work fails');
  expect(said).toEqual(['one closes', 'two closes', 'one opens', 'two opens']);
  await expect(new Disturbance(rehearsal, 'away', ['sqs']).withoutCache(fail)).rejects.toThrow('disturbs cache');
});
