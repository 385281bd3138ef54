import { Annotations, Duration, Names, RemovalPolicy, Stack, TimeZone, Token } from 'aws-cdk-lib';
import { BackupPlan, BackupPlanRule, BackupResource, BackupVault, type IBackupVault } from 'aws-cdk-lib/aws-backup';
import { Metric, type MetricOptions, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { type IVpc, Port, type SubnetSelection, SubnetType } from 'aws-cdk-lib/aws-ec2';
import { EventField, Rule, RuleTargetInput, Schedule } from 'aws-cdk-lib/aws-events';
import { SnsTopic } from 'aws-cdk-lib/aws-events-targets';
import { type IRole, ManagedPolicy, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { type IKey, Key } from 'aws-cdk-lib/aws-kms';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { acknowledge } from '../core/acknowledge';
import { type Checks, selectedSubnets } from '../core/checks';
import { checkEffects, type Effects, voidWith } from '../core/effects';
import { checkReservedConcurrency } from '../core/handler-function';
import { checkKinds } from '../core/kinds';
import { type Profile, type ProfileOptions, profileValues } from '../core/profile';
import { runbookUrl } from '../core/runbook';
import { isTimeZone } from '../core/schedule-expression';
import { longestGapInDays } from '../core/time/schedule-gap';
import { arnOf } from '../database/database-server';
import { madeDatabase } from '../database/made-database';
import type { IPostgresDatabase } from '../database/postgres-database';
import type { INotifications } from '../notifications/notifications';
import { BackupVaultLock } from './backup-vault-lock';
import {
  checkBackup,
  checkQuery,
  checkSchedule,
  DEFAULT_COMPLETION_WINDOW,
  DEFAULT_START_WINDOW,
} from './private/checks';
import { isRestoreTested, RestoreTest } from './private/restore-test';
import { RestoreValidation } from './private/restore-validation';
import { vaultPolicy } from './private/vault-policy';

const DEFAULT_QUERY = 'SELECT count(*) FROM django_migrations';
/** Start window and duration of a restore test, its validation, and time to look at one that failed. */
const DAYS_TO_PROVE = 3;
const SERVICE_POLICIES = ['AWSBackupServiceRolePolicyForBackup', 'AWSBackupServiceRolePolicyForRestores'];
const FAILED = ['FAILED', 'ABORTED', 'EXPIRED', 'PARTIAL'];

/** One schedule of backups and how long they are kept. */
export interface DatabaseBackupRule {
  /** Name of the rule: up to 50 letters, digits, dots, dashes and underscores. */
  readonly name: string;
  /**
   * When a backup starts: a cron expression, hours away from other rules and from the backup window of RDS.
   */
  readonly schedule: Schedule;
  /** How long the backup and its copies are kept, in whole days. */
  readonly deleteAfter: Duration;
  /**
   * How long after the schedule the backup may start, at least an hour.
   *
   * @default Duration.hours(2)
   */
  readonly startWindow?: Duration;
  /**
   * How long after the schedule the backup must be finished, more than the start window.
   *
   * @default Duration.hours(8)
   */
  readonly completionWindow?: Duration;
  /**
   * Vaults in other regions or accounts that get a copy, encrypted with the key of that vault.
   *
   * For a copy to another account, the database must be encrypted with a customer-managed key, and the policy
   * of the vault must allow this account.
   *
   * @default - `copyDestinations` of the backups
   */
  readonly copyDestinations?: IBackupVault[];
}

/** Options of the backups of a database. */
export interface DatabaseBackupOptions {
  /**
   * When backups are made and how long they are kept.
   *
   * @default - daily for 35 days, weekly for 12 weeks, monthly for 12 months, from 6:00 on
   */
  readonly rules?: DatabaseBackupRule[];
  /**
   * Vaults in other regions or accounts that get a copy of each backup, encrypted with the key of that vault.
   *
   * **Without a copy, whoever loses the database's key, the account or the region loses the database and all
   * of its backups.** A production profile without one warns.
   *
   * A rule with `copyDestinations` of its own does not use these.
   *
   * @default - no copies
   */
  readonly copyDestinations?: IBackupVault[];
  /**
   * Time zone of all schedules.
   *
   * @default TimeZone.ETC_UTC
   */
  readonly timeZone?: TimeZone;
  /**
   * Protects backups from being deleted early.
   *
   * @default - by profile: production governance for 7 days, development none
   */
  readonly vaultLock?: BackupVaultLock;
  /**
   * KMS key of the vault, which encrypts the copies that arrive in it from other vaults.
   *
   * The backups of the database itself keep the key of the database: RDS supports no other. **Who loses that
   * key loses the database and every backup in this vault.** Copies in another vault (`copyDestinations` of a
   * rule) are encrypted anew, with the key of that vault.
   *
   * **Another key makes another vault, and the old one stays with its recovery points.** `DjangoApplication`
   * refuses such a change.
   *
   * @default - a new key
   * @see https://docs.aws.amazon.com/aws-backup/latest/devguide/encryption.html
   */
  readonly encryptionKey?: IKey;
  /**
   * Whether the latest backup is restored regularly, which proves that it can be.
   *
   * **Each test costs some hours of a database instance.**
   *
   * @default - true where CloudFormation has restore testing; in other regions false, with a warning
   */
  readonly restoreTesting?: boolean;
  /**
   * When the latest backup is restored as a test.
   *
   * @default Schedule.cron({ minute: '0', hour: '12', day: '1' })
   */
  readonly restoreTestSchedule?: Schedule;
  /**
   * Subnets for restored databases, in at least two zones.
   *
   * @default - isolated subnets, or private ones where there are none
   */
  readonly restoreTestSubnets?: SubnetSelection;
  /**
   * Whether a function looks into each database that is restored as a test, and tells AWS Backup what it
   * found.
   *
   * Without it a test proves that RDS starts an instance, and nothing about the data. The function sets a
   * password of its own on the restored instance, connects over TLS and asks `restoreTestQuery`.
   *
   * It calls the APIs of RDS, AWS Backup and Systems Manager from a subnet of the VPC. Where the VPC has no
   * private subnets with a way out, give endpoints for the three to the subnets of
   * `restoreTestHandlerSubnets` and set this to true.
   *
   * AWS Backup restores an Aurora cluster without an instance that could be asked: true is refused beside
   * one.
   *
   * @default - true where the VPC has private subnets with a way out; in others, and for a cluster, false,
   * with a warning
   * @see https://docs.aws.amazon.com/aws-backup/latest/devguide/restore-testing-validation.html
   */
  readonly restoreTestValidation?: boolean;
  /**
   * SELECT that is asked of a restored database, as its owner, in a transaction that can only read.
   *
   * The restore is proven when the first value of the first row is neither 0, false, null nor empty. Tables
   * are found in the schema `public`; write others with their schema.
   *
   * @default 'SELECT count(*) FROM django_migrations'
   */
  readonly restoreTestQuery?: string;
  /**
   * Subnets of the function that looks into restored databases.
   *
   * @default - private subnets with a way out
   */
  readonly restoreTestHandlerSubnets?: SubnetSelection;
  /**
   * Concurrency reserved for the function that looks into restored databases.
   *
   * New accounts have a concurrency quota of 10, none of which can be reserved.
   *
   * @default - none reserved
   */
  readonly handlerReservedConcurrency?: number;
  /**
   * What happens to the vault, its key and the role of AWS Backup when they leave the stack.
   *
   * CloudFormation cannot delete a vault that holds recovery points, so they stay in every profile: the role
   * deletes the points when they expire.
   *
   * **DESTROY schedules the key for deletion, and with it the copies in this vault. Deleting the stack then
   * fails at the vault until you have deleted its recovery points.**
   *
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;
}

/** Properties of `DatabaseBackup`. */
export interface DatabaseBackupProps extends DatabaseBackupOptions {
  /** The database that is backed up. */
  readonly database: IPostgresDatabase;
  /** VPC in which backups are restored as a test. */
  readonly vpc: IVpc;
  /**
   * Environment whose defaults apply.
   *
   * @default Profile.production()
   */
  readonly profile?: Profile;
  /**
   * Topic that failed backups, copies and restores are reported to.
   *
   * @default - not reported
   */
  readonly notifications?: INotifications;
}

/**
 * Backups of a database in AWS Backup: a vault, daily, weekly and monthly snapshots, copies, a lock against
 * deletion, and regular restores that prove that the backups work.
 *
 * The automated backups of RDS stay, and are what a point-in-time restore uses. **All of these are encrypted
 * with the key of the database: a rule with `copyDestinations` makes the copies that outlive it.**
 *
 * @example
 * declare const database: PostgresDatabase;
 * declare const vpc: ec2.IVpc;
 * new DatabaseBackup(this, 'Backup', {
 *   database,
 *   vpc,
 *   vaultLock: BackupVaultLock.governance({ minRetention: Duration.days(14) }),
 * });
 *
 * @see https://docs.aws.amazon.com/aws-backup/latest/devguide/whatisbackup.html
 */
export class DatabaseBackup extends Construct {
  /** The vault that holds the backups. */
  public readonly vault: IBackupVault;
  /** The backup plan. */
  public readonly plan: BackupPlan;
  /** IAM role that AWS Backup assumes. */
  public readonly role: IRole;
  /**
   * What is backed up, for the alarm that knows how long it has been there.
   *
   * @internal
   */
  public readonly _database: IPostgresDatabase;
  /**
   * What is known of restored databases, for its alarms; undefined where nobody looks into them.
   *
   * @internal
   */
  public readonly _restores?: RestoreFigures;

  constructor(scope: Construct, id: string, props: DatabaseBackupProps) {
    super(scope, id);
    checkKinds(this, 'DatabaseBackupProps', props);
    const profile = profileValues(props.profile);
    const rules = (props.rules ?? defaultRules()).map((rule) => ({
      ...rule,
      copyDestinations: rule.copyDestinations ?? props.copyDestinations,
    }));
    const lock =
      props.vaultLock ?? (profile.deletionProtection ? BackupVaultLock.governance() : BackupVaultLock.none());
    const timeZone = props.timeZone ?? TimeZone.ETC_UTC;
    const restoreTestSchedule = props.restoreTestSchedule ?? Schedule.cron({ minute: '0', hour: '12', day: '1' });
    const restoreTestSubnets = props.restoreTestSubnets ?? { subnetType: restoreSubnets(props.vpc) };
    validate(this, { ...props, rules, lock, restoreTestSchedule, restoreTestSubnets }, props);

    const removalPolicy = props.removalPolicy ?? RemovalPolicy.RETAIN;
    const encryptionKey =
      props.encryptionKey ??
      new Key(this, 'Key', { description: 'Backups of the database', enableKeyRotation: true, removalPolicy });
    const role = serviceRole(this);
    role.applyRemovalPolicy(removalPolicy); // AWS Backup deletes expired recovery points as this role.
    this.role = role;
    this._database = props.database;
    this.vault = new BackupVault(this, 'Vault', {
      backupVaultName: vaultName(this, role),
      encryptionKey,
      lockConfiguration: lock._configuration,
      accessPolicy: lock.mode === 'none' ? undefined : vaultPolicy(this),
      removalPolicy,
    });
    this.plan = new BackupPlan(this, 'Plan', {
      // Otherwise every plan is called Plan.
      backupPlanName: Names.uniqueResourceName(this, { maxLength: 50 }),
      backupVault: this.vault,
      backupPlanRules: rules.map((rule) => planRule(rule, timeZone)),
    });
    this.plan.addSelection('Database', {
      resources: [BackupResource.fromArn(arnOf(props.database))],
      role: this.role,
      disableDefaultBackupPolicy: true, // The role has it.
    });
    if (isRestoreTested(this, props.restoreTesting)) {
      const isCluster = props.database.cluster !== undefined;
      const isValidated = props.restoreTestValidation ?? (!isCluster && props.vpc.privateSubnets.length > 0);
      const restoreTest = new RestoreTest(this, 'RestoreTest', {
        database: props.database,
        vault: this.vault,
        role: this.role,
        schedule: restoreTestSchedule,
        timeZone: timeZone.timezoneName,
        vpc: props.vpc,
        vpcSubnets: restoreTestSubnets,
        isValidated,
      });
      this._restores = isValidated
        ? this.validateRestores(props, { restoreTest, encryptionKey, profile, schedule: restoreTestSchedule })
        : undefined;
      if (!isValidated && props.restoreTestValidation === undefined) {
        warnOfNoValidation(this, isCluster);
      }
    } else if (props.restoreTesting === undefined) {
      Annotations.of(this).addWarningV2(
        'cdk-django-fargate:restoreTesting',
        `Nothing proves that the backups can be restored: CloudFormation has no restore testing in ${Stack.of(this).region}. Restore one by hand now and then, and set \`restoreTesting\` to false, or to true once the region has it.`,
      );
    }
    if (profile.deletionProtection && rules.every(({ copyDestinations = [] }) => copyDestinations.length === 0)) {
      warnOfNoCopies(this);
    }
    if (props.notifications) {
      reportFailures(this, this.role, props.notifications.topic);
    }
  }

  private validateRestores(props: DatabaseBackupProps, made: ValidatedTest): RestoreFigures {
    const { database, vpc } = props;
    const { restoreTest, encryptionKey, profile } = made;
    const { failed, age } = new RestoreValidation(this, 'RestoreValidation', {
      restoreTest,
      encryptionKey,
      profile,
      vpc,
      vpcSubnets: props.restoreTestHandlerSubnets ?? { subnetType: SubnetType.PRIVATE_WITH_EGRESS },
      query: props.restoreTestQuery ?? DEFAULT_QUERY,
      databaseName: madeDatabase(database)?._identity.databaseName,
      caBundle: madeDatabase(database)?._caBundle,
      port: database.connections.defaultPort ?? Port.allTcp(),
      vaultName: this.vault.backupVaultName,
      topic: props.notifications?.topic,
      reservedConcurrentExecutions: props.handlerReservedConcurrency,
    });
    return { failed, age, mostDays: longestGapInDays(made.schedule.expressionString) + DAYS_TO_PROVE };
  }

  /** Backups completed, sum over a day. No data for a day means that no backup was made. */
  public metricNumberOfBackupJobsCompleted(options?: MetricOptions): Metric {
    return new Metric({
      namespace: 'AWS/Backup',
      metricName: 'NumberOfBackupJobsCompleted',
      dimensionsMap: { BackupVaultName: this.vault.backupVaultName },
      period: Duration.days(1),
      statistic: Stats.SUM,
      ...options,
    }).attachTo(this);
  }
}

/**
 * What is known of restored databases.
 *
 * @internal
 */
export interface RestoreFigures {
  /** Restores that failed their validation, sum over an hour. */
  readonly failed: Metric;
  /** Days since a restore was last proven. */
  readonly age: Metric;
  /** Days within which there should be another one. */
  readonly mostDays: number;
}

interface ValidatedTest {
  readonly restoreTest: RestoreTest;
  readonly encryptionKey: IKey;
  readonly profile: Required<ProfileOptions>;
  readonly schedule: Schedule;
}

function warnOfNoValidation(scope: Construct, isCluster: boolean): void {
  Annotations.of(scope).addWarningV2(
    'cdk-django-fargate:restoreTestValidation',
    isCluster
      ? 'Nothing looks into databases that are restored as a test: AWS Backup restores a cluster without an instance that could be asked. Prove the data with `databaseDump` and `restoreDrill`, or restore a backup by hand now and then and look into it, and set `restoreTestValidation` to false.'
      : 'Nothing looks into databases that are restored as a test: the function that does calls the APIs of AWS, and the VPC has no private subnets with a way out. Restore a backup by hand now and then and look into it, and set `restoreTestValidation` to false; or give endpoints for rds, backup and ssm to the subnets of `restoreTestHandlerSubnets`, and set it to true.',
  );
}

function warnOfNoCopies(scope: Construct): void {
  Annotations.of(scope).addWarningV2(
    'cdk-django-fargate:backupCopies',
    "All backups are in this account and region, and RDS encrypts them with the key of the database: whoever loses the key, the account or the region loses the database and every backup. Name a vault of another region or account in `copyDestinations`, as docs/your-project.md says under 'Backups that survive the key', or acknowledge this warning with your reason.",
  );
}

/**
 * After the backup and maintenance windows of RDS, and hours apart: of two jobs for one database at a time
 * the second waits, and expires when its start window is over.
 */
function defaultRules(): DatabaseBackupRule[] {
  return [
    { name: 'daily', schedule: Schedule.cron({ minute: '0', hour: '6' }), deleteAfter: Duration.days(35) },
    {
      name: 'weekly',
      schedule: Schedule.cron({ minute: '0', hour: '8', weekDay: 'SUN' }),
      deleteAfter: Duration.days(84),
    },
    {
      name: 'monthly',
      schedule: Schedule.cron({ minute: '0', hour: '10', day: '1' }),
      deleteAfter: Duration.days(365),
    },
  ];
}

function planRule(rule: DatabaseBackupRule, timeZone: TimeZone): BackupPlanRule {
  return new BackupPlanRule({
    ruleName: rule.name,
    scheduleExpression: rule.schedule,
    scheduleExpressionTimezone: timeZone,
    deleteAfter: rule.deleteAfter,
    startWindow: rule.startWindow ?? DEFAULT_START_WINDOW,
    completionWindow: rule.completionWindow ?? DEFAULT_COMPLETION_WINDOW,
    copyActions: rule.copyDestinations?.map((destinationBackupVault) => ({
      destinationBackupVault,
      deleteAfter: rule.deleteAfter,
    })),
  });
}

/**
 * At most 50 characters, of which the id of the role takes 22. IAM gives an id once: a vault that was left
 * by an older stack, or by this one when its backups were switched off, has the id of a role of its own.
 */
function vaultName(scope: Construct, role: Role): string {
  return `${Names.uniqueResourceName(scope, { maxLength: 28 })}-${role.roleId}`;
}

/**
 * Without a condition on the source: AWS documents none for this role, and a wrong one would end all backups.
 * A role can be passed to AWS Backup within its own account only.
 */
function serviceRole(scope: Construct): Role {
  const role = new Role(scope, 'Role', {
    description: 'Lets AWS Backup make, copy and restore backups of the database',
    assumedBy: new ServicePrincipal('backup.amazonaws.com'),
    managedPolicies: SERVICE_POLICIES.map((name) => ManagedPolicy.fromAwsManagedPolicyName(`service-role/${name}`)),
  });
  for (const name of SERVICE_POLICIES) {
    acknowledge(
      role,
      `IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/${name}]`,
      'AWS extends this policy whenever AWS Backup needs another call; a copy of ours would fall behind and backups would fail. Only AWS Backup can assume the role, and the plan selects one database.',
    );
  }
  return role;
}

/** One rule for backups, copies and restores. The first two say `state`, the last one says `status`. */
function reportFailures(scope: Construct, role: IRole, topic: ITopic): void {
  const detail = (name: string) => EventField.fromPath(`$.detail.${name}`);
  const text =
    `${EventField.detailType} of ${scope.node.path} at ${EventField.time}: ${detail('state')}${detail('status')}. ` +
    `Look at the job in the AWS Backup console for its status message. What to do: ${runbookUrl(scope, 'backup-failed')}`;
  new Rule(scope, 'Failures', {
    description: 'Backups, copies and restores of the database that did not succeed',
    eventPattern: {
      source: ['aws.backup'],
      detailType: ['Backup Job State Change', 'Copy Job State Change', 'Restore Job State Change'],
      detail: { iamRoleArn: [role.roleArn], $or: [{ state: FAILED }, { status: FAILED }] },
    },
    targets: [new SnsTopic(topic, { message: RuleTargetInput.fromText(text) })],
  });
}

function restoreSubnets(vpc: IVpc): SubnetType {
  return vpc.isolatedSubnets.length > 0 ? SubnetType.PRIVATE_ISOLATED : SubnetType.PRIVATE_WITH_EGRESS;
}

const NO_RESTORE_TEST = voidWith<DatabaseBackupProps>(
  'restoreTesting: false',
  ({ restoreTesting }) => restoreTesting === false,
  'nothing is restored',
);
const NO_VALIDATION = voidWith<DatabaseBackupProps>(
  'restoreTestValidation: false',
  ({ restoreTestValidation }) => restoreTestValidation === false,
  'nobody looks into what is restored',
);
const EFFECTS: Effects<DatabaseBackupProps> = {
  restoreTestSchedule: [NO_RESTORE_TEST],
  restoreTestSubnets: [NO_RESTORE_TEST],
  restoreTestValidation: [NO_RESTORE_TEST],
  restoreTestQuery: [NO_RESTORE_TEST, NO_VALIDATION],
  restoreTestHandlerSubnets: [NO_RESTORE_TEST, NO_VALIDATION],
};

function validate(
  scope: Construct,
  props: DatabaseBackupProps & {
    readonly rules: DatabaseBackupRule[];
    readonly lock: BackupVaultLock;
    readonly restoreTestSchedule: Schedule;
    readonly restoreTestSubnets: SubnetSelection;
  },
  asGiven: DatabaseBackupProps,
): void {
  const checks = checkBackup(scope, props);
  checkEffects<DatabaseBackupProps>(checks, asGiven, EFFECTS);
  const zone = asGiven.timeZone?.timezoneName;
  checks.optional('timeZone', zone, () => isTimeZone(String(zone)), {
    must: 'be in the IANA database of time zones',
    remedy: 'Choose one from TimeZone, for example TimeZone.EUROPE_VIENNA.',
  });
  if (isRestoreTested(scope, props.restoreTesting)) {
    checkSchedule(checks, 'restoreTestSchedule', props.restoreTestSchedule.expressionString);
    const { zones, known } = zonesOf(props.vpc, props.restoreTestSubnets);
    checks.that('restoreTestSubnets', zones, !known || zones >= 2, {
      must: 'lie in at least two zones, as RDS asks of every subnet group',
      remedy: 'Select other subnets, or set `restoreTesting` to false.',
    });
    checkQuery(checks, asGiven.restoreTestQuery);
    checkOfCluster(checks, asGiven);
    checks.selects('restoreTestHandlerSubnets', props.vpc, asGiven.restoreTestHandlerSubnets);
    checks.optional(
      'restoreTestValidation',
      asGiven.restoreTestValidation,
      () =>
        asGiven.restoreTestValidation === false ||
        asGiven.restoreTestHandlerSubnets !== undefined ||
        props.vpc.privateSubnets.length > 0,
      {
        must: 'come with `restoreTestHandlerSubnets` in a VPC without private subnets that have a way out',
        remedy: 'Select subnets that reach the APIs of RDS, AWS Backup and Systems Manager, by endpoints for example.',
      },
    );
  }
  checkReservedConcurrency(checks, asGiven.handlerReservedConcurrency);
  checks.throwIfAny();
}

/** Nobody can look into a cluster without an instance, which is what AWS Backup restores. */
function checkOfCluster(checks: Checks, { database, ...given }: DatabaseBackupProps): void {
  const rule = {
    must: 'be left out for an Aurora cluster',
    remedy: 'AWS Backup restores it without an instance that could be asked. `restoreDrill` proves the data of a dump.',
  };
  const isInstance = database.cluster === undefined;
  checks
    .optional(
      'restoreTestValidation',
      given.restoreTestValidation,
      () => isInstance || !given.restoreTestValidation,
      rule,
    )
    .optional('restoreTestQuery', given.restoreTestQuery, () => isInstance, rule)
    .optional('restoreTestHandlerSubnets', given.restoreTestHandlerSubnets, () => isInstance, rule);
}

/** Number of zones of the selected subnets: 0 where the VPC has none, unknown while a lookup waits. */
function zonesOf(vpc: IVpc, selection: SubnetSelection): { readonly zones: number; readonly known: boolean } {
  const selected = selectedSubnets(vpc, selection);
  const zones = selected?.availabilityZones ?? [];
  return { zones: new Set(zones).size, known: selected?.isPendingLookup !== true && !Token.isUnresolved(zones) };
}
