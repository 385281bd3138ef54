import { execFile } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Announce } from '../../announce';
import { type Identity, identity, YOURSELF } from '../../task/identity';
import type { ImageAsset } from '../../template/assembly';
import { makeOnce, settle } from '../cache';
import { baseOf } from '../dockerfile/base';
import type { ImageDefaults } from '../dockerfile/plan';
import { RULES } from '../dockerfile/rules';
import { ignoreOf } from '../ignored-files';
import type { Image } from '../image';
import { moveTexts } from '../moved-paths';
import { applyPatches, type Patch } from '../patch';
import { virtualEnvironment } from '../python';
import { shortened } from '../shortened';
import { copyContents, countsIn, hashOf } from './contents';
import { type Instruction, imageDefaults, instructionsOf, pipArguments, workingDirectoryAt } from './dockerfile';
import { NotSimple, readBy } from './requirements';

const run = promisify(execFile);
/** The user of every task, unless its definition says otherwise. */
const TASK_USER = 10001;

/**
 * Prepares the image of a Dockerfile of which `whyNotSimple` finds no line that this way cannot follow.
 * Copies of the build context lie in one folder for all stages, packages in a virtual environment of any
 * Python of this machine that is new enough, and collectstatic is run. It asks the operating system for
 * nothing else. Throws `NotSimple` at a line of a requirements file that it cannot follow either.
 */
export function prepareSimply(
  asset: ImageAsset,
  cache: string,
  announce: Announce,
  patches: Patch[] = [],
): Promise<Image> {
  const { directory, dockerFile } = asset;
  // .dockerignore may list the Dockerfile, which makes the image all the same.
  const texts = [dockerFile, readFileSync(path.join(directory, dockerFile), 'utf8'), JSON.stringify(patches), '7'];
  const counts = countsIn(directory, ignoreOf(directory, dockerFile));
  const root = path.join(cache, 'images', hashOf([directory], texts, counts));
  return makeOnce(root, () => makeImage({ asset, root, cache, announce, patches }));
}

interface ImageProps {
  readonly asset: ImageAsset;
  readonly root: string;
  readonly cache: string;
  readonly announce: Announce;
  readonly patches: Patch[];
}

async function makeImage({ asset, root, cache, announce, patches }: ImageProps): Promise<Image> {
  const dockerFile = path.join(asset.directory, asset.dockerFile);
  const instructions = instructionsOf(readFileSync(dockerFile, 'utf8'));
  const complete = existsSync(root);
  const building = complete ? root : `${root}.${process.pid}`;
  if (!complete) {
    announce.progress(`copying the application as ${asset.dockerFile} says`);
    rmSync(building, { recursive: true, force: true });
    mkdirSync(building, { recursive: true });
    copies(instructions, asset, building);
    applyPatches(building, patches);
  }
  const defaults = imageDefaults(instructions);
  const venv = await pythonOf(instructions, building, cache, announce).catch((error: Error) => {
    if (error instanceof NotSimple) {
      rmSync(building, { recursive: true, force: true });
    }
    throw error;
  });
  if (!complete) {
    await buildSteps(instructions, { root: building, venv, defaults }, announce);
    moveTexts(building, root);
    settle(building, root);
  }
  const python = path.join(venv, 'bin', 'python');
  await announcePython(instructions, python, announce);
  return { root, path: path.join(venv, 'bin'), python, defaults, folders: [root, venv] };
}

/** Says so where the application runs with another Python than its image has. */
async function announcePython(instructions: Instruction[], python: string, announce: Announce): Promise<void> {
  const { stdout } = await run(python, ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])']);
  const stages = new Set<string>();
  for (const { rest } of instructions.filter(({ name }) => name === 'FROM')) {
    const [image, , alias] = rest.split(' ');
    const { python: wanted, isAssumed = false } = stages.has(image) ? {} : baseOf(image);
    stages.add(alias);
    if (isAssumed) {
      announce.substitution(`${image} is ${RULES.assumedBase.what}`);
    }
    if (wanted !== undefined && wanted !== stdout.trim()) {
      announce.substitution(`Python ${stdout.trim()} of this machine in the place of the image's ${wanted}`);
    }
  }
}

