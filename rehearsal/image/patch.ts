import { appendFileSync, readdirSync } from 'node:fs';
import path from 'node:path';

/** A change to the application's files, for a mutation. */
export interface Patch {
  readonly file: string;
  readonly append: string;
}

/** Changes the files of an application. Throws an error for one that is not there. */
export function applyPatches(folder: string, patches: Patch[]): void {
  for (const { file, append } of patches) {
    const found = readdirSync(folder, { recursive: true, encoding: 'utf8' }).find((name) => name.endsWith(file));
    if (found === undefined) {
      throw new Error(`the image has no file ${file}`);
    }
    appendFileSync(path.join(folder, found), append);
  }
}
