import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type WebSocket from 'ws';
import type { RotationSchedule } from '../../aws/rotation';
import { eventually, HANG_SECONDS } from '../../wait';
import { Staff } from '../any-project/staff';
import { type Check, type CheckContext, expect } from '../check';
import type { FrontDoor } from '../front-door';
import { CACHE_AWAY, CACHE_SHARED, MAIL_SENT, MEDIA_PRIVATE, PAGES, SOCKETS } from '../names';
import { keySchedule } from '../rotation';

const ABOUT = 'the pages of the layout club';
const isClub = ({ rehearsal }: CheckContext) => rehearsal.imageHas('club/routing.py');
/** The smallest picture: one dot. */
const DOT = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);
/** Enough for both tasks of a service to be met. */
const ROUNDS = 12;

/** What media, cache and mail are for, as visitors of test/outside/club see it. */
export const clubChecks: Check[] = [
  {
    name: 'club: a picture that the web process is sent is served by S3 with a signature alone',
    lane: 'club',
    needs: [PAGES, MEDIA_PRIVATE],
    about: ABOUT,
    applies: isClub,
    async run({ rehearsal }) {
      const front = await (await Staff.of(rehearsal)).logIn();
      const reply = await front.upload('/pictures/', { field: 'file', name: 'dot.png', type: 'image/png', file: DOT });
      expect(reply.status === 302, `the upload answered ${reply.status}: ${reply.body.slice(0, 200)}`);
      const { body } = await front.visit('/pictures/');
      const address = /<img src="([^"]+)"/.exec(body)?.[1]?.replaceAll('&amp;', '&') ?? '';
      const served = await fetch(address);
      expect(served.status === 200, `${address} answered ${served.status}`);
      expect(Buffer.from(await served.arrayBuffer()).equals(DOT), 'another picture is served');
      const bare = await fetch(address.replace(/\?.*/, ''));
      expect(bare.status === 403, `without its signature it answered ${bare.status}`);
      return undefined;
    },
  },
  {
    name: 'club: a browser sends a picture to S3 with a signed form, which takes nothing else',
    lane: 'club',
    needs: [PAGES, MEDIA_PRIVATE],
    about: ABOUT,
    applies: isClub,
    async run({ rehearsal }) {
      const front = await (await Staff.of(rehearsal)).logIn();
      const form = await front.json<SignedForm>('/pictures/form/');
      const origin = `https://${front.host}`;
      const sent = await send(form, { origin });
      expect(sent.status === 204, `the form answered ${sent.status}: ${await sent.text()}`);
      expect(sent.headers.get('access-control-allow-origin') === origin, 'the page may not read the answer');
      const keys = await rehearsal.doubles.keysOf(form.url.replace(/\/$/, '').replace(/^.*\//, ''));
      expect(keys.includes(form.fields.key), 'the file is not in the bucket');
      const refused: [string, Promise<Response>][] = [
        ['another name', send(form, { fields: { key: 'uploads/somebody-else' } })],
        ['another type', send(form, { fields: { 'Content-Type': 'text/html' } })],
        ['a further field', send(form, { fields: { acl: 'public-read' } })],
        ['no signature', send(form, { fields: { 'x-amz-signature': '' } })],
        ['too large a file', send(form, { file: Buffer.alloc(5 * 1024 * 1024 + 1) })],
      ];
      for (const [what, attempt] of refused) {
        const { status } = await attempt;
        expect(status === 403 || status === 400, `with ${what} the form answered ${status}`);
      }
      return `${refused.length} altered forms are refused`;
    },
  },
  {
    name: 'club: two web tasks show the same cached page',
    lane: 'club',
    needs: [PAGES, CACHE_SHARED],
    about: ABOUT,
    applies: isClub,
    async run({ front }) {
      const seen = new Map<string, string>();
      await eventually('both tasks answer', HANG_SECONDS, async () => {
        seen.clear();
        for (let round = 0; round < ROUNDS && seen.size < 2; round++) {
          const { made } = await front.json<{ made: string }>('/today/');
          seen.set(front.calls?.last?.id ?? '', made);
        }
        return seen.size > 1 && new Set(seen.values()).size === 1;
      });
      return [...seen.keys()].join(' and ');
    },
  },
  {
    name: 'club: what a view, a worker and a socket say reaches the sockets of two ASGI tasks',
    lane: 'club',
    needs: [PAGES, SOCKETS, CACHE_SHARED],
    about: ABOUT,
    applies: isClub,
    async run({ rehearsal }) {
      const front = await (await Staff.of(rehearsal)).logIn();
      const room = `room${randomBytes(4).toString('hex')}`;
      const listeners = await listenersInTwoTasks(front, room);
      try {
        await front.submit('/pictures/', `/say/${room}/`, { text: 'hello' });
        listeners[0].socket.send(JSON.stringify({ text: 'from a socket' }));
        for (const text of ['hello', 'hello, from a worker', 'from a socket']) {
          await eventually(`"${text}" reaches every socket`, HANG_SECONDS, () =>
            listeners.every(({ heard }) => heard.includes(text)),
          );
        }
      } finally {
        for (const { socket } of listeners) {
          socket.terminate();
        }
      }
      return `${listeners.length} sockets`;
    },
  },
  {
    name: 'club: the link of a password reset that came by mail works after SECRET_KEY has rotated',
    lane: 'postgres',
    needs: [PAGES, MAIL_SENT],
    after: [CACHE_AWAY],
    inCopy: true,
    about: ABOUT,
    applies: (context) => isClub(context) && keySchedule(context.rehearsal) !== undefined,
    async run({ rehearsal, front }) {
      await Staff.of(rehearsal); // Whose address is rehearsal@example.com.
      const fields = { email: 'rehearsal@example.com' };
      const asked = await front.submit('/accounts/reset/', '/accounts/reset/', fields);
      expect(asked.status === 302, `the reset answered ${asked.status}: ${asked.body.slice(0, 200)}`);
      const mail = await eventually('the mail', HANG_SECONDS, () =>
        rehearsal.signed.ses?.mails.find(
          ({ to, text }) => to.includes(fields.email) && text.includes('/accounts/reset/'),
        ),
      );
      const [, path = ''] = /https:\/\/[^/\s]+(\/accounts\/reset\/[\w-]+\/[\w-]+\/)/.exec(mail.text) ?? [];
      const schedule = keySchedule(rehearsal) as RotationSchedule;
      await rehearsal.rotation.rotate(schedule); // Announces the next key,
      await rehearsal.rotation.rotate(schedule); // which becomes the current one.
      await rehearsal.rotation.refresh(schedule.secret, async () => undefined);
      const form = await eventually('the link leads to the form', HANG_SECONDS, async () => {
        const { status, headers } = await front.visit(path);
        return status === 302 ? headers.location : undefined;
      });
      const { body } = await front.visit(form);
      expect(body.includes('name="new_password1"'), 'the link is no longer valid');
      return undefined;
    },
  },
];

/** What `generate_presigned_post` gives. */
interface SignedForm {
  readonly url: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** What is altered in a form. */
interface Alteration {
  readonly origin?: string;
  readonly fields?: Readonly<Record<string, string>>;
  readonly file?: Buffer;
}

function send({ url, fields }: SignedForm, { origin, fields: altered, file = DOT }: Alteration): Promise<Response> {
  const form = new FormData();
  for (const [name, value] of Object.entries({ ...fields, ...altered })) {
    form.append(name, value);
  }
  form.append('file', new Blob([new Uint8Array(file)], { type: 'image/png' }), 'dot.png');
  return fetch(url, { method: 'POST', body: form, headers: origin === undefined ? {} : { origin } });
}

interface Listener {
  readonly socket: WebSocket;
  readonly heard: string[];
}

/** Opens sockets until two tasks have one. */
async function listenersInTwoTasks(front: FrontDoor, room: string): Promise<Listener[]> {
  const listeners: Listener[] = [];
  const tasks = new Set<string>();
  for (let round = 0; round < ROUNDS && tasks.size < 2; round++) {
    const tab = front.tab(`socket ${round}`);
    const socket = tab.webSocket(`/ws/rooms/${room}/`);
    const heard: string[] = [];
    socket.on('message', (data) => heard.push(JSON.parse(String(data)).text));
    await once(socket, 'open');
    tasks.add(tab.calls?.last?.id ?? '');
    listeners.push({ socket, heard });
  }
  expect(tasks.size > 1, `all of ${listeners.length} sockets are in one task`);
  return listeners;
}
