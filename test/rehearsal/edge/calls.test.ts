import { Calls } from '../../../rehearsal/edge/calls';
import { Target } from '../../../rehearsal/edge/target-group';
import { TargetHealth } from '../../../rehearsal/edge/target-health';

const thresholds = { healthyThresholdCount: 2, unhealthyThresholdCount: 2 };
const target = (id: string) => new Target(id, 1, new TargetHealth(thresholds), undefined);

test('requests of one caller are counted by target, and those of another are not', () => {
  const [one, two] = [target('web/1'), target('web/2')];
  const [mine, others] = [new Calls(), new Calls()];
  mine.begin(one);
  mine.begin(two);
  mine.end(one);
  others.begin(two);
  expect([mine.requests(), mine.requests([one]), mine.open(), mine.open([one])]).toEqual([2, 1, 1, 0]);
  expect([others.requests(), others.requests([one])]).toEqual([1, 0]);
  expect(mine.last).toBe(two);
});
