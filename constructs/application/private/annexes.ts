import { NestedStack, Stack } from 'aws-cdk-lib';
import type { FargateService, ICluster } from 'aws-cdk-lib/aws-ecs';
import type { Construct } from 'constructs';
import { profileValues } from '../../core/profile';
import { workerCapacityOf } from '../../processes/scaling/worker-scaling';
import type { WorkerServiceOptions } from '../../processes/worker-service';
import { generatedLength, refreshesFor } from '../../secrets/secret-refresh';
import type { DjangoApplicationProps } from '../django-application-props';
import { isProtected } from './deletion-protection';
import type { Providers } from './providers';
import { MOST_RESOURCES, resourcesIn } from './resource-limit';

/** What the stack may have once it is divided: the rest is for what the user adds. */
const ROOM = 480;
/**
 * What an annex holds: a nested stack has at most 200 parameters and a template of 1 MB, and every process is
 * told of all queues.
 */
const MOST_IN_ANNEX = { workers: 18, scheduledCommands: 25 } as const;

/** Resources of parts that are not made yet. A test compares their sum with what is there in the end. */
const OF = {
  worker: 6,
  scaling: 3,
  schedule: 7,
  failures: 2,
  beat: 4,
  refresh: 10,
  backup: 6,
  restoreTest: 4,
  restoreValidation: 10,
  handler: 5,
  /** Beside what is in the nested stack: the stack itself, role and queue. */
  dump: 5,
  /** What a dump has where no bucket is brought. */
  dumpBucket: 3,
  /** Its role, its queue, and the way to the database. */
  drill: 7,
};
/** The nested stack of the alarms. */
const ALARMS = 1;
/** The CDK gives a cluster its capacity providers at the end, by an aspect. */
const CAPACITY_PROVIDERS = 1;

/** What is to be divided. */
export interface Divisible {
  readonly workers: { readonly [name: string]: WorkerServiceOptions };
  /** Services that are made before workers. */
  readonly services: FargateService[];
}

/** Nested stacks for processes that the stack of the application has no room for, by name of the process. */
export interface Annexes {
  readonly workers: ReadonlyMap<string, NestedStack>;
  readonly scheduledCommands: ReadonlyMap<string, NestedStack>;
}

/**
 * Divides an application that one stack cannot hold: scheduled commands move out, then workers, from the last
 * that is named, until the rest has room.
 *
 * A process moves whole. Services, roles, alarms and schedules have names that CloudFormation makes up, so
 * that the new ones are there before the old ones are deleted. What stores something stays where it is, and
 * so do the policies of queues: deleting the old policy of a queue takes the new one away. For the same
 * reason no scaling policy could move without its service.
 *
 * Call it when everything is made that stands before workers: that is counted, and the rest is reckoned.
 */
export function annexesOf(
  scope: Construct,
  props: DjangoApplicationProps,
  providers: Providers,
  divisible: Divisible,
): Annexes {
  const workers = Object.keys(divisible.workers);
  const schedules = Object.keys(props.scheduledCommands ?? {});
  const reckon = (moved: Moved) => reckoned(scope, props, providers, { ...divisible, moved });
  let moved: Moved = { workers: [], scheduledCommands: [] };
  if (reckon(moved) > MOST_RESOURCES) {
    for (const name of [...schedules].reverse()) {
      moved = reckon(moved) > ROOM ? { ...moved, scheduledCommands: [name, ...moved.scheduledCommands] } : moved;
    }
    for (const name of [...workers].reverse()) {
      moved = reckon(moved) > ROOM ? { ...moved, workers: [name, ...moved.workers] } : moved;
    }
  }
  return {
    workers: divided(scope, 'WorkerAnnex', moved.workers, MOST_IN_ANNEX.workers),
    scheduledCommands: divided(scope, 'ScheduleAnnex', moved.scheduledCommands, MOST_IN_ANNEX.scheduledCommands),
  };
}

interface Moved {
  readonly workers: string[];
  readonly scheduledCommands: string[];
}

/** Nested stacks, filled one after the other, by name of what they hold. */
function divided(scope: Construct, id: string, names: string[], most: number): Map<string, NestedStack> {
  const stacks = Array.from(
    { length: Math.ceil(names.length / most) },
    (_, index) => new NestedStack(scope, `${id}${index + 1}`),
  );
  return new Map(names.map((name, index) => [name, stacks[Math.floor(index / most)]]));
}

