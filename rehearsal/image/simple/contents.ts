import { createHash, type Hash } from 'node:crypto';
import {
  closeSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import path from 'node:path';

/** Folders that belong to tools of a developer, or that a build makes again. */
const NOT_COPIED = new Set([
  '.git',
  '.venv',
  'node_modules',
  '__pycache__',
  '.cache',
  'cdk.out',
  '.pytest_cache',
  'staticfiles',
]);
/** Bytes of a file that are read at once: files may be larger than memory. */
const CHUNK = 1 << 20;

/** Whether a file or folder counts, by its absolute path. A folder that does not hides what is in it. */
export type Counts = (file: string) => boolean;

/** What of a build context counts: all but what .dockerignore lists, and folders of tools. */
export function countsIn(context: string, ignored: ((name: string) => boolean) | undefined): Counts {
  return (file) => {
    const name = path.relative(context, file).split(path.sep).join('/');
    return name === '' || !(NOT_COPIED.has(path.basename(file)) || ignored?.(name));
  };
}

/** A name for the contents of folders and files, and for texts. Throws where one cannot be read. */
export function hashOf(places: string[], texts: string[], counts: Counts = countsIn('', undefined)): string {
  const hash = createHash('sha256');
  for (const text of texts) {
    hash.update(`${text}\0`);
  }
  for (const place of places) {
    addTo(hash, place, '', counts);
  }
  return hash.digest('hex').slice(0, 16);
}

function addTo(hash: Hash, file: string, name: string, counts: Counts): void {
  if (isKeptAsLink(file)) {
    hash.update(`${name}\0-> ${readlinkSync(file)}\0`);
    return;
  }
  const stat = statSync(file);
  if (stat.isDirectory()) {
    const names = readable(file, () => readdirSync(file)).sort();
    for (const one of names.filter((entry) => counts(path.join(file, entry)))) {
      addTo(hash, path.join(file, one), `${name}/${one}`, counts);
    }
  } else if (stat.isFile()) {
    hash.update(`${name}\0`);
    readable(file, () => addContent(hash, file));
  }
}

function addContent(hash: Hash, file: string): void {
  const opened = openSync(file, 'r');
  try {
    const buffer = Buffer.allocUnsafe(CHUNK);
    for (let length = readSync(opened, buffer); length > 0; length = readSync(opened, buffer)) {
      hash.update(buffer.subarray(0, length));
    }
  } finally {
    closeSync(opened);
  }
}

/** Copies a file or folder; links become what they name, except those that cannot. */
export function copyContents(from: string, to: string, counts: Counts): void {
  const links: [string, string][] = [];
  const filter = (source: string, target: string): boolean => {
    if (!counts(source)) {
      return false;
    }
    if (isKeptAsLink(source)) {
      links.push([source, target]);
      return false;
    }
    return true;
  };
  readable(from, () => cpSync(from, to, { recursive: true, dereference: true, filter }));
  for (const [source, target] of links) {
    mkdirSync(path.dirname(target), { recursive: true });
    rmSync(target, { recursive: true, force: true });
    symlinkSync(readlinkSync(source), target);
  }
}

/** A link that names nothing, or a folder in which it lies itself. */
export function isKeptAsLink(file: string): boolean {
  if (!lstatSync(file).isSymbolicLink()) {
    return false;
  }
  if (!existsSync(file)) {
    return true;
  }
  const place = path.join(realpathSync(path.dirname(file)), path.basename(file));
  return place.startsWith(path.join(realpathSync(file), '/'));
}

function readable<T>(place: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const { code, path: file = place } = error as NodeJS.ErrnoException;
    if (code !== 'EACCES' && code !== 'EPERM') {
      throw error;
    }
    throw new Error(
      `${file} of the build context cannot be read (${code}): make it readable, or list it in .dockerignore.`,
    );
  }
}
