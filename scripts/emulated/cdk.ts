import { spawn } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ACCOUNT, type Emulator, REGION } from './emulator';

const ROOT = path.join(__dirname, '..', '..');
const CLI = path.join(ROOT, 'node_modules', 'aws-cdk', 'bin', 'cdk');

/** A command that hangs ends the run with failed checks, not never; milliseconds. */
const PATIENCE = 20 * 60_000;

/** How a command ended. Checks never believe the code. */
export interface Ended {
  readonly code: number | null;
  readonly output: string;
}

/** Runs a program to its end, and gives what it wrote. */
export function run(program: string, args: string[], options: { cwd: string; env: NodeJS.ProcessEnv }): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'], timeout: PATIENCE });
    const output: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => output.push(chunk));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output: Buffer.concat(output).toString() }));
  });
}

/** The CDK's own command line, as it is pinned, in a folder whose `cdk.json` names the assembly. */
export class Cdk {
  readonly folder: string;

  constructor(
    private readonly emulator: Emulator,
    directory: string,
    /** Does nothing and succeeds: a fault. */
    private readonly silent = false,
  ) {
    this.folder = path.join(directory, 'work');
    mkdirSync(this.folder, { recursive: true });
    // Where `npx cdk` of a guide finds the same command line.
    symlinkSync(path.join(ROOT, 'node_modules'), path.join(this.folder, 'node_modules'));
  }

  /** What the next commands are about: a folder with a cloud assembly. */
  use(assembly: string): void {
    writeFileSync(
      path.join(this.folder, 'cdk.json'),
      JSON.stringify({ app: assembly, notices: false, versionReporting: false }),
    );
  }

  /** `CDK_YES` answers its questions: nobody sits at a terminal here. */
  get environment(): NodeJS.ProcessEnv {
    return { ...this.emulator.environment, CDK_YES: 'true', CDK_REQUIRE_APPROVAL: 'never' };
  }

  async run(...args: string[]): Promise<Ended> {
    if (this.silent) {
      return { code: 0, output: '' };
    }
    return run(process.execPath, [CLI, ...args], { cwd: this.folder, env: this.environment });
  }

  /** AWS's command line; throws when it fails. */
  async aws(...args: string[]): Promise<string> {
    const { code, output } = await run('aws', args, { cwd: this.folder, env: this.environment });
    if (code !== 0) {
      throw new Error(`aws ${args.join(' ')}: ${output}`);
    }
    return output;
  }

  bootstrap(): Promise<Ended> {
    return this.run('bootstrap', `aws://${ACCOUNT}/${REGION}`);
  }
}

/** Synthesizes the full example for the account of the emulator. */
export async function synthesizeShop(emulator: Emulator, target: string, context: readonly string[]): Promise<void> {
  const given = context.flatMap((each) => ['-c', each]);
  const { code, output } = await run(process.execPath, [CLI, 'synth', '-q', '-o', target, ...given], {
    cwd: ROOT,
    env: emulator.environment as NodeJS.ProcessEnv,
  });
  if (code !== 0) {
    throw new Error(`the example does not synthesize:\n${output}`);
  }
}
