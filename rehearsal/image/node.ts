import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { settle } from './cache';
import { NODE } from './machine';
import { withoutCredentials } from './python';

const MODULES = 'usr/local/lib/node_modules';
/** The last of Yarn's first line, which images of Node have. */
const YARN = {
  name: 'yarn',
  version: '1.22.22',
  to: 'opt/yarn-v1.22.22',
  programs: { yarn: 'bin/yarn.js', yarnpkg: 'bin/yarn.js' },
};
const COREPACK = {
  name: 'corepack',
  version: 'latest',
  to: `${MODULES}/corepack`,
  programs: { corepack: 'dist/corepack.js' },
};
/** Images of later versions of Node have no Corepack. */
const LAST_WITH_COREPACK = 24;

/**
 * Gives the folder of an image what the official images of Node have in /usr/local and /opt: `node`, `npm`
 * and `npx`, which start this machine's, Corepack, and Yarn. A line of COPY can take each to another stage.
 *
 * @returns what the image has and this machine cannot give, with the reason
 */
export function nodePrograms(root: string, version: string | undefined, cache: string): string[] {
  const bin = path.join(root, 'usr/local/bin');
  mkdirSync(bin, { recursive: true });
  mkdirSync(path.join(root, MODULES), { recursive: true });
  writeFileSync(path.join(bin, 'node'), launcher(), { mode: 0o755 });
  const wanted = Number(version ?? 0) <= LAST_WITH_COREPACK ? [YARN, COREPACK] : [YARN];
  return [
    () => npmPrograms(root),
    ...wanted.map((one) => () => {
      const from = packageOfThisMachine(one.name) ?? packageOfRegistry(one.name, one.version, cache);
      cpSync(from, path.join(root, one.to), { recursive: true });
      for (const [name, program] of Object.entries(one.programs)) {
        symlinkSync(`/${one.to}/${program}`, path.join(bin, name));
      }
    }),
  ].flatMap((give, index) => {
    try {
      give();
      return [];
    } catch (error) {
      const [name] = ['npm', ...wanted.map((one) => one.name)].slice(index);
      return [`${name}: ${(error as Error).message.trim().split('\n').at(-1)}`];
    }
  });
}

/** npm and npx: files in the places of the image's that load this machine's. */
function npmPrograms(root: string): void {
  const npm = packageOfThisMachine('npm');
  if (npm === undefined) {
    throw new Error('this machine has none beside its Node');
  }
  const folder = path.join(root, MODULES, 'npm');
  mkdirSync(path.join(folder, 'bin'), { recursive: true });
  cpSync(path.join(npm, 'package.json'), path.join(folder, 'package.json'));
  for (const name of ['npm', 'npx']) {
    const program = JSON.stringify(seenByStep(path.join(npm, 'bin', `${name}-cli.js`)));
    const text = `#!/usr/bin/env node\nrequire(${program});\n`;
    writeFileSync(path.join(folder, 'bin', `${name}-cli.js`), text, { mode: 0o755 });
    symlinkSync(`../lib/node_modules/npm/bin/${name}-cli.js`, path.join(root, 'usr/local/bin', name));
  }
}

/** Where a step sees a file of this machine's Node. */
function seenByStep(file: string): string {
  const prefix = prefixOfThisMachine();
  return prefix === '/usr' || !file.startsWith(`${prefix}/`) ? file : NODE + file.slice(prefix.length);
}

function prefixOfThisMachine(): string {
  return path.dirname(path.dirname(realpathSync(process.execPath)));
}

/** Starts this machine's Node: in a step of the build where a step sees it, in a task where it is. */
function launcher(): string {
  const program = realpathSync(process.execPath);
  const places = [...new Set([seenByStep(program), program])].map((place) => `'${place}'`);
  return `#!/bin/sh\nfor node in ${places.join(' ')}; do [ ! -x "$node" ] || exec "$node" "$@"; done\nexit 127\n`;
}

/** Folder of a package that came with this machine's Node. Distributions have theirs elsewhere. */
function packageOfThisMachine(name: string): string | undefined {
  const prefix = prefixOfThisMachine();
  const program = path.join(prefix, 'bin', name);
  const folders = [path.join(prefix, 'lib/node_modules', name)];
  if (existsSync(program)) {
    folders.push(path.dirname(path.dirname(realpathSync(program))));
  }
  return folders.find((folder) => {
    const file = path.join(folder, 'package.json');
    return existsSync(file) && JSON.parse(readFileSync(file, 'utf8')).name === name;
  });
}

/** Folder of a package of npm's registry, which is kept. */
function packageOfRegistry(name: string, version: string, cache: string): string {
  const folder = path.join(cache, 'tools', `${name}-${version}`);
  if (!existsSync(folder)) {
    const part = `${folder}.${process.pid}`;
    mkdirSync(part, { recursive: true });
    try {
      const options = [
        '--prefix',
        part,
        '--no-save',
        '--no-audit',
        '--no-fund',
        '--ignore-scripts',
        '--loglevel=error',
      ];
      execFileSync('npm', ['install', ...options, `${name}@${version}`], {
        cwd: part,
        env: withoutCredentials(process.env) as NodeJS.ProcessEnv,
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      settle(part, folder);
    } finally {
      rmSync(part, { recursive: true, force: true });
    }
  }
  return path.join(folder, 'node_modules', name);
}
