import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';

/**
 * Compiles the package cdk-django-fargate-rehearsal: a JavaScript file for each TypeScript file that its
 * command reaches, with its comments, and beside them the files that are read or run as they are.
 *
 * `npm start` and the other commands of a clone are not reached, and so not in the package.
 */
const ROOT = path.join(__dirname, '..');
const SOURCES = path.join(ROOT, 'rehearsal');

/** Files in the folders of rehearsal/ that are no TypeScript: shell, Python, lists of packages. */
export function assets(): string[] {
  const files = readdirSync(SOURCES, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(SOURCES, path.join(entry.parentPath, entry.name)));
  const others = /^(dist|node_modules)\/|__pycache__|\.ts$/;
  return files.filter((file) => file.includes('/') && !others.test(file)).sort();
}

/** TypeScript that the command reaches, as the compiler finds it. */
export function modules(): string[] {
  const files = compile(['--listFilesOnly'])
    .stdout.split('\n')
    .map((file) => path.relative(SOURCES, file.trim()));
  return files.filter((file) => file.endsWith('.ts') && !file.startsWith('..')).sort();
}

/** Every file of the packed package. */
export function packedFiles(): string[] {
  const code = modules().map((file) => file.replace(/\.ts$/, '.js'));
  return ['LICENSE', 'README.md', 'package.json', ...[...code, ...assets()].map((file) => `dist/${file}`)];
}

/** Writes the compiled package into a folder. */
export function buildRehearsal(target: string): void {
  rmSync(target, { recursive: true, force: true });
  compile(['--outDir', target]);
  for (const file of assets()) {
    mkdirSync(path.dirname(path.join(target, file)), { recursive: true });
    copyFileSync(path.join(SOURCES, file), path.join(target, file));
  }
  chmodSync(path.join(target, 'bin.js'), 0o755);
}

function compile(options: string[]): SpawnSyncReturns<string> {
  const compiler = path.join(ROOT, 'node_modules', 'tsnative', 'bin', 'tsc');
  const result = spawnSync(process.execPath, [compiler, '-p', SOURCES, ...options], { encoding: 'utf8' });
  if (result.status !== 0) {
    throw new Error(result.stdout + result.stderr);
  }
  return result;
}

if (require.main === module) {
  buildRehearsal(path.join(SOURCES, 'dist'));
  copyFileSync(path.join(ROOT, 'LICENSE'), path.join(SOURCES, 'LICENSE'));
}
