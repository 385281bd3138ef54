// `npm test`: lint, type check, jsii, the unit tests and the Python tests of runtime/. Every step prints what failed and why;
// the last line is `N passed, N failed`, counted in tests, with one for each step that is no test runner.
const { spawn } = require('node:child_process');
const { mkdirSync, readFileSync, rmSync } = require('node:fs');
const { setPriority } = require('node:os');
const path = require('node:path');

const root = path.join(__dirname, '..');
const cache = path.join(root, '.cache', 'test');
const node = process.execPath;
/** Two workers keep two processors busy: threads that collect garbage would take turns with them. Workers inherit it. */
const FRUGAL = ['--single-threaded-gc', '--max-semi-space-size=64'];
/** The unit tests take the longest, so what runs beside them steps back. */
const BESIDE = 5;
const bin = (name) => path.join(root, 'node_modules', '.bin', name);

/** Runs a command; its output is shown only when it fails, or when it says anything that should be silent. */
function run(command, args, niceness = BESIDE) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, env: { ...process.env, CI: 'true', FORCE_COLOR: '0' } });
    if (child.pid !== undefined) {
      setPriority(child.pid, niceness);
    }
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.on('error', (error) => resolve({ code: 1, output: String(error) }));
    child.on('close', (code) => resolve({ code, output }));
  });
}

/** A step that is one check: it passes or fails as a whole. `silent` steps also fail when they print a warning. */
const check = (name, command, args, silent = false) => ({
  name,
  run: async () => {
    const { code, output } = await run(command, args);
    const failed = code !== 0 || (silent && /warning(?!s: 0)/i.test(output));
    return { passed: failed ? 0 : 1, failed: failed ? 1 : 0, output };
  },
});

const jest = {
  name: 'unit tests (jest)',
  run: async () => {
    const file = path.join(cache, 'jest.json');
    const { output } = await run(node, [...FRUGAL, bin('jest'), '--json', `--outputFile=${file}`], 0);
    return counted(output, () => {
      const result = JSON.parse(readFileSync(file, 'utf8'));
      return { passed: result.numPassedTests, failed: result.numFailedTests + result.numRuntimeErrorTestSuites };
    });
  },
};

const pytest = {
  name: 'runtime/ (pytest with Django, Celery and channels)',
  run: async () => {
    const file = path.join(cache, 'pytest.xml');
    const venv = await run(node, [path.join(__dirname, 'python-env.js'), 'runtime']);
    if (venv.code !== 0) {
      return { passed: 0, failed: 1, output: venv.output };
    }
    const python = path.join(root, '.cache', 'venv-runtime', 'bin', 'python');
    const { output } = await run(python, [
      '-m',
      'pytest',
      '-q',
      '-p',
      'no:cacheprovider',
      `--junitxml=${file}`,
      'runtime',
    ]);
    return counted(output, () => {
      const [, tests, failures, errors] = suite(readFileSync(file, 'utf8'));
      return { passed: tests - failures - errors, failed: failures + errors };
    });
  },
};

function suite(xml) {
  const attribute = (name) => Number(new RegExp(`<testsuite [^>]*\\b${name}="(\\d+)"`).exec(xml)[1]);
  if (attribute('skipped') > 0) {
    throw new Error('a skipped test counts as a failed one');
  }
  return [xml, attribute('tests'), attribute('failures'), attribute('errors')];
}

/** A runner that wrote no result, or ran no test, has failed. */
function counted(output, read) {
  try {
    const counts = read();
    return counts.passed + counts.failed > 0 ? { ...counts, output } : { passed: 0, failed: 1, output };
  } catch (error) {
    return { passed: 0, failed: 1, output: `${output}\n${error}` };
  }
}

async function inOrder(steps) {
  const results = [];
  for (const step of steps) {
    const start = Date.now();
    const result = await step.run();
    const seconds = ((Date.now() - start) / 1000).toFixed(1);
    const verdict = result.failed === 0 ? 'ok    ' : 'FAILED';
    process.stdout.write(`${verdict} ${step.name}: ${result.passed} passed, ${result.failed} failed (${seconds} s)\n`);
    if (result.failed > 0) {
      process.stdout.write(`${result.output}\n`);
    }
    results.push(result);
  }
  return results;
}

async function main() {
  rmSync(cache, { recursive: true, force: true });
  mkdirSync(cache, { recursive: true });
  const [first] = await inOrder([check('handlers (esbuild)', node, ['scripts/build-handlers.js'])]);
  const lanes = await Promise.all([
    inOrder([jest]),
    inOrder([
      check('jsii --Werr', node, ['scripts/quiet-node.js', 'jsii', '--Werr'], true),
      check('lint and format (biome)', bin('biome'), ['check', '--error-on-warnings']),
      check('types (tsc)', node, ['node_modules/tsnative/bin/tsc', '--noEmit', '-p', 'tsconfig.json']),
      pytest,
    ]),
  ]);
  const all = [first, ...lanes.flat()];
  const sum = (key) => all.reduce((total, result) => total + result[key], 0);
  process.stdout.write(`${sum('passed')} passed, ${sum('failed')} failed\n`);
  process.exitCode = sum('failed') === 0 ? 0 : 1;
}

main();
