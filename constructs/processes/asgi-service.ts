import type { Construct } from 'constructs';
import { CONTAINER_PORT } from '../core/contract';
import { asgiProcesses } from './private/capacity';
import { LoadBalancedService } from './private/load-balanced-service';
import type { ServerTimings } from './private/timings';
import type { LoadBalancedServiceOptions, LoadBalancedServiceProps } from './process-props';

/** What can be tuned in the ASGI service. */
export interface AsgiServiceOptions extends LoadBalancedServiceOptions {
  /**
   * The ASGI callable for uvicorn.
   *
   * @default - `<first package of settingsModule>.asgi:application`
   */
  readonly application?: string;
  /**
   * Path patterns that come here; `['/*']` makes it the only service of an ASGI project.
   *
   * @default ['/ws/*']
   */
  readonly paths?: string[];
  /**
   * Database connections that one process holds open at most, for the check against the instance class.
   *
   * @default 10
   */
  readonly connectionsPerProcess?: number;
}

/** Properties of `AsgiService`. */
export interface AsgiServiceProps extends LoadBalancedServiceProps, AsgiServiceOptions {}

/**
 * The ASGI processes of a Django application: uvicorn, for WebSockets beside a WSGI service or for the whole
 * of an ASGI project.
 *
 * Makes a hardened task definition, a target group, a listener rule for the host names and paths, an alarm
 * that rolls a bad deployment back, and a service. `command` replaces uvicorn; the port to listen on is in
 * PORT.
 *
 * On SIGTERM a task has `stopTimeout`, 45 seconds unless changed, of which the server uses at most
 * `gracefulTimeout`.
 *
 * @example
 * declare const cluster: ecs.Cluster;
 * declare const loadBalancer: HttpsLoadBalancer;
 *
 * new AsgiService(this, 'Asgi', {
 *   cluster,
 *   loadBalancer,
 *   image: ecs.ContainerImage.fromAsset('app'),
 *   settingsModule: 'config.settings',
 *   paths: ['/ws/*'],
 * });
 *
 * @see https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-listeners.html
 */
export class AsgiService extends LoadBalancedService {
  constructor(scope: Construct, id: string, props: AsgiServiceProps) {
    super(scope, id, props, {
      kind: 'asgi',
      paths: props.paths ?? ['/ws/*'],
      priority: 100,
      processes: asgiProcesses,
      connectionsPerProcess: props.connectionsPerProcess ?? 10,
      command: (timings) => uvicorn(props, timings),
      check: (checks) =>
        checks
          .integer('connectionsPerProcess', props.connectionsPerProcess, {
            min: 1,
            remedy: 'Ten suit most applications.',
          })
          .matches('application', props.application, /^[\w.]+:\w+$/, {
            must: 'be a module and a callable in it',
            remedy: 'Write it as uvicorn takes it, for example "config.asgi:application".',
          }),
    });
  }
}

/**
 * The number of processes is in WEB_CONCURRENCY and the proxies to believe in FORWARDED_ALLOW_IPS: uvicorn
 * reads both by itself.
 */
function uvicorn(props: AsgiServiceProps, timings: ServerTimings): string[] {
  return [
    'uvicorn',
    props.application ?? `${props.settingsModule.split('.')[0]}.asgi:application`,
    ...['--host', '0.0.0.0'],
    ...['--port', String(CONTAINER_PORT)],
    ...['--timeout-keep-alive', String(timings.keepAlive.toSeconds())],
    // Without a limit an open WebSocket holds the process until ECS kills it.
    ...['--timeout-graceful-shutdown', String(timings.gracefulTimeout.toSeconds())],
    '--no-server-header',
  ];
}
