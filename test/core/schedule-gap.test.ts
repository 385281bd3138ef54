import { Duration, TimeZone, Token } from 'aws-cdk-lib';
import { Schedule } from 'aws-cdk-lib/aws-events';
import { ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import { longestGapInDays, longestGapInMinutes } from '../../constructs/core/time/schedule-gap';

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

const HOUR = 60;
const DAY = 24 * HOUR;
const cron = (expression: string, timeZone?: TimeZone) =>
  ScheduleExpression.expression(`cron(${expression})`, timeZone);

test.each([
  ['every minute', [cron('* * * * ? *')], 1],
  ['every second hour, at twenty past', [cron('20 */2 * * ? *')], 2 * HOUR],
  ['from eight to noon', [cron('0 8-12 * * ? *')], 20 * HOUR],
  ['every five minutes of one hour', [cron('0/5 3 * * ? *')], DAY - 55],
  ['every second day of the month, from the first', [cron('0 1 */2 * ? *')], 2 * DAY],
  ['working days', [cron('0 1 ? * MON-FRI *')], 3 * DAY],
  ['the last day of each month', [cron('0 1 L * ? *')], 31 * DAY],
  ['a weekday near the fifteenth', [cron('0 6 15W * ? *')], 35 * DAY],
  ['the same beside a daily one, which is more certain', [cron('0 6 15W * ? *'), cron('0 1 * * ? *')], DAY],
  ['two that fill the gaps of each other', [cron('0 1 * * ? *'), cron('0 13 ? * * *')], 12 * HOUR],
  [
    'two of different zones, of which the more frequent counts',
    [cron('0 1 * * ? *'), cron('0 */8 * * ? *', TimeZone.EUROPE_BERLIN)],
    8 * HOUR,
  ],
  ['a rate', [ScheduleExpression.rate(Duration.hours(4))], 4 * HOUR],
  ['a rate beside a daily one', [ScheduleExpression.rate(Duration.days(3)), cron('0 1 * * ? *')], DAY],
  ['a single year beside a daily one', [cron('0 1 * * ? 2027'), cron('0 1 * * ? *')], DAY],
  ['no hour at all', [cron('0 22-2 * * ? *')], Number.POSITIVE_INFINITY],
])('the longest time between two runs of schedules: %s', (_what, schedules, minutes) => {
  expect(longestGapInMinutes(schedules)).toBe(minutes);
});

test.each([
  ['a single year', cron('0 1 * * ? 2027')],
  ['once', ScheduleExpression.at(new Date(Date.UTC(2027, 0, 1)))],
  ['what only the deployment knows', ScheduleExpression.expression(Token.asString({ Ref: 'Schedule' }))],
])('is not reckoned for %s', (_what, schedule) => {
  expect(longestGapInMinutes([schedule])).toBeUndefined();
});
