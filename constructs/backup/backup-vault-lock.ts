import { Duration } from 'aws-cdk-lib';
import type { LockConfiguration } from 'aws-cdk-lib/aws-backup';

/** Within which bounds the lock of a vault keeps backups. */
export interface BackupVaultLockOptions {
  /** Nothing in the vault can be deleted before this age, in whole days. @default Duration.days(7) */
  readonly minRetention?: Duration;
  /** No backup may be made to stay longer than this, in whole days. @default - no limit */
  readonly maxRetention?: Duration;
}

/** Properties of a lock that nobody can open. */
export interface ComplianceLockOptions extends BackupVaultLockOptions {
  /** How long the lock can still be changed or taken off after it is made: whole days, at least 3. */
  readonly changeableFor: Duration;
  /** The words of `BackupVaultLock.COMPLIANCE_CONFIRMATION`, to show that the consequence is understood. */
  readonly confirmation: string;
}

/**
 * How a backup vault resists the deletion of what is in it.
 *
 * @example
 * const lock = BackupVaultLock.governance({ minRetention: Duration.days(14) });
 *
 * @see https://docs.aws.amazon.com/aws-backup/latest/devguide/vault-lock.html
 */
export class BackupVaultLock {
  /** What `confirmation` must say for a compliance lock. */
  public static readonly COMPLIANCE_CONFIRMATION: string =
    'I understand that nobody can delete these backups before they expire';

  /** No lock. */
  public static none(): BackupVaultLock {
    return new BackupVaultLock('none');
  }

  /** A lock that only those can change or take off who have the permission for it. */
  public static governance(options: BackupVaultLockOptions = {}): BackupVaultLock {
    return new BackupVaultLock('governance', options);
  }

  /**
   * A lock that nobody can open after `changeableFor`: not the root user, not AWS. Until the last backup has expired neither
   * it nor the vault can be deleted, and everything in it is paid for.
   */
  public static compliance(options: ComplianceLockOptions): BackupVaultLock {
    return new BackupVaultLock('compliance', options, options);
  }

  /** `none`, `governance` or `compliance`. */
  public readonly mode: string;
  /** @internal */
  public readonly _configuration?: LockConfiguration;
  /** @internal */
  public readonly _confirmation?: string;

  private constructor(mode: string, bounds?: BackupVaultLockOptions, compliance?: ComplianceLockOptions) {
    this.mode = mode;
    this._configuration = bounds && {
      minRetention: bounds.minRetention ?? Duration.days(7),
      maxRetention: bounds.maxRetention,
      changeableFor: compliance?.changeableFor,
    };
    this._confirmation = compliance?.confirmation;
  }
}
