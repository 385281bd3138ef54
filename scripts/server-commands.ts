import { Duration, Size } from 'aws-cdk-lib';
import { AsgiServer, GunicornWorker, WebServer } from 'cdk-django-fargate';

/**
 * Part of `npm run docs`: runtime/tests/commands.json, the command line of every server that the constructs
 * offer, by which runtime/tests/test_choices.py runs them.
 */
export const COMMANDS = 'runtime/tests/commands.json';

/** What the constructs give a server behind a load balancer that keeps connections for a minute. */
const TIMINGS = {
  keepAlive: Duration.seconds(75),
  gracefulTimeout: Duration.seconds(30),
  stopTimeout: Duration.seconds(45),
  deregistrationDelay: Duration.seconds(15),
};

const WEB: { readonly [name: string]: WebServer } = {
  gthread: WebServer.gunicorn(),
  sync: WebServer.gunicorn({ workerClass: GunicornWorker.SYNC }),
  gevent: WebServer.gunicorn({ workerClass: GunicornWorker.GEVENT }),
};

const ASGI: { readonly [name: string]: AsgiServer } = {
  uvicorn: AsgiServer.uvicorn(),
  'gunicorn-uvicorn': AsgiServer.gunicorn(),
};

/** The file as it must be. */
export function serverCommands(): string {
  const asgi = { application: 'asgi:application', webSocketMaxBytes: Size.kibibytes(64).toBytes() };
  const wsgi = Object.entries(WEB).map(([name, server]) => [name, server._wsgiCommand('wsgi:application', TIMINGS)]);
  const others = Object.entries(ASGI).map(([name, server]) => [name, server._asgiCommand(asgi, TIMINGS)]);
  return `${JSON.stringify({ wsgi: Object.fromEntries(wsgi), asgi: Object.fromEntries(others) }, undefined, 2)}\n`;
}
