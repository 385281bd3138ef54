import { spawnSync } from 'node:child_process';

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

/**
 * Runs steps that build upon each other; what comes after a failure has failed, too.
 *
 * Returns how many passed.
 */
export async function passedOf(steps: readonly Step[]): Promise<number> {
  for (const [index, [name, act]] of steps.entries()) {
    const start = Date.now();
    try {
      const found = await act();
      const seconds = ((Date.now() - start) / 1000).toFixed(1);
      process.stdout.write(`ok     ${name}${found === '' ? '' : `: ${found}`} (${seconds} s)\n`);
    } catch (error) {
      process.stdout.write(`FAILED ${name}\n${(error as Error).message}\n`);
      for (const [later] of steps.slice(index + 1)) {
        process.stdout.write(`FAILED ${later}: not reached\n`);
      }
      return index;
    }
  }
  return steps.length;
}

/** Runs chains of steps one after the other; the last line counts them, and so does the exit code. */
export async function report(chains: readonly (readonly Step[])[]): Promise<void> {
  let passed = 0;
  for (const chain of chains) {
    passed += await passedOf(chain);
  }
  const failed = chains.flat().length - passed;
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  process.exitCode = failed === 0 ? 0 : 1;
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
