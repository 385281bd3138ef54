import { nameOf } from '../shared/failure';
import { parseObject } from '../shared/secret-json';
import type { RefreshedService } from './contract';

/** A batch of SQS: the events of EventBridge, as they are. */
export interface RefreshEvent {
  readonly Records: { readonly messageId: string; readonly body: string }[];
}

export interface Deployment {
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly inProgress: boolean;
}

export interface IRefreshWorld {
  stackStatus(): Promise<string>;
  /** The newest deployment of a service; undefined when there is no such service. */
  deployment(service: RefreshedService): Promise<Deployment | undefined>;
  /** Replaces the tasks of a service by new ones of the same definition, a few at a time. */
  redeploy(service: RefreshedService): Promise<void>;
  log(message: string): void;
}

interface Change {
  readonly messageId: string;
  readonly secrets: string[];
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** The time of an event is cut to seconds, and it is sent a little after the change. */
const TOLERANCE_MS = 2_000;

/**
 * Starts a deployment of every service that runs with an older value of a changed secret. A deployment that
 * began after the change has the new value already: so several changes make one deployment, and a change that
 * is delivered twice makes none.
 *
 * Returns the messages that must come again: a deployment or CloudFormation is at work, or a call failed.
 */
export async function refresh(
  event: RefreshEvent,
  services: RefreshedService[],
  world: IRefreshWorld,
): Promise<{ batchItemFailures: { itemIdentifier: string }[] }> {
  const changes = event.Records.map(changeOf);
  const waiting = new Set<Change>();
  let stackStatus: string | undefined;
  for (const service of services) {
    const its = changes.filter((change) => change.secrets.some((arn) => service.secrets.includes(arn)));
    if (its.length === 0) {
      continue;
    }
    try {
      stackStatus ??= await world.stackStatus();
      if (!(await refreshService(service, Math.max(...its.map(({ at }) => at)), stackStatus, world))) {
        its.forEach((change) => void waiting.add(change));
      }
    } catch (error) {
      world.log(`${service.service}: ${nameOf(error)}`);
      its.forEach((change) => void waiting.add(change));
    }
  }
  return { batchItemFailures: [...waiting].map(({ messageId }) => ({ itemIdentifier: messageId })) };
}

/** Returns true when the change needs nothing more. */
async function refreshService(
  service: RefreshedService,
  changedAt: number,
  stackStatus: string,
  world: IRefreshWorld,
): Promise<boolean> {
  const deployment = await world.deployment(service);
  if (deployment === undefined || deployment.createdAt > changedAt + TOLERANCE_MS) {
    world.log(`${service.service}: nothing to do`);
    return true;
  }
  if (stackStatus.endsWith('_IN_PROGRESS') || deployment.inProgress) {
    world.log(`${service.service}: waits (${deployment.inProgress ? 'a deployment is in progress' : stackStatus})`);
    return false;
  }
  await world.redeploy(service);
  world.log(`${service.service}: deployment started`);
  return true;
}

function changeOf({ messageId, body }: RefreshEvent['Records'][number]): Change {
  const { time, resources } = parseObject(body);
  return { messageId, at: Date.parse(String(time)), secrets: Array.isArray(resources) ? resources.map(String) : [] };
}
