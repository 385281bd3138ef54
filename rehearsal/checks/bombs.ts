import type WebSocket from 'ws';
import type { Service } from '../task/services';
import { eventually, HANG_SECONDS, sleep } from '../wait';
import { asgi, echo, sparedMember } from './asgi';
import { type Check, EXAMPLE, expect } from './check';
import { direct, directWebSocket } from './direct';
import { BOMBS, ECHO, FORGED, PAGES } from './names';

const CONNECTIONS = 60;
const MESSAGES = 3;
/** Two thousand bytes on the wire where the server agrees to compression. */
const BOMB = JSON.stringify('x'.repeat(2 * 1024 * 1024));
/** Too big; or cut off, where the client was still sending and never read why. */
const REFUSED = [1009, 1006];

/** Headers by which a client may try to move its path, each for a request of `/no/such/accounts/login/`. */
const FORGERIES: Record<string, string | string[]>[] = [
  { SCRIPT_NAME: '/no/such' },
  { SCRIPT_NAME: ['/no/such', '/no/such'] },
  { script_name: '/no/such' },
  { 'SCRIPT-NAME': '/no/such' },
  { PATH_INFO: '/accounts/login/' },
  { PATH_INFO: ['/no', '/accounts/login/'], SCRIPT_NAME: '/no/such' },
  { 'X-Script-Name': '/no/such', 'X-Forwarded-Prefix': '/no/such' },
  { 'X-Original-URL': '/accounts/login/', 'X-Rewrite-URL': '/accounts/login/' },
];

export const bombChecks: Check[] = [
  {
    name: BOMBS,
    lane: 'asgi-spared',
    needs: [ECHO],
    proof: true,
    about: EXAMPLE,
    applies: ({ rehearsal, guestbook }) => guestbook && asgi(rehearsal)?.definition.memory !== undefined,
    async run({ rehearsal, front }) {
      const service = asgi(rehearsal) as Service;
      const limit = (service.definition.memory as number) / 2;
      const { task } = sparedMember(service);
      const open = (port = sparedMember(service).task.port) =>
        directWebSocket(port ?? 0, '/ws/echo', front.hostFor('/ws/echo'));
      let peak = 0;
      let busy = true;
      const watching = (async () => {
        while (busy) {
          peak = Math.max(peak, await task.residentMiB());
          await sleep(100);
        }
      })();
      const codes = await Promise.all(Array.from({ length: CONNECTIONS }, () => bombard(open(task.port))));
      busy = false;
      await watching;
      // Also where the bombs were taken: whoever comes next finds a server that has time for them.
      const echoes = () => echo(open(), 'still there').then(Boolean, () => false);
      const alive = await eventually('it echoes', HANG_SECONDS, echoes).catch(() => false);
      const taken = codes.filter((code) => !REFUSED.includes(code));
      expect(
        taken.length === 0,
        `${taken.length} of ${CONNECTIONS} connections were served, or ended with ${taken[0]}`,
      );
      expect(peak > 0 && peak < limit, `a task took ${peak.toFixed(0)} MiB, and half of its memory is ${limit} MiB`);
      expect(task.running, 'the task ended');
      expect(alive, 'nothing is echoed any more');
      return `${peak.toFixed(0)} MiB of ${service.definition.memory} MiB`;
    },
  },
  {
    name: FORGED,
    lane: 'web',
    needs: [PAGES],
    proof: true,
    about: EXAMPLE,
    applies: ({ guestbook }) => guestbook,
    async run({ rehearsal, front }) {
      const service = rehearsal.services.find(({ definition }) => definition.kind === 'web');
      const port = service?.group?.targets[0]?.port;
      expect(port !== undefined, 'no web task is registered');
      // As a load balancer that passes everything on: from its address, which the server trusts.
      const from = service?.definition.environment.FORWARDED_ALLOW_IPS.replace(/\/32$/, '');
      const real = await direct(port, '/accounts/login/', front.host);
      expect(real.status === 200, `the page itself answers ${real.status}`);
      for (const headers of FORGERIES) {
        const { status } = await direct(port, '/no/such/accounts/login/', front.host, { forged: headers, from });
        expect([400, 404].includes(status), `with ${JSON.stringify(headers)} it answered ${status}`);
      }
      return `${FORGERIES.length} kinds of headers, past the load balancer`;
    },
  },
];

/**
 * Sends messages that are too large, and gives the code that the connection ends with: 0 where it does not.
 */
function bombard(socket: WebSocket): Promise<number> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => finish(0), HANG_SECONDS * 1000);
    let received = 0;
    const finish = (code: number) => {
      clearTimeout(timer);
      socket.terminate();
      resolve(code);
    };
    socket.on('open', () => {
      for (let count = 0; count < MESSAGES; count++) {
        socket.send(BOMB, () => undefined);
      }
    });
    // The first message says who is connected.
    socket.on('message', () => {
      received++;
      if (received > MESSAGES) {
        finish(0);
      }
    });
    socket.on('close', finish);
    socket.on('error', () => undefined); // It is closed right after.
  });
}
