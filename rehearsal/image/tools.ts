import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { settle } from './cache';
import { findPython, withoutCredentials } from './python';

/** Folder with `uv` and `uvx` of a version (`latest`, `0.9`, `0.9.1`), from the package of that name. */
export function uvProgram(version: string | undefined, cache: string): string {
  const wanted = version ?? 'latest';
  const folder = path.join(cache, 'tools', `uv-${wanted}`);
  if (!existsSync(folder)) {
    const part = `${folder}.${process.pid}`;
    mkdirSync(part, { recursive: true });
    try {
      const options = ['install', '--quiet', '--disable-pip-version-check', '--no-deps', '--target', part];
      execFileSync(findPython(), ['-m', 'pip', ...options, requirement(wanted)], {
        env: withoutCredentials(process.env) as NodeJS.ProcessEnv,
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      settle(part, folder);
    } finally {
      rmSync(part, { recursive: true, force: true });
    }
  }
  return path.join(folder, 'bin');
}

function requirement(version: string): string {
  if (version === 'latest') {
    return 'uv';
  }
  return version.split('.').length === 3 ? `uv==${version}` : `uv==${version}.*`;
}

export function copyProgram(from: string, to: string): void {
  mkdirSync(path.dirname(to), { recursive: true });
  copyFileSync(from, to);
  chmodSync(to, 0o755);
}

export async function fetched(url: string): Promise<Buffer> {
  const answer = await fetch(url);
  if (!answer.ok) {
    throw new Error(`the server answers ${answer.status}`);
  }
  return Buffer.from(await answer.arrayBuffer());
}

export function sha256(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}
