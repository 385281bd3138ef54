import { EventEmitter } from 'node:events';
import { socketChecks } from '../../../../rehearsal/checks/any-project/sockets';
import { type CheckContext, NotApplicable } from '../../../../rehearsal/checks/check';

interface Sockets {
  /** What each path answers to a handshake: by the ASGI service, unless the load balancer or the web service does. */
  readonly answers: Record<string, number | { status: number; elsewhere: true }>;
  /** Routes that the project finds in its ASGI application. */
  readonly routes?: string[];
  readonly named?: string[];
}

function run({ answers, routes = [], named }: Sockets) {
  const ran: { command: string[]; environment: Record<string, string> }[] = [];
  const target = {};
  const asgi = {
    name: 'asgi',
    running: [{ task: { logs: { last: () => ['ValueError: no route'] } } }],
    group: { targets: [target] },
    definition: { kind: 'asgi', command: ['uvicorn', 'config.asgi:application', '--port', '8000'], environment: {} },
  };
  let reached = 0;
  const front = {
    calls: { requests: () => reached },
    webSocket: (path: string) => {
      const answer = answers[path];
      const [status, elsewhere] = typeof answer === 'number' ? [answer, false] : [answer.status, true];
      reached += elsewhere ? 0 : 1;
      const socket = Object.assign(new EventEmitter(), { terminate: () => undefined });
      setImmediate(() =>
        status === 101 ? socket.emit('open') : socket.emit('unexpected-response', {}, { statusCode: status }),
      );
      return socket;
    },
  };
  const rehearsal = {
    services: [asgi],
    definitions: new Map(),
    imageHas: () => true,
    run: async (definition: { command: string[]; environment: Record<string, string> }) => {
      ran.push(definition);
      return { exited: Promise.resolve({ code: 0 }), logs: { last: () => [`rehearsal:${JSON.stringify(routes)}`] } };
    },
  };
  const context = { rehearsal, front, webSockets: named } as unknown as CheckContext;
  return { said: socketChecks[0].run(context), ran };
}

test('routes that are found must open, and one that its application refuses is told', async () => {
  const { said, ran } = run({ answers: { '/ws/a/': 101, '/ws/b/': 403 }, routes: ['/ws/a/', '/ws/b/'] });
  expect(await said).toBe('101 from /ws/a/; refused by the application: /ws/b/ (403)');
  expect(ran[0].environment).toMatchObject({ REHEARSAL_ASGI: 'config.asgi:application' });
});

test.each([
  [
    'never comes to the ASGI service',
    { status: 404, elsewhere: true } as const,
    /^\/ws\/a\/ answered 404 and never came to asgi: add it to `asgi.paths`/,
  ],
  [
    'is answered with an error',
    500,
    /^\/ws\/a\/ answered 500 to a handshake with the Origin of its own site\. ValueError: no route/,
  ],
  ['is not there', 404, /^\/ws\/a\/ answered 404/],
])('one that %s fails', async (_, answer, message) => {
  await expect(run({ answers: { '/ws/a/': answer }, routes: ['/ws/a/'] }).said).rejects.toThrow(message);
});

test('one that the user names must open', async () => {
  await expect(run({ answers: { '/ws/x': 403 }, named: ['/ws/x'] }).said).rejects.toThrow('/ws/x answered 403');
  const { said, ran } = run({ answers: { '/ws/x': 101 }, named: ['/ws/x'], routes: ['/ws/a/'] });
  expect(await said).toBe('101 from /ws/x');
  expect(ran).toEqual([]);
});

test.each([
  ['no route', {}, [], 'a WebSocket route that is found'],
  ['none that opens', { '/ws/a/': 403 }, ['/ws/a/'], 'to whoever is logged in at the admin: /ws/a/ (403)'],
])('with %s it does not apply', async (_, answers, routes, message) => {
  const failing = expect(run({ answers, routes }).said).rejects;
  await failing.toThrow(NotApplicable);
  await expect(run({ answers, routes }).said).rejects.toThrow(message);
});
