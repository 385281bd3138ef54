import type { CfnScalingPolicy } from 'aws-cdk-lib/aws-applicationautoscaling';

/** Steps that a policy of Application Auto Scaling may have. */
const MOST_STEPS = 20;

/**
 * The numbers of tasks that a service may have from `least` to `most`, at most 20.
 *
 * Each of the lower ones, and from there on in growing strides: among few tasks one more makes a difference.
 */
export function levelsOf(least: number, most: number): number[] {
  const levels = [least];
  for (let left = MOST_STEPS - 1; left > 0 && levels[levels.length - 1] < most; left--) {
    const last = levels[levels.length - 1];
    // The same factor for each stride that is left; one task where that is less.
    const next = Math.max(last + 1, Math.floor(last * (most / Math.max(1, last)) ** (1 / left)));
    levels.push(left === 1 ? most : Math.min(most, next));
  }
  return levels;
}

/**
 * Share of the tasks that stay when some are taken away: four fifths, or less where the level below is
 * further off.
 */
export function shareKept(least: number, most: number): number {
  const levels = levelsOf(least, most);
  const shares = levels.slice(1).map((level, index) => (level - levels[index] > 1 ? levels[index] / level : 1));
  return Math.floor(100 * Math.min(0.8, ...shares)) / 100;
}

/**
 * Steps that turn a number of tasks that are wanted into the next level, never into a lower one.
 *
 * The bounds lie halfway between whole numbers, so that it does not matter which side of one belongs to which
 * step. They count from the threshold of the alarm, 0.
 */
export function stepsTo(least: number, most: number): CfnScalingPolicy.StepAdjustmentProperty[] {
  const levels = levelsOf(least, most);
  return levels.map((level, index) => ({
    metricIntervalLowerBound: index === 0 ? 0 : levels[index - 1] + 0.5,
    metricIntervalUpperBound: index === levels.length - 1 ? undefined : level + 0.5,
    scalingAdjustment: level,
  }));
}
