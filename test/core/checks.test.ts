import { Duration, Token } from 'aws-cdk-lib';
import { Checks, type DurationRule, secondsOf } from '../../constructs/core/checks';
import { checkReservedConcurrency } from '../../constructs/core/handler-function';
import { errorOf, testStack } from '../support';

const judge = (given: Duration | undefined, rule: Partial<DurationRule>) => () =>
  new Checks(testStack()).duration('wait', given, { remedy: 'Wait.', ...rule }).throwIfAny();

test.each<[string, Duration, Partial<DurationRule>, string]>([
  ['too short', Duration.seconds(1), { min: 2 }, 'be at least 2 seconds, got 1 second'],
  ['too long', Duration.days(2), { min: 0.5, max: 60 }, 'be from 0.5 to 60 seconds, got 2 days'],
  ['half a second', Duration.millis(1500), { whole: 'seconds' }, 'be whole seconds, got 1500 milliseconds'],
  ['90 seconds', Duration.seconds(90), { whole: 'minutes', min: 1 }, 'be whole minutes at least 1, got 90 seconds'],
  ['36 hours', Duration.hours(36), { whole: 'days', min: 1, max: 9 }, 'be whole days from 1 to 9, got 36 hours'],
  ['ten days', Duration.days(10), { whole: 'days', max: 9 }, 'be whole days at most 9, got 10 days'],
])('%s is refused, in words', (_, given, rule, message) => {
  expect(errorOf(judge(given, rule))).toBe(`Shop: \`wait\` must ${message}. Wait.`);
});

test.each<[string, Duration | undefined, Partial<DurationRule>]>([
  ['fractions where no unit is asked for', Duration.millis(1500), { min: 1.5, max: 1.5 }],
  ['whole minutes written as seconds', Duration.seconds(120), { whole: 'minutes', min: 2, max: 2 }],
  ['whole days written as hours', Duration.hours(48), { whole: 'days', min: 2 }],
  ['nothing', undefined, { whole: 'days', min: 2 }],
  ['what is known only at deployment', Duration.days(Token.asNumber({ Ref: 'Days' })), { whole: 'days', max: 1 }],
])('%s pass', (_, given, rule) => {
  expect(judge(given, rule)).not.toThrow();
});

test('a fraction of a second survives the conversion', () => {
  expect(secondsOf(Duration.minutes(0.51))).toBeCloseTo(30.6);
});

test('less than one reserved execution is refused', () => {
  const reserve = (count?: number) => () => {
    const checks = new Checks(testStack());
    checkReservedConcurrency(checks, count);
    checks.throwIfAny();
  };
  expect(errorOf(reserve(0))).toMatch(
    /`handlerReservedConcurrency` must be a whole number from 1 to 1000, got 0\. Leave it/,
  );
  expect(reserve(1)).not.toThrow();
  expect(reserve()).not.toThrow();
});
