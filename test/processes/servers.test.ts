import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Duration, Size } from 'aws-cdk-lib';
import { AsgiService, type AsgiServiceProps } from '../../constructs/processes/asgi-service';
import { AsgiServer } from '../../constructs/processes/servers/asgi-server';
import { GunicornWorker, WebServer } from '../../constructs/processes/servers/web-server';
import { WebService, type WebServiceProps } from '../../constructs/processes/web-service';
import { COMMANDS, serverCommands } from '../../scripts/server-commands';
import { errorOf, only, templateOf, testStack } from '../support';
import { loadBalancerFor, processProps } from './support';

function web(props: Partial<WebServiceProps> = {}) {
  const stack = testStack();
  const common = processProps(stack);
  const service = new WebService(stack, 'Web', {
    ...common,
    loadBalancer: loadBalancerFor(stack, common),
    ...props,
  });
  return { service, command: commandOf(stack) };
}

function asgi(props: Partial<AsgiServiceProps> = {}) {
  const stack = testStack();
  const common = processProps(stack);
  new AsgiService(stack, 'Asgi', { ...common, loadBalancer: loadBalancerFor(stack, common), ...props });
  return commandOf(stack);
}

function commandOf(stack: ReturnType<typeof testStack>): string[] {
  return only(templateOf(stack), 'AWS::ECS::TaskDefinition').resource.Properties.ContainerDefinitions[0].Command;
}

/** What follows a flag on a command line; undefined where it is not there. */
const flagged = (command: string[], flag: string) =>
  command.includes(flag) ? command[command.indexOf(flag) + 1] : undefined;

/** What every gunicorn is told, whatever works in it. */
const SAFE = ['--worker-tmp-dir', '/tmp', '--forwarder-headers=', '--access-logfile', '-', '--access-logformat'];

describe('WebServer', () => {
  test('is what a service runs by itself, where nothing else is chosen', () => {
    expect(web({ server: WebServer.gunicorn() }).command).toEqual(web().command);
    expect(web({ server: WebServer.gunicorn({ threads: 3 }) }).command).toEqual(web({ threads: 3 }).command);
  });

  test.each([
    [GunicornWorker.GTHREAD, '--threads', '24'],
    [GunicornWorker.GEVENT, '--worker-connections', '64'],
    [GunicornWorker.SYNC, '--no-size', undefined],
  ])('runs gunicorn with %s, and with all that keeps it safe', (workerClass, flag, size) => {
    const { command } = web({ server: WebServer.gunicorn({ workerClass }) });
    expect(command.slice(0, 2)).toEqual(['gunicorn', 'shop.wsgi:application']);
    expect(command).toEqual(expect.arrayContaining(SAFE));
    expect(flagged(command, '--worker-class')).toBe(workerClass);
    expect(flagged(command, flag)).toBe(size);
    expect(command.filter((word) => ['--threads', '--worker-connections'].includes(word))).toHaveLength(size ? 1 : 0);
  });

  test('replaces a process after as many requests as it is told, or never', () => {
    const often = web({ server: WebServer.gunicorn({ maxRequests: 500 }) }).command;
    expect([flagged(often, '--max-requests'), flagged(often, '--max-requests-jitter')]).toEqual(['500', '50']);
    const exact = web({ server: WebServer.gunicorn({ maxRequests: 500, maxRequestsJitter: 0 }) }).command;
    expect(flagged(exact, '--max-requests-jitter')).toBe('0');
    const never = web({ server: WebServer.gunicorn({ maxRequests: 0 }) }).command;
    expect(never.filter((word) => word.startsWith('--max-requests'))).toEqual([]);
  });

  test('gives up a process that hangs after the time that it is told', () => {
    const server = WebServer.gunicorn({ timeout: Duration.minutes(2) });
    expect(flagged(web({ server }).command, '--timeout')).toBe('120');
  });

  test.each([
    ['one of sync, which does one thing at a time', { workerClass: GunicornWorker.SYNC }, 2],
    ['four of gevent', { workerClass: GunicornWorker.GEVENT }, 8],
    ['no more than there are requests at once', { workerClass: GunicornWorker.GEVENT, workerConnections: 3 }, 6],
    ['no more than there are threads', { threads: 2 }, 4],
  ])('decides how many database connections are counted: %s', (_, options, connections) => {
    expect(web({ server: WebServer.gunicorn(options) }).service.connectionsPerTask).toBe(connections);
  });

  test.each([
    [GunicornWorker.GTHREAD, 'Give `threads` to it', 'or raise `threads` of WebServer.gunicorn()'],
    [GunicornWorker.GEVENT, 'give `workerConnections` to it', 'or raise `workerConnections` of WebServer.gunicorn()'],
    [GunicornWorker.SYNC, 'raise `processes` for more', 'so raise `processes` for more'],
  ])('says what to give in the place of threads, and for more connections, where workers are %s', (...given) => {
    const [workerClass, inPlace, forMore] = given;
    const server = WebServer.gunicorn({ workerClass });
    expect(errorOf(() => web({ server, threads: 8 }))).toContain(inPlace);
    expect(errorOf(() => web({ server, connectionsPerProcess: 65 }))).toContain(forMore);
    const others = errorOf(() => web({ server, threads: 8 })).replaceAll('`threads` must', '');
    expect(others.includes('Give `threads`')).toBe(workerClass === GunicornWorker.GTHREAD);
  });

  test('says of threads beside greenlets how many requests a process works on then', () => {
    expect(errorOf(() => WebServer.gunicorn({ workerClass: GunicornWorker.GEVENT, threads: 8 }))).toContain(
      'write `workerConnections: 8`',
    );
  });

  test('cuts no request that a sync worker is meant to take', () => {
    const server = WebServer.gunicorn({ workerClass: GunicornWorker.SYNC, timeout: Duration.seconds(90) });
    expect(() => web({ server, longestRequest: Duration.seconds(39) })).not.toThrow();
    expect(errorOf(() => web({ server, longestRequest: Duration.seconds(40) }))).toContain(
      'Web: `longestRequest` must be shorter than 40 seconds',
    );
    const short = WebServer.gunicorn({ workerClass: GunicornWorker.SYNC });
    expect(errorOf(() => web({ server: short, longestRequest: Duration.seconds(30) }))).toContain(
      'Web: `longestRequest` must be shorter than 30 seconds',
    );
  });
});

describe('AsgiServer', () => {
  test('is uvicorn where nothing else is chosen', () => {
    expect(asgi({ server: AsgiServer.uvicorn() })).toEqual(asgi());
  });

  test('runs uvicorn in gunicorn with the same bounds of messages', () => {
    const command = asgi({ server: AsgiServer.gunicorn({ maxRequests: 200 }), webSocketMaxSize: Size.kibibytes(8) });
    expect(command.slice(0, 2)).toEqual(['gunicorn', 'shop.asgi:application']);
    expect(command).toEqual(expect.arrayContaining([...SAFE, '--max-requests', '200']));
    expect(flagged(command, '--worker-class')).toBe('django_fargate.uvicorn.Worker');
    expect(flagged(command, '--env')).toBe('DJANGO_FARGATE_WEB_SOCKET_MAX_SIZE=8192');
  });
});

test('the tests of runtime/ run the servers by the commands of the constructs; otherwise run `npm run docs`', () => {
  expect(readFileSync(join(__dirname, '..', '..', COMMANDS), 'utf8')).toBe(serverCommands());
});
