import { Duration } from 'aws-cdk-lib';
import type { LockConfiguration } from 'aws-cdk-lib/aws-backup';
import { checkKinds } from '../core/kinds';

/** Bounds that the lock of a vault puts on retention. */
export interface BackupVaultLockOptions {
  /**
   * Age in whole days before which no backup can be deleted.
   *
   * @default Duration.days(7)
   */
  readonly minRetention?: Duration;
  /**
   * Longest retention of a backup, in whole days.
   *
   * Jobs that ask for more fail.
   *
   * @default - no limit
   */
  readonly maxRetention?: Duration;
}

/** Options of a compliance lock, which nobody can open. */
export interface ComplianceLockOptions extends BackupVaultLockOptions {
  /**
   * Time after its creation within which the lock can still be changed or removed: whole days, at least 3.
   */
  readonly changeableFor: Duration;
  /** The words of `BackupVaultLock.COMPLIANCE_CONFIRMATION`, to show that the consequence is understood. */
  readonly confirmation: string;
}

/**
 * Protects the backups in a vault from deletion.
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

  /**
   * A lock that only a deployment and the root user can change or remove.
   *
   * The policy of the vault denies it to everybody else, and denies changes of the policy itself. **It does
   * not hold against who may deploy with CloudFormation in this account.** Copy backups to a vault of another
   * account (`copyDestinations`) for that.
   */
  public static governance(options: BackupVaultLockOptions = {}): BackupVaultLock {
    checkKinds('BackupVaultLock.governance', 'BackupVaultLockOptions', options);
    return new BackupVaultLock('governance', options);
  }

  /**
   * A lock that cannot be changed or removed after `changeableFor`.
   *
   * Use `governance()` unless a regulation asks for this one.
   *
   * **After that time nobody can open it, not the root user and not AWS. Until the last backup has expired,
   * backups and vault cannot be deleted, and all of them are billed.**
   */
  public static compliance(options: ComplianceLockOptions): BackupVaultLock {
    checkKinds('BackupVaultLock.compliance', 'ComplianceLockOptions', options);
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
