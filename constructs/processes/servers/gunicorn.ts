import { Duration } from 'aws-cdk-lib';
import { type Checks, secondsOf } from '../../core/checks';
import { CONTAINER_PORT, WRITABLE_PATH } from '../../core/contract';
import type { ServerTimings } from '../private/timings';

/**
 * Seconds after which gunicorn kills a process that is stopped or does not let its main thread run.
 *
 * It counts from when the process serves: one may load the application for longer.
 */
const HUNG = Duration.seconds(30);

/** Address, time, method and path, status, bytes, milliseconds, browser. */
const ACCESS_LOG_FORMAT = '%(h)s %(t)s "%(m)s %(U)s" %(s)s %(B)s %(M)s "%(a)s"';

/** When gunicorn replaces its processes, whatever runs in them. */
export interface GunicornProcessOptions {
  /**
   * Requests after which a process is replaced by a new one, against slow leaks of memory; 0 for never.
   *
   * gunicorn 27.0.1 or later is needed unless it is 0: earlier ones lose requests then.
   *
   * @default 10000
   */
  readonly maxRequests?: number;
  /**
   * Most requests by which that number differs from process to process, so that not all are replaced at once.
   *
   * @default - a tenth of `maxRequests`
   */
  readonly maxRequestsJitter?: number;
  /**
   * Time without a sign of life after which gunicorn kills a process and starts another one.
   *
   * It counts from when the process serves: one may load the application for longer. A sync worker gives none
   * while it works on a request.
   *
   * @default Duration.seconds(30)
   */
  readonly timeout?: Duration;
}

/** Validates what is the same for every kind of worker. */
export function checkGunicorn(checks: Checks, options: GunicornProcessOptions): void {
  const { maxRequests, maxRequestsJitter } = options;
  checks
    .integer('maxRequests', maxRequests, {
      min: 0,
      max: 100_000_000,
      remedy: 'Ten thousand suit most applications; 0 is for never.',
    })
    .integer('maxRequestsJitter', maxRequestsJitter, {
      min: 0,
      max: 100_000_000,
      remedy: 'A tenth of `maxRequests` suits most applications.',
    })
    .optional('maxRequestsJitter', maxRequestsJitter, () => maxRequests !== 0, {
      must: 'be left out with `maxRequests: 0`',
      remedy: 'It would have no effect: no process is replaced.',
    })
    .duration('timeout', options.timeout, {
      whole: 'seconds',
      min: 5,
      max: 3600,
      remedy: 'Half a minute suits most applications; a sync worker needs more than its longest request takes.',
    });
}

/** How long a process may give no sign of life. */
export function hungAfter(options: GunicornProcessOptions): Duration {
  return options.timeout ?? HUNG;
}

/** gunicorn with a kind of worker. The number of processes is in WEB_CONCURRENCY, which it reads. */
export function gunicornCommand(
  application: string,
  worker: string[],
  options: GunicornProcessOptions,
  timings: ServerTimings,
): string[] {
  return [
    'gunicorn',
    application,
    ...['--bind', `0.0.0.0:${CONTAINER_PORT}`],
    ...worker,
    ...['--keep-alive', String(timings.keepAlive.toSeconds())],
    ...['--graceful-timeout', String(timings.gracefulTimeout.toSeconds())],
    ...['--timeout', String(secondsOf(hungAfter(options)))],
    ...recycling(options),
    // The heartbeat file must lie in memory: on a disk a slow write looks like a hung worker.
    ...['--worker-tmp-dir', WRITABLE_PATH],
    // By itself gunicorn believes a header SCRIPT_NAME, with which a client moves the path that Django sees.
    '--forwarder-headers=',
    ...['--access-logfile', '-'],
    // Its own format has query strings and referring addresses, and with them tokens.
    ...['--access-logformat', ACCESS_LOG_FORMAT],
  ];
}

/** Replaces processes against slow leaks, each at another moment. */
function recycling({ maxRequests = 10_000, maxRequestsJitter }: GunicornProcessOptions): string[] {
  const jitter = maxRequestsJitter ?? Math.floor(maxRequests / 10);
  return maxRequests === 0 ? [] : ['--max-requests', String(maxRequests), '--max-requests-jitter', String(jitter)];
}
