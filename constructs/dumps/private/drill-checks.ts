import { Duration } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { Checks } from '../../core/checks';
import { longestGapInMinutes } from '../../core/time/schedule-gap';
import { checkFargateSize } from '../../processes/task/fargate-size';
import { checkSchedule } from '../../processes/task/schedule';
import type { RestoreDrillProps } from '../restore-drill';
import { checkDrillStorage } from './drill-storage';

const MINUTES_OF_HOUR = 60;
/** CloudWatch looks back no further. */
const MOST_HOURS = 7 * 24;

/** Extensions that come with PostgreSQL, in every image of it. */
const WITH_POSTGRESQL = [
  ...['amcheck', 'autoinc', 'bloom', 'bool_plperl', 'btree_gin', 'btree_gist', 'citext', 'cube', 'dblink', 'dict_int'],
  ...['dict_xsyn', 'earthdistance', 'file_fdw', 'fuzzystrmatch', 'hstore', 'insert_username', 'intagg', 'intarray'],
  ...['isn', 'lo', 'ltree', 'moddatetime', 'old_snapshot', 'pageinspect', 'pg_buffercache', 'pg_freespacemap'],
  ...['pg_prewarm', 'pg_stat_statements', 'pg_surgery', 'pg_trgm', 'pg_visibility', 'pg_walinspect', 'pgcrypto'],
  ...['pgrowlocks', 'pgstattuple', 'plpgsql', 'postgres_fdw', 'refint', 'seg', 'sslinfo', 'tablefunc', 'tcn'],
  ...['tsm_system_rows', 'tsm_system_time', 'unaccent', 'uuid-ossp', 'xml2'],
];

/** Defaults that depend on nothing. */
export const DRILL_DEFAULTS = {
  enabled: true,
  cpu: 1024,
  memoryLimitMiB: 4096,
  maxDuration: Duration.hours(4),
} as const;

/** The props with every default filled in that does not depend on what is made. */
export type FilledDrill = RestoreDrillProps &
  Required<Pick<RestoreDrillProps, keyof typeof DRILL_DEFAULTS | 'schedules'>>;

/** The time from which something is wrong when no dump was proven. */
export function drillAge({ schedules, maxDuration }: FilledDrill): Duration {
  const gap = longestGapInMinutes(schedules) ?? MOST_HOURS * MINUTES_OF_HOUR;
  return Duration.hours(Math.min(MOST_HOURS, Math.ceil((gap + maxDuration.toMinutes()) / MINUTES_OF_HOUR) + 1));
}

/** Validates the props of a drill. */
export function checkDrill(scope: Construct, filled: FilledDrill, props: RestoreDrillProps): void {
  const checks = new Checks(scope);
  checkFargateSize(checks, filled.cpu, filled.memoryLimitMiB);
  checkDrillStorage(checks, props.database, props.storage);
  checks.selects('vpcSubnets', props.dump.cluster.vpc, props.vpcSubnets);
  checkExtensions(checks, props);
  checks
    .duration('maxDuration', filled.maxDuration, {
      whole: 'minutes',
      min: 1,
      max: 24 * MINUTES_OF_HOUR,
      remedy: 'Give about twice the time that a drill takes.',
    })
    .that('schedules', filled.schedules, filled.schedules.length > 0, {
      must: 'hold at least one schedule',
      remedy: 'Leave it out for two drills a week, or set `enabled` to false.',
    })
    .optional('command', props.command, () => props.command?.length !== 0, {
      must: 'hold the words of a command',
      remedy: "Write it as in ['python', 'manage.py', 'check_orders'], or leave it out.",
    });
  for (const [index, schedule] of filled.schedules.entries()) {
    checkSchedule(checks, `schedules[${index}]`, schedule);
  }
  if (filled.enabled && checks.found.length === 0) {
    checkFrequency(checks, filled);
  }
  checks.throwIfAny();
}

function checkExtensions(checks: Checks, { extensions = [], image }: RestoreDrillProps): void {
  const others = extensions.filter((name) => !WITH_POSTGRESQL.includes(name));
  checks.that('extensions', others, image !== undefined || others.length === 0, {
    must: 'be among those that come with PostgreSQL, or `image` must be given',
    remedy: `The image of PostgreSQL does not have ${others.join(', ')}, and a dump with it cannot be restored there. Give an image that has PostgreSQL of the same major version and these extensions.`,
  });
}

function checkFrequency(checks: Checks, { schedules, maxDuration }: FilledDrill): void {
  const gap = longestGapInMinutes(schedules);
  const expressions = schedules.map(({ expressionString }) => expressionString);
  const hours = ((gap ?? Number.POSITIVE_INFINITY) + maxDuration.toMinutes()) / MINUTES_OF_HOUR + 1;
  checks.that('schedules', expressions, hours <= MOST_HOURS, {
    must: 'come often enough for an alarm to notice when no dump is proven, with `maxDuration` at least once in seven days',
    remedy: 'CloudWatch looks back no further: restore twice a week, on days that are written as numbers or names.',
  });
}
