import { createHash } from 'node:crypto';
import { Failure, isTransient, nameOf } from '../shared/failure';
import { type ReleaseData, type ReleaseProperties, START_TIMEOUT } from './contract';
import { failureText } from './report';

export interface ReleaseEvent {
  readonly RequestType: string;
  readonly RequestId: string;
  readonly StackId: string;
  readonly LogicalResourceId: string;
  readonly PhysicalResourceId?: string;
  readonly ResourceProperties: ReleaseProperties;
  readonly OldResourceProperties?: ReleaseProperties;
  /** In isComplete: what onEvent returned. */
  readonly Data?: ReleaseData;
}

export interface StackState {
  readonly status: string;
  /** Differs from one update to the next. */
  readonly updated: string;
}

export interface RunningTask {
  readonly arn: string;
  readonly startedBy: string;
}

export interface ReleaseTask {
  readonly arn: string;
  readonly status: string;
  readonly exitCode?: number;
  readonly reason?: string;
}

/** ECS, CloudFormation and CloudWatch Logs, as far as a release needs them. */
export interface IReleaseWorld {
  stack(stackId: string): Promise<StackState>;
  /** Tasks of a family that are not stopped yet. */
  runningTasks(cluster: string, family: string): Promise<RunningTask[]>;
  /** Throws a Failure with the reasons when ECS starts none. The same token never starts a second task. */
  runTask(properties: ReleaseProperties, startedBy: string, clientToken: string): Promise<string>;
  /** Undefined while ECS does not know the task yet, or no longer. */
  describeTask(cluster: string, arn: string, container: string): Promise<ReleaseTask | undefined>;
  stopTask(cluster: string, arn: string, reason: string): Promise<void>;
  /** The last lines of a log stream, oldest first; none when there is no stream. */
  lastLines(logGroup: string, stream: string, limit: number): Promise<string[]>;
  /** Seconds since 1970. */
  now(): number;
  sleep(seconds: number): Promise<void>;
  log(message: string): void;
}

const PAUSE = 5;
/** What runs the release again when it changes. */
const RELEASED = ['TaskDefinition', 'Revision', 'Database'] as const;
/** Of the log, at most. */
const LINES = 20;
/** Of START_TIMEOUT: what is left is enough for the calls themselves. */
const PATIENCE = START_TIMEOUT - 60;

/** Starts the release task, unless there is nothing to release. */
export async function startRelease(
  event: ReleaseEvent,
  world: IReleaseWorld,
): Promise<{ PhysicalResourceId: string; Data: ReleaseData }> {
  const PhysicalResourceId = event.PhysicalResourceId ?? resourceName(event);
  const patience = world.now() + PATIENCE;
  if (event.RequestType === 'Delete') {
    await stopAll(event, world, patience);
    return { PhysicalResourceId, Data: { Skipped: 'the resource is deleted' } };
  }
  const { ResourceProperties: properties, OldResourceProperties: before } = event;
  if (before !== undefined && RELEASED.every((name) => properties[name] === before[name])) {
    return { PhysicalResourceId, Data: { Skipped: 'neither image, environment, command nor database changed' } };
  }
  // A rollback comes as an update to the properties before: the older image must not touch the newer schema.
  const stack = await patiently(world, patience, () => world.stack(event.StackId));
  if (stack.status.includes('ROLLBACK')) {
    return { PhysicalResourceId, Data: { Skipped: `the stack is ${stack.status}` } };
  }
  await takeTurn(event, stack, world, patience);
  const arn = await patiently(world, patience, () =>
    world.runTask(
      properties,
      startedByOf(event),
      hash(`${event.StackId} ${event.LogicalResourceId} ${event.RequestId}`),
    ),
  );
  const deadline = world.now() + Number(properties.TimeoutSeconds);
  return { PhysicalResourceId, Data: { TaskArn: arn, Deadline: String(deadline) } };
}

/** Looks whether the task has finished. Throws when it failed, or takes longer than it may. */
export async function isReleaseComplete(event: ReleaseEvent, world: IReleaseWorld): Promise<{ IsComplete: boolean }> {
  const { TaskArn: arn, Deadline: deadline } = event.Data ?? {};
  if (event.RequestType === 'Delete' || arn === undefined) {
    return { IsComplete: true };
  }
  const { Cluster: cluster, Container: container } = event.ResourceProperties;
  const task = await orUndefined(world, world.describeTask(cluster, arn, container));
  if (task?.status === 'STOPPED') {
    if (task.exitCode === 0) {
      return { IsComplete: true };
    }
    throw await failure(event, world, task, `exit code ${task.exitCode ?? 'unknown: the container did not run'}`);
  }
  if (world.now() < Number(deadline)) {
    return { IsComplete: false };
  }
  await orUndefined(
    world,
    patiently(world, world.now() + 3 * PAUSE, () => world.stopTask(cluster, arn, 'release took too long')),
  );
  const state = task === undefined ? 'is unknown to ECS' : `is ${task.status}`;
  const took = `still ${state} after ${event.ResourceProperties.TimeoutSeconds} seconds, stopped`;
  throw await failure(event, world, task ?? { arn, status: 'UNKNOWN' }, took);
}

