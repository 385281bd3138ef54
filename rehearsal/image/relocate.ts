import { lstatSync, readdirSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { inside, statOf } from './inside';

/** Longest first line that Linux takes, with room for older kernels. */
const LONGEST = 120;

/**
 * Makes the programs of an image run where its folder lies on this machine: first lines of scripts, the paths
 * of packages that are installed in place, and links to Python.
 *
 * `aliases` are places that only a step of the build saw.
 */
export function relocate(root: string, final: string, aliases: ReadonlyMap<string, string>): void {
  for (const folder of binFolders(root)) {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const file = path.join(folder, entry.name);
      if (entry.isSymbolicLink()) {
        relink(file, { root, final, aliases });
      } else if (entry.isFile()) {
        rewriteFirstLine(file, root, final);
      }
    }
  }
  for (const file of pathFiles(root)) {
    const text = readFileSync(file, 'utf8');
    const moved = text.replace(/(^|['"])(\/[^'"\n]*)/gm, (whole, before, place) =>
      statOf(inside(root, place)) === undefined ? whole : `${before}${path.join(final, place)}`,
    );
    if (moved !== text) {
      writeFileSync(file, moved);
    }
  }
}

interface Move {
  readonly root: string;
  readonly final: string;
  readonly aliases: ReadonlyMap<string, string>;
}

/** An absolute link of an image means a place in it. */
function relink(file: string, { root, final, aliases }: Move): void {
  const target = readlinkSync(file);
  const alias = [...aliases].find(([from]) => target.startsWith(`${from}/`));
  const moved = alias === undefined ? moveLink(target, root, final) : alias[1] + target.slice(alias[0].length);
  if (moved !== target) {
    rmSync(file);
    symlinkSync(moved, file);
  }
}

function moveLink(target: string, root: string, final: string): string {
  return target.startsWith('/') && statOf(path.join(root, target)) !== undefined ? path.join(final, target) : target;
}

function rewriteFirstLine(file: string, root: string, final: string): void {
  const content = readFileSync(file);
  if (content.subarray(0, 3).toString() !== '#!/') {
    return;
  }
  const end = content.indexOf('\n');
  const [, interpreter, rest] = /^#!(\/\S+)(.*)$/.exec(content.subarray(0, end).toString()) ?? [];
  if (interpreter === undefined || statOf(path.join(root, interpreter)) === undefined) {
    return;
  }
  const place = path.join(final, interpreter);
  const line = `#!${place}${rest}`;
  // Python reads the second form as a text, and a shell as a command.
  const first = line.length > LONGEST || place.includes(' ') ? `#!/bin/sh\n'''exec' "${place}" "$0" "$@"\n' '''` : line;
  writeFileSync(file, Buffer.concat([Buffer.from(first), content.subarray(end)]));
}

const SEARCHED = 6;

/** Folders with programs: those that end in bin, wherever a virtual environment may be. */
function binFolders(root: string): string[] {
  return folders(root, SEARCHED).filter((folder) => /^s?bin$/.test(path.basename(folder)));
}

function pathFiles(root: string): string[] {
  return folders(root, SEARCHED)
    .filter((folder) => /^(site|dist)-packages$/.test(path.basename(folder)))
    .flatMap((folder) =>
      readdirSync(folder)
        .filter((name) => /\.(pth|egg-link)$|^__editable__.*\.py$/.test(name))
        .map((name) => path.join(folder, name)),
    )
    .filter((file) => lstatSync(file).isFile());
}

function folders(root: string, depth: number): string[] {
  return readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== 'node_modules' && entry.name !== '.git')
    .flatMap((entry) => {
      const folder = path.join(root, entry.name);
      return [folder, ...(depth > 1 ? folders(folder, depth - 1) : [])];
    });
}
