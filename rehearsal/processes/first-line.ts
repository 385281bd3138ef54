import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Image } from '../image/image';

/** The first line of a program of an image, without its line feed; undefined where there is none. */
export function firstLine({ root, path: folders, defaults }: Omit<Image, 'python'>, program: string) {
  const candidates = program.startsWith('/')
    ? [path.join(root, program)]
    : program.includes('/')
      ? [path.join(root, defaults.workingDirectory, program)]
      : folders.split(':').map((folder) => path.join(folder, program));
  const file = candidates.find((each) => statSync(each, { throwIfNoEntry: false })?.isFile());
  return file === undefined ? undefined : readFileSync(file, 'latin1').split('\n', 1)[0];
}
