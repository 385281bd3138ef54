import { Task } from '../task/process';
import { type Check, type CheckContext, expect } from './check';
import { DONE, PAGES, SCHEDULE_FAILED } from './names';

const applies = ({ rehearsal }: CheckContext) => rehearsal.scheduler.schedules.length > 0;

export const scheduleChecks: Check[] = [
  {
    name: 'schedules: a scheduled command runs',
    lane: 'schedules',
    needs: [PAGES],
    after: [DONE],
    about: 'a scheduled command',
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
    name: SCHEDULE_FAILED,
    lane: 'schedules',
    needs: [PAGES],
    about: 'a scheduled command',
    applies,
    async run({ rehearsal }) {
      const [schedule] = rehearsal.scheduler.schedules;
      const command = ['python', 'manage.py', 'no_such_command'];
      const { task, exit, reports } = await rehearsal.scheduler.trigger(schedule, { command });
      expect(exit.code !== 0, 'it did not fail');
      const bodies = await Promise.all(reports.map((url) => rehearsal.doubles.bodies(url)));
      expect(
        bodies.flat().some((body) => body.includes(`/${task.id}"`)),
        'no event rule of the template reported it to a queue',
      );
      return `exit code ${exit.code}`;
    },
  },
];
