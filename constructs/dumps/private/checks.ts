import { Duration, Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { Checks, isUnknown, type NumberRule, secondsOf } from '../../core/checks';
import { checkEffects, type Effects, voidBeside, voidWith } from '../../core/effects';
import { longestGapInMinutes } from '../../core/time/schedule-gap';
import { majorVersionOf } from '../../database/database-server';
import { checkCluster } from '../../network/same-vpc';
import { checkEgress } from '../../processes/egress';
import { checkFargateSize } from '../../processes/task/fargate-size';
import { checkSchedule } from '../../processes/task/schedule';
import type { DatabaseDumpProps } from '../database-dump';
import type { DumpCopyOptions } from '../dump-copy';
import { DumpLock } from '../dump-lock';
import { KNOWN_VERSIONS } from './images';
import { checkStorage } from './storage';

const MINUTES_OF_HOUR = 60;
/** CloudWatch looks back no further. */
const MOST_HOURS = 7 * 24;
/** S3 keeps for no longer. */
const MOST_DAYS = 36_500;

/** Defaults that depend on nothing. */
export const DEFAULTS = {
  enabled: true,
  prefix: 'dumps',
  cpu: 1024,
  memoryLimitMiB: 2048,
  maxDuration: Duration.hours(2),
  fromReplica: true,
  dailyRetention: Duration.days(35),
  weeklyRetention: Duration.days(84),
  monthlyRetention: Duration.days(365),
} as const;

/** The props with every default filled in that does not depend on what is made. */
export type FilledDump = DatabaseDumpProps &
  Required<Pick<DatabaseDumpProps, keyof typeof DEFAULTS | 'schedules' | 'bucketLock'>>;

/** The age of the newest dump from which something is wrong; undefined where nobody can say. */
export function ageOf({ maxAge, schedules, maxDuration }: FilledDump): Duration | undefined {
  const gap = longestGapInMinutes(schedules);
  if (maxAge !== undefined || gap === undefined) {
    return maxAge;
  }
  return Duration.hours(Math.ceil((gap + maxDuration.toMinutes()) / MINUTES_OF_HOUR) + 1);
}

const OF_THE_BUCKET = voidBeside<DatabaseDumpProps>(
  'bucket',
  'it is for the bucket that is made where none is brought',
);
const EFFECTS: Effects<DatabaseDumpProps> = {
  dailyRetention: [OF_THE_BUCKET],
  weeklyRetention: [OF_THE_BUCKET],
  monthlyRetention: [OF_THE_BUCKET],
  bucketLock: [OF_THE_BUCKET],
  encryptionKey: [OF_THE_BUCKET],
  replicaBucket: [OF_THE_BUCKET],
  removalPolicy: [OF_THE_BUCKET],
  logRetention: [voidBeside('logGroup', 'it is for the log group that is made where none is brought')],
  egress: [voidBeside('securityGroup', 'it is for the security group that is made where none is brought')],
  maxAge: [voidWith('enabled: false', ({ enabled }) => enabled === false, 'no dump is waited for')],
};

/** Validates the props of a dump. */
export function checkDump(scope: Construct, filled: FilledDump, props: DatabaseDumpProps): void {
  const checks = new Checks(scope);
  checkEffects(checks, props, EFFECTS);
  checkCluster(checks, props.cluster);
  checkFargateSize(checks, filled.cpu, filled.memoryLimitMiB);
  checkEgress(checks, props.egress);
  if (filled.cluster.vpc !== undefined) {
    checks.selects('vpcSubnets', filled.cluster.vpc, props.vpcSubnets);
  }
  checkStorage(checks, props.database, props.storage);
  checkImages(checks, props);
  checkTimes(checks, filled);
  checkStore(checks, scope, filled);
  checks.throwIfAny();
}

/** The authorities of RDS are in the image of the application, unless somebody made one that has them. */
function checkImages(checks: Checks, props: DatabaseDumpProps): void {
  const { image, applicationImage } = props;
  checks.that('applicationImage', applicationImage, applicationImage !== undefined || image !== undefined, {
    must: 'be given, or an `image` that has the certificate authorities of RDS',
    remedy: 'The image of PostgreSQL lacks them, and without them nothing proves whom the dump talks to.',
  });
  const major = majorVersionOf(props.database);
  checks.that('image', image, image !== undefined || (major !== undefined && KNOWN_VERSIONS.includes(major)), {
    must: `be given for a database whose version is not known to be ${KNOWN_VERSIONS.join(', ')}`,
    remedy: 'Give one with pg_dump of the major version of the database, or of a later one.',
  });
}

function checkTimes(checks: Checks, { schedules, enabled, maxAge, maxDuration }: FilledDump): void {
  checks.that('schedules', schedules, schedules.length > 0, {
    must: 'hold at least one schedule',
    remedy: 'Leave it out for a dump a day, or set `enabled` to false.',
  });
  checks
    .duration('maxDuration', maxDuration, {
      whole: 'minutes',
      min: 1,
      max: 24 * MINUTES_OF_HOUR,
      remedy: 'Give about twice the time that dumps take.',
    })
    .duration('maxAge', maxAge, {
      whole: 'hours',
      min: 1,
      max: MOST_HOURS,
      remedy: 'CloudWatch looks back seven days; give the time between two dumps, and what one takes.',
    });
  for (const [index, schedule] of schedules.entries()) {
    checkSchedule(checks, `schedules[${index}]`, schedule);
    checks.matches(`schedules[${index}]`, schedule.expressionString, /^(?!at\()/, {
      must: 'come again and again',
      remedy: 'Use ScheduleExpression.cron() or rate(); a single dump is a task that you run by hand.',
    });
  }
  if (enabled && checks.found.length === 0) {
    checkAge(checks, { schedules, maxAge, maxDuration });
  }
}

/** Validates that the schedules are frequent enough for the alarm that none arrives. */
function checkAge(checks: Checks, props: Pick<FilledDump, 'schedules' | 'maxAge' | 'maxDuration'>): void {
  const { schedules, maxAge, maxDuration } = props;
  const gap = longestGapInMinutes(schedules);
  const expressions = schedules.map(({ expressionString }) => expressionString);
  if (gap === undefined) {
    const known = expressions.filter((expression) => !isUnknown(expression)).join(', ');
    checks.that('maxAge', maxAge, maxAge !== undefined, {
      must: `be given with ${known || 'schedules that only the deployment knows'}, whose times cannot be reckoned here`,
      remedy: 'Give the longest time between two dumps, and what one takes.',
    });
    return;
  }
  const age = maxAge ?? ageOf(props as FilledDump);
  const least = gap + maxDuration.toMinutes();
  checks
    .that('schedules', expressions, least / MINUTES_OF_HOUR + 1 <= MOST_HOURS, {
      must: 'come often enough for an alarm to notice when none does, with `maxDuration` at least once in seven days',
      remedy: 'CloudWatch looks back no further: make a dump more often; a weekly one costs little more than none.',
    })
    .that('maxAge', age, maxAge === undefined || secondsOf(maxAge) / 60 >= least, {
      must: `be at least the time between two dumps and \`maxDuration\`, ${Math.ceil(least / MINUTES_OF_HOUR)} hours`,
      remedy: 'The alarm would go off between two dumps: raise it, or make dumps more often.',
    });
}

function checkStore(checks: Checks, scope: Construct, filled: FilledDump): void {
  const { prefix, bucket, replicaBucket, copyTo } = filled;
  checks.matches('prefix', prefix, /^[A-Za-z0-9_.-]+(\/[A-Za-z0-9_.-]+)*$/, {
    must: 'be names of letters, digits, dots, dashes and underscores with slashes between them',
    remedy: 'Write it as in "dumps" or "shop/dumps", without a slash at either end.',
  });
  if (bucket === undefined) {
    checkRetention(checks, filled);
  }
  const here = Stack.of(scope);
  const isElsewhere =
    replicaBucket === undefined ||
    isUnknown(here.region) ||
    replicaBucket.env.region !== here.region ||
    replicaBucket.env.account !== here.account;
  checks.that('replicaBucket', replicaBucket?.node.path, isElsewhere, {
    must: 'lie in another region or account than the stack',
    remedy: 'Import it with Bucket.fromBucketAttributes, and its `region` or `account`.',
  });
  checks.that('replicaBucket', replicaBucket?.node.path, replicaBucket?.encryptionKey !== undefined || !replicaBucket, {
    must: 'be imported with its `encryptionKey`',
    remedy: 'S3 encrypts the copies with it, and copies nothing that is encrypted with KMS without one.',
  });
  checkCopy(checks, copyTo);
}

function checkRetention(checks: Checks, filled: FilledDump): void {
  const { dailyRetention, weeklyRetention, monthlyRetention, bucketLock: lock } = filled;
  const days: NumberRule = { min: 1, max: MOST_DAYS, remedy: 'S3 counts in days.' };
  checks
    .duration('dailyRetention', dailyRetention, { whole: 'days', ...days })
    .duration('weeklyRetention', weeklyRetention, { whole: 'days', ...days })
    .duration('monthlyRetention', monthlyRetention, { whole: 'days', ...days })
    .duration('bucketLock.retention', lock._retention, { whole: 'days', ...days });
  const shortest = Math.min(...[dailyRetention, weeklyRetention, monthlyRetention].filter(isKnown).map(secondsOf));
  const locked = lock._retention ?? dailyRetention;
  const given = lock._retention === undefined ? dailyRetention : lock._retention;
  checks.that(
    lock._retention === undefined ? 'dailyRetention' : 'bucketLock.retention',
    given,
    lock.mode === 'none' || isUnknown(locked) || secondsOf(locked) <= shortest,
    {
      must: `be at most the shortest time that dumps are kept, ${shortest / 86_400} days, where a lock holds them that long`,
      remedy: 'Nothing deletes what is locked: shorten the lock, or keep all dumps for at least as long.',
    },
  );
  if (lock.mode === 'compliance') {
    checks.that(
      'bucketLock.confirmation',
      lock._confirmation,
      lock._confirmation === DumpLock.COMPLIANCE_CONFIRMATION,
      {
        must: `be '${DumpLock.COMPLIANCE_CONFIRMATION}'`,
        remedy: 'Not even AWS can open a compliance lock: take DumpLock.governance() unless a regulation asks for it.',
      },
    );
  }
}

function isKnown(duration: Duration): boolean {
  return !isUnknown(duration);
}

function checkCopy(checks: Checks, copyTo: DumpCopyOptions | undefined): void {
  checks
    .matches('copyTo.endpoint', copyTo?.endpoint, /^https:\/\/[A-Za-z0-9.-]+$/, {
      must: 'be https:// and a host name, without a port or a path',
      remedy: 'Write it as in "https://s3.example.com".',
    })
    .matches('copyTo.region', copyTo?.region, /^[A-Za-z0-9-]+$/, {
      must: 'be the name of a region',
      remedy: 'Take the name that the store has for it; many take "us-east-1" for any.',
    })
    .matches('copyTo.bucket', copyTo?.bucket, /^[A-Za-z0-9._-]{3,255}$/, {
      must: 'be the name of a bucket',
      remedy: 'Give the name alone, without s3:// and without a folder.',
    })
    .matches('copyTo.folder', copyTo?.folder, /^[A-Za-z0-9_.-]+(\/[A-Za-z0-9_.-]+)*$/, {
      must: 'be names of letters, digits, dots, dashes and underscores with slashes between them',
      remedy: 'Write it without a slash at either end.',
    });
}
