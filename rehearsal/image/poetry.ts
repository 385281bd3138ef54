import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

const VARIABLE = 'POETRY_VIRTUALENVS_CREATE';
const FALSE = '(?:false|0|no)\\b';
const IN_STEP = new RegExp(`virtualenvs\\.create['"]?\\s+['"]?${FALSE}|${VARIABLE}=['"]?${FALSE}`, 'i');
const CONFIGURATION = 'root/.config/pypoetry/config.toml';

/**
 * What a step must be told so that poetry installs into the image's Python where it is told to make no
 * environment.
 *
 * The image's Python is itself an environment, at /usr/local. Poetry would take the Python beneath it, which
 * is this machine's and cannot be written to, and install for the user alone, where the image's Python does
 * not look.
 */
export function forPoetry(
  root: string,
  words: readonly string[],
  environment: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const file = path.join(root, CONFIGURATION);
  const configured = existsSync(file) && new RegExp(`^create\\s*=\\s*${FALSE}`, 'm').test(readFileSync(file, 'utf8'));
  const told =
    new RegExp(`^${FALSE}`, 'i').test(environment[VARIABLE] ?? '') || words.some((word) => IN_STEP.test(word));
  return (configured || told) && environment.VIRTUAL_ENV === undefined ? { VIRTUAL_ENV: '/usr/local' } : {};
}
