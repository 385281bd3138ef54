import { spawn } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { Mode } from '../../rehearsal/engine/mode';
import { NOT_RUNNABLE_HERE, NotRunnableHere } from '../../rehearsal/image/not-runnable-here';
import { ROOT } from './layouts';
import type { Services, StartServices } from './services';

export const CACHE = path.join(ROOT, '.cache', 'outside');

/** What a rehearsal printed about one check. */
export interface Checked {
  readonly name: string;
  readonly verdict: 'passed' | 'failed' | 'not reached';
  readonly detail: string;
}

/** What became of a layout in a mode. */
export interface Result {
  readonly mode: Mode;
  readonly checked: readonly Checked[];
  /** How many checks did not apply. */
  readonly notApplicable: number;
  /** From the start of the synthesis to the end of the checks. */
  readonly seconds: number;
  /** Why nothing was checked: this machine lacks something, or it did not get that far. */
  readonly notRun?: string;
  readonly broken?: string;
}

const SIGNS = { '✓': 'passed', '✗': 'failed', '-': 'not reached' } as const;
const CHECK = /^ *[\d.]+ · ([✓✗-]) (.*?) \[[\d.]+ s\](?:: (.*))?$/;

/** Reads what a rehearsal printed. */
export function checkedIn(lines: readonly string[]): Checked[] {
  return lines.flatMap((line) => {
    const [, sign, name, detail = ''] = CHECK.exec(line) ?? [];
    return name === undefined ? [] : [{ name, detail, verdict: SIGNS[sign as keyof typeof SIGNS] }];
  });
}

/** How many checks a rehearsal listed as not applicable. */
export function notApplicableIn(lines: readonly string[]): number {
  return lines
    .map((line) => Number(/ · {3}[\w ]+: (\d+) not applicable, /.exec(line)?.[1] ?? 0))
    .reduce((sum, count) => sum + count, 0);
}

export interface RehearseProps {
  /** The folder with `app.ts`, the CDK app. */
  readonly folder: string;
  readonly mode: Mode;
  /** Whether the CDK validates the template: it takes some seconds. */
  readonly strict: boolean;
  readonly options?: readonly string[];
  /** Milliseconds after which it is ended and counts as not run. @default - it may take any time */
  readonly patience?: number;
  /** Starts what the template only names. @default - nothing */
  readonly services?: StartServices;
  /** Gets each line. */
  readonly write: (line: string) => void;
}

/** Synthesizes a layout and runs the checks against it. */
export async function rehearse(props: RehearseProps): Promise<Result> {
  const { folder, mode, strict, options = [], patience, write } = props;
  const started = Date.now();
  mkdirSync(CACHE, { recursive: true });
  const assembly = path.join(CACHE, `assembly-${process.pid}-${started}`);
  const result = (parts: Partial<Result>): Result => ({
    mode,
    checked: [],
    notApplicable: 0,
    seconds: Math.round((Date.now() - started) / 1000),
    ...parts,
  });
  let services: Services | undefined;
  try {
    const synth = await run(['--conditions=source', path.join(folder, 'app.ts')], () => undefined, {
      CDK_OUTDIR: assembly,
      CDK_VALIDATION: String(strict),
    });
    if (synth.code !== 0) {
      return result({ broken: `it does not synthesize:\n${synth.lines.slice(-20).join('\n')}` });
    }
    services = await props.services?.();
    const all = ['--check', '--mode', mode, '--assembly', assembly, ...options, ...(services?.options ?? [])];
    const given = ['--no-cache', 'rehearsal/start.ts', ...all];
    const { code, lines, isEnded } = await run(given, write, {}, patience);
    const found = { checked: checkedIn(lines), notApplicable: notApplicableIn(lines) };
    if (isEnded) {
      return result({ notRun: `it was not done after ${(patience ?? 0) / 60_000} minutes` });
    }
    if (code === NOT_RUNNABLE_HERE) {
      return result({ notRun: lines.at(-1) ?? '' });
    }
    const isSaid = code === 0 || found.checked.some(({ verdict }) => verdict !== 'passed');
    return result(isSaid ? found : { ...found, broken: lines.slice(-5).join('\n') });
  } catch (error) {
    if (error instanceof NotRunnableHere) {
      return result({ notRun: error.message });
    }
    throw error;
  } finally {
    services?.end();
    rmSync(assembly, { recursive: true, force: true });
  }
}

interface Ran {
  readonly code: number | null;
  readonly lines: string[];
  /** Whether it was ended because it took too long. */
  readonly isEnded: boolean;
}

function run(
  args: string[],
  write: (line: string) => void,
  variables: NodeJS.ProcessEnv = {},
  patience?: number,
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const program = path.join(ROOT, 'node_modules', 'tsx', 'dist', 'cli.mjs');
    const env = { ...process.env, ...variables };
    const detached = patience !== undefined; // So that it can be ended with the processes that it has started.
    const child = spawn(process.execPath, [program, ...args], {
      cwd: ROOT,
      env,
      detached,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const lines: string[] = [];
    let rest = '';
    let isEnded = false;
    const end = () => {
      isEnded = true;
      process.kill(-(child.pid ?? 0), 'SIGKILL'); // The reaper of the rehearsal ends the rest.
    };
    const timer = patience === undefined ? undefined : setTimeout(end, patience);
    const take = (text: string) => {
      const parts = (rest + text).split('\n');
      rest = parts.pop() ?? '';
      for (const line of parts.filter((one) => one !== '')) {
        lines.push(line);
        write(line);
      }
    };
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', take);
    }
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(timer);
      take('\n');
      resolve({ code, lines, isEnded });
    });
  });
}
