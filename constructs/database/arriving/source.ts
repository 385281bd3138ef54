import { Stack, Token } from 'aws-cdk-lib';
import type { CfnDBInstance } from 'aws-cdk-lib/aws-rds';
import type { Construct } from 'constructs';
import { acknowledgeInTemplate } from '../../core/acknowledge';
import { type Checks, isUnknown } from '../../core/checks';
import type { PointInTime } from '../point-in-time';

/** Where the data of an instance comes from. */
export interface Source {
  readonly snapshotIdentifier?: string;
  readonly pointInTime?: PointInTime;
}

/** Whether the instance starts with data from elsewhere. */
export function isRestored({ snapshotIdentifier, pointInTime }: Source): boolean {
  return snapshotIdentifier !== undefined || pointInTime !== undefined;
}

/**
 * Makes an instance start from its source, which decides on what is dropped here. The password of the master
 * is set after the restore, and version, parameters and storage are.
 */
export function startFrom(instance: CfnDBInstance, source: Source): void {
  if (!isRestored(source)) {
    return;
  }
  const { snapshotIdentifier, pointInTime } = source;
  instance.dbName = undefined;
  instance.masterUsername = undefined;
  instance.kmsKeyId = undefined;
  instance.dbSnapshotIdentifier = snapshotIdentifier;
  if (pointInTime !== undefined) {
    const { _kind: kind, source: from, time } = pointInTime;
    instance.sourceDbInstanceIdentifier = kind === 'ofInstance' ? from : undefined;
    instance.sourceDbiResourceId = kind === 'ofResource' ? from : undefined;
    instance.sourceDbInstanceAutomatedBackupsArn = kind === 'ofAutomatedBackups' ? from : undefined;
    instance.restoreTime = time;
    instance.useLatestRestorableTime = time === undefined ? true : undefined;
    if (kind === 'ofInstance') {
      acknowledgeInTemplate(
        instance,
        'F3020',
        'The rule is about a read replica. With a moment RDS restores, CloudFormation sets the password of the master afterwards, and a copy is encrypted as its source is.',
      );
    }
  }
}

/** A moment as one text, to tell it from another. */
export function shownMoment({ source, time }: PointInTime): string {
  return `${source} at ${time ?? 'the latest time'}`;
}

const FORMS: { readonly [kind in PointInTime['_kind']]: { readonly form: RegExp; readonly must: string } } = {
  ofInstance: { form: /^(?!.*--)[A-Za-z][A-Za-z0-9-]{0,62}$/, must: 'be of an instance, by its name' },
  ofResource: { form: /^db-[A-Z0-9]{20,32}$/, must: 'be of an instance, by its resource id, which begins with db-' },
  ofAutomatedBackups: {
    form: /^arn:[\w-]+:rds:[\w-]+:\d{12}:auto-backup:ab-[a-z0-9]+$/i,
    must: 'be of automated backups, by their ARN',
  },
};
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z$/;

/** How a snapshot is written, and what is said to whoever writes another one. */
interface SnapshotForm {
  readonly form: RegExp;
  readonly must: string;
  /** Part of the commands of RDS. */
  readonly command: string;
}

/** Of an instance. */
const SNAPSHOT: SnapshotForm = {
  form: /^(arn:[\w-]+:rds:[\w-]+:\d{12}:snapshot:\S{1,255}|(rds:)?[A-Za-z][\w-]{0,254})$/,
  must: 'be the name or the ARN of a DB snapshot',
  command: 'db-snapshot',
};

/** Of a cluster, or by its ARN of an instance, which Aurora migrates. */
export const CLUSTER_SNAPSHOT: SnapshotForm = {
  form: /^(arn:[\w-]+:rds:[\w-]+:\d{12}:(cluster-)?snapshot:\S{1,255}|(rds:)?[A-Za-z][\w-]{0,254})$/,
  must: 'be the name or the ARN of a DB cluster snapshot, or the ARN of a DB snapshot of RDS for PostgreSQL',
  command: 'db-cluster-snapshot',
};

/** Validates a snapshot. */
export function checkSnapshot(
  checks: Checks,
  scope: Construct,
  given: string | undefined,
  { form, must, command }: SnapshotForm,
): void {
  checks
    .matches('snapshotIdentifier', given, form, {
      must,
      remedy: `List snapshots with \`aws rds describe-${command}s\`.`,
    })
    .optional('snapshotIdentifier', given, () => isHere(scope, given as string), {
      must: 'be a snapshot in the Region of the stack',
      remedy: `Copy it there first, with \`aws rds copy-${command} --source-region\`.`,
    });
}

/** Validates a source, as far as it can be known before RDS looks at it. */
export function checkSource(checks: Checks, scope: Construct, { snapshotIdentifier, pointInTime }: Source): void {
  checkSnapshot(checks, scope, snapshotIdentifier, SNAPSHOT);
  if (pointInTime === undefined) {
    return;
  }
  const { _kind: kind, source, time } = pointInTime;
  checks
    .that('pointInTime', shownMoment(pointInTime), snapshotIdentifier === undefined, {
      must: 'not be given beside `snapshotIdentifier`',
      remedy: 'An instance starts from one of the two: take the other out.',
    })
    .matches('pointInTime', source, FORMS[kind].form, {
      must: FORMS[kind].must,
      remedy: 'List what there is with `aws rds describe-db-instance-automated-backups`.',
    })
    .optional('pointInTime', source, () => isHere(scope, source), {
      must: 'be of automated backups in the Region of the stack',
      remedy: 'Give the ARN that they have there, or replicate them there first.',
    })
    .optional('pointInTime', time, () => TIME.test(time as string) && !Number.isNaN(Date.parse(time as string)), {
      must: 'be at a time in UTC',
      remedy: 'Write it as 2026-11-29T03:00:00Z, or leave it out for the latest one.',
    });
}

/** RDS restores nothing across Regions. */
function isHere(scope: Construct, identifier: string): boolean {
  const { region } = Stack.of(scope);
  const [, , , of] = identifier.split(':');
  return !identifier.startsWith('arn:') || isUnknown(region) || Token.isUnresolved(region) || of === region;
}
