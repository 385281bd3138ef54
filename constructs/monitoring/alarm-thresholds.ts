import { Duration, Size, SizeRoundingBehavior } from 'aws-cdk-lib';
import type { Checks } from '../core/checks';
import { BYTES_PER_CONNECTION } from '../database/connection-memory';

/** Thresholds of the alarms. */
export interface AlarmThresholds {
  /**
   * Share of requests answered with 5xx, in percent, in 3 of 5 minutes.
   *
   * @default 2
   */
  readonly serverErrorPercent?: number;
  /**
   * Response time of the 99th percentile of requests, over 5 minutes.
   *
   * @default Duration.seconds(2)
   */
  readonly responseTime?: Duration;
  /**
   * Average CPU of a service behind the load balancer, in percent, over 10 minutes.
   *
   * @default 85
   */
  readonly cpuPercent?: number;
  /**
   * Memory of the fullest task of a service, in percent.
   *
   * @default 90
   */
  readonly memoryPercent?: number;
  /**
   * How long a Celery task may wait in its queue, on top of its time limit.
   *
   * In whole seconds.
   *
   * @default Duration.minutes(5)
   */
  readonly waitingTime?: Duration;
  /**
   * CPU of the database in percent, over 15 minutes.
   *
   * @default 80
   */
  readonly databaseCpuPercent?: number;
  /**
   * Share of the database's connections in use, in percent.
   *
   * @default 80
   */
  readonly databaseConnectionsPercent?: number;
  /**
   * Free storage of the database, in whole MiB.
   *
   * @default Size.gibibytes(2)
   */
  readonly databaseFreeStorage?: Size;
  /**
   * Freeable memory of the database, in whole MiB.
   *
   * An instance of 1 GiB has less than 100 MiB of it when nothing is wrong.
   *
   * @default - a twentieth of the memory of the instance, as far as its class is known, at most 100 MiB
   */
  readonly databaseFreeableMemory?: Size;
  /**
   * How far a read replica of the database may lag behind, in whole seconds.
   *
   * RDS measures the time since the newest transaction that the replica has seen, so it also grows while the
   * instance writes nothing, to about 5 minutes.
   *
   * @default Duration.minutes(10)
   */
  readonly databaseReplicaLag?: Duration;
  /**
   * CPU of the thread that runs all commands of a cache in percent, over 15 minutes.
   *
   * @default 80
   */
  readonly cacheCpuPercent?: number;
  /**
   * Share of a cache's memory in use, in percent, over 15 minutes.
   *
   * @default 90
   */
  readonly cacheMemoryPercent?: number;
  /**
   * Keys that a cache evicts in 5 minutes, because its memory is full, before they expire.
   *
   * @default 100
   */
  readonly cacheEvictions?: number;
  /**
   * Connections to a node of a cache.
   *
   * @default 1000
   */
  readonly cacheConnections?: number;
  /**
   * Log lines at level ERROR or CRITICAL within 5 minutes.
   *
   * @default 10
   */
  readonly applicationErrors?: number;
  /**
   * Days until the certificate expires; it renews itself at least 45 days before.
   *
   * @default 30
   */
  readonly certificateDays?: number;
}

/** Every threshold, filled in. */
export type Thresholds = Required<AlarmThresholds>;

const PERCENT_REMEDY = 'Give the share in percent above which somebody should look.';

/**
 * Fills in the defaults.
 *
 * @param maxConnections of the database, which RDS makes follow from the memory of its class
 */
export function thresholdsOf(given: AlarmThresholds = {}, maxConnections?: number): Thresholds {
  return {
    serverErrorPercent: given.serverErrorPercent ?? 2,
    responseTime: given.responseTime ?? Duration.seconds(2),
    cpuPercent: given.cpuPercent ?? 85,
    memoryPercent: given.memoryPercent ?? 90,
    waitingTime: given.waitingTime ?? Duration.minutes(5),
    databaseCpuPercent: given.databaseCpuPercent ?? 80,
    databaseConnectionsPercent: given.databaseConnectionsPercent ?? 80,
    databaseFreeStorage: given.databaseFreeStorage ?? Size.gibibytes(2),
    databaseFreeableMemory: given.databaseFreeableMemory ?? Size.mebibytes(littleMemory(maxConnections)),
    databaseReplicaLag: given.databaseReplicaLag ?? Duration.minutes(10),
    cacheCpuPercent: given.cacheCpuPercent ?? 80,
    cacheMemoryPercent: given.cacheMemoryPercent ?? 90,
    cacheEvictions: given.cacheEvictions ?? 100,
    cacheConnections: given.cacheConnections ?? 1000,
    applicationErrors: given.applicationErrors ?? 10,
    certificateDays: given.certificateDays ?? 30,
  };
}

/** In MiB. */
function littleMemory(maxConnections = Number.POSITIVE_INFINITY): number {
  const mebibytes = (maxConnections * BYTES_PER_CONNECTION) / 1024 ** 2;
  return Math.max(1, Math.min(100, Math.floor(mebibytes / 20)));
}

/** Validates the thresholds. */
export function checkThresholds(checks: Checks, limits: Thresholds): void {
  const percent = (name: keyof AlarmThresholds, value: number) =>
    checks.number(`thresholds.${name}`, value, { min: 1, max: 99, remedy: PERCENT_REMEDY });
  percent('serverErrorPercent', limits.serverErrorPercent);
  percent('cpuPercent', limits.cpuPercent);
  percent('memoryPercent', limits.memoryPercent);
  percent('databaseCpuPercent', limits.databaseCpuPercent);
  percent('databaseConnectionsPercent', limits.databaseConnectionsPercent);
  percent('cacheCpuPercent', limits.cacheCpuPercent);
  percent('cacheMemoryPercent', limits.cacheMemoryPercent);
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
    .duration('thresholds.databaseReplicaLag', limits.databaseReplicaLag, {
      whole: 'seconds',
      min: 360,
      max: 24 * 3600,
      remedy:
        'A replica of an instance that writes nothing reports up to 5 minutes; give for example Duration.minutes(10).',
    })
    .integer('thresholds.cacheEvictions', limits.cacheEvictions, {
      min: 0,
      remedy: 'Give the number of keys in 5 minutes above which somebody should look.',
    })
    .integer('thresholds.cacheConnections', limits.cacheConnections, {
      min: 1,
      max: 65_000,
      remedy: 'A node takes 65,000 connections at most; give the number above which somebody should look.',
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
  checks.optional(`thresholds.${name}`, given, () => isWholeMebibytes(given), {
    must: 'be whole MiB, at least 1',
    remedy: 'An alarm at zero comes too late; give for example Size.gibibytes(2).',
  });
}

function isWholeMebibytes(given: Size): boolean {
  const mebibytes = given.toMebibytes({ rounding: SizeRoundingBehavior.NONE });
  return Number.isInteger(mebibytes) && mebibytes >= 1;
}
