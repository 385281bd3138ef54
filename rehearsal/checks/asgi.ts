import { once } from 'node:events';
import type WebSocket from 'ws';
import type { Member, Service } from '../task/services';
import { eventually, HANG_SECONDS } from '../wait';
import { type Check, type CheckContext, EXAMPLE, expect } from './check';
import { ECHO, HEADERS, HUNG, PAGES } from './names';

const PATH = '/ws/echo';

const hasAsgi = ({ rehearsal, guestbook }: CheckContext) => guestbook && asgi(rehearsal) !== undefined;

export const asgiChecks: Check[] = [
  {
    name: ECHO,
    lane: 'asgi',
    needs: [PAGES],
    proof: true,
    about: EXAMPLE,
    applies: hasAsgi,
    async run({ rehearsal, front }) {
      const service = asgi(rehearsal) as Service;
      const handled = () => front.calls?.requests(service.group?.targets);
      await echo(front.webSocket(PATH), 'hello');
      expect(handled() === 1, 'it did not reach the ASGI service');
      const page = await front.request('/');
      expect(page.status === 200 && handled() === 1, 'the page came from the ASGI service');
      return undefined;
    },
  },
  {
    name: HUNG,
    lane: 'asgi',
    needs: [ECHO],
    after: [HEADERS],
    about: EXAMPLE,
    applies: (context) => hasAsgi(context) && (asgi(context.rehearsal)?.desiredCount ?? 0) > 1,
    disturbs: ['asgi'],
    async run({ rehearsal, front, disturbance }) {
      const service = asgi(rehearsal) as Service;
      const [member] = service.running;
      expect(member !== sparedMember(service), 'there is one task alone');
      const target = member.registration?.target;
      expect(target !== undefined, 'it is not registered');
      disturbance.hang(member.task);
      const started = Date.now();
      await eventually(
        'the target is unhealthy',
        80,
        () => target.health.state === 'unhealthy' || target.draining,
        100,
      );
      const seconds = (Date.now() - started) / 1000;
      // Of everybody's requests: the load balancer must send it none.
      const before = target.requests;
      for (let count = 0; count < 6; count++) {
        await echo(front.webSocket(PATH), `number ${count}`);
      }
      expect(target.requests === before, 'the unhealthy target got requests');
      await eventually(
        'it is replaced',
        HANG_SECONDS,
        () =>
          service.running.filter((one) => one.registration?.target.health.state === 'healthy').length >=
          service.desiredCount,
      );
      disturbance.kill(member.task);
      return `noticed after ${seconds.toFixed(0)} s`;
    },
  },
];

export function asgi(rehearsal: CheckContext['rehearsal']): Service | undefined {
  return rehearsal.services.find(({ definition }) => definition.kind === 'asgi');
}

/** The task of a service that no check hangs, so that it can be asked meanwhile. */
export function sparedMember(service: Service): Member {
  const member = service.running.at(-1);
  expect(member?.task.port !== undefined, `${service.name} has no task with a port`);
  return member;
}

/** Sends a text and waits for it to come back; gives everything that was received. */
export async function echo(socket: WebSocket, text: string): Promise<unknown[]> {
  const received: unknown[] = [];
  socket.on('message', (data) => received.push(JSON.parse(String(data))));
  const failed = new Promise<never>((_resolve, reject) => {
    socket.once('error', reject);
    socket.once('close', (code) => reject(new Error(`the WebSocket was closed (${code})`)));
  });
  failed.catch(() => undefined);
  try {
    await Promise.race([once(socket, 'open'), failed]);
    socket.send(JSON.stringify(text));
    const answered = eventually(
      'the echo',
      HANG_SECONDS,
      () => received.some((one) => (one as { echo?: string }).echo === text),
      20,
    );
    await Promise.race([answered, failed]);
    return received;
  } finally {
    socket.close();
  }
}
