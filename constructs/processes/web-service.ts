import type { Construct } from 'constructs';
import { isUnknown } from '../core/checks';
import { CONTAINER_PORT, WRITABLE_PATH } from '../core/contract';
import { checkKinds, pathOf } from '../core/kinds';
import { webProcesses } from './private/capacity';
import { checkPackage } from './private/celery';
import { errorAlarm } from './private/deployment-alarm';
import { LoadBalancedService } from './private/load-balanced-service';
import type { ServerTimings } from './private/timings';
import type { LoadBalancedServiceOptions, LoadBalancedServiceProps } from './process-props';

/** Threads of a gunicorn process, unless it is said otherwise. Each more costs about 40 KiB. */
const THREADS = 24;

/** Database connections of a gunicorn process, unless it is said otherwise or it has fewer threads. */
const CONNECTIONS = 4;

/**
 * Seconds after which gunicorn kills a process that is stopped or does not let its main thread run.
 *
 * It counts from when the process serves: one may load the application for longer.
 */
const HUNG_SECONDS = 30;

/** Address, time, method and path, status, bytes, milliseconds, browser. */
const ACCESS_LOG_FORMAT = '%(h)s %(t)s "%(m)s %(U)s" %(s)s %(B)s %(M)s "%(a)s"';

/** What can be tuned in the web service. */
export interface WebServiceOptions extends LoadBalancedServiceOptions {
  /**
   * The WSGI callable for gunicorn.
   *
   * @default - `<first package of settingsModule>.wsgi:application`
   */
  readonly application?: string;
  /**
   * Threads of a gunicorn process: the requests that it works on at the same time.
   *
   * Slow clients and slow dependencies hold a thread each. There may be many more of them than of
   * `connectionsPerProcess`.
   *
   * @default 24
   */
  readonly threads?: number;
  /**
   * Database connections that one process holds open at most, as DJANGO_FARGATE_CONNECTIONS; they are checked
   * against the instance class.
   *
   * `database()` of `django-fargate` makes a pool of this size, which needs `psycopg[pool]`. **Whoever makes
   * no pool must give as many as `threads`:** each thread may hold a connection.
   *
   * @default - 4, or `threads` where that is less
   */
  readonly connectionsPerProcess?: number;
}

/** Properties of `WebService`. */
export interface WebServiceProps extends LoadBalancedServiceProps, WebServiceOptions {}

/**
 * The web processes of a Django application: gunicorn with threads, behind a load balancer, scaled by CPU,
 * requests and busy threads.
 *
 * Makes a hardened task definition, a target group, a listener rule for the host names, an alarm that rolls a
 * bad deployment back, and a service. `command` replaces gunicorn; the port to listen on is in PORT.
 *
 * gunicorn 22 or later is needed. No header of a client becomes a variable of the server, and the access log
 * has no query strings. A `logger_class` in gunicorn.conf.py takes precedence over that format; an
 * `access_log_format` does not.
 *
 * On SIGTERM a task has `stopTimeout`, 45 seconds unless changed, of which the server uses at most
 * `gracefulTimeout`.
 *
 * @example
 * declare const cluster: ecs.Cluster;
 * declare const loadBalancer: HttpsLoadBalancer;
 *
 * new WebService(this, 'Web', {
 *   cluster,
 *   loadBalancer,
 *   image: ecs.ContainerImage.fromAsset('app'),
 *   settingsModule: 'config.settings',
 * });
 *
 * @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-load-balancing.html
 */
export class WebService extends LoadBalancedService {
  constructor(scope: Construct, id: string, props: WebServiceProps) {
    checkKinds(pathOf(scope, id), 'WebServiceProps', props);
    const threads = props.threads ?? THREADS;
    super(scope, id, props, {
      kind: 'web',
      paths: ['/*'],
      priority: 200,
      processes: webProcesses,
      connectionsPerProcess:
        props.connectionsPerProcess ?? (isUnknown(threads) ? CONNECTIONS : Math.min(CONNECTIONS, threads)),
      threads,
      alarm: errorAlarm,
      command: (timings) => gunicorn(props, timings),
      check: (checks) => {
        checkPackage(checks, props, 'wsgi');
        checks
          .integer('threads', props.threads, { min: 1, max: 64, remedy: 'Two dozen threads suit most applications.' })
          .integer('connectionsPerProcess', props.connectionsPerProcess, {
            min: 1,
            max: isUnknown(threads) ? 64 : threads,
            where: 'as `threads`: each holds one at most',
            remedy: 'Four suit most applications.',
          })
          .matches('application', props.application, /^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$/, {
            must: 'be a module and a callable in it',
            remedy: 'Write it as gunicorn takes it, for example "config.wsgi:application".',
          });
      },
    });
  }
}

/** The number of processes is in WEB_CONCURRENCY, which gunicorn reads by itself. */
function gunicorn(props: WebServiceProps, timings: ServerTimings): string[] {
  return [
    'gunicorn',
    props.application ?? `${props.settingsModule.split('.')[0]}.wsgi:application`,
    ...['--bind', `0.0.0.0:${CONTAINER_PORT}`],
    ...['--worker-class', 'gthread'],
    ...['--threads', String(props.threads ?? THREADS)],
    ...['--keep-alive', String(timings.keepAlive.toSeconds())],
    ...['--graceful-timeout', String(timings.gracefulTimeout.toSeconds())],
    ...['--timeout', String(HUNG_SECONDS)],
    // Recycles processes against slow leaks, each at another moment.
    ...['--max-requests', '10000', '--max-requests-jitter', '1000'],
    // The heartbeat file must lie in memory: on a disk a slow write looks like a hung worker.
    ...['--worker-tmp-dir', WRITABLE_PATH],
    // By itself gunicorn believes a header SCRIPT_NAME, with which a client moves the path that Django sees.
    '--forwarder-headers=',
    ...['--access-logfile', '-'],
    // Its own format has query strings and referring addresses, and with them tokens.
    ...['--access-logformat', ACCESS_LOG_FORMAT],
  ];
}
