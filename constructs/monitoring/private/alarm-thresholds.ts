import { Duration, Size } from 'aws-cdk-lib';
import type { Checks } from '../../core/checks';
import type { AlarmThresholds } from '../application-alarms';

/** Every threshold, filled in. */
export type Thresholds = Required<AlarmThresholds>;

const PERCENT_REMEDY = 'Give the share in percent above which somebody should look.';

/** Fills in the defaults. */
export function thresholdsOf(given: AlarmThresholds = {}): Thresholds {
  return {
    serverErrorPercent: given.serverErrorPercent ?? 2,
    responseTime: given.responseTime ?? Duration.seconds(2),
    cpuPercent: given.cpuPercent ?? 85,
    memoryPercent: given.memoryPercent ?? 90,
    waitingTime: given.waitingTime ?? Duration.minutes(5),
    databaseCpuPercent: given.databaseCpuPercent ?? 80,
    databaseConnectionsPercent: given.databaseConnectionsPercent ?? 80,
    databaseFreeStorage: given.databaseFreeStorage ?? Size.gibibytes(2),
    databaseFreeableMemory: given.databaseFreeableMemory ?? Size.mebibytes(100),
    applicationErrors: given.applicationErrors ?? 10,
    certificateDays: given.certificateDays ?? 30,
  };
}

/** What cannot be meant. */
export function checkThresholds(checks: Checks, limits: Thresholds): void {
  const percent = (name: keyof AlarmThresholds, value: number) =>
    checks.number(`thresholds.${name}`, value, { min: 1, max: 99, remedy: PERCENT_REMEDY });
  percent('serverErrorPercent', limits.serverErrorPercent);
  percent('cpuPercent', limits.cpuPercent);
  percent('memoryPercent', limits.memoryPercent);
  percent('databaseCpuPercent', limits.databaseCpuPercent);
  percent('databaseConnectionsPercent', limits.databaseConnectionsPercent);
  checks
    .duration('thresholds.responseTime', limits.responseTime, {
      min: 0.05,
      max: 4000,
      remedy: 'Give the time after which users find the application slow.',
    })
    .duration('thresholds.waitingTime', limits.waitingTime, {
      whole: 'seconds',
      min: 60,
      max: 12 * 3600,
      remedy: 'CloudWatch looks once a minute; give the time after which a waiting task is a problem.',
    })
    .integer('thresholds.applicationErrors', limits.applicationErrors, {
      min: 1,
      remedy: 'Give the number of errors in 5 minutes from which somebody should look.',
    })
    .integer('thresholds.certificateDays', limits.certificateDays, {
      min: 1,
      max: 44,
      remedy: 'ACM renews a certificate 45 days before it expires at the latest; earlier there is nothing wrong.',
    });
  size(checks, 'databaseFreeStorage', limits.databaseFreeStorage);
  size(checks, 'databaseFreeableMemory', limits.databaseFreeableMemory);
}

function size(checks: Checks, name: keyof AlarmThresholds, given: Size): void {
  checks.optional(`thresholds.${name}`, given, () => given.toBytes() > 0, {
    must: 'be more than nothing',
    remedy: 'An alarm at zero comes too late.',
  });
}
