import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';

/** A Python of this machine. */
export interface Interpreter {
  readonly program: string;
  /** Folder of its installation. */
  readonly prefix: string;
  /** `3.12.4`. */
  readonly version: string;
}

const NEWEST = 20;
const ASK = 'import sys; print(sys.base_prefix); print(".".join(map(str, sys.version_info[:3])))';

/**
 * The Python of a minor version (`3.12`) or an exact one (`3.12.4`), or the newest when none is given: on
 * PATH, in pyenv, or by uv. Undefined when this machine has none.
 */
export function findInterpreter(version: string | undefined): Interpreter | undefined {
  const asked = `${version} ${process.env.PATH}`;
  if (!known.has(asked)) {
    known.set(asked, search(version));
  }
  return known.get(asked);
}

/** Asking costs a start of Python for each name. */
const known = new Map<string, Interpreter | undefined>();

function search(version: string | undefined): Interpreter | undefined {
  if (version === undefined) {
    for (let minor = NEWEST; minor >= 8; minor--) {
      const found = findInterpreter(`3.${minor}`);
      if (found !== undefined) {
        return found;
      }
    }
    return undefined;
  }
  for (const program of [`python${minorOf(version)}`, ...ofPyenv(version), 'python3', 'python', ...ofUv(version)]) {
    const found = ask(program);
    if (found !== undefined && isOf(found.version, version)) {
      return found;
    }
  }
  return undefined;
}

/** A version without what comes after the second number. */
export function minorOf(version: string): string {
  return version.split('.').slice(0, 2).join('.');
}

function isOf(exact: string, version: string): boolean {
  return exact === version || exact.startsWith(`${version}.`);
}

/** What a program says that it is; undefined when it is no Python. */
export function ask(program: string): Interpreter | undefined {
  try {
    const answer = execFileSync(program, ['-I', '-c', ASK], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    const [prefix, version] = answer.trim().split('\n');
    const own = path.join(prefix, 'bin', `python${minorOf(version)}`);
    return { program: existsSync(own) ? own : program, prefix, version };
  } catch {
    return undefined;
  }
}

function ofPyenv(version: string): string[] {
  const root = process.env.PYENV_ROOT ?? path.join(process.env.HOME ?? '/', '.pyenv');
  const versions = path.join(root, 'versions');
  const names = existsSync(versions) ? readdirSync(versions) : [];
  return names
    .filter((name) => isOf(name, version))
    .sort((a, b) => b.localeCompare(a, 'en', { numeric: true }))
    .map((name) => path.join(versions, name, 'bin', `python${minorOf(version)}`));
}

function ofUv(version: string): string[] {
  try {
    const found = execFileSync('uv', ['python', 'find', '--no-project', '--system', version], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return [found.trim()];
  } catch {
    return [];
  }
}