/** Resources that the stack will have when some processes have moved out of it. */
function reckoned(
  scope: Construct,
  props: DjangoApplicationProps,
  providers: Providers,
  { workers, services, moved }: Divisible & { readonly moved: Moved },
): number {
  const profile = profileValues(providers.profile);
  const isGuardShared = Stack.of(scope).node.children.some(({ node }) => node.id === 'TerminationProtection');
  const ofWorkers = Object.entries(workers)
    .filter(([name]) => !moved.workers.includes(name))
    .map(([, options]) => workerCapacityOf({ ...options, profile: providers.profile }))
    .map(({ minCapacity, maxCapacity }) => (minCapacity === maxCapacity ? OF.worker : OF.worker + OF.scaling));
  const ofSchedules = Object.entries(props.scheduledCommands ?? {}).map(
    ([name, { deadLetterQueue }]) =>
      (moved.scheduledCommands.includes(name) ? 0 : OF.schedule) + (deadLetterQueue === undefined ? OF.failures : 0),
  );
  const annexes =
    Math.ceil(moved.workers.length / MOST_IN_ANNEX.workers) +
    Math.ceil(moved.scheduledCommands.length / MOST_IN_ANNEX.scheduledCommands);
  const areRefreshed =
    [providers.secretKey, providers.database, providers.urlSigningKeys, providers.cacheStore].flatMap(
      (part) => part?.changingSecrets ?? [],
    ).length > 0;
  const refreshes = areRefreshed
    ? refreshesOf(scope, providers.cluster, { services, beat: props.beat, workers: Object.keys(workers), moved })
    : 0;
  const { restoreTesting, restoreTestValidation = providers.vpc.privateSubnets.length > 0 } = props.backupOptions ?? {};
  const restoreTest = OF.restoreTest + (restoreTestValidation ? OF.restoreValidation : 0);
  const backup = OF.backup + (restoreTesting === false ? 0 : restoreTest);
  return [
    resourcesIn(Stack.of(scope)),
    ...ofWorkers,
    ...ofSchedules,
    annexes,
    ALARMS,
    props.cluster === undefined ? CAPACITY_PROVIDERS : 0,
    OF.refresh * refreshes,
    props.beat === undefined ? 0 : OF.beat,
    profile.databaseBackup ? backup : 0,
    dumpOf(props),
    drillOf(props),
    isProtected(props, providers) ? OF.handler : 0,
    isGuardShared ? 1 : OF.handler,
  ].reduce((sum, each) => sum + each, 0);
}

/** Resources of the dumps outside their nested stack, and a role where S3 copies them elsewhere. */
function dumpOf({ databaseDump }: DjangoApplicationProps): number {
  if (databaseDump === undefined) {
    return 0;
  }
  const { bucket, encryptionKey, replicaBucket } = databaseDump;
  const stored = bucket === undefined ? OF.dumpBucket - (encryptionKey === undefined ? 0 : 1) : 0;
  return OF.dump + stored + (replicaBucket === undefined ? 0 : 2);
}

function drillOf({ restoreDrill }: DjangoApplicationProps): number {
  return restoreDrill === undefined ? 0 : OF.drill;
}

interface ServicesOf {
  readonly services: FargateService[];
  readonly beat?: object;
  readonly workers: string[];
  readonly moved: Moved;
}

/** How many refreshes all services take. */
function refreshesOf(scope: Construct, cluster: ICluster, { services, beat, workers, moved }: ServicesOf): number {
  const { stackName } = Stack.of(scope);
  const ofCluster = generatedLength(Stack.of(cluster).stackName, cluster.node.path);
  const refreshes = (name: string | undefined, paths: string[]) => {
    const lengths = paths.map((path) => generatedLength(name, path));
    return refreshesFor({ count: paths.length, longest: Math.max(0, ...lengths), cluster: ofCluster });
  };
  const pathOf = (parent: string, name: string) => `${scope.node.path}/${parent}/${name}/Service`;
  const staying = workers.filter((name) => !moved.workers.includes(name)).map((name) => pathOf('Workers', name));
  const here = [...services.map(({ node }) => node.path), ...staying, ...(beat ? [pathOf('Beat', '')] : [])];
  return (
    refreshes(stackName, here) +
    refreshes(
      undefined,
      moved.workers.map((name) => pathOf('WorkerAnnex1', name)),
    )
  );
}
