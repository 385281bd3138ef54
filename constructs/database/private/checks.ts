import { Token } from 'aws-cdk-lib';
import type { IVpc, SelectedSubnets, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import type { Construct } from 'constructs';
import { Checks, isUnknown, selectedSubnets } from '../../core/checks';
import { CONTRACT } from '../../core/contract';
import { checkEffects, type Effects, voidWith } from '../../core/effects';
import { checkReservedConcurrency } from '../../core/handler-function';
import { checkRotationPeriod, checkRotationWindow } from '../../core/secret-rotation';
import { isDailyWindow, isWeeklyWindow, windowsOverlap } from '../../core/time/time-window';
import { checkArrival } from '../arriving/arrival';
import { checkExtensions } from '../arriving/extensions';
import { checkSource } from '../arriving/source';
import type { DatabaseOptions } from '../database-options';
import { DatabaseVariables } from '../database-variables';
import { PasswordRotation } from '../password-rotation';
import type { PostgresDatabaseAttributes, PostgresDatabaseProps } from '../postgres-database';
import { isDatabaseClass } from './classes';
import type { CommonProps, FilledProps } from './defaults';
import { lengthOfIdentifier } from './logs';
import { checkDatabaseNames } from './names';
import { REPLICA_HOST } from './replicas';

/** RDS enlarges storage only when there is at least a tenth to gain. */
const LEAST_GROWTH_PERCENT = 110;
const OLDEST_MAJOR_VERSION = 14;
/** Characters that RDS takes for the name of an instance. */
const LONGEST_IDENTIFIER = 63;
/** As in postgresql.conf, but not in a parameter group. */
const WITH_UNIT = /^[-+]?\d+(\.\d+)?\s*(us|ms|s|min|h|d|B|kB|MB|GB|TB|%)$/i;

/** What processes get by the contract, beside the address and the login of the database. */
const TAKEN_VARIABLES = Object.keys(CONTRACT).filter((name) => !name.startsWith('DATABASE_'));

/** What only has an effect beside other props, as the user wrote them. */
const NO_ROTATION = voidWith<DatabaseOptions>(
  'passwordRotation: PasswordRotation.OFF',
  ({ passwordRotation }) => passwordRotation === PasswordRotation.OFF,
  'the passwords stay',
);
const EFFECTS: Effects<DatabaseOptions> = {
  passwordRotationPeriod: [NO_ROTATION],
  passwordRotationWindow: [NO_ROTATION],
};

/** Refuses what has no effect beside what else the user wrote. */
export function checkDatabaseEffects(checks: Checks, props: DatabaseOptions): void {
  checkEffects(checks, props, EFFECTS);
}

/** Validates the props of an instance. */
export function checkDatabase(
  checks: Checks,
  scope: Construct,
  props: FilledProps,
  given: PostgresDatabaseProps,
): void {
  checkCommon(checks, props, given);
  checkSource(checks, scope, props);
  checkExtensions(checks, props, { kind: 'RDS for PostgreSQL', version: props.engineVersion.postgresMajorVersion });
  checkVersion(checks, props.engineVersion.postgresMajorVersion, 'PostgresEngineVersion.VER_17');
  checkSize(checks, props);
  checkReplicaNames(checks, scope, props);
  checkIdentifier(checks, 'instanceIdentifier', props.instanceIdentifier);
}

/** Validates what instances and clusters have in common. */
export function checkCommon(checks: Checks, props: CommonProps, given: DatabaseOptions): void {
  checkDatabaseNames(checks, props);
  checkArrival(checks, props);
  checkVariables(checks, props.variables);
  checkWindows(checks, props, given);
  checkPlaces(checks, props);
  checks
    .integer('port', props.port, { min: 1150, max: 65535, remedy: 'Choose one that RDS allows, for example 15432.' })
    .that('port', props.port, props.port !== 5432, {
      must: "not be 5432, PostgreSQL's default port (rule AwsSolutions-RDS11)",
      remedy: 'Choose another one, for example 15432.',
    })
    .duration('backupRetention', props.backupRetention, {
      whole: 'days',
      min: 7,
      max: 35,
      remedy: 'RDS keeps automated backups up to 35 days; keep longer ones with DatabaseBackup.',
    });
  checkBundlePath(checks, props.caBundlePath);
  checkReservedConcurrency(checks, props.handlerReservedConcurrency);
  checkRotation(checks, props);
  checkParameters(checks, props.parameters);
}

/** Validates the name of an instance or a cluster. */
export function checkIdentifier(checks: Checks, prop: string, identifier: string | undefined): void {
  checks.matches(prop, identifier, /^(?!.*--)[a-z][a-z0-9-]{0,51}[a-z0-9]$/, {
    must: 'begin with a lower-case letter and hold 2 to 53 lower-case letters, digits and single hyphens',
    remedy: 'Choose such a name, or leave it out to have one generated.',
  });
}

/** Validates a major version. */
export function checkVersion(checks: Checks, majorVersion: string, example: string): void {
  checks
    .known('engineVersion', majorVersion)
    .that('engineVersion', majorVersion, Number(majorVersion) >= OLDEST_MAJOR_VERSION, {
      must: `be PostgreSQL ${OLDEST_MAJOR_VERSION} or later`,
      remedy: `Django supports no older one; take ${example}.`,
    });
}

function checkRotation(checks: Checks, props: CommonProps): void {
  const { passwordRotationPeriod, passwordRotationWindow, caCertificate } = props;
  checkRotationPeriod(checks, 'passwordRotationPeriod', passwordRotationPeriod);
  const names = { window: 'passwordRotationWindow', period: 'passwordRotationPeriod' };
  checkRotationWindow(checks, names, passwordRotationPeriod, passwordRotationWindow);
  checks.that('caCertificate', caCertificate.toString(), !/rsa4096/.test(caCertificate.toString()), {
    must: 'not be RSA4096',
    remedy: 'The handlers verify the database against RSA2048 and ECC384 authorities only: take one of these.',
  });
}

function checkSize(checks: Checks, props: FilledProps): void {
  const { allocatedStorage, maxAllocatedStorage, instanceType } = props;
  checks
    .that('instanceType', instanceType.toString(), isDatabaseClass(instanceType), {
      must: 'be an instance class that RDS runs PostgreSQL on, in a size that it has, without the prefix `db.`',
      remedy: 'Take for example InstanceType.of(InstanceClass.T4G, InstanceSize.MEDIUM).',
    })
    .integer('allocatedStorage', allocatedStorage, { min: 20, max: 65536, remedy: 'It is in GiB of gp3 storage.' })
    .integer('maxAllocatedStorage', maxAllocatedStorage, {
      max: 65536,
      min: Number.isFinite(allocatedStorage) ? Math.ceil((allocatedStorage * LEAST_GROWTH_PERCENT) / 100) : undefined,
      remedy: 'Storage grows by itself only to at least a tenth more than `allocatedStorage`, in GiB.',
    })
    .integer('readReplicas', props.readReplicas, { min: 0, max: 15, remedy: 'Leave it out to have none.' });
}

/** Replicas are named after the instance, and the tenth has a digit more than the others. */
function checkReplicaNames(checks: Checks, scope: Construct, props: FilledProps): void {
  const { instanceIdentifier, readReplicas } = props;
  const length = isUnknown(instanceIdentifier) ? 0 : (instanceIdentifier?.length ?? lengthOfIdentifier(scope));
  const longest = LONGEST_IDENTIFIER - '-replica-10'.length;
  checks.that('readReplicas', readReplicas, isUnknown(readReplicas) || readReplicas < 10 || length <= longest, {
    must: `be at most 9 beside an instance whose name has ${length} characters: with \`-replica-10\` behind it, RDS takes ${longest}`,
    remedy: `Take at most 9, or give a database that is new an \`instanceIdentifier\` of at most ${longest} characters: another name replaces one that exists.`,
  });
}

function checkWindows(checks: Checks, props: CommonProps, given: DatabaseOptions): void {
  const { preferredBackupWindow: backup, preferredMaintenanceWindow: maintenance } = props;
  // The message names what the user wrote, and not the default beside it.
  const names = ['preferredMaintenanceWindow', 'preferredBackupWindow'] as const;
  const [moved, beside] = given.preferredMaintenanceWindow === undefined ? [...names].reverse() : names;
  const [window, other] = [props[moved], props[beside]];
  checks
    .optional('preferredBackupWindow', backup, () => isDailyWindow(backup), {
      must: 'be at least 30 minutes of a day in UTC, written as hh:mm-hh:mm',
      remedy: 'Give for example 03:00-04:00.',
    })
    .optional('preferredMaintenanceWindow', maintenance, () => isWeeklyWindow(maintenance), {
      must: 'be 30 minutes to 24 hours of a week in UTC, written as ddd:hh:mm-ddd:hh:mm',
      remedy: 'Give for example sun:04:30-sun:05:30.',
    })
    .optional(moved, window, () => isUnknown(other) || !windowsOverlap(backup, maintenance), {
      must: `not overlap \`${beside}\` ${other}`,
      remedy: 'Move one of them.',
    });
}

function checkPlaces(checks: Checks, props: CommonProps): void {
  const database = subnets(checks, 'vpcSubnets', props.vpc, props.vpcSubnets);
  if (database !== undefined) {
    const zones = new Set(database.availabilityZones).size;
    const counted = database.isPendingLookup !== true && !Token.isUnresolved(database.availabilityZones);
    checks.that('vpcSubnets', `${zones} zone`, !counted || zones >= 2, {
      must: 'lie in at least two availability zones',
      remedy: 'RDS asks for them even without a standby; give subnets of a second zone.',
    });
  }
  const handler = subnets(checks, 'handlerSubnets', props.vpc, props.handlerSubnets);
  if (handler === undefined || handler.isPendingLookup === true) {
    return;
  }
  const isolated = new Set(props.vpc.isolatedSubnets.map((subnet) => subnet.subnetId));
  const cutOff = handler.subnetIds.some((id) => isolated.has(id));
  checks.that(
    'secretsManagerEndpoint',
    props.secretsManagerEndpoint,
    !cutOff || props.secretsManagerEndpoint !== undefined,
    {
      must: 'be given when the handlers that make the database roles and rotate the passwords run in isolated subnets',
      remedy:
        'Give an interface endpoint for Secrets Manager (the network also needs the S3 gateway endpoint), or a VPC with NAT gateways.',
    },
  );
}

/** The subnets of a selection; records a problem when there are none or one of them is public. */
function subnets(checks: Checks, prop: string, vpc: IVpc, selection: SubnetSelection): SelectedSubnets | undefined {
  const selected = select(vpc, selection);
  checks.that(prop, selected === undefined ? 'none' : 'public subnets', selected !== undefined && !selected.hasPublic, {
    must: 'select private or isolated subnets that the VPC has',
    remedy: 'Give such subnets, or a VPC that has them.',
  });
  return selected;
}

function select(vpc: IVpc, selection: SubnetSelection): SelectedSubnets | undefined {
  const selected = selectedSubnets(vpc, selection);
  const found = selected !== undefined && (selected.subnetIds.length > 0 || Token.isUnresolved(selected.subnetIds));
  return found || selected?.isPendingLookup === true ? selected : undefined;
}

/** What is known of any database that is brought. */
type Brought = Pick<PostgresDatabaseAttributes, 'variables' | 'caBundlePath' | 'port' | 'maxConnections'>;

/** Validates what is known of an instance that is brought. */
export function checkBrought(scope: string, attrs: PostgresDatabaseAttributes): void {
  const checks = new Checks(scope);
  checkReplicas(checks, attrs);
  checkBroughtDatabase(checks, attrs);
}

/** Validates what is known of any database that is brought. */
export function checkBroughtDatabase(checks: Checks, attrs: Brought): void {
  checkVariables(checks, attrs.variables ?? DatabaseVariables.DATABASE);
  checkBundlePath(checks, attrs.caBundlePath);
  checks
    .integer('port', attrs.port, { min: 1, max: 65_535, remedy: 'Give the port of its endpoint.' })
    .integer('maxConnections', attrs.maxConnections, {
      min: 1,
      max: 262_143,
      remedy: 'Give what SHOW max_connections says, or leave it out.',
    })
    .throwIfAny();
}

function checkBundlePath(checks: Checks, caBundlePath: string | undefined): void {
  checks.matches('caBundlePath', caBundlePath, /^\/\S+$/, {
    must: 'be an absolute path in the image',
    remedy: 'Give the path that your Dockerfile writes the RDS certificate bundle to.',
  });
}

/** RDS lets a replica listen on another port; processes get only one. */
function checkReplicas(checks: Checks, { instance, port, readReplicas = [] }: PostgresDatabaseAttributes): void {
  const wanted = port ?? instance.dbInstanceEndpointPort;
  for (const { dbInstanceEndpointPort: own } of readReplicas) {
    checks.that('readReplicas', own, isUnknown(own) || isUnknown(wanted) || Number(own) === Number(wanted), {
      must: `listen on the port of the instance, ${wanted}`,
      remedy: 'Change the port of the replica, or give its true `port` where it was looked up.',
    });
  }
}

function checkVariables(checks: Checks, variables: DatabaseVariables): void {
  const all = { replicaHost: REPLICA_HOST, ...variables.names };
  const names = Object.entries(all).filter(([, name]) => name !== undefined);
  for (const [part, name] of names) {
    checks
      .matches(`variables.${part}`, name, /^[A-Za-z_][A-Za-z0-9_]*$/, {
        must: 'be a name for an environment variable: letters, digits and underscores',
        remedy: 'Give for example DATABASE_HOST.',
      })
      .that(`variables.${part}`, name, !TAKEN_VARIABLES.includes(name), {
        must: 'not be named like another variable that processes get by the contract',
        remedy: 'ECS refuses a name that is given twice: choose another one, for example DATABASE_HOST.',
      })
      .that(`variables.${part}`, name, names.filter(([, other]) => other === name).length === 1, {
        must: 'differ from the other variables',
        remedy: 'Give each part of the address a name of its own.',
      });
  }
}

function checkParameters(checks: Checks, parameters: { [name: string]: string } = {}): void {
  for (const [name, value] of Object.entries(parameters)) {
    checks
      .matches(`parameters.${name}`, name, /^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?$/, {
        must: 'be named as PostgreSQL names it, in lower case with underscores',
        remedy: 'Look it up with `aws rds describe-engine-default-parameters`.',
      })
      .optional(`parameters.${name}`, value, () => value.trim() !== '' && !WITH_UNIT.test(value), {
        must: 'be a value without a unit',
        remedy: 'RDS counts each parameter in a unit of its own, such as ms, kB or blocks of 8 kB: convert it.',
      });
  }
  const forced = parameters['rds.force_ssl'];
  checks.optional('parameters.rds.force_ssl', forced, () => forced === '1', {
    must: 'be 1',
    remedy: 'Leave it out: connections without TLS are refused.',
  });
}
