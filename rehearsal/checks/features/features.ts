import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type WebSocket from 'ws';
import type { RotationSchedule } from '../../aws/rotation';
import type { KnownFile } from '../../task/container';
import type { Service } from '../../task/services';
import { eventually, HANG_SECONDS } from '../../wait';
import { hasMail } from '../any-project/mail';
import { bucketOf } from '../any-project/media';
import { Staff } from '../any-project/staff';
import { asgi } from '../asgi';
import { type Check, type CheckContext, expect, NotApplicable } from '../check';
import type { FrontDoor, Reply } from '../front-door';
import { guestbook } from '../guestbook';
import {
  AGAIN,
  AGAIN_CONSUMED,
  ANY_PASSWORD_ROTATED,
  AWAY,
  BACK_CONSUMED,
  CACHE_AWAY,
  CACHE_ROTATED,
  CACHE_SHARED,
  DRAINED,
  MAIL_SENT,
  MEDIA_SIGNED,
  PAGES,
  PASSWORD_ROTATED,
  SOCKETS,
} from '../names';
import { knownPage, pageOf } from '../page';
import { keySchedule, scheduleOf } from '../rotation';

const ABOUT = 'the pages of the example, or of the layout club, for media, cache and mail';
/** Whose address is that of every user that the rehearsal makes. */
const EMAIL = 'rehearsal@example.com';

/** Where a project has the pages that all of these checks know otherwise. */
interface Features {
  readonly reset: string;
  /** The page with a form that says something in a room, and where the form goes. */
  readonly say: (room: string) => { readonly page: string; readonly path: string };
  /** Where a browser says what it has sent to the bucket. @default - nowhere */
  readonly sent?: string;
  /** Whether it signs forms for files that everybody may see, too. */
  readonly signsPublic: boolean;
}

const PROJECTS = {
  'club/routing.py': {
    reset: '/accounts/reset/',
    say: (room) => ({ page: '/pictures/', path: `/say/${room}/` }),
    signsPublic: true,
  },
  'guestbook/drills.py': {
    reset: '/accounts/password_reset/',
    say: (room) => ({ page: `/rooms/${room}/`, path: `/rooms/${room}/` }),
    sent: '/pictures/sent/',
    signsPublic: false,
  },
} satisfies Partial<Record<KnownFile, Features>>;

function featuresOf({ rehearsal }: Pick<CheckContext, 'rehearsal'>): Features | undefined {
  const file = (Object.keys(PROJECTS) as (keyof typeof PROJECTS)[]).find((one) => rehearsal.imageHas(one));
  return file && PROJECTS[file];
}

/** A check of such a project, whose stack has what it is about. */
function ofFeatures(hasPart: (context: CheckContext) => boolean): Pick<Check, 'about' | 'applies'> {
  return { about: ABOUT, applies: (context) => featuresOf(context) !== undefined && hasPart(context) };
}

const hasMedia = (context: CheckContext) => bucketOf(context) !== undefined;

/** Somebody who is logged in. The copy has no user of the guestbook. */
async function member({ rehearsal, guestbook: isGuestbook }: CheckContext): Promise<FrontDoor> {
  return isGuestbook ? guestbook(rehearsal).session() : (await Staff.of(rehearsal)).logIn();
}
/** The smallest picture: one dot. */
const DOT = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);
/** Enough for both tasks of a service to be met. */
const ROUNDS = 12;

