import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** The package that rehearses. It is one of its own, because an app that only deploys needs none of it. */
const PACKAGE = 'cdk-django-fargate-rehearsal';

/** Exit code where that package is absent: EX_UNAVAILABLE of sysexits.h, a program that is needed. */
export const NOT_INSTALLED = 69;

/** The program of the package that rehearses, and how its version fits. */
export interface Program {
  readonly file: string;
  readonly version: string;
}

/** The program as the package manager installed it for a folder, or undefined where it did not. */
export function findProgram(folder: string): Program | undefined {
  let manifest: string;
  try {
    manifest = createRequire(join(folder, 'package.json')).resolve(`${PACKAGE}/package.json`);
  } catch {
    return undefined;
  }
  const { bin, version } = JSON.parse(readFileSync(manifest, 'utf8'));
  return { file: join(manifest, '..', bin[PACKAGE]), version };
}

/** The command that installs the package that rehearses, in the version of the library. */
export function installLine(version: string): string {
  return `npm install --save-dev ${PACKAGE}@${version}`;
}

/**
 * Runs the program in this process, so that signals, terminal and exit code are its own.
 *
 * Returns an exit code where there is nothing to run.
 */
export function rehearse(folder: string, options: string[], version: string): number | undefined {
  const program = findProgram(folder);
  if (program === undefined) {
    process.stderr.write(`${PACKAGE} is not installed here. Install it, and try again:\n\n  ${installLine(version)}\n`);
    return NOT_INSTALLED;
  }
  if (program.version !== version) {
    process.stderr.write(
      `≈ ${PACKAGE} is ${program.version}, cdk-django-fargate is ${version}. For the same: ${installLine(version)}\n`,
    );
  }
  process.argv = [process.argv[0], program.file, ...options];
  require(program.file);
  return undefined;
}
