import { type Dirent, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type FSWatcher, watch } from 'chokidar';
import { ignoreOf } from '../image/ignored-files';
import type { Assembly } from '../template/assembly';

/** Folders in which no source of an application is. */
const FOREIGN = /(^|\/)(\.git|\.hg|\.cache|cdk\.out|node_modules|\.?venv|__pycache__)(\/|$)/;
/** Files that programs write beside the source. */
const WRITTEN = /\.(pyc|pyo|swp|swx|tmp)$|~$|(^|\/)(\.#|4913$)/;
const DEPTH = 5;

/** What is watched: the build context of an image. */
export interface WatchedSource {
  readonly folder: string;
  readonly dockerFile: string;
}

/**
 * The folder of which a cloud assembly has a copy: it is below `from`, and has the same Dockerfile and most
 * files of the copy. Throws where there is none, or more than one.
 */
export function sourceFolder({ images }: Pick<Assembly, 'images'>, from: string = process.cwd()): string {
  const [asset] = images.values();
  const copy = asset?.directory;
  const text = copy === undefined ? undefined : readIfThere(path.join(copy, asset.dockerFile));
  if (asset === undefined || copy === undefined || text === undefined) {
    throw new Error('--watch needs --app FOLDER, the source of the application: the assembly has no copy of one.');
  }
  const candidates = foldersOf(from, DEPTH)
    .filter((folder) => readIfThere(path.join(folder, asset.dockerFile)) === text)
    .map((folder) => ({ folder, same: sameNames(folder, copy) }))
    .sort((one, other) => other.same - one.same);
  const [first, second] = candidates;
  if (first === undefined || second?.same === first.same) {
    const why = first === undefined ? `no folder below ${from} has` : `${first.folder} and ${second?.folder} both have`;
    throw new Error(
      `--watch needs --app FOLDER, the source of the application: ${why} the Dockerfile of the assembly.`,
    );
  }
  return first.folder;
}

/** What `--watch` watches: `--app`, or what the assembly has a copy of. */
export function watchedSource(assembly: Pick<Assembly, 'images'>, app?: string): WatchedSource {
  const [asset] = assembly.images.values();
  const folder = path.resolve(app ?? sourceFolder(assembly));
  return { folder, dockerFile: asset?.dockerFile ?? 'Dockerfile' };
}

/** Whether a change of a path, relative to the source, may change the image. */
export function isWatched({ folder, dockerFile }: WatchedSource): (relative: string) => boolean {
  const ignored = ignoreOf(folder, dockerFile);
  const own = path.posix.normalize(dockerFile);
  // They say how the image is made, also where .dockerignore keeps them out of it.
  const decisive = new Set([own, `${own}.dockerignore`, '.dockerignore']);
  return (relative) =>
    relative === '' ||
    decisive.has(relative) ||
    (!FOREIGN.test(relative) && !WRITTEN.test(relative) && ignored?.(relative) !== true);
}

/** Callbacks of the watcher. */
export interface Watching {
  /** A file of the source has changed. */
  readonly change: () => void;
  /** Something is not watched, and why: each kind of reason once. */
  readonly problem: (text: string) => void;
}

/** Calls back at each change of a file of the source. What cannot be watched ends nothing. */
export function watchFiles(source: WatchedSource, { change, problem }: Watching): FSWatcher {
  const matters = isWatched(source);
  const relative = (file: string) => path.relative(source.folder, file).split(path.sep).join('/');
  const watcher = watch(source.folder, {
    ignoreInitial: true,
    // A folder that .dockerignore names may hold files that it takes back.
    ignored: (file, stats) => (stats?.isFile() ? !matters(relative(file)) : FOREIGN.test(relative(file))),
  });
  watcher.on('all', (_event, file) => {
    if (matters(relative(file))) {
      change();
    }
  });
  const said = new Set<string | undefined>();
  watcher.on('error', (error) => {
    const { code } = error as NodeJS.ErrnoException;
    if (!said.has(code)) {
      said.add(code);
      problem(`--watch does not see every change below ${source.folder}: ${whyNotWatched(error as Error)}`);
    }
  });
  return watcher;
}

function whyNotWatched(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'ENOSPC':
      return 'this user may watch no more files. Raise the limit: sudo sysctl fs.inotify.max_user_watches=524288';
    case 'EMFILE':
    case 'ENFILE':
      return 'this process may open no more files. Raise the limit: ulimit -n 65535';
    case 'EACCES':
    case 'EPERM':
      return `${error.path ?? 'something there'} cannot be read. Make it readable`;
    default:
      return error.message;
  }
}

/** A folder and those below it, without those that cannot be read: no source of yours is in them. */
function foldersOf(folder: string, depth: number): string[] {
  const entries = namesIn(folder);
  const below = entries
    .filter((entry) => entry.isDirectory() && depth > 0 && !FOREIGN.test(entry.name))
    .flatMap((entry) => foldersOf(path.join(folder, entry.name), depth - 1));
  return [folder, ...below];
}

function sameNames(folder: string, copy: string): number {
  const own = new Set(namesIn(folder).map(({ name }) => name));
  return readdirSync(copy).filter((name) => own.has(name)).length;
}

function namesIn(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return []; // It cannot be read, or has just gone.
  }
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
