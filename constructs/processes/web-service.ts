import type { Duration } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { type Checks, isUnknown, secondsOf } from '../core/checks';
import { checkKinds, pathOf } from '../core/kinds';
import { webProcesses } from './private/capacity';
import { checkPackage } from './private/celery';
import { errorAlarm } from './private/deployment-alarm';
import { LoadBalancedService } from './private/load-balanced-service';
import { checkServerEffects } from './private/service-effects';
import type { LoadBalancedServiceOptions, LoadBalancedServiceProps } from './process-props';
import { checkThreads, GunicornWorker, MOST_THREADS, WebServer } from './servers/web-server';

/** Database connections of a gunicorn process, unless it is said otherwise or it has fewer threads. */
const CONNECTIONS = 4;

/** What can be tuned in the web service. */
export interface WebServiceOptions extends LoadBalancedServiceOptions {
  /**
   * The WSGI callable for the server.
   *
   * @default - `<first package of settingsModule>.wsgi:application`
   */
  readonly application?: string;
  /**
   * The server that runs it.
   *
   * @default - `WebServer.gunicorn()` with `threads`
   */
  readonly server?: WebServer;
  /**
   * Threads of a gunicorn process: the requests that it works on at the same time.
   *
   * Slow clients and slow dependencies hold a thread each. There may be many more of them than of
   * `connectionsPerProcess`. Beside `command` it says how many requests your server works on: half of them
   * busy start another task.
   *
   * @default - 24; unknown beside `command`, and then busy threads start no task
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
 * bad deployment back, and a service. `server` tunes gunicorn, and `command` replaces it; the port to listen
 * on is in PORT.
 *
 * gunicorn 27.0.1 or later is needed, 24.1 where `maxRequests` is 0. No header of a client becomes a variable
 * of the server, and the access log has no query strings. A `logger_class` in gunicorn.conf.py takes
 * precedence over that format; an `access_log_format` does not.
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
    const server = props.server ?? WebServer._withThreads(props.threads);
    const threads = server._concurrency;
    // What a `command` works on at once is known only if the user says it.
    const isKnown = props.command === undefined || props.threads !== undefined;
    super(scope, id, props, {
      kind: 'web',
      paths: ['/*'],
      priority: 200,
      processes: webProcesses,
      connectionsPerProcess:
        props.connectionsPerProcess ?? (isUnknown(threads) ? CONNECTIONS : Math.min(CONNECTIONS, threads)),
      threads: isKnown ? threads : undefined,
      alarm: errorAlarm,
      command: (timings) =>
        server._wsgiCommand(props.application ?? `${props.settingsModule.split('.')[0]}.wsgi:application`, timings),
      check: (checks) => {
        checkPackage(checks, props, 'wsgi');
        checkServerEffects(checks, props);
        checkLongestRequest(checks, props, server);
        checkThreads(checks, props.threads);
        checks
          .integer('connectionsPerProcess', props.connectionsPerProcess, {
            min: 1,
            max: isUnknown(threads) || !isKnown ? MOST_THREADS : threads,
            where: isKnown ? 'as the requests that one process works on at once' : 'beside `command`',
            remedy: connectionsRemedy(props),
          })
          .matches('application', props.application, /^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$/, {
            must: 'be a module and a callable in it',
            remedy: 'Write it as gunicorn takes it, for example "config.wsgi:application".',
          });
      },
    });
  }
}

/** What else to give for connections that a process cannot use. */
function connectionsRemedy({ command, server }: WebServiceProps): string {
  const more = {
    [GunicornWorker.GTHREAD]: `, or raise \`threads\`${server === undefined ? '' : ' of WebServer.gunicorn()'}`,
    [GunicornWorker.SYNC]: '; a sync worker works on one, so raise `processes` for more',
    [GunicornWorker.GEVENT]: ', or raise `workerConnections` of WebServer.gunicorn()',
  }[server?._worker ?? GunicornWorker.GTHREAD];
  const most = command === undefined ? more : ', or raise `threads` to what your server works on at once';
  return `Leave it out for 4, or fewer where a process works on fewer${most}.`;
}

/**
 * A sync worker gives no sign of life while it works on a request: gunicorn kills it, and where all of them
 * work no health check is answered.
 */
function checkLongestRequest(checks: Checks, { longestRequest }: WebServiceProps, server: WebServer): void {
  const most = server._longestRequest;
  const holds = () => most === undefined || isUnknown(most) || secondsOf(longestRequest as Duration) < secondsOf(most);
  checks.optional('longestRequest', longestRequest, holds, {
    must: `be shorter than ${most === undefined ? 0 : secondsOf(most)} seconds, the \`timeout\` of the sync worker or the time in which a health check must be answered`,
    remedy: 'Take GunicornWorker.GTHREAD: sync workers that are busy for 40 seconds answer no health check.',
  });
}
