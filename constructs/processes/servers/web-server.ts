import { Duration } from 'aws-cdk-lib';
import { Checks, secondsOf } from '../../core/checks';
import { checkKinds } from '../../core/kinds';
import { HEALTH_SECONDS, type ServerTimings } from '../private/timings';
import { checkGunicorn, type GunicornProcessOptions, gunicornCommand, hungAfter } from './gunicorn';

/** Threads of a gunicorn process, unless it is said otherwise. Each more costs about 40 KiB. */
const THREADS = 24;

/** Threads of a gunicorn process at most. */
export const MOST_THREADS = 64;

/** Requests that a gevent process works on at the same time, unless it is said otherwise. */
const GREENLETS = 64;

/** What a process of gunicorn works on requests with. */
export enum GunicornWorker {
  /** Threads: the right choice unless you have a reason for another one. */
  GTHREAD = 'gthread',
  /**
   * One request at a time, for code that is not safe in threads.
   *
   * A slow client or a slow dependency holds a whole process, and the connection is closed after each answer.
   */
  SYNC = 'sync',
  /**
   * Greenlets: many requests that wait for the network, for code that gevent can patch.
   *
   * It needs the package `gevent`, and in a `gunicorn.conf.py` that imports Django
   * `from gevent import monkey; monkey.patch_all()` as its first lines, in the web process alone.
   */
  GEVENT = 'gevent',
}

/** What can be tuned in gunicorn as a WSGI server. */
export interface GunicornOptions extends GunicornProcessOptions {
  /**
   * What a process works on requests with.
   *
   * @default GunicornWorker.GTHREAD
   */
  readonly workerClass?: GunicornWorker;
  /**
   * Threads of a process, with `GunicornWorker.GTHREAD`: the requests that it works on at the same time.
   *
   * @default 24
   */
  readonly threads?: number;
  /**
   * Requests that a process works on at the same time, with `GunicornWorker.GEVENT`.
   *
   * @default 64
   */
  readonly workerConnections?: number;
}

/**
 * The server that runs a WSGI application. `processes` of the service says how many processes it has.
 *
 * Each has passed the same checks with the real server: connections are kept longer than the load balancer
 * keeps them, requests in flight end when a task is stopped, no header of a client becomes a variable of the
 * server, and no query string is in a log. With threads, slow clients leave the health check alone.
 *
 * @example
 * new DjangoStack(app, 'Shop', {
 *   image: ecs.ContainerImage.fromAsset('app'),
 *   settingsModule: 'config.settings',
 *   web: { server: WebServer.gunicorn({ threads: 32, maxRequests: 0 }) },
 * });
 *
 * @see https://docs.gunicorn.org/en/stable/design.html
 */
export class WebServer {
  /** gunicorn, with threads unless another kind of worker is given. */
  public static gunicorn(options: GunicornOptions = {}): WebServer {
    checkKinds('WebServer.gunicorn', 'GunicornOptions', options);
    const { workerClass = GunicornWorker.GTHREAD, threads, workerConnections } = options;
    const checks = new Checks('WebServer.gunicorn');
    checkGunicorn(checks, options);
    checkThreads(checks, threads);
    checks
      .optional('threads', threads, () => workerClass === GunicornWorker.GTHREAD, {
        must: 'be left out without `GunicornWorker.GTHREAD`',
        remedy:
          workerClass === GunicornWorker.GEVENT
            ? `It would have no effect: write \`workerConnections: ${threads}\`, which greenlets have instead.`
            : 'It would have no effect: a sync worker works on one request at a time; raise `processes` of the service.',
      })
      .integer('workerConnections', workerConnections, {
        min: 1,
        max: 2000,
        remedy: 'Sixty-four suit most applications.',
      })
      .optional('workerConnections', workerConnections, () => workerClass === GunicornWorker.GEVENT, {
        must: 'be left out without `GunicornWorker.GEVENT`',
        remedy: 'It would have no effect: give `threads` for GunicornWorker.GTHREAD.',
      })
      .throwIfAny();
    return new WebServer(options);
  }

  /**
   * gunicorn with so many threads, which the service validates.
   *
   * @internal
   */
  public static _withThreads(threads: number | undefined): WebServer {
    return new WebServer({ threads });
  }

  /**
   * Requests that a process works on at the same time.
   *
   * @internal
   */
  public readonly _concurrency: number;

  /**
   * What gunicorn calls the kind of worker.
   *
   * @internal
   */
  public readonly _worker: GunicornWorker;

  private constructor(private readonly options: GunicornOptions) {
    this._worker = options.workerClass ?? GunicornWorker.GTHREAD;
    this._concurrency = {
      [GunicornWorker.GTHREAD]: options.threads ?? THREADS,
      [GunicornWorker.SYNC]: 1,
      [GunicornWorker.GEVENT]: options.workerConnections ?? GREENLETS,
    }[this._worker];
  }

  /**
   * Time that no request may take, where the server has such a limit: then the process is killed, or the task
   * replaced, since a process that works on a request answers no health check.
   *
   * @internal
   */
  public get _longestRequest(): Duration | undefined {
    const hung = hungAfter(this.options);
    const isHeld = secondsOf(hung) > HEALTH_SECONDS;
    return this._worker === GunicornWorker.SYNC ? (isHeld ? Duration.seconds(HEALTH_SECONDS) : hung) : undefined;
  }

  /** @internal */
  public _wsgiCommand(application: string, timings: ServerTimings): string[] {
    const sizes = {
      [GunicornWorker.GTHREAD]: ['--threads', String(this._concurrency)],
      [GunicornWorker.SYNC]: [],
      [GunicornWorker.GEVENT]: ['--worker-connections', String(this._concurrency)],
    };
    const worker = ['--worker-class', this._worker, ...sizes[this._worker]];
    return gunicornCommand(application, worker, this.options, timings);
  }
}

/** Validates the threads of a process. */
export function checkThreads(checks: Checks, threads: number | undefined): void {
  checks.integer('threads', threads, {
    min: 1,
    max: MOST_THREADS,
    remedy: 'Two dozen threads suit most applications.',
  });
}
