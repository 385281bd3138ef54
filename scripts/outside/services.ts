import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { Doubles } from '../../rehearsal/aws/doubles';
import { valkeyProgram } from '../../rehearsal/cache/valkey-program';
import { ValkeyServer } from '../../rehearsal/cache/valkey-server';
import { LOOPBACK } from '../../rehearsal/edge/ports';
import { use } from '../../rehearsal/image/cache';
import { cacheFolder } from '../../rehearsal/synth';
import { Sandbox } from '../../rehearsal/task/sandbox';
import { ANYWHERE } from '../../rehearsal/template/assembly';

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
  const password = randomBytes(16).toString('hex');
  const { port } = await ValkeyServer.start({ sandbox, program, isOpen: true, parameters: { requirepass: password } });
  return `redis://:${password}@${LOOPBACK}:${port}/0`;
}
