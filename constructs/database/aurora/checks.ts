import { Token } from 'aws-cdk-lib';
import type { InstanceType } from 'aws-cdk-lib/aws-ec2';
import { DBClusterStorageType } from 'aws-cdk-lib/aws-rds';
import type { Construct } from 'constructs';
import { type Checks, isUnknown } from '../../core/checks';
import { checkEffects, voidBeside } from '../../core/effects';
import { checkExtensions } from '../arriving/extensions';
import { CLUSTER_SNAPSHOT, checkSnapshot } from '../arriving/source';
import type { AuroraPostgresDatabaseProps } from '../aurora-postgres-database';
import { checkCommon, checkDatabaseEffects, checkIdentifier, checkVersion } from '../private/checks';
import { isDatabaseClass } from '../private/classes';
import type { FilledClusterProps } from './defaults';

/** The first minor version of each major one. Every minor version of a later major one will do. */
interface Floors {
  readonly [major: string]: number;
}
/** @see https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-serverless-v2-auto-pause.html */
const PAUSES: Floors = { '13': 15, '14': 12, '15': 7, '16': 3 };
/** What the guide of Aurora says about storage configurations. */
const IO_OPTIMIZED: Floors = { '13': 10, '14': 7, '15': 2, '16': 1, '17': 4 };

/** Of recent versions; older ones have half of it, as RDS says. */
const MOST_CAPACITY = 256;
/** Of burstable classes Aurora has these sizes alone. */
const BURSTABLE = /^t[34]g?\.(medium|large)$/;
/** What holds a connection for as long as it is on. */
const LOGICAL_REPLICATION = 'rds.logical_replication';

/** Validates the props of a cluster. */
export function checkCluster(
  checks: Checks,
  scope: Construct,
  props: FilledClusterProps,
  given: AuroraPostgresDatabaseProps,
): void {
  const { auroraPostgresMajorVersion: version, auroraPostgresFullVersion: full } = props.engineVersion;
  checkDatabaseEffects(checks, given);
  checkEffects<AuroraPostgresDatabaseProps>(checks, given, {
    instanceType: [voidBeside('serverless', 'a serverless cluster has capacities in place of a class')],
  });
  checkCommon(checks, props, given);
  checkVersion(checks, version, "AuroraPostgresEngineVersion.of('17', '17')");
  checkExtensions(checks, props, { kind: 'Aurora PostgreSQL', version });
  checkSnapshot(checks, scope, props.snapshotIdentifier, CLUSTER_SNAPSHOT);
  checkIdentifier(checks, 'clusterIdentifier', props.clusterIdentifier);
  checkClass(checks, props.instanceType);
  checkCapacity(checks, props, given);
  checks
    .integer('readers', props.readers, { min: 0, max: 15, remedy: 'A cluster has at most 15 beside the writer.' })
    .that('storageType', props.storageType, isNotOptimized(props) || reaches(full, IO_OPTIMIZED), {
      must: `come with a version from ${shown(IO_OPTIMIZED)} on`,
      remedy: 'Take a later `engineVersion`, or leave it out.',
    });
}

/** Aurora has the classes with much memory, and few burstable ones. */
function checkClass(checks: Checks, instanceType: InstanceType | undefined): void {
  checks.optional('instanceType', instanceType?.toString(), () => isAuroraClass(instanceType as InstanceType), {
    must: 'be an instance class that Aurora PostgreSQL has, in a size that it has, without the prefix `db.`',
    remedy:
      "Take for example new InstanceType('r7g.large') or new InstanceType('t4g.medium'): Aurora has none of the families that begin with m.",
  });
}

function isAuroraClass(instanceType: InstanceType): boolean {
  const name = instanceType.toString();
  const isBurstable = name.startsWith('t');
  return isBurstable ? BURSTABLE.test(name) : isDatabaseClass(instanceType) && !/^(m|r5d)/.test(name);
}

function checkCapacity(checks: Checks, props: FilledClusterProps, given: AuroraPostgresDatabaseProps): void {
  const { serverless, engineVersion, parameters = {}, extensions = [] } = props;
  if (serverless === undefined) {
    return;
  }
  const { minCapacity, maxCapacity } = serverless;
  const full = engineVersion.auroraPostgresFullVersion;
  const steps = {
    must: 'be in steps of 0.5',
    remedy: 'An Aurora capacity unit can be halved, for example 0.5 or 1.5.',
  };
  checks
    .number('serverless.minCapacity', minCapacity, {
      min: 0,
      max: MOST_CAPACITY,
      remedy: 'It is in Aurora capacity units.',
    })
    .optional('serverless.minCapacity', minCapacity, () => isHalf(minCapacity), steps)
    .number('serverless.maxCapacity', maxCapacity, {
      min: 1,
      max: MOST_CAPACITY,
      remedy: 'It is in Aurora capacity units.',
    })
    .optional('serverless.maxCapacity', maxCapacity, () => isHalf(maxCapacity), steps)
    .optional('serverless.maxCapacity', maxCapacity, () => isUnknown(minCapacity) || maxCapacity >= minCapacity, {
      must: `be at least \`minCapacity\`, ${minCapacity}`,
      remedy: 'Raise it, or lower `minCapacity`.',
    })
    .duration('serverless.autoPause', given.serverless?.autoPause, {
      whole: 'seconds',
      min: 300,
      max: 86_400,
      remedy: 'Aurora pauses after 5 minutes to 24 hours without a connection.',
    })
    .optional('serverless.autoPause', given.serverless?.autoPause, () => isUnknown(minCapacity) || minCapacity === 0, {
      must: `come with a \`minCapacity\` of 0, not ${minCapacity}`,
      remedy: 'It would have no effect: only a cluster that scales to zero pauses.',
    });
  if (minCapacity !== 0) {
    return;
  }
  const [written, remedy] = ['serverless.minCapacity', 'Set `serverless.minCapacity` to 0.5 or more, or take it out.'];
  checks
    .that(written, minCapacity, reaches(full, PAUSES), {
      must: `be at least 0.5 for a version before ${shown(PAUSES)}`,
      remedy: 'Take a later `engineVersion`, which can pause.',
    })
    .that(
      `parameters.${LOGICAL_REPLICATION}`,
      parameters[LOGICAL_REPLICATION],
      parameters[LOGICAL_REPLICATION] !== '1',
      {
        must: 'not be 1 for a cluster that scales to zero: it keeps the cluster awake',
        remedy,
      },
    )
    .that('extensions', 'pg_cron', Token.isUnresolved(extensions) || !extensions.includes('pg_cron'), {
      must: 'not name pg_cron for a cluster that scales to zero: a paused one runs no jobs, and tells nobody',
      remedy: `${remedy} \`scheduledCommands\` wake the cluster.`,
    });
}

function isHalf(value: number): boolean {
  return Number.isInteger(value * 2);
}

function isNotOptimized({ storageType }: FilledClusterProps): boolean {
  return storageType !== DBClusterStorageType.AURORA_IOPT1;
}

/**
 * Whether a version is at or above the floor of its major one; RDS chooses the minor version where none is
 * given.
 */
function reaches(version: string, floors: Floors): boolean {
  const [, major, minor] = /^(\d+)(?:\.(\d+))?/.exec(version) ?? [];
  return isUnknown(version) || minor === undefined || Number(minor) >= (floors[major] ?? 0);
}

function shown(floors: Floors): string {
  const versions = Object.entries(floors).map(([major, minor]) => `${major}.${minor}`);
  return `${versions.slice(0, -1).join(', ')} and ${versions.at(-1)}`;
}
