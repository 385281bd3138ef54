import { randomBytes } from 'node:crypto';
import { openSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Doubles } from '../../rehearsal/aws/doubles';
import { valkeyProgram } from '../../rehearsal/cache/valkey-program';
import { accepts, freePort, LOOPBACK } from '../../rehearsal/edge/ports';
import { use } from '../../rehearsal/image/cache';
import { cacheFolder } from '../../rehearsal/synth';
import { Sandbox } from '../../rehearsal/task/sandbox';
import { ANYWHERE } from '../../rehearsal/template/assembly';
import { eventually, HANG_SECONDS } from '../../rehearsal/wait';

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
  return Doubles.start(sandbox, venv, ANYWHERE);
}

/** Starts Valkey; gives its address with the password. */
async function startValkey(sandbox: Sandbox, cache: string): Promise<string> {
  const program = await valkeyProgram(sandbox, cache);
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
