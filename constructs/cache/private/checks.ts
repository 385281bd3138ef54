import { Duration, RemovalPolicy, Token } from 'aws-cdk-lib';
import { Checks, isUnknown, selectedSubnets } from '../../core/checks';
import { checkEffects, type Effects, voidWith } from '../../core/effects';
import { checkReservedConcurrency } from '../../core/handler-function';
import { namesInProfile } from '../../core/profile';
import { isKept } from '../../core/removal';
import { checkRotationPeriod, checkRotationWindow } from '../../core/secret-rotation';
import { isDailyWindow, isWeeklyWindow, windowsOverlap } from '../../core/time/time-window';
import type { Cache, CacheAttributes, CacheProps } from '../cache';
import type { FilledCache } from './defaults';

/** Classes and sizes that ElastiCache sells, without those whose data lies on disks, too. */
const KNOWN_NODES =
  /^(t[34]g?\.(micro|small|medium)|[mr]5\.(large|xlarge|2xlarge|4xlarge|12xlarge|24xlarge)|([mr][67]g|c7gn)\.(large|xlarge|2xlarge|4xlarge|8xlarge|12xlarge|16xlarge))$/;
/** Those that may come: they are let through. */
const YOUNGER_NODES = /^[a-z](?:[89]|\d\d)[a-z0-9]*\.(micro|small|medium|large|\d*xlarge)$/;
/** Shortest window of ElastiCache, in minutes. */
const SHORTEST_WINDOW = 60;

const EFFECTS: Effects<CacheProps> = {
  snapshotWindow: [
    voidWith(
      'snapshotRetention: Duration.days(0)',
      ({ snapshotRetention }) => isNone(snapshotRetention),
      'no snapshots are made',
    ),
  ],
};

/** Validates the props of a cache. */
export function checkCache(scope: Cache, props: CacheProps, filled: FilledCache): void {
  const checks = new Checks(scope).called(
    namesInProfile(props, {
      nodeType: 'cacheNodeType',
      nodes: 'cacheNodes',
      snapshotRetention: 'cacheSnapshotRetention',
    }),
  );
  checkEffects(checks, props, EFFECTS);
  const nodeType = filled.nodeType.toString();
  checks
    .that('nodeType', nodeType, KNOWN_NODES.test(nodeType) || YOUNGER_NODES.test(nodeType), {
      must: 'be a class that ElastiCache keeps in memory alone, in a size that it has, without the prefix `cache.`',
      remedy: 'Take for example InstanceType.of(InstanceClass.T4G, InstanceSize.SMALL).',
    })
    .known('nodes', filled.nodes)
    .integer('nodes', filled.nodes, {
      min: 1,
      max: 6,
      remedy: 'A primary has up to five replicas; two nodes are enough for one to take over.',
    })
    .matches('engineVersion', filled.engineVersion, /^8\.\d$/, {
      must: 'be a version 8 of Valkey, written as "8.1"',
      remedy: 'Its parameters are those of version 8: leave it out, or give a version that ElastiCache has.',
    })
    .duration('snapshotRetention', filled.snapshotRetention, {
      whole: 'days',
      min: 0,
      max: 35,
      remedy: 'ElastiCache counts in days and keeps snapshots up to 35; with 0 it makes none.',
    });
  checkPlaces(checks, filled);
  checkWindows(checks, filled);
  checkRemoval(checks, props.removalPolicy);
  checkReservedConcurrency(checks, props.handlerReservedConcurrency);
  checkRotationPeriod(checks, 'passwordRotationPeriod', filled.passwordRotationPeriod);
  const names = { window: 'passwordRotationWindow', period: 'passwordRotationPeriod' };
  checkRotationWindow(checks, names, filled.passwordRotationPeriod, props.passwordRotationWindow);
  checks.throwIfAny();
}

function isNone(retention: Duration | undefined): boolean {
  return retention instanceof Duration && !isUnknown(retention) && retention.toMilliseconds() === 0;
}

/** A replica stands in another zone than the primary. */
function checkPlaces(checks: Checks, { vpc, vpcSubnets, nodes }: FilledCache): void {
  checks.selects('vpcSubnets', vpc, vpcSubnets);
  const selected = selectedSubnets(vpc, vpcSubnets);
  if (selected === undefined || selected.isPendingLookup === true) {
    return;
  }
  checks.that('vpcSubnets', 'public subnets', !selected.hasPublic, {
    must: 'select private or isolated subnets that the VPC has',
    remedy: 'Give such subnets, or a VPC that has them: nobody outside of it can reach a cache anyway.',
  });
  const zones = new Set(selected.availabilityZones).size;
  const areCounted = !Token.isUnresolved(selected.availabilityZones) && !isUnknown(nodes) && zones > 0;
  checks.that('vpcSubnets', `${zones} zone`, !areCounted || nodes < 2 || zones > 1, {
    must: 'lie in two zones or more, where there is more than one node',
    remedy: 'Select subnets of another zone, too, or set `nodes` to 1.',
  });
}

function checkWindows(checks: Checks, { snapshotWindow, preferredMaintenanceWindow }: FilledCache): void {
  checks
    .optional('snapshotWindow', snapshotWindow, () => isDailyWindow(snapshotWindow, SHORTEST_WINDOW), {
      must: 'be at least 60 minutes of a day in UTC, written as hh:mm-hh:mm',
      remedy: 'Give for example 03:00-04:00.',
    })
    .optional(
      'preferredMaintenanceWindow',
      preferredMaintenanceWindow,
      () => isWeeklyWindow(preferredMaintenanceWindow, SHORTEST_WINDOW),
      {
        must: 'be 60 minutes to 24 hours of a week in UTC, written as ddd:hh:mm-ddd:hh:mm',
        remedy: 'Give for example sun:04:30-sun:05:30.',
      },
    )
    .optional(
      'preferredMaintenanceWindow',
      preferredMaintenanceWindow,
      () => isUnknown(snapshotWindow) || !windowsOverlap(snapshotWindow, preferredMaintenanceWindow),
      { must: `not overlap \`snapshotWindow\` ${snapshotWindow}`, remedy: 'Move one of them.' },
    );
}

/** The user of the cache goes with the stack, so that nobody could log in to a cache that stays. */
function checkRemoval(checks: Checks, removalPolicy: RemovalPolicy | undefined): void {
  checks.optional('removalPolicy', removalPolicy, () => !isKept(removalPolicy as RemovalPolicy), {
    must: `be ${RemovalPolicy.SNAPSHOT} or ${RemovalPolicy.DESTROY}`,
    remedy: 'Nobody could log in to a cache that stays without its user: take a last snapshot, RemovalPolicy.SNAPSHOT.',
  });
}

/** Validates what is said of a cache that exists. */
export function checkBroughtCache(path: string, attrs: CacheAttributes): void {
  new Checks(path)
    .matches('host', attrs.host, /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$/i, {
      must: 'be a host name',
      remedy: 'Give the primary endpoint of the replication group, without port and scheme.',
    })
    .integer('port', attrs.port, { min: 1, max: 65_535, remedy: 'Leave it out for 6379.' })
    .known('nodes', attrs.nodes)
    .integer('nodes', attrs.nodes, { min: 1, max: 6, remedy: 'Give the number of its nodes, or leave it out.' })
    .optional('nodes', attrs.nodes, () => attrs.replicationGroupId !== undefined, {
      must: 'come with `replicationGroupId`',
      remedy: 'It would have no effect: the metrics of a node are found by the id of its group.',
    })
    .throwIfAny();
}
