/** Environment variables of the function. */
export const RESTORE_VALIDATION = {
  /** The SELECT whose first value must be neither 0, false, null nor empty. */
  query: 'QUERY',
  /** Name of the database; empty where RDS is to say it. */
  database: 'DATABASE',
  /** Name of the parameter that says when a restore was last proven. */
  lastProof: 'LAST_PROOF',
  /** Name of the backup vault, the dimension of the metrics. */
  vault: 'VAULT',
} as const;

/** Namespace, names and dimension of the metrics that the function logs. */
export const RESTORE_METRICS = {
  namespace: 'DjangoFargate/Backup',
  failed: 'FailedRestoreValidations',
  age: 'DaysSinceProvenRestore',
  dimension: 'BackupVaultName',
} as const;

/** What the parameter says before the first proof. */
export const NEVER = 'never';
/**
 * How the names of all instances begin that AWS Backup restores as a test.
 *
 * @see https://docs.aws.amazon.com/aws-backup/latest/devguide/restore-testing.html
 */
export const RESTORED_PREFIX = 'awsbackup-restore-test';
/** Time limit of the function in seconds: the most that Lambda gives. */
export const VALIDATION_TIMEOUT = 900;
/**
 * How long after the end of a restore an attempt that fails says so to AWS Backup, in seconds. Lambda makes
 * three attempts: the second is over after half an hour, the third after three quarters.
 */
export const GIVE_UP_SECONDS = 2_400;
/** How long AWS Backup keeps a restored instance for its validation: three attempts, and time to spare. */
export const VALIDATION_WINDOW_HOURS = 2;
