import type { Outcome, Verdict } from '../../../rehearsal/checks/check';
import { notApplicable } from '../../../rehearsal/checks/not-applicable';

const outcome = (name: string, verdict: Verdict, detail = ''): Outcome => ({ name, verdict, detail, seconds: 0 });

test('what was not checked is a line for each kind of check and reason', () => {
  const outcomes = [
    outcome('tasks: one', 'not applicable', 'queues'),
    outcome('web: one', 'passed', '200 bytes'),
    outcome('tasks: two', 'not applicable', 'queues'),
    outcome('tasks: three', 'not applicable', 'a beat service'),
    outcome('asgi: one', 'not applicable', 'a WebSocket'),
    outcome('web: two', 'not reached', 'needs: web: one'),
  ];
  expect(notApplicable(outcomes)).toEqual([
    '  tasks: 2 not applicable, for want of queues',
    '  tasks: 1 not applicable, for want of a beat service',
    '  asgi: 1 not applicable, for want of a WebSocket',
  ]);
});
