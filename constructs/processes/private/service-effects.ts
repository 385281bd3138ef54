import type { Construct } from 'constructs';
import type { Checks } from '../../core/checks';
import { checkEffects, type Effects, type NoEffect, voidBeside, voidWith, warnOfNoEffect } from '../../core/effects';
import type { AsgiServiceOptions } from '../asgi-service';
import type { LoadBalancedServiceProps, ServiceProps } from '../process-props';
import { GunicornWorker } from '../servers/web-server';
import type { WebServiceOptions } from '../web-service';
import type { Capacity } from './capacity';

const OWN_COMMAND = '`command` is run as you give it';
const OWN_LOG_GROUP = 'it is for the log group that is made where none is brought';

/** What only a log group needs that is made here. */
const LOG_GROUP_EFFECTS: Effects<ServiceProps> = {
  encryptionKey: [voidBeside('logGroup', OWN_LOG_GROUP)],
  logRetention: [voidBeside('logGroup', OWN_LOG_GROUP)],
  removalPolicy: [voidBeside('logGroup', OWN_LOG_GROUP)],
};

/** What tells the server or Celery something on its command line. */
const COMMAND_EFFECTS: Effects<LoadBalancedServiceProps & AsgiServiceOptions & { readonly scheduler?: string }> = {
  application: [voidBeside('command', OWN_COMMAND)],
  scheduler: [voidBeside('command', OWN_COMMAND)],
  keepAlive: [voidBeside('command', OWN_COMMAND)],
  gracefulTimeout: [voidBeside('command', OWN_COMMAND)],
  webSocketMaxSize: [voidBeside('command', OWN_COMMAND)],
  server: [voidBeside('command', OWN_COMMAND)],
};

/** The prop has no effect beside a server with this kind of worker. */
function worksWith(worker: GunicornWorker, remedy: string): NoEffect<WebServiceOptions> {
  return {
    when: ({ server }) => server?._worker === worker,
    must: `be left out with \`server\`, whose workers are GunicornWorker.${worker.toUpperCase()}`,
    remedy: `It would have no effect. ${remedy}`,
  };
}

/** What contradicts the server that was chosen. */
const SERVER_EFFECTS: Effects<WebServiceOptions> = {
  threads: [
    worksWith(GunicornWorker.GTHREAD, 'Give `threads` to it, as in WebServer.gunicorn({ threads: 24 }).'),
    worksWith(
      GunicornWorker.GEVENT,
      'Greenlets take the place of threads: give `workerConnections` to it, as in WebServer.gunicorn({ workerClass: GunicornWorker.GEVENT, workerConnections: 64 }).',
    ),
    worksWith(
      GunicornWorker.SYNC,
      'A sync worker works on one request at a time: raise `processes` for more, or take GunicornWorker.GTHREAD.',
    ),
  ],
  keepAlive: [
    voidWith(
      'server: GunicornWorker.SYNC',
      ({ server }) => server?._worker === GunicornWorker.SYNC,
      'that worker closes each connection with its answer',
    ),
  ],
};

/** Refuses what has no effect beside the server of a web service. */
export function checkServerEffects(checks: Checks, props: WebServiceOptions): void {
  checkEffects(checks, props, SERVER_EFFECTS);
}

/** Refuses what has no effect in a process that keeps running. */
export function checkServiceEffects(checks: Checks, props: ServiceProps): void {
  checkEffects(checks, props, LOG_GROUP_EFFECTS);
  checkEffects(checks, props as LoadBalancedServiceProps, COMMAND_EFFECTS);
}

/** What a user may have written about the number of tasks of a service. */
interface GivenCapacity {
  readonly minCapacity?: number;
  readonly maxCapacity?: number;
}

/**
 * Refuses scaling props of a service that cannot scale because of what the user wrote; warns where the
 * profile does it.
 */
export function checkScalingEffects<Props extends GivenCapacity>(
  checks: Checks,
  scope: Construct,
  { props, capacity }: { readonly props: Props; readonly capacity: Capacity },
  scaling: readonly (keyof Props & string)[],
): void {
  if (capacity.minCapacity !== capacity.maxCapacity) {
    return;
  }
  const tasks = capacity.minCapacity;
  for (const prop of scaling) {
    if (props.minCapacity !== undefined && props.maxCapacity !== undefined) {
      checks.optional(prop, props[prop], () => false, {
        must: 'be left out when `minCapacity` and `maxCapacity` are the same',
        remedy: `It would have no effect: the service always runs ${tasks}.`,
      });
    } else {
      const missing = (['minCapacity', 'maxCapacity'] as const).filter((name) => props[name] === undefined);
      const reason = `with \`${missing.join('` and `')}\` from the profile the service always runs ${tasks}`;
      warnOfNoEffect(scope, prop, props[prop], reason);
    }
  }
}
