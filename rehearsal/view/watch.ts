import { existsSync, readdirSync, readFileSync } from 'node:fs';
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
  return (relative) =>
    relative === '' || (!FOREIGN.test(relative) && !WRITTEN.test(relative) && ignored?.(relative) !== true);
}

/** Calls back at each change of a file of the source. */
export function watchFiles(source: WatchedSource, change: () => void): FSWatcher {
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
  return watcher;
}

function foldersOf(folder: string, depth: number): string[] {
  const below = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && depth > 0 && !FOREIGN.test(entry.name))
    .flatMap((entry) => foldersOf(path.join(folder, entry.name), depth - 1));
  return [folder, ...below];
}

function sameNames(folder: string, copy: string): number {
  const own = new Set(readdirSync(folder));
  return readdirSync(copy).filter((name) => own.has(name)).length;
}

function readIfThere(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}
