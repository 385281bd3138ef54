/**
 * `npm run runtime`: the slow tests of runtime/, with real workers on a double of SQS; ends with
 * `N passed, N failed`.
 *
 * They wait most of the time, so several run side by side, each in a process of its own. None measures how
 * fast the machine is.
 */
import { execFileSync, spawn } from 'node:child_process';
import path from 'node:path';

const ROOT = path.join(__dirname, '..');
const FOLDER = path.join(ROOT, 'runtime');
const PYTEST = path.join(ROOT, '.cache', 'venv-runtime', 'bin', 'pytest');
const LANES = 4;
/** In the place of those in pyproject.toml, which leave these tests out. */
const OPTIONS = ['-o', 'addopts=--strict-markers', '-m', 'slow', '-q', '-p', 'no:cacheprovider'];

interface Outcome {
  readonly test: string;
  readonly passed: boolean;
  readonly output: string;
  readonly seconds: number;
}

function collected(filters: string[]): string[] {
  const listed = execFileSync(PYTEST, [...OPTIONS, '--collect-only', ...filters], { cwd: FOLDER, encoding: 'utf8' });
  return listed.split('\n').filter((line) => line.includes('::'));
}

function run(test: string): Promise<Outcome> {
  const begin = Date.now();
  return new Promise((resolve) => {
    const child = spawn(PYTEST, [...OPTIONS, '--tb=short', test], { cwd: FOLDER });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.on('error', (error) => (output += String(error)));
    child.on('close', (code) => resolve({ test, passed: code === 0, output, seconds: (Date.now() - begin) / 1000 }));
  });
}

async function lane(tests: string[], outcomes: Outcome[]): Promise<void> {
  for (let test = tests.shift(); test !== undefined; test = tests.shift()) {
    const outcome = await run(test);
    outcomes.push(outcome);
    const [, name] = outcome.test.split('::');
    console.log(
      `${outcome.passed ? 'ok    ' : 'FAILED'} ${name.replaceAll('_', ' ')} (${outcome.seconds.toFixed(0)} s)`,
    );
    if (!outcome.passed) {
      console.log(outcome.output);
    }
  }
}

async function main(): Promise<void> {
  execFileSync(process.execPath, [path.join(__dirname, 'python-env.js'), 'runtime'], { stdio: 'inherit' });
  const begin = Date.now();
  const tests = collected(process.argv.slice(2));
  const outcomes: Outcome[] = [];
  await Promise.all(Array.from({ length: LANES }, () => lane(tests, outcomes)));
  const failed = outcomes.filter(({ passed }) => !passed).length;
  console.log(`${((Date.now() - begin) / 1000).toFixed(0)} s`);
  console.log(`${outcomes.length - failed} passed, ${failed} failed`);
  process.exitCode = failed === 0 && outcomes.length > 0 ? 0 : 1;
}

main();
