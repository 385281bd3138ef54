/**
 * `npm run runtime`: the slow tests of runtime/, with real workers on a double of SQS; ends with
 * `N passed, N failed`.
 *
 * Without the rolling restarts of many tasks, which are `npm run restarts` and print their figures; with
 * `-- --all` both. Other arguments are those of pytest.
 *
 * They wait most of the time, so several run side by side. None measures how fast the machine is.
 */
import { execFileSync, spawn } from 'node:child_process';
import path from 'node:path';

const ROOT = path.join(__dirname, '..');
const FOLDER = path.join(ROOT, 'runtime');
const PYTEST = path.join(ROOT, '.cache', 'venv-runtime', 'bin', 'pytest');
const LANES = 4;
/** What takes minutes and is a measurement, too. */
const RESTARTS = 'tests/test_restarts.py';
/** How such a test marks what it measured, among all that it prints. */
const FIGURES = /^figures: .*$/gm;
/** In the place of those in pyproject.toml, which leave these tests out; `-rP` shows what a test printed. */
const OPTIONS = ['-rP', '-o', 'addopts=--strict-markers', '-m', 'slow', '-p', 'no:cacheprovider'];

interface Outcome {
  readonly passed: number;
  readonly failed: number;
}

function collected(filters: string[]): string[] {
  const args = [...OPTIONS, '-q', '--collect-only', ...filters];
  const listed = execFileSync(PYTEST, args, { cwd: FOLDER, encoding: 'utf8' });
  return listed.split('\n').filter((line) => line.includes('::'));
}

/** Runs some of the tests in one process. One that ends without a word about a test has failed it. */
function lane(tests: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = spawn(PYTEST, [...OPTIONS, '-v', '--tb=short', '--durations=0', ...tests], { cwd: FOLDER });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.on('error', (error) => (output += String(error)));
    child.on('close', () => {
      const passed = tests.filter((test) => output.includes(`${test} PASSED`)).length;
      const seconds = [...output.matchAll(/^([\d.]+s) call +\S+::(\S+)$/gm)];
      console.log(seconds.map(([, time, name]) => `${time.padStart(8)} ${name.replaceAll('_', ' ')}`).join('\n'));
      for (const [figures] of output.matchAll(FIGURES)) {
        console.log(figures);
      }
      if (passed < tests.length) {
        console.log(output);
      }
      resolve({ passed, failed: tests.length - passed });
    });
  });
}

function filtersOf(args: string[]): string[] {
  const filters = args.filter((argument) => argument !== '--all');
  return filters.length < args.length || filters.includes(RESTARTS) ? filters : [`--ignore=${RESTARTS}`, ...filters];
}

async function main(): Promise<void> {
  execFileSync(process.execPath, [path.join(__dirname, 'python-env.js'), 'runtime'], { stdio: 'inherit' });
  const begin = Date.now();
  const tests = collected(filtersOf(process.argv.slice(2)));
  const lanes = Array.from({ length: LANES }, (_, number) => tests.filter((_test, index) => index % LANES === number));
  const outcomes = await Promise.all(lanes.filter(({ length }) => length > 0).map(lane));
  const sum = (key: keyof Outcome) => outcomes.reduce((total, outcome) => total + outcome[key], 0);
  console.log(`${((Date.now() - begin) / 1000).toFixed(0)} s`);
  console.log(`${sum('passed')} passed, ${sum('failed')} failed`);
  process.exitCode = sum('failed') === 0 && sum('passed') > 0 ? 0 : 1;
}

main();
