import { matchesCodes, TargetHealth } from '../../../rehearsal/edge/target-health';

const thresholds = { healthyThresholdCount: 3, unhealthyThresholdCount: 2 };

test('a new target is healthy after its first success', () => {
  expect(new TargetHealth(thresholds).record(true)).toBe('healthy');
});

test('a target is unhealthy only after the whole threshold of failures in a row', () => {
  const health = new TargetHealth(thresholds);
  health.record(true);
  expect([false, true, false, false].map((passed) => health.record(passed))).toEqual([
    'healthy',
    'healthy',
    'healthy',
    'unhealthy',
  ]);
});

test('an unhealthy target needs the whole threshold of successes in a row', () => {
  const health = new TargetHealth(thresholds);
  health.record(false);
  health.record(false);
  expect([true, true, false, true, true, true].map((passed) => health.record(passed)).pop()).toBe('healthy');
  expect(health.state).toBe('healthy');
});

test('a matcher takes single codes, lists and ranges', () => {
  expect(matchesCodes('200', 200)).toBe(true);
  expect(matchesCodes('200,301', 301)).toBe(true);
  expect(matchesCodes('200-299', 250)).toBe(true);
  expect(matchesCodes('200-299', 300)).toBe(false);
});
