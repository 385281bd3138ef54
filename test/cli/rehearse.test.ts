import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { version } from '../../package.json';

const ROOT = path.join(__dirname, '..', '..');
const COMMAND = path.join(ROOT, 'cli', 'cdk-django-fargate.ts');
const REHEARSAL = 'cdk-django-fargate-rehearsal';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'cli-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Runs the command in a folder, as npx does. */
function typed(...args: string[]) {
  const loader = path.join(ROOT, 'node_modules', 'tsx', 'dist', 'cli.mjs');
  const { status, stdout, stderr } = spawnSync(process.execPath, [loader, COMMAND, ...args], {
    cwd: folder,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

/** Installs a program that prints what it was given, in the place of the rehearsal. */
function install(place: string, installed: string): void {
  const files = {
    'package.json': JSON.stringify({ version: installed, bin: { [REHEARSAL]: 'dist/bin.js' } }),
    'dist/bin.js': 'console.log(process.argv[1] === __filename, ...process.argv.slice(2)); process.exit(77);',
  };
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(folder, place, 'node_modules', REHEARSAL, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
}

test('where the rehearsal is absent, the line that installs it is printed, and the exit code is its own', () => {
  const { status, stdout, stderr } = typed('rehearse', '--check');
  expect({ status, stdout }).toEqual({ status: 69, stdout: '' });
  expect(stderr.split('\n')).toContain(`  npm install --save-dev ${REHEARSAL}@${version}`);
});

test('the rehearsal gets the options, and its exit code is that of the command', () => {
  install('.', version);
  expect(typed('rehearse', '--check', '--stack', 'Shop')).toEqual({
    status: 77,
    stdout: 'true --check --stack Shop\n',
    stderr: '',
  });
});

test('the rehearsal of a folder above is found, and another version is named', () => {
  install('.', '0.0.1');
  folder = path.join(folder, 'infra');
  mkdirSync(folder);
  const { status, stderr } = typed('rehearse');
  folder = path.dirname(folder);
  expect(status).toBe(77);
  expect(stderr).toContain(`${REHEARSAL} is 0.0.1, cdk-django-fargate is ${version}`);
});

test.each([
  ['--help', 0],
  ['rehearsal', 2],
])('%s lists the commands', (word, code) => {
  const { status, stdout, stderr } = typed(word);
  expect(status).toBe(code);
  expect(`${stdout}${stderr}`).toMatch(/^ {2}rehearse /m);
});
