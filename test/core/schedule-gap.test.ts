import { Schedule } from 'aws-cdk-lib/aws-events';
import { longestGapInDays } from '../../constructs/core/time/schedule-gap';

test.each([
  ['every day', 'cron(0 12 * * ? *)', 1],
  ['the first of each month', 'cron(0 12 1 * ? *)', 31],
  ['the last of each month', 'cron(0 12 L * ? *)', 31],
  ['the thirtieth, which February lacks', 'cron(0 12 30 * ? *)', 60],
  ['twice a month', 'cron(0 12 1,15 * ? *)', 17],
  ['every second day of the month', 'cron(0 12 */2 * ? *)', 2],
  ['each quarter', 'cron(0 12 1 1/3 ? *)', 92],
  ['months by name', 'cron(0 12 1 JAN,JUL ? *)', 184],
  ['once a year', 'cron(0 12 1 1 ? *)', 366],
  ['once in four years, which counts as one', 'cron(0 12 29 2 ? *)', 366],
  ['Saturdays', 'cron(30 3 ? * SAT *)', 7],
  ['Saturdays by number, and Wednesdays', 'cron(30 3 ? * 7,WED *)', 4],
  ['from Monday to Friday', 'cron(0 6 ? * MON-FRI *)', 3],
  ['Saturdays by the letter of the last day', 'cron(0 6 ? * L *)', 7],
  ['the last Friday of each month', 'cron(0 6 ? * 6L *)', 35],
  ['the second Sunday of each month', 'cron(0 6 ? * SUN#2 *)', 35],
  ['a weekday near the fifteenth', 'cron(0 6 15W * ? *)', 35],
  ['the last weekday of the month', 'cron(0 6 LW * ? *)', 35],
])('the longest time between two days of a schedule: %s', (_what, expression, days) => {
  expect(longestGapInDays(expression)).toBe(days);
});

test('reads what the CDK writes', () => {
  expect(longestGapInDays(Schedule.cron({ minute: '0', hour: '12', day: '1' }).expressionString)).toBe(31);
  expect(longestGapInDays(Schedule.cron({ weekDay: 'TUE' }).expressionString)).toBe(7);
});
