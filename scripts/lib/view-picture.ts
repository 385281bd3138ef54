import { frame } from '../../rehearsal/view/frame';
import { Journal, REHEARSAL } from '../../rehearsal/view/journal';
import { START } from '../../rehearsal/view/state';

/** The live view of a small stack, as the README shows it. */
export function viewPicture(): string {
  const journal = new Journal();
  const log = (fields: object) => JSON.stringify({ time: '09:41:07', levelname: 'INFO', ...fields });
  journal.add('web/1', log({ message: 'GET / 200', seconds: 0.021 }));
  journal.add('web/2', log({ message: 'GET /admin/login/ 200', seconds: 0.048 }));
  journal.add('worker/1', log({ message: 'Task shop.tasks.receipt succeeded', seconds: 0.3 }));
  journal.add('web/1', log({ message: 'payment refused', levelname: 'WARNING', order: 17 }));
  journal.add(REHEARSAL, 'web/2 is replaced');
  const task = (id: string, requests?: number) => ({ id, state: 'healthy' as const, requests });
  const { lines } = frame(
    {
      controls: { title: 'Shop  https://localhost:8443', journal, logs: '', schedules: [], secrets: [] },
      status: {
        services: [
          { name: 'web', desired: 2, replaced: 0, tasks: [task('web/1', 27), task('web/3', 12)] },
          { name: 'worker', desired: 1, replaced: 1, tasks: [task('worker/2')] },
        ],
        queues: [{ name: 'broker-default', waiting: 0, inWork: 1, dead: 0 }],
      },
      state: START,
      notice: 'web/2 is replaced',
    },
    { columns: 80, rows: 18, hasColour: false },
  );
  return ['```text', ...lines.map((line) => line.trimEnd()), '```'].join('\n');
}