function copies(instructions: Instruction[], asset: ImageAsset, root: string): void {
  const context = asset.directory;
  const counts = countsIn(context, ignoreOf(context, asset.dockerFile));
  instructions.forEach(({ name, flags, rest }, index) => {
    if ((name !== 'COPY' && name !== 'ADD') || flags.from !== undefined || /^\[?"?https?:/.test(rest)) {
      return;
    }
    const parts: string[] = rest.startsWith('[') ? JSON.parse(rest) : rest.split(/\s+/);
    const target = parts[parts.length - 1];
    const directory = path.posix.resolve(workingDirectoryAt(instructions, index), target);
    const sources = parts.slice(0, -1);
    for (const source of sources) {
      const from = path.join(context, source);
      if (lstatSync(from, { throwIfNoEntry: false }) === undefined) {
        continue;
      }
      const intoFolder = target.endsWith('/') || target === '.' || sources.length > 1;
      const to = statSync(from, { throwIfNoEntry: false })?.isDirectory()
        ? path.join(root, directory)
        : path.join(root, intoFolder ? path.posix.join(directory, path.basename(source)) : directory);
      copyContents(from, to, counts);
    }
  });
}

async function pythonOf(instructions: Instruction[], root: string, cache: string, announce: Announce): Promise<string> {
  const local: string[] = [];
  const files: string[] = [];
  const installs = instructions.flatMap((instruction, index) => {
    if (instruction.name !== 'RUN') {
      return [];
    }
    const directory = workingDirectoryAt(instructions, index);
    return pipArguments(instruction.rest).map((args) =>
      args.map((argument) => {
        const [file, extras = ''] = argument.split(/(?=\[)/);
        const inside = path.join(root, path.posix.resolve(directory, file));
        if (!existsSync(inside) || /^[A-Za-z0-9_-]+$/.test(file)) {
          return argument;
        }
        if (statSync(inside).isDirectory()) {
          local.push(inside);
        } else {
          const read = readBy(inside, root, path.join(root, directory));
          files.push(...read.files);
          local.push(...read.packages);
        }
        return inside + extras;
      }),
    );
  });
  if (installs.length === 0) {
    throw new Error('the Dockerfile installs nothing with pip: the rehearsal cannot tell what the application needs.');
  }
  const key = [
    hashOf(
      local,
      files.map((file) => readFileSync(file, 'utf8')),
    ),
  ];
  const started = Date.now();
  announce.progress('Python dependencies of the application');
  const relative = installs.map((args) => args.map((argument) => argument.replace(root, '{image}')));
  const [first] = instructions.flatMap(({ name }, index) => (name === 'RUN' ? [index] : []));
  const cwd = path.join(root, workingDirectoryAt(instructions, first));
  const waits = () => announce.progress('  another rehearsal installs the same: waiting for it');
  const venv = await virtualEnvironment(cache, 'application', { installs, key, stable: relative, cwd, waits });
  announce.progress(`  ready after ${((Date.now() - started) / 1000).toFixed(1)} s`);
  return venv;
}

/** What the image runs at build time and the application needs at run time. */
async function buildSteps(
  instructions: Instruction[],
  { root, venv, defaults }: { readonly root: string; readonly venv: string; readonly defaults: ImageDefaults },
  announce: Announce,
): Promise<void> {
  await run(path.join(venv, 'bin', 'python'), [
    '-m',
    'compileall',
    '-q',
    path.join(root, defaults.workingDirectory),
  ]).catch(() => undefined);
  const { PATH, VIRTUAL_ENV, ...environment } = defaults.environment;
  for (const [index, { name, rest }] of instructions.entries()) {
    const steps = name === 'RUN' ? rest.split('&&').filter((part) => part.includes('collectstatic')) : [];
    for (const step of steps) {
      announce.progress(`build step: ${shortened(step).trim()}`);
      const cwd = path.join(root, workingDirectoryAt(instructions, index));
      await asTaskUser(root, venv, async ({ prefix, uid, gid }) => {
        const [program, ...args] = [...prefix, '/bin/sh', '-c', step];
        await run(program, args, {
          ...{ cwd, uid, gid },
          env: {
            PATH: `${path.join(venv, 'bin')}:${process.env.PATH}`,
            HOME: root,
            ...environment,
          },
        });
      });
    }
  }
}

/**
 * Code of the application never runs as root: its files are a task's for as long as they are built, and
 * root's again.
 */
async function asTaskUser(root: string, venv: string, step: (identity: Identity) => Promise<void>): Promise<void> {
  const probe = { program: path.join(venv, 'bin', 'python'), args: ['-c', ''], cwd: root };
  const found = identity(TASK_USER, probe);
  if (found === undefined) {
    return step(YOURSELF);
  }
  await run('chown', ['-R', `${TASK_USER}:${TASK_USER}`, root]);
  try {
    await step(found);
  } finally {
    await run('chown', ['-R', '0:0', root]);
  }
}
