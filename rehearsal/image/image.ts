import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { Announce } from '../announce';
import { isRoot } from '../task/sandbox';
import type { ImageAsset } from '../template/assembly';
import { Build } from './build';
import { makeOnce, settle } from './cache';
import { checkChosenPython } from './chosen-python';
import { DEFAULT_PATH, type ImageDefaults, type Plan } from './dockerfile/plan';
import { readDockerfile } from './dockerfile/read';
import { withRequirements } from './dockerfile/requirements';
import { WAYS_OUT } from './dockerfile/rules';
import { inside, statOf } from './inside';
import { FINISHED_BY } from './keys';
import { keyOf } from './layers';
import { moveTexts } from './moved-paths';
import { applyPatches, type Patch } from './patch';
import { findPython } from './python';
import { relocate } from './relocate';
import { shortened } from './shortened';
import { whyNotSimple } from './simple/follows';
import { prepareSimply } from './simple/image';
import { NotSimple } from './simple/requirements';
import type { Spawn } from './view';

/** Stands in for a container image: its files, and its defaults. */
export interface Image {
  /** Folder that stands for `/` of the image. */
  readonly root: string;
  /** Folders of the image's PATH, on this machine, as PATH has them. */
  readonly path: string;
  /** The image's Python. */
  readonly python: string;
  readonly defaults: ImageDefaults;
  /** Folders of this machine that a task reads: the root, and what lies outside of it. */
  readonly folders: string[];
}

/** What the person who rehearses knows better than the Dockerfile. */
export interface ImageOverrides {
  /** Version of Python in the place of the one that the Dockerfile names: `3.12`. */
  readonly python?: string;
  /**
   * Folder of an image that is already built: its `/`, with the Python environment that the Dockerfile's
   * PATH names.
   */
  readonly prepared?: string;
  /** File for pip, in the place of what the Dockerfile installs. */
  readonly requirements?: string;
}

export interface PrepareProps {
  readonly asset: ImageAsset;
  readonly cache: string;
  /** A folder that is not there yet, for the time of the build, on the file system of the cache. */
  readonly work: string;
  readonly announce: Announce;
  /** Starts a program that ends with the rehearsal. */
  readonly spawn: Spawn;
  readonly patches?: Patch[];
  readonly overrides: ImageOverrides;
}

/**
 * Follows the Dockerfile on a machine without a container engine. Programs of the operating system are this
 * machine's own. What the simple way follows wholly is prepared by it, the same on every machine. Otherwise
 * each stage is a folder, COPY copies into it, and RUN runs with it as `/`, which needs Linux.
 *
 * Throws an error that lists every line that cannot be followed. Where a container engine answers,
 * `engineRunner` takes this function's place.
 */