/** What media, cache and mail are for, as visitors of the example and of test/outside/club see it. */
export const featureChecks: Check[] = [
  {
    name: 'features: a picture that the web process is sent has a preview for everybody, and is itself for a signature alone',
    lane: 'features',
    needs: [PAGES, MEDIA_SIGNED],
    ...ofFeatures(hasMedia),
    async run(context) {
      const front = await member(context);
      const reply = await front.upload('/pictures/', { field: 'file', name: 'dot.png', type: 'image/png', file: DOT });
      expect(reply.status === 302, `the upload answered ${reply.status}: ${reply.body.slice(0, 200)}`);
      const { picture, preview } = await newest(front);
      await expectSigned(front, picture, DOT.length);
      if (!isOfSite(front, preview)) {
        await expectSigned(front, preview);
        return 'the preview is signed, too: no distribution serves it';
      }
      await expectPublic(front, preview);
      return undefined;
    },
  },
  {
    name: 'features: a browser sends a picture to S3 with a signed form, which takes nothing else',
    lane: 'features',
    needs: [PAGES, MEDIA_SIGNED],
    ...ofFeatures(hasMedia),
    async run(context) {
      const { signsPublic, sent: sentTo } = featuresOf(context) as Features;
      const front = await member(context);
      const form = await front.json<SignedForm>('/pictures/form/');
      const origin = `https://${front.host}`;
      const sent = await send(form, { origin });
      expect(sent.status === 204, `the form answered ${sent.status}: ${await sent.text()}`);
      // The own name of a distribution is known when it is made: no bucket that it waits for can name it.
      expect(
        front.host.endsWith('.cloudfront.net') || sent.headers.get('access-control-allow-origin') === origin,
        'the page may not read the answer',
      );
      await expectSigned(front, form.address, DOT.length);
      if (signsPublic) {
        const open = await front.json<SignedForm>('/pictures/form/?public');
        expect((await send(open, {})).status === 204, 'the form for everybody is refused');
        await expectPublic(front, open.address);
      }
      if (sentTo !== undefined) {
        await takenUp(front, sentTo, form);
      }
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
    name: 'features: the key that signs addresses rotates: those of before stay valid, and new ones have the new key',
    lane: 'postgres',
    needs: [PAGES, MEDIA_SIGNED],
    after: [CACHE_AWAY],
    inCopy: true,
    ...ofFeatures((context) => signingSchedule(context) !== undefined),
    async run(context) {
      const { rehearsal } = context;
      await knownPage(context);
      const front = await (await Staff.of(rehearsal)).logIn();
      await front.upload('/pictures/', { field: 'file', name: 'dot.png', type: 'image/png', file: DOT });
      const { picture: before } = await newest(front);
      await expectSigned(front, before, DOT.length);
      const schedule = signingSchedule({ rehearsal }) as RotationSchedule;
      await rehearsal.rotation.rotate(schedule);
      const replaced = await rehearsal.rotation.refresh(schedule.secret, async () => undefined);
      const after = await eventually('an address has the new key', HANG_SECONDS, async () => {
        const { picture } = await newest(front);
        return keyIdIn(picture) === keyIdIn(before) ? undefined : picture;
      });
      await expectSigned(front, after, DOT.length);
      await expectSigned(front, before, DOT.length);
      await rehearsal.rotation.clock(schedule); // Half a day later it is too early for a key to leave.
      await expectSigned(front, before, DOT.length);
      return `${replaced.map(({ name }) => name).join(', ')} replaced`;
    },
  },
  {
    name: 'features: two web tasks show the same cached page',
    lane: 'features',
    needs: [PAGES, CACHE_SHARED],
    ...ofFeatures(({ rehearsal }) => rehearsal.caches.size > 0),
    async run({ rehearsal, front }) {
      expectTwo(pageOf(rehearsal).service);
      const seen = new Map<string, string>();
      await eventually('both tasks answer', HANG_SECONDS, async () => {
        seen.clear();
        for (let round = 0; round < ROUNDS && seen.size < 2; round++) {
          const { status, body } = await front.visit('/today/');
          expect(status === 200, `/today/ answered ${status}`);
          seen.set(front.calls?.last?.id ?? '', body);
        }
        return seen.size > 1 && new Set(seen.values()).size === 1;
      });
      return [...seen.keys()].join(' and ');
    },
  },
  {
    name: 'features: what a view, a worker and a socket say reaches the sockets of two ASGI tasks',
    lane: 'features',
    needs: [PAGES, SOCKETS, CACHE_SHARED],
    // A worker that ends while it asks for work can take a message along, for the visibility timeout.
    after: [AGAIN, DRAINED, AWAY, BACK_CONSUMED, AGAIN_CONSUMED, PASSWORD_ROTATED, ANY_PASSWORD_ROTATED, CACHE_ROTATED],
    ...ofFeatures(({ rehearsal }) => rehearsal.caches.size > 0 && asgi(rehearsal) !== undefined),
    async run(context) {
      const { say } = featuresOf(context) as Features;
      expectTwo(asgi(context.rehearsal) as Service);
      const front = await member(context);
      const room = `room${randomBytes(4).toString('hex')}`;
      const listeners = await listenersInTwoTasks(front, room);
      try {
        const { page, path } = say(room);
        await front.submit(page, path, { text: 'hello' });
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
    name: 'features: the link of a password reset that came by mail works after SECRET_KEY has rotated',
    lane: 'postgres',
    needs: [PAGES, MAIL_SENT],
    after: [CACHE_AWAY],
    inCopy: true,
    ...ofFeatures((context) => hasMail(context) && keySchedule(context.rehearsal) !== undefined),
    async run(context) {
      const { rehearsal, front } = context;
      await knownPage(context);
      await Staff.of(rehearsal);
      const { reset } = featuresOf(context) as Features;
      const fields = { email: EMAIL };
      const asked = await front.submit(reset, reset, fields);
      expect(asked.status === 302, `the reset answered ${asked.status}: ${asked.body.slice(0, 200)}`);
      const mail = await eventually('the mail', HANG_SECONDS, () =>
        rehearsal.signed.ses?.mails.find(({ to, text }) => to.includes(EMAIL) && text.includes('/accounts/reset/')),
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
  return { picture: picture.replaceAll('&amp;', '&'), preview: preview.replaceAll('&amp;', '&') };
}

function keyIdIn(address: string): string | null {
  return new URL(address).searchParams.get('Key-Pair-Id');
}

function isOfSite(front: FrontDoor, address: string): boolean {
  return new URL(address).host === front.host;
}

/** What a stranger gets there: by way of the site, or from S3. */
async function served(front: FrontDoor, address: string): Promise<Pick<Reply, 'status' | 'headers'>> {
  const { pathname, search } = new URL(address);
  if (isOfSite(front, address)) {
    return front.tab('a stranger').request(`${pathname}${search}`);
  }
  const { status, headers } = await fetch(address);
  return { status, headers: Object.fromEntries(headers) };
}

/** Everybody may see it, and keep it. */
async function expectPublic(front: FrontDoor, address: string): Promise<void> {
  expect(isOfSite(front, address), `${address} is not of the host name of the site`);
  const { status, headers } = await served(front, address);
  expect(!address.includes('?'), `${address} is signed`);
  expect(status === 200, `${address} answered ${status}`);
  expect(headers['content-type'] === 'image/png', `it came as ${headers['content-type']}`);
  const kept = headers['cache-control'];
  expect(/^(public, )?max-age=86400$/.test(String(kept)), `it came with ${kept}`);
  expect(headers['set-cookie'] === undefined, 'it came with a cookie');
}

/** Whoever has the address may see it, and nobody else. */
async function expectSigned(front: FrontDoor, address: string, length?: number): Promise<void> {
  const { status, headers } = await served(front, address);
  expect(status === 200, `${address} answered ${status}`);
  const isWhole = length === undefined || headers['content-length'] === String(length);
  expect(isWhole, `another picture is served, of ${headers['content-length']} bytes`);
  const bare = await served(front, address.replace(/\?.*/, ''));
  expect(bare.status === 403, `without its signature it answered ${bare.status}`);
}

/** The application takes a file that was sent to the bucket for a picture, and no other. */
async function takenUp(front: FrontDoor, path: string, { name, address }: SignedForm): Promise<void> {
  const other = await front.submit('/pictures/', path, { name: 'pictures/of-somebody-else.png' });
  expect(other.status === 400, `a picture of somebody else answered ${other.status}`);
  const taken = await front.submit('/pictures/', path, { name });
  expect(taken.status === 302, `the picture that was sent answered ${taken.status}: ${taken.body.slice(0, 200)}`);
  const { picture } = await newest(front);
  expect(new URL(picture).pathname === new URL(address).pathname, `the newest picture is ${picture}`);
}

/** What several tasks have in common cannot be seen in one. */
function expectTwo({ name, running }: Service): void {
  if (running.length < 2) {
    throw new NotApplicable(`two tasks of ${name}`);
  }
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
  /** What the storage calls the file. */
  readonly name: string;
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
