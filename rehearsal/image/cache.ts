import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
} from 'node:fs';
import path from 'node:path';

/**
 * How many of each kind stay, used or not, so that switching between two versions of an application is fast.
 */
const LATEST = { venv: 2, images: 2, layers: 6 };
/** What was used this lately may be about to be used by a run that has not said so yet: milliseconds. */
const FRESH = 60 * 60 * 1000;
const USES = 'uses';

const making = new Map<string, Promise<unknown>>();

/**
 * Makes a folder of the cache.
 *
 * Rehearsals in this process that ask for it meanwhile wait for the same work.
 */
export function makeOnce<T>(folder: string, make: () => Promise<T>): Promise<T> {
  const work = (making.get(folder) as Promise<T> | undefined) ?? make().finally(() => making.delete(folder));
  making.set(folder, work);
  return work;
}

/** Moves what was made to its place, unless another rehearsal was faster. */
export function settle(part: string, place: string): void {
  mkdirSync(path.dirname(place), { recursive: true });
  try {
    renameSync(part, place);
  } catch (error) {
    rmSync(part, { recursive: true, force: true });
    if (!existsSync(place)) {
      throw error;
    }
  }
}

/** Says that a run uses folders of the cache, for as long as the run's own folder is there. */
export function use(run: string, folders: Iterable<string>): void {
  const now = new Date();
  for (const folder of folders) {
    utimesSync(folder, now, now);
    appendFileSync(path.join(run, USES), `${folder}\n`);
  }
}

/**
 * Removes environments, images and results of steps that no run uses, except the latest of each kind.
 * Returns their paths.
 */
export function clean(cache: string, now: number = Date.now()): string[] {
  const used = new Set(children(path.join(cache, 'runs')).flatMap(usesOf));
  const kinds = new Map<string, { entries: string[]; latest: number }>();
  for (const [folder, latest] of Object.entries(LATEST)) {
    for (const entry of children(path.join(cache, folder))) {
      // Environments are named by what they are for and a hash; images and results of steps by a hash.
      const kind = path.join(folder, path.basename(entry).replace(/(^|-)[0-9a-f]{16}.*$/, ''));
      kinds.set(kind, { entries: [...(kinds.get(kind)?.entries ?? []), entry], latest });
    }
  }
  const old = [...kinds.values()].flatMap(({ entries, latest }) => {
    const sorted = entries.map((entry) => ({ entry, time: statSync(entry).mtimeMs })).sort((a, b) => b.time - a.time);
    return sorted
      .slice(latest)
      .filter(({ entry, time }) => !used.has(entry) && now - time > FRESH)
      .map(({ entry }) => entry);
  });
  for (const entry of old) {
    rmSync(entry, { recursive: true, force: true });
  }
  return old;
}

function usesOf(run: string): string[] {
  const file = path.join(run, USES);
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
}

function children(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).map((name) => path.join(folder, name)) : [];
}
