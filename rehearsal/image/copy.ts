import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { globExpression, type Ignored, matcher } from './dockerfile/ignore';
import type { CopyStep } from './dockerfile/plan';
import { folderInside, inside, statOf } from './inside';

/** One file, folder or link to be copied. */
export interface Entry {
  /** On this machine. */
  readonly from: string;
  /** Absolute, in the image. */
  readonly to: string;
  readonly kind: 'file' | 'folder' | 'link';
  /** A source itself, which is unpacked when it is an archive. */
  readonly top: boolean;
}

/** Where COPY takes from: a folder, and what of it counts. */
export interface Origin {
  readonly root: string;
  readonly ignored?: Ignored;
}

/** What a line of COPY or ADD copies, in the order of its sources. Throws when a source does not exist. */
export function entriesOf(step: CopyStep, origin: Origin, image: string): Entry[] {
  const excluded = matcher(step.exclude);
  return step.sources.flatMap((source) => {
    const { parent, pattern } = step.parents ? pivoted(source) : { parent: '', pattern: relative(source) };
    const matches = found(path.posix.join(parent, pattern), origin);
    if (matches.length === 0 && !/[*?[]/.test(pattern)) {
      const why = origin.ignored?.(pattern) ? '.dockerignore leaves it out' : 'it does not exist';
      throw new Error(`${source} cannot be copied: ${why}`);
    }
    return matches.flatMap((match) => {
      const below = step.parents ? path.posix.relative(parent, match) : undefined;
      return copied(match, { step, origin, excluded, image, below });
    });
  });
}

interface Copying {
  readonly step: CopyStep;
  readonly origin: Origin;
  readonly excluded: Ignored;
  readonly image: string;
  /** With `--parents`: the path that is kept. */
  readonly below?: string;
}

function copied(match: string, { step, origin, excluded, image, below }: Copying): Entry[] {
  const from = inside(origin.root, match);
  const stat = statOf(from);
  const base = below === undefined ? step.target : path.posix.join(step.target, below);
  if (stat?.isDirectory()) {
    const root: Entry = { from, to: base, kind: 'folder', top: false };
    return [root, ...walked(from, base, (name) => keeps(origin, excluded, path.posix.join(match, name), name))];
  }
  const name = path.posix.basename(match);
  if (excluded(below ?? name)) {
    return [];
  }
  const intoFolder = step.target.endsWith('/') || statOf(inside(image, step.target))?.isDirectory();
  const to = below === undefined && intoFolder ? path.posix.join(step.target, name) : base;
  return stat?.isFile() ? [{ from, to, kind: 'file', top: true }] : [];
}

type Keeps = 'all' | 'none' | 'maybe';

/** A folder that is left out may hold something that is not. */
function keeps({ ignored }: Origin, excluded: Ignored, file: string, below: string): Keeps {
  if (!ignored?.(file) && !excluded(below)) {
    return 'all';
  }
  return ignored?.exceptions || excluded.exceptions ? 'maybe' : 'none';
}

function walked(folder: string, to: string, keep: (name: string) => Keeps, below = ''): Entry[] {
  return readdirSync(path.join(folder, below), { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry): Entry[] => {
      const name = path.posix.join(below, entry.name);
      const kept = keep(name);
      const one = { from: path.join(folder, name), to: path.posix.join(to, name), top: false };
      if (entry.isDirectory()) {
        const inner = kept === 'none' ? [] : walked(folder, to, keep, name);
        return kept === 'all' || inner.length > 0 ? [{ ...one, kind: 'folder' }, ...inner] : [];
      }
      if (kept !== 'all') {
        return [];
      }
      if (entry.isSymbolicLink()) {
        return [{ ...one, kind: 'link' }];
      }
      return entry.isFile() ? [{ ...one, kind: 'file' }] : [];
    });
}

/** Paths that a source names, below the folder that it is looked for in. */
function found(pattern: string, { root, ignored }: Origin): string[] {
  let paths = [''];
  for (const part of pattern.split('/').filter((one) => one !== '' && one !== '.')) {
    if (/[*?[]/.test(part)) {
      const expression = new RegExp(`^${globExpression(part.replaceAll('**', '*'))}$`, 's');
      paths = paths.flatMap((folder) => {
        const place = inside(root, folder);
        const names = statOf(place)?.isDirectory() ? readdirSync(place).sort() : [];
        return names.filter((name) => expression.test(name)).map((name) => path.posix.join(folder, name));
      });
    } else {
      paths = paths.map((folder) => path.posix.join(folder, part.replace(/\\(.)/g, '$1')));
    }
  }
  return paths.filter((one) => statOf(inside(root, one)) !== undefined && !(ignored?.(one) && isFile(root, one)));
}

function isFile(root: string, file: string): boolean {
  return !statOf(inside(root, file))?.isDirectory();
}

function relative(source: string): string {
  return path.posix.join('/', source).slice(1);
}

/** `a/./b/c` keeps `b/c`. */
function pivoted(source: string): { parent: string; pattern: string } {
  const [before, ...after] = source.split('/./');
  return after.length === 0
    ? { parent: '', pattern: relative(source) }
    : { parent: relative(before), pattern: relative(after.join('/./')) };
}

/**
 * Copies a whole folder to a place where there is nothing, which is much faster. Returns whether this is what
 * the step asks for.
 */
export function copyFolder(step: CopyStep, origin: Origin, image: string): boolean {
  const { sources, documents, exclude, chmod, parents, unpack, target } = step;
  const plain = documents.length + exclude.length === 0 && chmod === undefined && !parents && !unpack;
  if (!plain || origin.ignored !== undefined || sources.length !== 1 || /[*?[]/.test(sources[0])) {
    return false;
  }
  const from = inside(origin.root, sources[0]);
  const to = inside(image, target);
  if (!statOf(from)?.isDirectory() || statOf(to) !== undefined) {
    return false;
  }
  folderInside(image, path.posix.dirname(target.replace(/\/$/, '')));
  execFileSync('cp', ['-a', '--', from, to]);
  return true;
}

/** Copies into the folder of an image. Returns the archives that are to be unpacked there. */
export function copyEntries(entries: Entry[], step: CopyStep, image: string): Entry[] {
  const archives: Entry[] = [];
  for (const entry of entries) {
    if (step.unpack && entry.top && isArchive(entry.from)) {
      folderInside(image, step.target);
      archives.push(entry);
      continue;
    }
    copyEntry(entry, image);
    setMode(entry, step, image);
  }
  for (const { name, content } of step.documents) {
    const folder = step.target.endsWith('/') || statOf(inside(image, step.target))?.isDirectory();
    const to = folder ? path.posix.join(step.target, name) : step.target;
    folderInside(image, path.posix.dirname(to));
    const place = inside(image, to, false);
    rmSync(place, { force: true });
    writeFileSync(place, content, { mode: 0o644 });
    setMode({ from: '', to, kind: 'file', top: true }, step, image);
  }
  return archives;
}

function copyEntry({ from, to, kind }: Entry, image: string): void {
  const stat = statOf(from);
  if (stat === undefined) {
    return;
  }
  if (kind === 'folder') {
    const before = statOf(inside(image, to));
    if (before !== undefined && !before.isDirectory()) {
      rmSync(inside(image, to), { force: true });
    }
    const place = folderInside(image, to);
    chmodSync(place, stat.mode & 0o7777);
    return;
  }
  folderInside(image, path.posix.dirname(to));
  const place = inside(image, to, false);
  if (statOf(place)?.isDirectory()) {
    throw new Error(`${to} is a folder of the image, and cannot become a file`);
  }
  rmSync(place, { force: true });
  if (kind === 'link') {
    symlinkSync(readlinkSync(from), place);
    lutimesSync(place, stat.atime, stat.mtime);
    return;
  }
  mkdirSync(path.dirname(place), { recursive: true });
  copyFileSync(from, place, constants.COPYFILE_FICLONE);
  chmodSync(place, stat.mode & 0o7777);
  // Compiled Python files name the time of their source.
  utimesSync(place, stat.atime, stat.mtime);
}

function setMode({ to, kind }: Entry, { chmod }: CopyStep, image: string): void {
  if (chmod === undefined || kind === 'link') {
    return;
  }
  const place = inside(image, to);
  if (/^[0-7]+$/.test(chmod)) {
    chmodSync(place, Number.parseInt(chmod, 8));
  } else {
    execFileSync('chmod', ['--', chmod, place]);
  }
}

const MAGIC = [/^1f8b/, /^425a68/, /^fd377a585a00/, /^28b52ffd/];

/** By its content, as BuildKit looks at it. */
export function isArchive(file: string): boolean {
  const start = head(file);
  return MAGIC.some((magic) => magic.test(start.toString('hex'))) || start.subarray(257, 262).toString() === 'ustar';
}

function head(file: string): Buffer {
  const descriptor = openSync(file, 'r');
  try {
    const buffer = Buffer.alloc(512);
    return buffer.subarray(0, readSync(descriptor, buffer, 0, 512, 0));
  } finally {
    closeSync(descriptor);
  }
}
