import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Service } from '../task/services';
import { asgi, echo, sparedMember } from './asgi';
import { type Check, type CheckContext, EXAMPLE, expect } from './check';
import { direct, directWebSocket } from './direct';
import { ECHO, STRANGERS } from './names';

const TIMES = 100;
const AT_ONCE = 10;
const HANDSHAKE = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'c2l4dGVlbiBieXRlcy4uLg==',
};

interface Request {
  readonly path: string;
  readonly headers: Record<string, string>;
}

/** What strangers send to a WebSocket service: headers over those of a handshake, at paths that it gets. */
function requests(origin: string): Request[] {
  return Array.from({ length: TIMES }, (_, number): Request[] => [
    { path: `/ws/unknown-${number}`, headers: { origin } },
    { path: `/ws/echo/${number}`, headers: { origin } },
    { path: '/ws/%00%ff', headers: { origin } },
    { path: '/ws/echo', headers: { origin: 'https://evil.example' } },
    { path: '/ws/echo', headers: { origin: 'null' } },
    { path: '/ws/echo', headers: { origin: 'http://[::1' } },
    { path: '/ws/echo', headers: {} },
    { path: '/ws/echo', headers: { origin, 'sec-websocket-version': '99' } },
    { path: '/ws/echo', headers: { origin, 'sec-websocket-key': '?' } },
    { path: '/ws/echo', headers: { origin, 'sec-websocket-version': '13, 8' } },
  ]).flat();
}

export const strangerChecks: Check[] = [
  {
    name: STRANGERS,
    lane: 'asgi-spared',
    needs: [ECHO],
    proof: true,
    about: EXAMPLE,
    applies: ({ rehearsal, guestbook }) => guestbook && asgi(rehearsal) !== undefined,
    async run({ rehearsal, front }) {
      const { port = 0 } = sparedMember(asgi(rehearsal) as Service).task;
      const host = front.hostFor('/ws/echo');
      const before = errors(rehearsal);
      const statuses = new Map<number, number>();
      const waiting = requests(`https://${host}`);
      const count = waiting.length;
      const visitor = async () => {
        for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
          const { status } = await direct(port, next.path, host, { forged: { ...HANDSHAKE, ...next.headers } });
          statuses.set(status, (statuses.get(status) ?? 0) + 1);
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, visitor));
      const wrong = [...statuses].filter(([status]) => status < 400 || status >= 500);
      expect(wrong.length === 0, wrong.map(([status, times]) => `${times} times ${status}`).join(', '));
      const after = errors(rehearsal);
      expect(after.length === before.length, `the log has an error: ${after[before.length]?.slice(0, 200)}`);
      await echo(directWebSocket(port, '/ws/echo', host), 'still there');
      const { status } = await front.request('/api/tasks?label=%00');
      expect(status === 400, `a text that PostgreSQL cannot take answered ${status}`);
      return `${count} requests: ${[...statuses].map(([status, times]) => `${times} times ${status}`).join(', ')}`;
    },
  },
];

/** Lines of the ASGI service that an alarm counts. */
function errors(rehearsal: CheckContext['rehearsal']): string[] {
  const logs = path.join(rehearsal.sandbox.directory, 'logs');
  const name = asgi(rehearsal)?.name ?? '';
  return readdirSync(logs)
    .filter((file) => file.startsWith(name))
    .flatMap((file) => readFileSync(path.join(logs, file), 'utf8').split('\n'))
    .filter((line) => /"levelname": ?"(ERROR|CRITICAL)"/.test(line));
}
