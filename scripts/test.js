// `npm test`: lint, types, jsii, the unit tests and the Python tests of runtime/, with the coverage of both
// languages. Every step prints what failed and why; the last line is `N passed, N failed`, counted in tests,
// with one for each step that is no test runner. The floors of coverage stand in jest.config.js and in
// runtime/pyproject.toml.
//
// `npm run sweeps`: the tests that take long: every option, whole applications by the dozen, the strict
// validation of templates, and what compiles or releases the packages.
//
// `npm run dockerfiles`: steps of Dockerfiles that run, which needs Linux with mount namespaces, and more
// generated files for their reader.
const { spawn } = require('node:child_process');
const { mkdirSync, readFileSync, rmSync } = require('node:fs');
const { setPriority } = require('node:os');
const path = require('node:path');

const root = path.join(__dirname, '..');
const cache = path.join(root, '.cache', 'test');
const node = process.execPath;
/**
 * Two workers keep two processors busy: threads that collect garbage would take turns with them.
 *
 * Workers inherit it.
 */
const FRUGAL = ['--single-threaded-gc', '--max-semi-space-size=64'];
/**
 * Python's steps wait for packages and for servers, one after another, so what runs beside them steps back
 * and takes the time that they leave.
 */
const BESIDE = 5;
const bin = (name) => path.join(root, 'node_modules', '.bin', name);

/** Runs a command; its output is shown only when it fails, or when it says anything that should be silent. */
function run(command, args, niceness = 0, cwd = root) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd, env: { ...process.env, CI: 'true', FORCE_COLOR: '0' } });
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

/**
 * A step that is one check: it passes or fails as a whole.
 *
 * `silent` steps also fail when they print a warning.
 */
const check = (name, command, args, { silent = false, niceness = 0 } = {}) => ({
  name,
  run: async () => {
    const { code, output } = await run(command, args, niceness);
    const failed = code !== 0 || (silent && /warning(?!s: 0)/i.test(output));
    return { passed: failed ? 0 : 1, failed: failed ? 1 : 0, output };
  },
});

const jest = {
  name: 'unit tests (jest)',
  run: async () => {
    const file = path.join(cache, 'jest.json');
    const args = ['--coverage', '--json', `--outputFile=${file}`];
    const { code, output } = await run(node, [...FRUGAL, bin('jest'), ...args], BESIDE);
    return counted(code, output, () => {
      const result = JSON.parse(readFileSync(file, 'utf8'));
      const { total } = JSON.parse(readFileSync(path.join(cache, 'coverage', 'coverage-summary.json'), 'utf8'));
      return {
        passed: result.numPassedTests,
        failed: result.numFailedTests + result.numRuntimeErrorTestSuites,
        note: `coverage of lib/ and constructs/: ${total.lines.pct} % of lines, ${total.branches.pct} % of branches`,
      };
    });
  },
};

/** Some test files, by a pattern. Without coverage: what they cover counts nowhere. */
const some = (name, pattern) => ({
  name: `${name} (jest)`,
  run: async () => {
    const file = path.join(cache, `${name}.json`);
    const which = ['--testPathIgnorePatterns', '/node_modules/', '--testPathPatterns', pattern];
    const { code, output } = await run(node, [...FRUGAL, bin('jest'), '--json', `--outputFile=${file}`, ...which]);
    return counted(code, output, () => {
      const result = JSON.parse(readFileSync(file, 'utf8'));
      return { passed: result.numPassedTests, failed: result.numFailedTests + result.numRuntimeErrorTestSuites };
    });
  },
});

const npm = (name, script) => check(name, 'npm', ['run', '--silent', script], { silent: true });
const python = [
  check('environment of runtime/ (pip)', node, ['scripts/python-env.js', 'runtime']),
  npm('lint and format of Python (ruff)', 'lint:python'),
  npm('types of Python (mypy --strict)', 'typecheck:python'),
];

const pytest = {
  name: 'runtime/ (pytest with Django, Celery and channels)',
  run: async () => {
    const file = path.join(cache, 'pytest.xml');
    const command = path.join(root, '.cache', 'venv-runtime', 'bin', 'coverage');
    const data = `--data-file=${path.join(cache, 'coverage.python')}`;
    const coverage = (...args) => run(command, args, 0, path.join(root, 'runtime'));
    const { code, output } = await coverage(
      ...['run', data, '-m', 'pytest', '-q', '-p', 'no:cacheprovider', `--junitxml=${file}`],
    );
    await coverage('combine', '--quiet', data);
    const report = await coverage('report', data);
    return counted(code || report.code, `${output}${report.output}`, () => {
      const [, tests, failures, errors] = suite(readFileSync(file, 'utf8'));
      const [, total] = /^TOTAL.* ([\d.]+%)$/m.exec(report.output);
      return {
        passed: tests - failures - errors,
        failed: failures + errors,
        note: `coverage of django_fargate: ${total} of lines and branches`,
      };
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

/**
 * A runner has failed, too, that wrote no result, ran no test, or ended with an error although every test
 * passed.
 */
function counted(code, output, read) {
  try {
    const counts = read();
    const silent = counts.failed === 0 && (counts.passed === 0 || code !== 0);
    return { ...counts, failed: silent ? 1 : counts.failed, output };
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
    if (result.note !== undefined) {
      process.stdout.write(`       ${result.note}\n`);
    }
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
  const all = [first, ...(await chosen(process.argv))];
  const sum = (key) => all.reduce((total, result) => total + result[key], 0);
  process.stdout.write(`${sum('passed')} passed, ${sum('failed')} failed\n`);
  process.exitCode = sum('failed') === 0 ? 0 : 1;
}

function chosen(args) {
  if (args.includes('--dockerfiles')) {
    process.env.FUZZED = '5000';
    return inOrder([some('dockerfiles', '\\.view\\.test\\.ts$|image/dockerfile/fuzz')]);
  }
  return args.includes('--sweeps') ? inOrder([some('sweeps', '\\.sweep\\.test\\.ts$')]) : unitTests();
}

async function unitTests() {
  const beside = { niceness: BESIDE };
  const lanes = await Promise.all([
    inOrder([jest]),
    inOrder([
      check('jsii --Werr', node, ['scripts/quiet-node.js', 'jsii', '--Werr'], { silent: true, ...beside }),
      check('lint and format (biome)', bin('biome'), ['check', '--error-on-warnings'], beside),
      check('types (tsc)', node, ['node_modules/tsnative/bin/tsc', '--noEmit', '-p', 'tsconfig.json'], beside),
    ]),
    inOrder([...python, pytest]),
  ]);
  return lanes.flat();
}

main();
