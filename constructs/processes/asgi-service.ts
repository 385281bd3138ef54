import { Size, SizeRoundingBehavior } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { checkKinds, pathOf } from '../core/kinds';
import { asgiProcesses } from './private/capacity';
import { checkPackage } from './private/celery';
import { errorAlarm, unservedAlarm } from './private/deployment-alarm';
import { LoadBalancedService } from './private/load-balanced-service';
import type { LoadBalancedServiceOptions, LoadBalancedServiceProps } from './process-props';
import { AsgiServer, QUEUED_MESSAGES } from './servers/asgi-server';

/** Messages of one WebSocket in memory: those that wait, one that arrives, one that is being worked on. */
const HELD_MESSAGES = QUEUED_MESSAGES + 2;

/** WebSockets that may all fill their messages before half of a task's memory is used. */
const FULL_CONNECTIONS = 60;

/** What can be tuned in the ASGI service. */
export interface AsgiServiceOptions extends LoadBalancedServiceOptions {
  /**
   * The ASGI callable for the server.
   *
   * @default - `<first package of settingsModule>.asgi:application`
   */
  readonly application?: string;
  /**
   * The server that runs it.
   *
   * @default AsgiServer.uvicorn()
   */
  readonly server?: AsgiServer;
  /**
   * Path patterns that come here; `['/*']` makes it the only service of an ASGI project.
   *
   * @default ['/ws/*']
   */
  readonly paths?: string[];
  /**
   * Database connections that one process holds open at most, for the check against the instance class.
   *
   * @default 5
   */
  readonly connectionsPerProcess?: number;
  /**
   * Largest WebSocket message, in whole bytes; the server closes the connection with 1009 when one is larger.
   *
   * **Each connection can fill six messages of this size in memory**: 60 connections fill 23 MiB at the
   * default, 360 MiB at 1 MiB. Therefore 60 of them must fit into half of the task's memory. Send files over
   * HTTP instead.
   *
   * @default Size.kibibytes(64)
   */
  readonly webSocketMaxSize?: Size;
}

/** Properties of `AsgiService`. */
export interface AsgiServiceProps extends LoadBalancedServiceProps, AsgiServiceOptions {}

/**
 * The ASGI processes of a Django application: uvicorn, for WebSockets beside a WSGI service or for the whole
 * of an ASGI project.
 *
 * Makes a hardened task definition, a target group, a listener rule for the host names and paths, an alarm
 * that rolls a bad deployment back, and a service. `server` chooses another server, and `command`
 * replaces it; the port to listen on is in PORT.
 *
 * The alarm looks at health checks and refused connections, which no client can cause. With `paths: ['/*']`
 * it looks at the share of errors, as that of a web service does: then every handshake that anybody may send
 * must end in 403 or 404, not in an exception, as with the `URLRouter` of `django-fargate`.
 *
 * WebSocket messages are not compressed: a few kilobytes on the wire could unfold into all of the memory. The
 * server logs warnings and errors, and writes no access log of its own: its lines would hold query strings,
 * and with them tokens. `logging_config()` of `django-fargate` writes one without them, and the load balancer
 * has access logs as well.
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
    checkKinds(pathOf(scope, id), 'AsgiServiceProps', props);
    const paths = props.paths ?? ['/ws/*'];
    super(scope, id, props, {
      kind: 'asgi',
      paths,
      priority: 100,
      processes: asgiProcesses,
      connectionsPerProcess: props.connectionsPerProcess ?? 5,
      alarm: paths.includes('/*') ? errorAlarm : unservedAlarm,
      command: (timings) =>
        (props.server ?? AsgiServer.uvicorn())._asgiCommand(
          {
            application: props.application ?? `${props.settingsModule.split('.')[0]}.asgi:application`,
            webSocketMaxBytes: (props.webSocketMaxSize ?? Size.kibibytes(64)).toBytes(),
          },
          timings,
        ),
      check: (checks, { memoryLimitMiB }) => {
        checkPackage(checks, props, 'asgi');
        checks
          .integer('connectionsPerProcess', props.connectionsPerProcess, {
            min: 1,
            max: 5000,
            remedy: 'Leave it out for 5, which suit most applications: each process has a pool of that size.',
          })
          .matches('application', props.application, /^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$/, {
            must: 'be a module and a callable in it',
            remedy: 'Write it as uvicorn takes it, for example "config.asgi:application".',
          })
          .optional(
            'webSocketMaxSize',
            props.webSocketMaxSize,
            () => isMessageSize(props.webSocketMaxSize as Size, memoryLimitMiB),
            {
              must: `be whole bytes, from 1 to ${largestMessage(memoryLimitMiB)} with \`memoryLimitMiB\` ${memoryLimitMiB}, so that ${FULL_CONNECTIONS} connections with ${HELD_MESSAGES} messages each fill at most half of it`,
              remedy: 'Lower it, raise `memoryLimitMiB`, or send large things over HTTP.',
            },
          );
      },
    });
  }
}

/** Bytes of the largest message of which full connections leave half of a task's memory free. */
function largestMessage(memoryLimitMiB: number): number {
  return Math.floor((memoryLimitMiB * 1024 * 1024) / 2 / (FULL_CONNECTIONS * HELD_MESSAGES));
}

function isMessageSize(size: Size, memoryLimitMiB: number): boolean {
  const bytes = size.toBytes({ rounding: SizeRoundingBehavior.NONE });
  return Number.isInteger(bytes) && bytes >= 1 && bytes <= largestMessage(memoryLimitMiB);
}
