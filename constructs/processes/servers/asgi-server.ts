import { Checks } from '../../core/checks';
import { CONTAINER_PORT } from '../../core/contract';
import { checkKinds } from '../../core/kinds';
import type { ServerTimings } from '../private/timings';
import { checkGunicorn, type GunicornProcessOptions, gunicornCommand } from './gunicorn';

/** Messages of one WebSocket that wait for the application. */
export const QUEUED_MESSAGES = 4;

/** What the application is called, and what bounds its WebSockets. */
interface AsgiApplication {
  readonly application: string;
  readonly webSocketMaxBytes: number;
}

type Command = (application: AsgiApplication, timings: ServerTimings) => string[];

/**
 * The server that runs an ASGI application. `processes` of the service says how many processes it has.
 *
 * Each has passed the same checks with the real server: connections are kept longer than the load balancer
 * keeps them, requests in flight end and WebSockets are closed with 1012 when a task is stopped, messages are
 * bounded, and no query string is in a log. Daphne, Hypercorn, Granian and gunicorn's own ASGI worker have
 * not: run them with `command` if you must.
 *
 * @example
 * new DjangoStack(app, 'Shop', {
 *   image: ecs.ContainerImage.fromAsset('app'),
 *   settingsModule: 'config.settings',
 *   asgi: { server: AsgiServer.gunicorn({ maxRequests: 50_000 }) },
 * });
 *
 * @see https://docs.djangoproject.com/en/stable/howto/deployment/asgi/
 */
export class AsgiServer {
  /** uvicorn by itself. */
  public static uvicorn(): AsgiServer {
    return new AsgiServer(uvicorn);
  }

  /**
   * uvicorn in the processes of gunicorn, which replaces each after so many requests, and one that hangs.
   *
   * The image needs the packages `gunicorn`, `uvicorn-worker` and `django-fargate`, whose worker bounds
   * WebSockets as `AsgiServer.uvicorn()` does: gunicorn's command line has no such limits.
   */
  public static gunicorn(options: GunicornProcessOptions = {}): AsgiServer {
    checkKinds('AsgiServer.gunicorn', 'GunicornProcessOptions', options);
    const checks = new Checks('AsgiServer.gunicorn');
    checkGunicorn(checks, options);
    checks.throwIfAny();
    return new AsgiServer(({ application, webSocketMaxBytes }, timings) => {
      const limit = `DJANGO_FARGATE_WEB_SOCKET_MAX_SIZE=${webSocketMaxBytes}`;
      const worker = ['--worker-class', 'django_fargate.uvicorn.Worker', '--env', limit];
      return gunicornCommand(application, worker, options, timings);
    });
  }

  private constructor(
    /** @internal */
    public readonly _asgiCommand: Command,
  ) {}
}

/**
 * The number of processes is in WEB_CONCURRENCY and the proxies to believe in FORWARDED_ALLOW_IPS: uvicorn
 * reads both by itself.
 */
function uvicorn({ application, webSocketMaxBytes }: AsgiApplication, timings: ServerTimings): string[] {
  return [
    'uvicorn',
    application,
    ...['--host', '0.0.0.0'],
    ...['--port', String(CONTAINER_PORT)],
    ...['--timeout-keep-alive', String(timings.keepAlive.toSeconds())],
    // Without a limit an open WebSocket holds the process until ECS kills it.
    ...['--timeout-graceful-shutdown', String(timings.gracefulTimeout.toSeconds())],
    // Compressed, 15 KB on the wire are 15 MiB in memory; queued, 32 such messages for each connection.
    ...['--ws-max-size', String(webSocketMaxBytes)],
    ...['--ws-max-queue', String(QUEUED_MESSAGES)],
    ...['--ws-per-message-deflate', 'false'],
    // Lines about requests and WebSockets hold query strings. The loggers of `django-fargate` set their own
    // level.
    '--no-access-log',
    ...['--log-level', 'warning'],
    '--no-server-header',
  ];
}
