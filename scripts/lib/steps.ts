import { spawnSync } from 'node:child_process';
import { NOT_RUNNABLE_HERE } from '../../rehearsal/image/not-runnable-here';

/** Thrown by a step that this machine cannot run: it has neither passed nor failed. The next one goes on. */
export class NotRun extends Error {}

/** A step and what it finds out; one that throws has failed, and so have those after it. */
export type Step = readonly [name: string, run: () => string | Promise<string>];

export interface RunOptions {
  readonly output?: 'both' | 'stdout';
  readonly variables?: { [name: string]: string };
}

/** Runs a command, which must succeed. */
export function run(command: string, args: string[], cwd: string, options: RunOptions = {}): string {
  const { output = 'both', variables = {} } = options;
  const env = { ...process.env, ...variables, JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION: '1' };
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    env,
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });
  if (status !== 0) {
    throw new Error(`${command} ${args.join(' ')}\n${stdout}${stderr}${error ?? ''}`);
  }
  return output === 'stdout' ? stdout : '';
}

/** How many steps passed, failed, and could not be run here. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly notRun: number;
}

/** Runs steps that build upon each other; what comes after a failure has failed, too. */
export async function countsOf(steps: readonly Step[]): Promise<Counts> {
  let notRun = 0;
  for (const [index, [name, act]] of steps.entries()) {
    const start = Date.now();
    try {
      const found = await act();
      const seconds = ((Date.now() - start) / 1000).toFixed(1);
      process.stdout.write(`ok     ${name}${found === '' ? '' : `: ${found}`} (${seconds} s)\n`);
    } catch (error) {
      if (error instanceof NotRun) {
        notRun++;
        process.stdout.write(`NOT RUN ${name}: ${error.message}\n`);
        continue;
      }
      process.stdout.write(`FAILED ${name}\n${(error as Error).message}\n`);
      for (const [later] of steps.slice(index + 1)) {
        process.stdout.write(`FAILED ${later}: not reached\n`);
      }
      return { passed: index - notRun, failed: steps.length - index, notRun };
    }
  }
  return { passed: steps.length - notRun, failed: 0, notRun };
}

/**
 * Runs chains of steps one after the other.
 *
 * The last line counts them, and so does the exit code. Steps that could not be run here have a line of their
 * own; where no other step ran, so has the exit code.
 */
export async function report(chains: readonly (readonly Step[])[]): Promise<void> {
  const all: Counts[] = [];
  for (const chain of chains) {
    all.push(await countsOf(chain));
  }
  const sum = (key: keyof Counts) => all.reduce((total, counts) => total + counts[key], 0);
  const [passed, failed, notRun] = [sum('passed'), sum('failed'), sum('notRun')];
  process.stdout.write(
    `${notRun > 0 ? `${notRun} not run on this machine\n` : ''}${passed} passed, ${failed} failed\n`,
  );
  process.exitCode = failed > 0 ? 1 : passed === 0 && notRun > 0 ? NOT_RUNNABLE_HERE : 0;
}

/** The first block of a language in a page. */
export function snippet(page: string, language: string): string {
  const [, code] = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'm').exec(page) ?? [];
  if (code === undefined) {
    throw new Error(`the page has no block of ${language}`);
  }
  return code;
}

/** What `npm pack` made: the name of the archive, and the files in it. */
export interface Packed {
  readonly filename: string;
  readonly files: string[];
  readonly size: number;
}

/** Packs the package of a folder, which is built. */
export function pack(root: string, destination: string, workspace: string[] = []): Packed {
  const given = ['pack', '--json', '--ignore-scripts', ...workspace, '--pack-destination', destination];
  const [{ filename, files, size }] = JSON.parse(run('npm', given, root, { output: 'stdout' }));
  return { filename, files: files.map(({ path }: { path: string }) => path), size };
}
