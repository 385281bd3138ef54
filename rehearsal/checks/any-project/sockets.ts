import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Rehearsal } from '../../rehearsal';
import { lastError } from '../../task/last-error';
import type { Service } from '../../task/services';
import { HANG_SECONDS, sleep } from '../../wait';
import { asgi } from '../asgi';
import { anyProject, type Check, type CheckContext, expect, NotApplicable } from '../check';
import type { FrontDoor } from '../front-door';
import { PAGES, SOCKETS } from '../names';
import { oneOffOf } from '../one-off';
import { answerOf, MARK, shell } from './answer';
import { Staff } from './staff';

/**
 * Finds WebSocket routes in an ASGI application: through middleware of Channels (`inner`) and of Starlette
 * (`app`), in routers with `routes`. A parameter becomes the first of some texts that its pattern takes.
 */
const ROUTES = `
import importlib, json, os, sys
from django.conf import settings
from django.urls.resolvers import RoutePattern, URLResolver
from django.utils.regex_helper import normalize
VALUES = ["1", "rehearsal", "11111111-1111-4111-9111-111111111111"]
def concrete(pattern):
    expression = pattern.regex
    for text, names in normalize(expression.pattern):
        for value in VALUES:
            path = text % {name: value for name in names}
            if expression.search(path):
                return path
def walk(application, prefix, depth=0):
    application = getattr(application, "application_mapping", {}).get("websocket", application)
    if isinstance(application, dict):
        application = application.get("websocket")
    for route in getattr(application, "routes", None) or []:
        if hasattr(route, "pattern"):
            path = concrete(route.pattern)
            if path is None:
                continue
            if isinstance(route, URLResolver):
                yield from walk(type("Nested", (), {"routes": route.url_patterns}), prefix + path, depth + 1)
            elif hasattr(getattr(route, "callback", None), "routes"):
                yield from walk(route.callback, prefix + path, depth + 1)
            else:
                yield prefix + path
        elif "WebSocket" in type(route).__name__:
            yield "/" + route.path.lstrip("/")
    for name in ("inner", "app", "application"):
        inner = getattr(application, name, None)
        if inner is not None and depth < 20:
            yield from walk(inner, prefix, depth + 1)
module, _, name = (os.environ["REHEARSAL_ASGI"] or str(getattr(settings, "ASGI_APPLICATION", None) or "")).rpartition(os.environ["REHEARSAL_SEPARATOR"])
found = []
if module:
    application = getattr(importlib.import_module(module), name)
    if type(application).__module__.split(".")[0] != "django":
        found = list(dict.fromkeys(walk(application, "/")))
print("${MARK}" + json.dumps(found))
`;

/** The answer to a handshake. */
interface Handshake {
  readonly path: string;
  /** 101 where it is open. */
  readonly status: number;
  readonly byAsgi: boolean;
}

export const socketChecks: Check[] = [
  {
    name: SOCKETS,
    lane: 'project',
    needs: [PAGES],
    ...anyProject('an ASGI service', ({ rehearsal }) => asgi(rehearsal) !== undefined),
    async run(context) {
      const { rehearsal, webSockets = [] } = context;
      const service = asgi(rehearsal) as Service;
      const paths = webSockets.length > 0 ? webSockets : await routesOf(rehearsal, service);
      if (paths.length === 0) {
        throw new NotApplicable('a WebSocket route that is found in the ASGI application; name one with --websocket');
      }
      const front = await visitor(context);
      const answers: Handshake[] = [];
      for (const path of paths) {
        answers.push(await shake(front, service, path));
      }
      const strayed = answers.filter(({ byAsgi }) => !byAsgi);
      expect(
        strayed.length === 0,
        `${strayed.map(({ path, status }) => `${path} answered ${status}`).join(', ')} and never came to ${service.name}: add it to \`asgi.paths\``,
      );
      const broken = answers.filter(({ status }) => !isOpen(status) && (!isRefused(status) || webSockets.length > 0));
      const why = service.running.map(({ task }) => lastError(task)).find((line) => /Error|Exception/.test(line)) ?? '';
      expect(
        broken.length === 0,
        `${broken.map(({ path, status }) => `${path} answered ${status}`).join(', ')} to a handshake with the Origin of its own site. ${why}`,
      );
      const open = answers.filter(({ status }) => isOpen(status)).map(({ path }) => path);
      const refused = answers
        .filter(({ status }) => isRefused(status))
        .map(({ path, status }) => `${path} (${status})`);
      if (open.length === 0) {
        throw new NotApplicable(
          `a WebSocket that opens to whoever is logged in at the admin: ${refused.join(', ')}; name one with --websocket`,
        );
      }
      return `101 from ${open.join(', ')}${refused.length > 0 ? `; refused by the application: ${refused.join(', ')}` : ''}`;
    },
  },
];

const isOpen = (status: number) => status === 101;
/** The application knows the path, and wants more of its visitor. */
const isRefused = (status: number) => status === 401 || status === 403;

/** Who is logged in, where the project has an admin. */
async function visitor({ rehearsal, front }: CheckContext): Promise<FrontDoor> {
  try {
    return await (await Staff.of(rehearsal)).logIn();
  } catch {
    return front; // A check of its own says why nobody can log in.
  }
}

async function shake(front: FrontDoor, service: Service, path: string): Promise<Handshake> {
  const handled = () => front.calls?.requests(service.group?.targets) ?? 0;
  const before = handled();
  const socket = front.webSocket(path);
  const over = new AbortController();
  const answered = new Promise<number>((resolve) => {
    socket.once('unexpected-response', (_, response: IncomingMessage) => resolve(response.statusCode ?? 0));
    socket.once('error', () => resolve(0));
    void once(socket, 'open', { signal: over.signal }).then(
      () => resolve(101),
      () => undefined,
    );
  });
  const status = await Promise.race([answered, sleep(HANG_SECONDS * 1000, over.signal).then(() => 0)]);
  over.abort();
  socket.terminate();
  return { path, status, byAsgi: handled() > before };
}

async function routesOf(rehearsal: Rehearsal, { definition }: Service): Promise<string[]> {
  const target = definition.command?.find((word) => /^[\w.]+:\w+$/.test(word)) ?? '';
  const environment = { REHEARSAL_ASGI: target, REHEARSAL_SEPARATOR: target === '' ? '.' : ':' };
  const ended = await oneOffOf(rehearsal, definition, shell(rehearsal, ROUTES), { environment });
  expect(ended.exit.code === 0, `the ASGI application cannot be imported: ${lastError(ended.task)}`);
  return answerOf(ended);
}
