import type { Duration } from 'aws-cdk-lib';
import { checkKinds } from '../core/kinds';

/** For how long a dump cannot be deleted. */
export interface DumpLockOptions {
  /**
   * Time after its upload within which a dump cannot be deleted or overwritten, in whole days.
   *
   * @default - as long as daily dumps are kept
   */
  readonly retention?: Duration;
}

/** Options of a compliance lock, which nobody can open. */
export interface DumpComplianceLockOptions extends DumpLockOptions {
  /** The words of `DumpLock.COMPLIANCE_CONFIRMATION`, to show that the consequence is understood. */
  readonly confirmation: string;
}

/**
 * Protects dumps in their bucket from deletion, by Object Lock of S3.
 *
 * @example
 * const lock = DumpLock.governance({ retention: Duration.days(14) });
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html
 */
export class DumpLock {
  /** What `confirmation` must say for a compliance lock. */
  public static readonly COMPLIANCE_CONFIRMATION: string =
    'I understand that nobody can delete these dumps before they expire';

  /** No lock. The versions of the bucket stay. */
  public static none(): DumpLock {
    return new DumpLock('none');
  }

  /** A lock that only those can pass by who have the permission `s3:BypassGovernanceRetention`. */
  public static governance(options: DumpLockOptions = {}): DumpLock {
    checkKinds('DumpLock.governance', 'DumpLockOptions', options);
    return new DumpLock('governance', options);
  }

  /**
   * A lock that nobody can pass by.
   *
   * **Nobody can delete a dump before its time, not the root user and not AWS. Until then each is billed, and
   * the account cannot get rid of the bucket.** Use `governance()` unless a regulation asks for this one.
   */
  public static compliance(options: DumpComplianceLockOptions): DumpLock {
    checkKinds('DumpLock.compliance', 'DumpComplianceLockOptions', options);
    return new DumpLock('compliance', options, options.confirmation);
  }

  /** `none`, `governance` or `compliance`. */
  public readonly mode: string;
  /** @internal */
  public readonly _retention?: Duration;
  /** @internal */
  public readonly _confirmation?: string;

  private constructor(mode: string, options: DumpLockOptions = {}, confirmation?: string) {
    this.mode = mode;
    this._retention = options.retention;
    this._confirmation = confirmation;
  }
}
