/**
 * A moment of another instance of this account, from whose automated backups an instance starts.
 *
 * @example
 * const moment = PointInTime.ofInstance('old-production', '2026-11-29T03:00:00Z');
 */
export class PointInTime {
  /**
   * Of an instance that exists, in this Region.
   *
   * @param instanceIdentifier Name of the instance.
   * @param time Moment in UTC, as 2026-11-29T03:00:00Z. By default the latest one that RDS can restore, some
   * five minutes ago.
   */
  public static ofInstance(instanceIdentifier: string, time?: string): PointInTime {
    return new PointInTime('ofInstance', instanceIdentifier, time);
  }

  /**
   * Of an instance that may be deleted, while its automated backups are kept, in this Region.
   *
   * @param resourceId Resource id of the instance, as db-ABCDEFGHIJKLMNOPQRSTUVWXYZ.
   * @param time Moment in UTC, as 2026-11-29T03:00:00Z. By default the latest one that RDS can restore.
   */
  public static ofResource(resourceId: string, time?: string): PointInTime {
    return new PointInTime('ofResource', resourceId, time);
  }

  /**
   * Of automated backups that another Region replicates into this one.
   *
   * @param arn ARN of the automated backups in this Region.
   * @param time Moment in UTC, as 2026-11-29T03:00:00Z. By default the latest one that RDS can restore.
   */
  public static ofAutomatedBackups(arn: string, time?: string): PointInTime {
    return new PointInTime('ofAutomatedBackups', arn, time);
  }

  private constructor(
    /**
     * What the source is known by.
     *
     * @internal
     */
    public readonly _kind: 'ofInstance' | 'ofResource' | 'ofAutomatedBackups',
    /** The name, resource id or ARN of the source. */
    public readonly source: string,
    /**
     * The moment in UTC.
     *
     * @default - the latest one that RDS can restore
     */
    public readonly time?: string,
  ) {}
}
