import { randomUUID } from 'node:crypto';
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
import { rm } from 'node:fs/promises';
import path from 'node:path';

/**
 * How many of each kind stay, used or not, so that switching between two versions of an application is fast.
 */
const LATEST = { venv: 2, images: 2, layers: 6 };
/** What was used this lately may be about to be used by a run that has not said so yet: milliseconds. */
const FRESH = 60 * 60 * 1000;
const USES = 'uses';
/** Where folders go that leave the cache, so that no half of one is ever taken for a whole. */
const REMOVED = 'removed';

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
 * Takes environments, images and results of steps out of the cache that no run uses, except the latest of
 * each kind. Returns their paths.
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
  const removed = path.join(cache, REMOVED);
  return old.filter((entry) => {
    mkdirSync(removed, { recursive: true });
    try {
      renameSync(entry, path.join(removed, randomUUID()));
      return true;
    } catch {
      return false; // Another run has taken it.
    }
  });
}

/** Deletes what was taken out of the cache, by an earlier run that was ended meanwhile, too. */
export async function sweep(cache: string): Promise<void> {
  for (const entry of children(path.join(cache, REMOVED))) {
    await rm(entry, { recursive: true, force: true }).catch(() => undefined); // Another run deletes it, too.
  }
}

function usesOf(run: string): string[] {
  const file = path.join(run, USES);
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
}

function children(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).map((name) => path.join(folder, name)) : [];
}
