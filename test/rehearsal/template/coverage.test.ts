import { coverageLine } from '../../../rehearsal/template/coverage';

test('keys that sign addresses are rehearsed, and an alarm is not', () => {
  const Resources = { Keys: { Type: 'Custom::UrlSigningKeys' }, Alarm: { Type: 'AWS::CloudWatch::Alarm' } };
  expect(coverageLine({ Resources })).toMatch(/^1 of 2 resources are rehearsed; those of 1 other types stay paper/);
});
