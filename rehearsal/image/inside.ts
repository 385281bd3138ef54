import { lstatSync, mkdirSync, readlinkSync, type Stats } from 'node:fs';
import path from 'node:path';

/** Links that may follow each other, as many as Linux follows. */
const MOST_LINKS = 40;

/**
 * The place on this machine of a path of an image, of which `root` is the folder. Links are followed as in a
 * container: none of them leads out of `root`.
 */
export function inside(root: string, file: string, followLast = true): string {
  let links = 0;
  let done: string[] = [];
  const left = file.split('/').reverse();
  while (left.length > 0) {
    const part = left.pop() as string;
    if (part === '' || part === '.') {
      continue;
    }
    if (part === '..') {
      done.pop();
      continue;
    }
    const here = path.join(root, ...done, part);
    const isLast = left.every((one) => one === '');
    if (!statOf(here)?.isSymbolicLink() || (isLast && !followLast)) {
      done.push(part);
      continue;
    }
    if (++links > MOST_LINKS) {
      throw new Error(`${file} is a link that never ends`);
    }
    const target = readlinkSync(here);
    done = target.startsWith('/') ? [] : done;
    left.push(...target.split('/').reverse());
  }
  return path.join(root, ...done);
}

/** Makes a folder of an image, with those above it. */
export function folderInside(root: string, folder: string): string {
  const place = inside(root, folder);
  mkdirSync(place, { recursive: true });
  return place;
}

/** What is at a place, without following a link; undefined when there is nothing. */
export function statOf(place: string): Stats | undefined {
  return lstatSync(place, { throwIfNoEntry: false });
}
