import { Duration } from 'aws-cdk-lib';
import { AsgiServer } from '../../constructs/processes/servers/asgi-server';
import { type GunicornOptions, GunicornWorker, WebServer } from '../../constructs/processes/servers/web-server';
import type { InvalidCase } from './case';
import { asgi, row, untyped, web } from './second-hundred';

/** Options of gunicorn that are refused where they are written. */
const gunicorn = (name: string, prop: string, options: GunicornOptions): InvalidCase =>
  row(`gunicorn: ${name}`, prop, () => WebServer.gunicorn(options));

const { SYNC, GEVENT, GTHREAD } = GunicornWorker;

export const cases: InvalidCase[] = [
  web('a server by its name', 'server', untyped({ server: 'gunicorn' })),
  web('a server for the other kind of application', 'server', untyped({ server: AsgiServer.uvicorn() })),
  asgi('a server for the other kind of application', 'server', untyped({ server: WebServer.gunicorn() })),
  web('threads beside a server', 'threads', { threads: 4, server: WebServer.gunicorn() }),
  web('a server beside a command', 'server', { command: ['./serve'], server: WebServer.gunicorn() }),
  asgi('a server beside a command', 'server', { command: ['./serve'], server: AsgiServer.uvicorn() }),
  web('a keep-alive of a server that keeps nothing', 'keepAlive', {
    keepAlive: Duration.seconds(90),
    server: WebServer.gunicorn({ workerClass: SYNC }),
  }),
  web('more connections than a sync worker has requests', 'connectionsPerProcess', {
    connectionsPerProcess: 2,
    server: WebServer.gunicorn({ workerClass: SYNC }),
  }),
  web('a request longer than a sync worker lives', 'longestRequest', {
    longestRequest: Duration.seconds(60),
    server: WebServer.gunicorn({ workerClass: SYNC }),
  }),
  gunicorn('a worker that there is not', 'workerClass', untyped({ workerClass: 'eventlet' })),
  gunicorn('no thread', 'threads', { threads: 0 }),
  gunicorn('threads as a string', 'threads', untyped({ threads: '8' })),
  gunicorn('threads of a sync worker', 'threads', { workerClass: SYNC, threads: 2 }),
  gunicorn('threads of gevent', 'threads', { workerClass: GEVENT, threads: 2 }),
  gunicorn('no greenlet', 'workerConnections', { workerClass: GEVENT, workerConnections: 0 }),
  gunicorn('greenlets of threads', 'workerConnections', { workerClass: GTHREAD, workerConnections: 50 }),
  gunicorn('a negative number of requests', 'maxRequests', { maxRequests: -1 }),
  gunicorn('half a request', 'maxRequestsJitter', { maxRequestsJitter: 0.5 }),
  gunicorn('a jitter of nothing', 'maxRequestsJitter', { maxRequests: 0, maxRequestsJitter: 5 }),
  gunicorn('no time to load the application', 'timeout', { timeout: Duration.seconds(1) }),
  row('gunicorn for ASGI: no time to load the application', 'timeout', () =>
    AsgiServer.gunicorn({ timeout: Duration.millis(5500) }),
  ),
];
