import { Duration, Names, type RemovalPolicy, TimeZone } from 'aws-cdk-lib';
import { BackupPlan, BackupPlanRule, BackupResource, BackupVault, type IBackupVault } from 'aws-cdk-lib/aws-backup';
import { Metric, type MetricOptions, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { type IVpc, type SubnetSelection, SubnetType } from 'aws-cdk-lib/aws-ec2';
import { EventField, Rule, RuleTargetInput, Schedule } from 'aws-cdk-lib/aws-events';
import { SnsTopic } from 'aws-cdk-lib/aws-events-targets';
import { type IRole, ManagedPolicy, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { type IKey, Key } from 'aws-cdk-lib/aws-kms';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { acknowledge } from '../core/acknowledge';
import { type Profile, profileValues } from '../core/profile';
import { runbookUrl } from '../core/runbook';
import type { IPostgresDatabase } from '../database/postgres-database';
import type { INotifications } from '../notifications/notifications';
import { BackupVaultLock } from './backup-vault-lock';
import { checkBackup, checkSchedule, DEFAULT_START_WINDOW } from './private/checks';
import { RestoreTest } from './private/restore-test';

const SERVICE_POLICIES = ['AWSBackupServiceRolePolicyForBackup', 'AWSBackupServiceRolePolicyForRestores'];
const FAILED = ['FAILED', 'ABORTED', 'EXPIRED', 'PARTIAL'];

/** One schedule of backups and how long they are kept. */
export interface DatabaseBackupRule {
  /** Name of the rule: up to 50 letters, digits, dots, dashes and underscores. */
  readonly name: string;
  /** When a backup is made: a cron expression, hours away from other rules and from the backup window of RDS. */
  readonly schedule: Schedule;
  /** How long the backup and its copies are kept, in whole days. */
  readonly deleteAfter: Duration;
  /** How long after the schedule the backup may start, at least an hour. @default Duration.hours(2) */
  readonly startWindow?: Duration;
  /** How long after the schedule the backup must be finished, more than the start window. @default Duration.hours(8) */
  readonly completionWindow?: Duration;
  /**
   * Vaults in other regions or accounts that get a copy. The database must be encrypted with a customer-managed key for
   * another account, and that account's vault must let this one in. @default - no copies
   */
  readonly copyDestinations?: IBackupVault[];
}

/** What can be chosen for the backups of a database. */
export interface DatabaseBackupOptions {
  /**
   * When backups are made and how long they are kept.
   * @default - daily for 35 days, weekly for 12 weeks, monthly for 12 months, from 6:00 on
   */
  readonly rules?: DatabaseBackupRule[];
  /** Time zone of all schedules. @default TimeZone.ETC_UTC */
  readonly timeZone?: TimeZone;
  /** What protects backups from being deleted early. @default - by profile: production governance for 7 days, development none */
  readonly vaultLock?: BackupVaultLock;
  /** Key of the vault. @default - a key of its own that rotates, so that losing the application's key does not lose the backups */
  readonly encryptionKey?: IKey;
  /** Whether backups are restored regularly, to know that they can be. Costs some hours of a database instance each time. @default true */
  readonly restoreTesting?: boolean;
  /** When the latest backup is restored. @default Schedule.cron({ minute: '0', hour: '12', day: '1' }) */
  readonly restoreTestSchedule?: Schedule;
  /** Subnets for restored databases, in at least two zones. @default - isolated subnets, or private ones where there are none */
  readonly restoreTestSubnets?: SubnetSelection;
  /** What happens to vault and key when they leave the stack. @default - by profile: production RETAIN, development DESTROY */
  readonly removalPolicy?: RemovalPolicy;
}

/** Properties of `DatabaseBackup`. */
export interface DatabaseBackupProps extends DatabaseBackupOptions {
  /** The database that is backed up. */
  readonly database: IPostgresDatabase;
  /** Where backups are restored to be tested. */
  readonly vpc: IVpc;
  /** Where defaults come from. @default Profile.production() */
  readonly profile?: Profile;
  /** Where failed backups, copies and restores are reported. @default - nowhere */
  readonly notifications?: INotifications;
}

/**
 * Backups of a database outside the database: a vault of its own, daily, weekly and monthly snapshots, copies, a lock against
 * deletion, and regular restores as the proof that they are good for something.
 *
 * They add to the automated backups of RDS, which stay what a restore to any second is made from.
 *
 * @example
 * declare const database: PostgresDatabase;
 * declare const vpc: ec2.IVpc;
 * new DatabaseBackup(this, 'Backup', { database, vpc, vaultLock: BackupVaultLock.governance({ minRetention: Duration.days(14) }) });
 *
 * @see https://docs.aws.amazon.com/aws-backup/latest/devguide/whatisbackup.html
 */
export class DatabaseBackup extends Construct {
  /** Where the backups are. */
  public readonly vault: IBackupVault;
  /** When they are made. */
  public readonly plan: BackupPlan;
  /** What AWS Backup acts as. */
  public readonly role: IRole;

  constructor(scope: Construct, id: string, props: DatabaseBackupProps) {
    super(scope, id);
    const profile = profileValues(props.profile);
    const rules = props.rules ?? defaultRules();
    const lock =
      props.vaultLock ?? (profile.deletionProtection ? BackupVaultLock.governance() : BackupVaultLock.none());
    const timeZone = props.timeZone ?? TimeZone.ETC_UTC;
    const restoreTestSchedule = props.restoreTestSchedule ?? Schedule.cron({ minute: '0', hour: '12', day: '1' });
    const restoreTestSubnets = props.restoreTestSubnets ?? { subnetType: restoreSubnets(props.vpc) };
    validate(this, { ...props, rules, lock, restoreTestSchedule, restoreTestSubnets });

    const removalPolicy = props.removalPolicy ?? profile.removalPolicy;
    const encryptionKey =
      props.encryptionKey ??
      new Key(this, 'Key', { description: 'Backups of the database', enableKeyRotation: true, removalPolicy });
    this.vault = new BackupVault(this, 'Vault', {
      encryptionKey,
      lockConfiguration: lock._configuration,
      blockRecoveryPointDeletion: lock.mode !== 'none',
      removalPolicy,
    });
    this.plan = new BackupPlan(this, 'Plan', {
      backupPlanName: Names.uniqueResourceName(this, { maxLength: 50 }), // Otherwise every plan is called Plan.
      backupVault: this.vault,
      backupPlanRules: rules.map((rule) => planRule(rule, timeZone)),
    });
    this.role = serviceRole(this);
    this.plan.addSelection('Database', {
      resources: [BackupResource.fromRdsDatabaseInstance(props.database.instance)],
      role: this.role,
      disableDefaultBackupPolicy: true, // The role has it.
    });
    if (props.restoreTesting ?? true) {
      new RestoreTest(this, 'RestoreTest', {
        instance: props.database.instance,
        vault: this.vault,
        role: this.role,
        schedule: restoreTestSchedule,
        timeZone: timeZone.timezoneName,
        vpc: props.vpc,
        vpcSubnets: restoreTestSubnets,
      });
    }
    if (props.notifications) {
      reportFailures(this, this.role, props.notifications.topic);
    }
  }

  /** Backups finished, per day. None in a day means that nobody makes any. */
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
 * After the backup and maintenance windows of RDS, and hours apart: of two jobs for one database at a time the second waits,
 * and expires when its start window is over.
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
    completionWindow: rule.completionWindow ?? Duration.hours(8),
    copyActions: rule.copyDestinations?.map((destinationBackupVault) => ({
      destinationBackupVault,
      deleteAfter: rule.deleteAfter,
    })),
  });
}

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
    `Look at the job in the AWS Backup console for its status message. What to do: ${runbookUrl('backup-failed')}`;
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

function validate(
  scope: Construct,
  props: DatabaseBackupProps & {
    readonly rules: DatabaseBackupRule[];
    readonly lock: BackupVaultLock;
    readonly restoreTestSchedule: Schedule;
    readonly restoreTestSubnets: SubnetSelection;
  },
): void {
  const checks = checkBackup(scope, props);
  if (props.restoreTesting ?? true) {
    checkSchedule(checks, 'restoreTestSchedule', props.restoreTestSchedule.expressionString);
    const zones = new Set(zonesOf(props.vpc, props.restoreTestSubnets)).size;
    checks.that('restoreTestSubnets', zones, zones >= 2, {
      must: 'lie in at least two zones, as RDS asks of every subnet group',
      remedy: 'Select other subnets, or set `restoreTesting` to false.',
    });
  }
  checks.throwIfAny();
}

/** Zones of the selected subnets; none where the VPC has no such subnets. */
function zonesOf(vpc: IVpc, selection: SubnetSelection): string[] {
  try {
    return vpc.selectSubnets(selection).availabilityZones;
  } catch {
    return [];
  }
}
