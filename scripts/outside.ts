import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { LAYOUTS_FOLDER, type Layout, layoutsOf, pairOf, ROOT } from './outside/layouts';
import { mistakes } from './outside/mistakes';
import { type Result, rehearse } from './outside/rehearse';
import { row, writeRows } from './outside/table';

/**
 * `npm run outside`: rehearses the projects of test/outside, each with its own Dockerfile, and writes the
 * table of docs/outside.md. With names: those alone. `--pair`: two that change with each commit, without the
 * table. `--mistakes`: plants mistakes into one and asserts which check notices each.
 */
async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { pair: { type: 'boolean', default: false }, mistakes: { type: 'boolean', default: false } },
  });
  if (values.mistakes) {
    return count(await mistakes(positionals, write), []);
  }
  const layouts = values.pair ? pairOf(git('rev-parse', 'HEAD')) : layoutsOf(positionals);
  const rows: string[] = [];
  const results: Result[] = [];
  for (const layout of layouts) {
    const result = await one(layout);
    results.push(result);
    if (isGreen(result) || result.notRun !== undefined) {
      rows.push(row(layout.name, result, commit()));
    }
  }
  if (!values.pair) {
    writeRows(rows);
  }
  const verdicts = results.flatMap(({ checked, broken }) => [
    ...checked.map(({ verdict }) => verdict === 'passed'),
    ...(broken === undefined ? [] : [false]),
  ]);
  return count(
    verdicts,
    results.flatMap(({ notRun }) => notRun ?? []),
  );
}

async function one({ name, options, services }: Layout): Promise<Result> {
  write(`== ${name}`);
  const folder = path.join(LAYOUTS_FOLDER, name);
  const result = await rehearse({ folder, mode: 'processes', strict: true, options, services, write });
  const { checked, notApplicable, seconds, broken, notRun } = result;
  if (notRun !== undefined) {
    write(`${name}: NOT RUN: ${notRun}`);
  } else if (broken !== undefined) {
    write(`${name}: FAILED: ${broken}`);
  } else {
    const bad = checked.filter(({ verdict }) => verdict !== 'passed');
    write(
      `${name}: ${checked.length} of ${checked.length + notApplicable} checks ran in ${seconds} s, ${bad.length} did not pass`,
    );
  }
  return result;
}

function isGreen({ checked, broken }: Result): boolean {
  return broken === undefined && checked.length > 0 && checked.every(({ verdict }) => verdict === 'passed');
}

/** Prints the last line, in which what did not run counts neither way; gives the exit code. */
function count(verdicts: readonly boolean[], notRun: readonly string[]): number {
  const passed = verdicts.filter(Boolean).length;
  if (notRun.length > 0) {
    write(`${notRun.length} not run on this machine`);
  }
  write(`${passed} passed, ${verdicts.length - passed} failed`);
  return passed === verdicts.length ? 0 : 1;
}

/** The commit that runs; `+` with changes that are not committed. */
function commit(): string {
  return `${git('rev-parse', '--short', 'HEAD')}${git('status', '--porcelain') === '' ? '' : '+'}`;
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
