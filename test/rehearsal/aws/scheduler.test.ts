import { Scheduler, type SchedulerProps } from '../../../rehearsal/aws/scheduler';
import type { TaskDefinition } from '../../../rehearsal/template/task-definition';

/** The clock: what it calls when a schedule is due. */
const due: (() => void)[] = [];
jest.mock('croner', () => ({
  Cron: class {
    constructor(_when: string, _options: object, fire: () => void) {
      due.push(fire);
    }
    stop() {}
  },
}));

const SCHEDULE = {
  ScheduleExpression: 'rate(5 minutes)',
  Target: { EcsParameters: { TaskDefinitionArn: 'arn' } },
};

test('a schedule whose task cannot start is said and counted, and fires again', async () => {
  const said: string[] = [];
  const scheduler = new Scheduler({
    assembly: { template: { Resources: {} } },
    intrinsics: {
      created: () => [{ id: 'Nightly', resource: {} }],
      properties: () => SCHEDULE,
    },
    definitions: new Map([['arn', { environment: {} } as TaskDefinition]]),
    run: async () => {
      throw new Error('the secret is not there');
    },
    announce: { progress: () => undefined, substitution: () => undefined, event: (text: string) => said.push(text) },
  } as unknown as SchedulerProps);
  scheduler.start();
  for (const fire of [...due, ...due]) {
    fire();
  }
  await new Promise(setImmediate);
  expect(said.filter((line) => line.includes('failed'))).toEqual([
    'schedule Nightly failed to run: the secret is not there',
    'schedule Nightly failed to run (2 times so far): the secret is not there',
  ]);
  expect(scheduler.unstarted).toBe(2);
  scheduler.stop();
});
