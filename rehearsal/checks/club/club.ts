import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type WebSocket from 'ws';
import type { RotationSchedule } from '../../aws/rotation';
import { eventually, HANG_SECONDS } from '../../wait';
import { Staff } from '../any-project/staff';
import { type Check, type CheckContext, expect } from '../check';
import type { FrontDoor, Reply } from '../front-door';
import {
  AGAIN_CONSUMED,
  ANY_PASSWORD_ROTATED,
  BACK_CONSUMED,
  CACHE_AWAY,
  CACHE_ROTATED,
  CACHE_SHARED,
  MAIL_SENT,
  MEDIA_SIGNED,
  PAGES,
  SOCKETS,
} from '../names';
import { keySchedule, scheduleOf } from '../rotation';

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
    name: 'club: a picture that the web process is sent has a preview for everybody, and is itself for a signature alone',
    lane: 'club',
    needs: [PAGES, MEDIA_SIGNED],
    about: ABOUT,
    applies: isClub,
    async run({ rehearsal }) {
      const front = await (await Staff.of(rehearsal)).logIn();
      const reply = await front.upload('/pictures/', { field: 'file', name: 'dot.png', type: 'image/png', file: DOT });
      expect(reply.status === 302, `the upload answered ${reply.status}: ${reply.body.slice(0, 200)}`);
      const { picture, preview } = await newest(front);
      await expectPublic(front, preview);
      await expectSigned(front, picture);
      return undefined;
    },
  },
  {
    name: 'club: a browser sends a picture to S3 with a signed form, which takes nothing else',
    lane: 'club',
    needs: [PAGES, MEDIA_SIGNED],
    about: ABOUT,
    applies: isClub,
    async run({ rehearsal }) {
      const front = await (await Staff.of(rehearsal)).logIn();
      const form = await front.json<SignedForm>('/pictures/form/');
      const origin = `https://${front.host}`;
      const sent = await send(form, { origin });
      expect(sent.status === 204, `the form answered ${sent.status}: ${await sent.text()}`);
      expect(sent.headers.get('access-control-allow-origin') === origin, 'the page may not read the answer');
      await expectSigned(front, form.address);
      const open = await front.json<SignedForm>('/pictures/form/?public');
      expect((await send(open, {})).status === 204, 'the form for everybody is refused');
      await expectPublic(front, open.address);
      const refused: [string, Promise<Response>][] = [
        ['another name', send(form, { fields: { key: 'media/uploads/somebody-else' } })],
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
    name: 'club: the key that signs addresses rotates: those of before stay valid, and new ones have the new key',
    lane: 'postgres',
    needs: [PAGES, MEDIA_SIGNED],
    after: [CACHE_AWAY],
    inCopy: true,
    about: ABOUT,
    applies: (context) => isClub(context) && signingSchedule(context) !== undefined,
    async run({ rehearsal }) {
      const front = await (await Staff.of(rehearsal)).logIn();
      await front.upload('/pictures/', { field: 'file', name: 'dot.png', type: 'image/png', file: DOT });
      const { picture: before } = await newest(front);
      await expectSigned(front, before);
      const schedule = signingSchedule({ rehearsal }) as RotationSchedule;
      await rehearsal.rotation.rotate(schedule);
      const replaced = await rehearsal.rotation.refresh(schedule.secret, async () => undefined);
      const after = await eventually('an address has the new key', HANG_SECONDS, async () => {
        const { picture } = await newest(front);
        return keyIdIn(picture) === keyIdIn(before) ? undefined : picture;
      });
      await expectSigned(front, after);
      await expectSigned(front, before);
      await rehearsal.rotation.clock(schedule); // Half a day later it is too early for a key to leave.
      await expectSigned(front, before);
      return `${replaced.map(({ name }) => name).join(', ')} replaced`;
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
    // A worker that ends while it asks for work can take a message along, for the visibility timeout.
    after: [BACK_CONSUMED, AGAIN_CONSUMED, CACHE_ROTATED, ANY_PASSWORD_ROTATED],
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

/** Addresses of the picture that was uploaded last, and of its preview. */
async function newest(front: FrontDoor): Promise<{ picture: string; preview: string }> {
  const { body } = await front.visit('/pictures/');
  const [, picture = '', preview = ''] = /<a href="([^"]+)"><img src="([^"]+)"/.exec(body) ?? [];
  return { picture: picture.replaceAll('&amp;', '&'), preview };
}

function keyIdIn(address: string): string | null {
  return new URL(address).searchParams.get('Key-Pair-Id');
}

function served(front: FrontDoor, address: string): Promise<Reply> {
  const { host, pathname, search } = new URL(address);
  expect(host === front.host, `${address} is not of the host name of the site`);
  return front.tab('a stranger').request(`${pathname}${search}`);
}

/** Everybody may see it, and keep it. */
async function expectPublic(front: FrontDoor, address: string): Promise<void> {
  const { status, headers } = await served(front, address);
  expect(!address.includes('?'), `${address} is signed`);
  expect(status === 200, `${address} answered ${status}`);
  expect(headers['content-type'] === 'image/png', `it came as ${headers['content-type']}`);
  expect(headers['cache-control'] === 'public, max-age=86400', `it came with ${headers['cache-control']}`);
  expect(headers['set-cookie'] === undefined, 'it came with a cookie');
}

/** Whoever has the address may see it, and nobody else. */
async function expectSigned(front: FrontDoor, address: string): Promise<void> {
  const { status, headers } = await served(front, address);
  expect(status === 200, `${address} answered ${status}`);
  expect(headers['content-length'] === String(DOT.length), 'another picture is served');
  const bare = await served(front, address.replace(/\?.*/, ''));
  expect(bare.status === 403, `without its signature it answered ${bare.status}`);
}

/** When the key that signs addresses rotates. */
function signingSchedule({ rehearsal }: Pick<CheckContext, 'rehearsal'>): RotationSchedule | undefined {
  return scheduleOf(
    rehearsal,
    rehearsal.services.map(({ definition }) => definition.secrets.AWS_CLOUDFRONT_KEY_ID),
  );
}

/** What `generate_presigned_post` gives. */
interface SignedForm {
  readonly url: string;
  readonly fields: Readonly<Record<string, string>>;
  /** Where the file is then. */
  readonly address: string;
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
