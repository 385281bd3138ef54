import { isDailyWindow, isWeeklyWindow, windowsOverlap } from '../../constructs/core/time/time-window';

test.each([
  ['03:00-03:30', true],
  ['03:00-03:29', false],
  ['23:45-00:15', true],
  ['24:00-01:00', false],
  ['3:00-4:00', false],
  ['03:00-03:00', false],
])('%s is a window of a day: %s', (text, expected) => {
  expect(isDailyWindow(text)).toBe(expected);
});

test.each([
  ['sun:04:30-sun:05:00', true],
  ['sun:04:30-sun:04:59', false],
  ['sun:23:45-mon:00:15', true],
  ['SUN:04:30-SUN:05:30', true],
  ['mon:00:00-tue:00:00', true],
  ['mon:00:00-tue:00:01', false],
  ['xyz:04:30-sun:05:30', false],
  ['sun:04:30-xyz:05:30', false],
  ['04:30-05:30', false],
])('%s is a window of a week: %s', (text, expected) => {
  expect(isWeeklyWindow(text)).toBe(expected);
});

test.each([
  ['no window', 'sun:04:30-sun:05:30'],
  ['04:00-05:00', 'no window'],
  ['04:00-05:00', 'xyz:04:30-xyz:05:30'],
])('what is no window overlaps with nothing: %s and %s', (daily, weekly) => {
  expect(windowsOverlap(daily, weekly)).toBe(false);
});

test('windows overlap across the end of a week, and not where one begins as the other ends', () => {
  expect(windowsOverlap('00:00-00:30', 'sun:23:45-mon:00:15')).toBe(true);
  expect(windowsOverlap('00:15-00:45', 'sun:23:45-mon:00:15')).toBe(false);
  expect(windowsOverlap('23:15-23:45', 'sun:23:45-mon:00:15')).toBe(false);
});
