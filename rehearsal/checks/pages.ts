import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { awsCall, createBucket } from '../aws/aws';
import { Doubles } from '../aws/doubles';
import { Browser, findBrowser, type Page } from '../browser/browser';
import { freePort, LOOPBACK } from '../edge/ports';
import type { Rehearsal } from '../rehearsal';
import { eventually, HANG_SECONDS } from '../wait';
import { type Check, expect } from './check';
import { BROWSER, GUARDED } from './names';

const SCRIPT = readFileSync(path.join(__dirname, '..', 'browser', 'hostile-page.js'), 'utf8');
/** Fewer would mean that the page did not get as far as the door. */
const FEWEST_WAYS = 40;

/** A page that somebody else serves. */
interface Stranger {
  readonly name: string;
  /** Where the page comes from, when the doubles listen on a port. */
  readonly origin: (port: number) => string;
  /** Under which name it calls the doubles. */
  readonly host: string;
  readonly headers?: Record<string, string>;
  /** Whether the double reads the name of a bucket in it, and so finds none even without a guard. */
  readonly namesBucket?: boolean;
}

const STRANGERS: Stranger[] = [
  { name: 'a page of another origin', origin: () => 'http://evil.example', host: LOOPBACK },
  { name: 'a page over HTTPS', origin: () => 'https://evil.example', host: LOOPBACK },
  { name: 'a page of another port of this machine', origin: () => 'http://localhost:8000', host: 'localhost' },
  {
    name: 'a page without an origin',
    origin: () => 'http://sandboxed.example',
    host: LOOPBACK,
    headers: { 'content-security-policy': 'sandbox allow-scripts allow-forms allow-popups' },
  },
  {
    name: 'a page by a name that it made point here',
    origin: (port) => `http://rebind.example:${port}`,
    host: 'rebind.example',
    namesBucket: true,
  },
];

/** Doubles as a page sees them: what can be read, what can be written, and what arrived. */
interface Door {
  readonly endpoint: string;
  readonly region: string;
  readonly secret: string;
  readonly queue: string;
  readonly bucket: string;
  readonly log: string;
}

/** What a page achieved. */
interface Loot {
  readonly secret: boolean;
  readonly tasks: string[];
  readonly objects: string[];
  /** Statuses of what arrived, by the way that it came. */
  readonly arrived: ReadonlyMap<string, number[]>;
}

export const pageChecks: Check[] = [
  {
    name: BROWSER,
    lane: 'doubles',
    needs: [GUARDED],
    about: 'Chrome or Chromium on PATH',
    applies: () => findBrowser() !== undefined,
    async run({ rehearsal }) {
      const value = `canary-${randomBytes(12).toString('hex')}`;
      const guarded = await furnish(rehearsal, rehearsal.doubles.behind, 'doubles.log', value);
      const unguarded = await furnish(rehearsal, await withoutGuard(rehearsal), UNGUARDED_LOG, value);
      const browser = await Browser.start(rehearsal.sandbox, findBrowser() ?? '');
      try {
        const control = await raid(browser, unguarded, value);
        const loot = await raid(browser, guarded, value);
        STRANGERS.forEach((stranger, index) => {
          expectGain(stranger, control[index]);
          expectNothing(stranger, loot[index]);
        });
        const [ways, posted] = [sum(loot, ({ arrived }) => arrived.size), sum(control, ({ tasks }) => tasks.length)];
        return `${browser.name}: ${STRANGERS.length} pages, ${ways} ways, each refused; without the guard ${posted} tasks were posted and every page read the secret`;
      } finally {
        browser.close();
      }
    },
  },
];

function expectNothing({ name }: Stranger, { secret, tasks, objects, arrived }: Loot): void {
  expect(!secret, `${name} has read the secret`);
  expect(tasks.length === 0, `${name} has posted ${tasks.join(', ')}`);
  expect(objects.length === 0, `${name} has put ${objects.join(', ')}`);
  expect(arrived.size >= FEWEST_WAYS, `${name} came only ${arrived.size} ways as far as the doubles`);
  const through = [...arrived].filter(([, statuses]) => statuses.some((status) => status !== 403));
  expect(through.length === 0, `${name} was not refused: ${through.map((way) => way.join(' ')).join(', ')}`);
}

/** The same page succeeds where nothing guards the doubles: otherwise its failure would prove nothing. */
function expectGain({ name, namesBucket = false }: Stranger, { secret, tasks, objects, arrived }: Loot): void {
  expect(secret, `${name} could not read an unguarded secret`);
  expect(tasks.length > 0, `${name} could not post a task to an unguarded queue`);
  expect(namesBucket || objects.length > 0, `${name} could not put an object into an unguarded bucket`);
  expect(arrived.size >= FEWEST_WAYS, `${name} came only ${arrived.size} ways as far as unguarded doubles`);
}

function sum(loot: Loot[], count: (one: Loot) => number): number {
  return loot.reduce((total, one) => total + count(one), 0);
}

