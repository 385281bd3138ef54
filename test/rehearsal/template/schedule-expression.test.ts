import { parseScheduleExpression } from '../../../rehearsal/template/schedule-expression';

test('a cron expression of EventBridge becomes a pattern with seconds and year', () => {
  expect(parseScheduleExpression('cron(15 3 * * ? *)')).toEqual({ kind: 'cron', pattern: '0 15 3 * * * *' });
});

test('the days of the week are counted from 0 instead of 1', () => {
  expect(parseScheduleExpression('cron(0 9 ? * 2-6 *)')).toEqual({ kind: 'cron', pattern: '0 0 9 * * 1-5 *' });
  expect(parseScheduleExpression('cron(0 9 ? * MON-FRI 2027)')).toEqual({
    kind: 'cron',
    pattern: '0 0 9 * * MON-FRI 2027',
  });
  expect(parseScheduleExpression('cron(0 9 ? * 2#1 *)')).toEqual({ kind: 'cron', pattern: '0 0 9 * * 1#1 *' });
});

test('rates and moments', () => {
  expect(parseScheduleExpression('rate(5 minutes)')).toEqual({ kind: 'rate', milliseconds: 300_000 });
  expect(parseScheduleExpression('rate(1 hour)')).toEqual({ kind: 'rate', milliseconds: 3_600_000 });
  expect(parseScheduleExpression('at(2027-01-01T00:00:00)')).toEqual({ kind: 'at', time: '2027-01-01T00:00:00' });
});

test('fails when it is none of them', () => {
  expect(() => parseScheduleExpression('every day')).toThrow('not an expression of EventBridge Scheduler: every day');
});
