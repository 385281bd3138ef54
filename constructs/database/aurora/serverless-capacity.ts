import type { Duration } from 'aws-cdk-lib';

/**
 * Between what capacities an Aurora Serverless v2 cluster scales. An Aurora capacity unit (ACU) has 2 GiB of
 * memory.
 */
export interface ServerlessCapacity {
  /**
   * Least capacity of each instance in ACUs, 0 to 256 in steps of 0.5.
   *
   * With 0 the cluster pauses while nobody is connected, and costs its storage alone. **The next connection
   * waits about 15 seconds for it, after a day of pause 30 seconds or more.**
   *
   * @default - production 0.5, development 0
   */
  readonly minCapacity?: number;
  /**
   * Most capacity of each instance in ACUs, 1 to 256 in steps of 0.5.
   *
   * The number of connections follows from it. A change of it takes effect on them once you reboot.
   *
   * @default - production 8, development 2
   */
  readonly maxCapacity?: number;
  /**
   * How long nobody may be connected before the cluster pauses, 5 minutes to 24 hours, in whole seconds.
   *
   * With a `minCapacity` of 0 only.
   *
   * @default Duration.minutes(5)
   */
  readonly autoPause?: Duration;
}
