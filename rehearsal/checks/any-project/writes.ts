import { statSync } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import path from 'node:path';

/**
 * How a refused write is said: by Python, by programs that speak as libc does, and by Node.
 *
 * Python names a file as the program does: `media/a.txt` is below the folder that it runs in.
 */
const REFUSALS = [
  /\[Errno (?<number>13|30)\] [\w -]+: b?['"](?<file>[^'"]+)['"]/,
  /(?<file>\/[^\s:'"‘’`]+)['"’]?: (?:Permission denied|(?<readOnly>Read-only file system))/,
  /\b(?:EACCES|(?<readOnly>EROFS))\b.*?['"](?<file>\/[^'"]+)['"]/,
];

/**
 * Paths of the image that somebody was refused to write to, by what is said of it.
 *
 * Here, a file is read-only because it belongs to root, and the error is the one of a file that may not be
 * read either: such a file is left out.
 */
export function refusedWrites(lines: readonly string[], roots: readonly string[]): string[] {
  const found = lines.flatMap((line) => {
    const { number, readOnly, file } =
      REFUSALS.map((expression) => expression.exec(line)?.groups).find((groups) => groups !== undefined) ?? {};
    const isWrite = file !== undefined && (number === '30' || readOnly !== undefined || !isUnreadable(file));
    return isWrite ? [inImage(file, roots)] : [];
  });
  return [...new Set(found)];
}

/**
 * Whether a file is there that others may not read. What is not there is said otherwise.
 *
 * A path below the folder of a task counts as readable: here, nobody knows that folder.
 */
function isUnreadable(file: string): boolean {
  if (!path.isAbsolute(file)) {
    return false;
  }
  try {
    const { mode } = statSync(file);
    return (mode & 0o004) === 0;
  } catch {
    return false;
  }
}

/** The path of a file as the image has it. */
function inImage(file: string, roots: readonly string[]): string {
  const root = roots.find((one) => file.startsWith(`${one}/`));
  return root === undefined ? file : file.slice(root.length);
}

/** Files below a folder that were written after a moment, in milliseconds, as the image has them. */
export async function newerThan(root: string, moment: number, folder = root): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const found = await Promise.all(
    entries.map(async (entry) => {
      const file = path.join(folder, entry.name);
      if (entry.isDirectory()) {
        return newerThan(root, moment, file);
      }
      return entry.isFile() && (await lstat(file)).mtimeMs > moment ? [file.slice(root.length)] : [];
    }),
  );
  return found.flat();
}
