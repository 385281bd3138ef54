import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { type Engine, findEngine } from '../rehearsal/engine/engine';
import type { Mode } from '../rehearsal/engine/mode';
import { NOT_RUNNABLE_HERE } from '../rehearsal/image/not-runnable-here';
import { findHere } from './engine/found-here';
import { baseOf, LAYOUTS_FOLDER, type Layout, layoutsOf, pairOf, ROOT } from './outside/layouts';
import { mistakes } from './outside/mistakes';
import { type Result, rehearse } from './outside/rehearse';
import { PAGE, row, writeRows } from './outside/table';

/** Milliseconds that a trial may take: it says nothing of the code that a machine is slow. */
const PATIENCE = 15 * 60_000;

/**
 * `npm run outside`: rehearses the projects of test/outside, each with its own Dockerfile, in both modes
 * where a container engine answers, and writes the table of docs/outside.md. With names: those alone.
 *
 * `--mode image|processes`: in one of them. `--pair`: two that change with each commit, as processes, without
 * the table. `--trial`: the first one as an image, without the table, where the engine of this machine is
 * found to be able to. `--mistakes`: plants mistakes into one and asserts which check notices each.
 */
async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      mode: { type: 'string' },
      pair: { type: 'boolean', default: false },
      trial: { type: 'boolean', default: false },
      mistakes: { type: 'boolean', default: false },
    },
  });
  if (values.mistakes) {
    return count(await mistakes(positionals, write));
  }
  if (values.trial) {
    return counted([await trial(layoutsOf(positionals)[0])]);
  }
  if (values.pair) {
    return counted(await all(pairOf(git('rev-parse', 'HEAD')), [{ mode: 'processes' }], () => undefined));
  }
  const rows: string[] = [];
  const results = await all(layoutsOf(positionals), await roomsOf(values.mode), (layout, result) => {
    if (isGreen(result) || result.notRun !== undefined) {
      rows.push(row(layout.name, result, commit()));
    }
  });
  writeRows(rows);
  return counted(results);
}

/** Where a layout is rehearsed. */
interface Room {
  readonly mode: Mode;
  readonly engine?: Engine;
  readonly patience?: number;
}

/** Both rooms where an engine answers, or the one that was asked for. */
async function roomsOf(asked: string | undefined): Promise<readonly Room[]> {
  if (asked !== undefined && asked !== 'image' && asked !== 'processes') {
    throw new Error(`--mode must be image or processes, got "${asked}".`);
  }
  if (asked === 'processes') {
    return [{ mode: 'processes' }];
  }
  const { engine, remarks } = await findEngine();
  for (const remark of remarks) {
    write(remark);
  }
  if (engine === undefined && asked === undefined) {
    write('no container engine answers: the layouts are not run as images');
    return [{ mode: 'processes' }];
  }
  const image = { mode: 'image', engine } as const;
  return asked === 'image' ? [image] : [{ mode: 'processes' }, image];
}

async function all(
  layouts: readonly Layout[],
  rooms: readonly Room[],
  done: (layout: Layout, result: Result) => void,
): Promise<Result[]> {
  const results: Result[] = [];
  for (const layout of layouts) {
    for (const room of rooms) {
      const result = await one(layout, room);
      results.push(result);
      done(layout, result);
    }
  }
  return results;
}

/** A layout as an image where this machine can do it; where it cannot, that is not run, and not failed. */
async function trial(layout: Layout): Promise<Result> {
  const { engine, why, restore } = await findHere(baseOf(layout.name), write);
  try {
    if (engine === undefined) {
      write(`${layout.name}: NOT RUN as an image: ${why}`);
      return { mode: 'image', checked: [], notApplicable: 0, seconds: 0, notRun: why };
    }
    return await one(layout, { mode: 'image', engine, patience: PATIENCE });
  } finally {
    await restore();
  }
}

async function one({ name, options = [], services }: Layout, { mode, engine, patience }: Room): Promise<Result> {
  write(`== ${name}, ${mode}`);
  const folder = path.join(LAYOUTS_FOLDER, name);
  // An image for another processor than this machine's would need an emulator.
  const here = engine === undefined ? options : [...options, '--platform', engine.platform];
  const result = await rehearse({ folder, mode, strict: true, options: here, services, patience, write });
  const { checked, notApplicable, seconds, broken, notRun } = result;
  if (notRun !== undefined) {
    write(`${name}, ${mode}: NOT RUN: ${notRun}`);
  } else if (broken !== undefined) {
    write(`${name}, ${mode}: FAILED: ${broken}`);
  } else {
    const bad = checked.filter(({ verdict }) => verdict !== 'passed');
    write(
      `${name}, ${mode}: ${checked.length} of ${checked.length + notApplicable} checks ran in ${seconds} s, ${bad.length} did not pass`,
    );
  }
  return result;
}

function isGreen({ checked, broken }: Result): boolean {
  return broken === undefined && checked.length > 0 && checked.every(({ verdict }) => verdict === 'passed');
}

function counted(results: readonly Result[]): number {
  const verdicts = results.flatMap(({ checked, broken }) => [
    ...checked.map(({ verdict }) => verdict === 'passed'),
    ...(broken === undefined ? [] : [false]),
  ]);
  return count(verdicts, results.filter(({ notRun }) => notRun !== undefined).length);
}

/**
 * Prints the last line, in which what did not run counts neither way; gives the exit code, which is one of
 * its own where nothing ran at all.
 */
function count(verdicts: readonly boolean[], notRun = 0): number {
  const passed = verdicts.filter(Boolean).length;
  if (notRun > 0) {
    write(`${notRun} not run on this machine`);
  }
  write(`${passed} passed, ${verdicts.length - passed} failed`);
  if (passed < verdicts.length) {
    return 1;
  }
  return passed === 0 && notRun > 0 ? NOT_RUNNABLE_HERE : 0;
}

/** The commit that runs; `+` with changes that are not committed. */
/** The page with the rows is no change beside them. */
function commit(): string {
  const changes = git('status', '--porcelain', '--', `:(exclude)${PAGE}`);
  return `${git('rev-parse', '--short', 'HEAD')}${changes === '' ? '' : '+'}`;
}

function git(...args: string[]): string {
  return execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).trim();
}

function write(line: string): void {
  process.stdout.write(`${line}\n`);
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: Error) => {
    write(error.message);
    process.exitCode = 1;
  },
);