/** Every stranger tries everything at one door, each in a window of its own. */
async function raid(browser: Browser, door: Door, value: string): Promise<Loot[]> {
  const read = await Promise.all(STRANGERS.map((stranger) => attack(browser, door, stranger)));
  // On a busy machine a request is late, for example that of a frame. What never comes fails the check.
  await eventually('every page has come every way', HANG_SECONDS, () =>
    STRANGERS.every((stranger) => arrivals(door, stranger).size >= FEWEST_WAYS),
  ).catch(() => undefined);
  const [bodies, keys] = await Promise.all([messages(door), objects(door)]);
  return STRANGERS.map((stranger, index) => {
    const ofIts = (text: string) => text.startsWith(`${markOf(stranger)}.`);
    return {
      secret: read[index].some((text) => text.includes(value)),
      tasks: bodies.filter(ofIts),
      objects: keys.filter(ofIts),
      arrived: arrivals(door, stranger),
    };
  });
}

/** Everything that a page could read. */
function attack(browser: Browser, door: Door, stranger: Stranger): Promise<string[]> {
  const { endpoint, region, secret, queue, bucket } = door;
  const { port, pathname } = new URL(endpoint);
  const origin = stranger.origin(Number(port));
  const base = `http://${stranger.host}:${port}${pathname.replace(/\/$/, '')}`;
  const mark = markOf(stranger);
  const redirect = `${origin}/hostile/redirect`;
  const page: Page = {
    url: `${origin}/hostile/page`,
    headers: stranger.headers,
    redirects: { [redirect]: `${base}/moto-api/data.json?way=${mark}.redirect` },
  };
  const given = { base, mark, region, secret, queue, bucket, redirect };
  return browser.run(page, `${SCRIPT}\nattack(${JSON.stringify(given)})`);
}

function markOf(stranger: Stranger): string {
  return `page-${STRANGERS.indexOf(stranger)}`;
}

/** Puts a secret, a queue and a bucket behind a door. */
async function furnish(rehearsal: Rehearsal, endpoint: string, log: string, value: string): Promise<Door> {
  const { region } = rehearsal.props.assembly;
  const call = { endpoint, region };
  const secret = 'of-nobody-else';
  await awsCall({
    ...call,
    service: 'secretsmanager',
    action: 'CreateSecret',
    input: { Name: secret, SecretString: value },
  });
  const { QueueUrl } = await awsCall<{ QueueUrl: string }>({
    ...call,
    service: 'sqs',
    action: 'CreateQueue',
    input: { QueueName: 'pages' },
  });
  const bucket = 'pages-of-strangers';
  await createBucket(endpoint, bucket, region);
  const file = path.join(rehearsal.sandbox.directory, log);
  return { endpoint, region, secret, queue: endpoint + new URL(QueueUrl).pathname, bucket, log: file };
}

const UNGUARDED_LOG = 'doubles-without-guard.log';

/** The same doubles with nothing in front of them; gives their address. They hold nothing of the run. */
async function withoutGuard({ props, sandbox }: Rehearsal): Promise<string> {
  const venv = await Doubles.install(props.cache);
  const port = await freePort();
  const log = openSync(path.join(sandbox.directory, UNGUARDED_LOG), 'a');
  sandbox.spawn(path.join(venv, 'bin', 'moto_server'), ['-H', LOOPBACK, '-p', String(port)], {
    stdio: ['ignore', log, log],
    cwd: sandbox.directory,
    env: { PATH: process.env.PATH, HOME: sandbox.directory, AWS_DEFAULT_REGION: props.assembly.region },
  });
  closeSync(log);
  const endpoint = `http://${LOOPBACK}:${port}`;
  await eventually(
    'doubles without a guard answer',
    HANG_SECONDS,
    async () => (await fetch(`${endpoint}/moto-api/data.json`)).ok,
  );
  return endpoint;
}

/** Bodies of all messages; they stay where they are. */
async function messages({ endpoint, region, queue }: Door): Promise<string[]> {
  const bodies = new Map<string, string>();
  for (let round = 0; round < 20; round += 1) {
    const { Messages = [] } = await awsCall<{ Messages?: { MessageId: string; Body: string }[] }>({
      endpoint,
      region,
      service: 'sqs',
      action: 'ReceiveMessage',
      input: { QueueUrl: queue, MaxNumberOfMessages: 10, VisibilityTimeout: 0 },
    });
    for (const { MessageId, Body } of Messages) {
      bodies.set(MessageId, Body);
    }
  }
  return [...bodies.values()];
}

async function objects({ endpoint, bucket }: Door): Promise<string[]> {
  const list = await (await fetch(`${endpoint}/${bucket}?list-type=2`)).text();
  expect(list.includes('<ListBucketResult'), `the objects cannot be listed: ${list.slice(0, 200)}`);
  return [...list.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key]) => key);
}

/** What the log of the doubles says of the ways of one page. */
function arrivals({ log }: Door, stranger: Stranger): ReadonlyMap<string, number[]> {
  const arrived = new Map<string, number[]>();
  const text = stripVTControlCharacters(readFileSync(log, 'utf8'));
  for (const [, way, status] of text.matchAll(/[?&]way=([\w.-]+)[^\n"]*" (\d{3}) /g)) {
    if (way.startsWith(`${markOf(stranger)}.`)) {
      arrived.set(way, [...(arrived.get(way) ?? []), Number(status)]);
    }
  }
  return arrived;
}