export async function prepareImage(props: PrepareProps): Promise<Image> {
  const { asset, cache, announce, work, overrides } = props;
  const { python, prepared, requirements } = overrides;
  const text = readFileSync(path.join(asset.directory, asset.dockerFile), 'utf8');
  const simple = await simply(text, props);
  if ('root' in simple) {
    return simple;
  }
  const { why } = simple;
  announce.progress(`${asset.dockerFile} is followed step by step, with its folder as / (${why})`);
  const { target, buildArgs, platform } = asset;
  const contexts = contextsOf(asset);
  const read = readDockerfile(text, { target, buildArgs, platform, contexts, python });
  if (python !== undefined) {
    checkChosenPython(
      python,
      read.stages.flatMap(({ from }) => ('base' in from ? [from.base] : [])),
    );
  }
  if (prepared !== undefined) {
    announce.substitution(`the image is ${prepared}: of ${asset.dockerFile} count its settings alone`);
    return imageOf(copied(prepared, `${work}-prepared`), read.target?.defaults ?? NO_DEFAULTS);
  }
  const plan = requirements === undefined ? read : withRequirements(read, requirements, python);
  refuse(plan, asset.dockerFile);
  for (const { line, text: written, why } of plan.announced) {
    announce.substitution(`${asset.dockerFile}:${line} ${shortened(written)}: ${why}`);
  }
  const { directory: context, dockerFile } = asset;
  const build = new Build({ plan, context, dockerFile, cache, work, announce, spawn: props.spawn, python });
  try {
    const defaults = plan.target?.defaults as ImageDefaults;
    const key = keyOf(FINISHED_BY, build.key(), defaults, props.patches ?? []).slice(0, 16);
    const root = path.join(cache, 'images', key);
    await makeOnce(root, () => made(build, root, defaults, props.patches ?? []));
    return imageOf(root, defaults);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Folders for COPY --from: relative ones are so to the build context, where the CDK builds. */
export function contextsOf({ directory, contexts = {} }: ImageAsset): Record<string, string> {
  return Object.fromEntries(
    Object.entries(contexts).map(([name, place]) => [
      name,
      /^[a-z][\w+.-]*:\/\//i.test(place) ? place : path.resolve(directory, place),
    ]),
  );
}

/** The image, or why the simple way does not follow the Dockerfile. */
async function simply(
  text: string,
  { asset, cache, announce, patches, overrides }: PrepareProps,
): Promise<Image | { why: string }> {
  const why = whyNotSimple(text, asset, overrides);
  if (why !== undefined) {
    return { why };
  }
  try {
    return await prepareSimply(asset, cache, announce, patches);
  } catch (error) {
    if (error instanceof NotSimple) {
      return { why: error.message };
    }
    throw error;
  }
}

const NO_DEFAULTS: ImageDefaults = {
  workingDirectory: '/',
  environment: { PATH: DEFAULT_PATH },
  entryPoint: [],
  command: [],
  stopSignal: 'SIGTERM',
};

/** An image that is already built, whose programs run where its copy lies. */
function copied(prepared: string, root: string): string {
  if (!statOf(prepared)?.isDirectory()) {
    throw new Error(`--prepared ${prepared}: there is no such folder.`);
  }
  const machine = ['dev', 'proc', 'sys'].map((folder) => path.join(path.resolve(prepared), folder));
  cpSync(path.resolve(prepared), root, {
    recursive: true,
    verbatimSymlinks: true,
    filter: (file) => !machine.includes(file),
  });
  relocate(root, root, new Map());
  moveTexts(root, root);
  if (isRoot()) {
    execFileSync('chown', ['-hR', '0:0', root]);
  }
  return root;
}

function refuse(plan: Plan, dockerFile: string): void {
  if (plan.refused.length === 0) {
    return;
  }
  const lines = plan.refused.map(({ line, text, why }) => `  ${dockerFile}:${line} ${shortened(text)}\n    ${why}`);
  throw new Error(`The rehearsal cannot follow ${dockerFile}:\n${lines.join('\n')}\n${WAYS_OUT}`);
}

async function made(build: Build, root: string, defaults: ImageDefaults, patches: Patch[]): Promise<void> {
  if (existsSync(root)) {
    return;
  }
  const folder = await build.run();
  if (patches.length > 0) {
    applyPatches(inside(folder, defaults.workingDirectory), patches);
  }
  relocate(folder, root, build.aliases);
  moveTexts(folder, root);
  if (isRoot()) {
    // To a task they are read-only, as the template has it.
    execFileSync('chown', ['-hR', '0:0', folder]);
  }
  settle(folder, root);
}

/** What an image's folder and its defaults say about how to start its programs. */
function imageOf(root: string, defaults: ImageDefaults): Image {
  const folders = (defaults.environment.PATH ?? '')
    .split(':')
    .filter((folder) => folder.startsWith('/'))
    .map((folder) => inside(root, folder))
    .filter((folder) => statOf(folder)?.isDirectory());
  const programs = folders.flatMap((folder) => ['python3', 'python'].map((name) => path.join(folder, name)));
  const python = programs.find((program) => existsSync(program)) ?? findPython();
  return { root, path: [...new Set(folders)].join(':'), python, defaults, folders: [root] };
}

export function withoutPath(environment: Readonly<Record<string, string>>): Record<string, string> {
  const { PATH, VIRTUAL_ENV, ...others } = environment;
  return others;
}