/**
 * Waits for the task of an earlier deployment that was given up while it ran: two at once would migrate
 * against each other. CloudFormation may give this one up in the meantime too, so it is asked again after a
 * wait.
 */
async function takeTurn(event: ReleaseEvent, stack: StackState, world: IReleaseWorld, patience: number): Promise<void> {
  const { Cluster: cluster } = event.ResourceProperties;
  for (let waited = false; ; waited = true) {
    const [other] = (await releases(event, world, patience)).filter((task) => task.startedBy !== startedByOf(event));
    if (other === undefined) {
      const state = waited ? await patiently(world, patience, () => world.stack(event.StackId)) : stack;
      if (state.updated !== stack.updated || state.status.includes('ROLLBACK')) {
        throw new Failure('Release: the deployment was replaced by another one');
      }
      return;
    }
    if (world.now() + PAUSE > patience) {
      const stop = `aws ecs stop-task --cluster ${cluster} --task ${other.arn}`;
      throw new Failure(`Release: an earlier release still runs. Wait until it ends, or stop it: ${stop}`);
    }
    await world.sleep(PAUSE);
  }
}

async function stopAll(event: ReleaseEvent, world: IReleaseWorld, patience: number): Promise<void> {
  const { Cluster: cluster } = event.ResourceProperties;
  try {
    for (const { arn } of await releases(event, world, patience)) {
      await patiently(world, patience, () => world.stopTask(cluster, arn, 'the stack is deleted'));
    }
  } catch (error) {
    // Deletion goes on: the cluster may be gone already.
    world.log(`not stopped: ${nameOf(error)}`);
  }
}

/** Running tasks of this resource, from whichever deployment. */
async function releases(event: ReleaseEvent, world: IReleaseWorld, patience: number): Promise<RunningTask[]> {
  const { Cluster: cluster, TaskDefinition: definition } = event.ResourceProperties;
  const [family] = definition.slice(definition.lastIndexOf('/') + 1).split(':');
  const tasks = await patiently(world, patience, () => world.runningTasks(cluster, family));
  return tasks.filter((task) => task.startedBy.startsWith(resourceName(event)));
}

async function failure(event: ReleaseEvent, world: IReleaseWorld, task: ReleaseTask, what: string): Promise<Failure> {
  const { LogGroup: group, LogStreamPrefix: prefix, Container: container, ShowLog } = event.ResourceProperties;
  const stream = `${prefix}/${container}/${task.arn.split('/').at(-1)}`;
  const read = () => patiently(world, world.now() + 3 * PAUSE, () => world.lastLines(group, stream, LINES));
  const lines = ShowLog === 'false' ? undefined : ((await orUndefined(world, read())) ?? []);
  const error = new Failure(failureText({ what, reason: task.reason, group, stream, lines }));
  // The provider framework sends the stack along with the message: what it says is in the message already,
  // and there are 4 KB for all.
  error.stack = 'Failure';
  return error;
}

/** Repeats a call that may work later, until there is no more time. */
async function patiently<T>(world: IReleaseWorld, until: number, act: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await act();
    } catch (error) {
      if (!isTransient(error) || world.now() + PAUSE > until) {
        throw error instanceof Failure ? error : new Failure(`Release: ${nameOf(error)}`);
      }
      await world.sleep(PAUSE);
    }
  }
}

/** For what the next call of isComplete can ask again, or what only adds to an answer. */
async function orUndefined<T>(world: IReleaseWorld, promise: Promise<T>): Promise<T | undefined> {
  return promise.catch((error) => {
    world.log(`not known: ${nameOf(error)}`);
    return undefined;
  });
}

/** What every task of this resource was started by, whatever deployment it belongs to. */
function resourceName(event: ReleaseEvent): string {
  return `release-${hash(`${event.StackId} ${event.LogicalResourceId}`).slice(0, 13)}`;
}

/** What the task of this very request was started by; ECS allows 36 characters. */
function startedByOf(event: ReleaseEvent): string {
  return `${resourceName(event)}-${hash(event.RequestId).slice(0, 13)}`;
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}
