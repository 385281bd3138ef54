import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { makeOnce } from './cache';
import { ask } from './interpreters';
import { locked } from './lock';

const run = promisify(execFile);

/** The oldest Python that the application's own requirements still support. */
const OLDEST = [3, 10];

/** A Python of this machine that is new enough. */
export function findPython(): string {
  for (const name of ['python3', 'python3.13', 'python3.12', 'python3.11', 'python3.10', 'python']) {
    const [major, minor] = ask(name)?.version.split('.').map(Number) ?? [];
    if (major === OLDEST[0] && minor >= OLDEST[1]) {
      return name;
    }
  }
  throw new Error(`the rehearsal needs Python ${OLDEST.join('.')} or later on PATH.`);
}

export interface Requirements {
  /** Arguments of `pip install`, one list for each time it is called. */
  readonly installs: string[][];
  /** What makes the environment another one: contents of the files that `installs` names. */
  readonly key: string[];
  /**
   * Stands for `installs` in the environment's name where those hold paths that change.
   *
   * @default - installs
   */
  readonly stable?: string[][];
  readonly cwd?: string;
  /** Called where another process makes the same environment. */
  readonly waits?: () => void;
}

/**
 * A virtual environment in the cache, made once for what it is asked to install. Pip's answer is kept out of
 * the terminal unless it fails.
 */
export async function virtualEnvironment(cache: string, name: string, requirements: Requirements): Promise<string> {
  const { installs, key, stable = installs, cwd, waits } = requirements;
  const python = findPython();
  const hash = createHash('sha256')
    .update(JSON.stringify([process.platform, process.arch, python, stable, key]))
    .digest('hex')
    .slice(0, 16);
  const directory = path.join(cache, 'venv', `${name}-${hash}`);
  const marker = path.join(directory, 'complete');
  // Rehearsals of two checkouts may share a cache, and begin at the same time.
  const lock = path.join(cache, 'locks', path.basename(directory));
  await makeOnce(directory, () => (existsSync(marker) ? Promise.resolve() : locked(lock, make, { waits })));
  return directory;

  async function make(): Promise<void> {
    if (existsSync(marker)) {
      return;
    }
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(path.dirname(directory), { recursive: true });
    await run(python, ['-m', 'venv', directory]);
    const pip = path.join(directory, 'bin', 'pip');
    const env = { ...withoutCredentials(process.env), PIP_CACHE_DIR: path.join(cache, 'pip') };
    for (const args of installs) {
      await run(pip, ['install', '--quiet', '--disable-pip-version-check', ...args], { cwd, env, maxBuffer: 1 << 26 });
    }
    mkdirSync(`${marker}.new`);
    renameSync(`${marker}.new`, marker);
  }
}

/**
 * An environment without what lets its reader in: installing a package runs code of its author.
 *
 * Pip's own variables stay, of which one may hold the password of an index.
 */
export function withoutCredentials(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const sensitive =
    /^(AWS|CDK|GITHUB|GITLAB|CI_JOB|NPM)_|TOKEN|SECRET|PASSW|CREDENTIAL|PRIVATE|API_?KEY|ACCESS_?KEY|_AUTH/i;
  return Object.fromEntries(
    Object.entries(environment).filter(([name]) => name.startsWith('PIP_') || !sensitive.test(name)),
  );
}
