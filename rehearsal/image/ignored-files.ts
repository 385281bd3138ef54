import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type Ignored, ignoredBy } from './dockerfile/ignore';

/** What of a build context is left out: by the Dockerfile's own list before the one of the folder. */
export function ignoreOf(context: string, dockerFile: string): Ignored | undefined {
  const files = [`${dockerFile}.dockerignore`, '.dockerignore'].map((name) => path.join(context, name));
  const file = files.find((one) => existsSync(one));
  return file === undefined ? undefined : ignoredBy(readFileSync(file, 'utf8'));
}
