import { Task } from '../process';
import { type Check, type CheckContext, expect } from './check';
import { PAGES } from './names';

const applies = ({ rehearsal }: CheckContext) => rehearsal.scheduler.schedules.length > 0;

export const scheduleChecks: Check[] = [
  {
    name: 'schedules: a scheduled command runs',
    lane: 'schedules',
    needs: [PAGES],
    applies,
    async run({ rehearsal }) {
      for (const schedule of rehearsal.scheduler.schedules) {
        const { task, exit } = await rehearsal.scheduler.trigger(schedule);
        expect(Task.isClean(exit), `${schedule.id} ended with ${exit.code}: ${task.logs.last(2).join(' ')}`);
      }
      return `${rehearsal.scheduler.schedules.length} triggered`;
    },
  },
  {
    name: 'schedules: the failure of a scheduled command is reported',
    lane: 'schedules',
    needs: [PAGES],
    applies,
    async run({ rehearsal }) {
      const [schedule] = rehearsal.scheduler.schedules;
      const depth = () =>
        Promise.all([...rehearsal.queues.values()].map(({ url }) => rehearsal.doubles.depth(url))).then((all) =>
          all.reduce((sum, { visible }) => sum + visible, 0),
        );
      const before = await depth();
      const command = ['python', 'manage.py', 'no_such_command'];
      const { exit } = await rehearsal.scheduler.trigger(schedule, { command });
      expect(exit.code !== 0, 'it did not fail');
      expect((await depth()) > before, 'no event rule of the template reported it to a queue');
      return `exit code ${exit.code}`;
    },
  },
];
