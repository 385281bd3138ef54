import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Announce } from '../../../../rehearsal/announce';
import { prepareSimply } from '../../../../rehearsal/image/simple/image';
import { readBy } from '../../../../rehearsal/image/simple/requirements';

let root: string;
const keys: string[] = [];

beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'requirements-'));
});
afterEach(() => {
  for (const folder of [root, `${root}-cache`]) {
    rmSync(folder, { recursive: true, force: true });
  }
});

function write(files: Record<string, string>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    writeFileSync(path.join(root, name), text);
  }
}

/** What a file makes pip read, below the folder of the application. */
function read(text: string): string[] {
  write({ 'app/requirements/all.txt': text });
  const { files, packages } = readBy(path.join(root, 'app/requirements/all.txt'), root, path.join(root, 'app'));
  return [...files.slice(1), ...packages].map((file) => path.relative(path.join(root, 'app'), file));
}

test.each([
  '-r base.txt',
  '-rbase.txt',
  '--requirement base.txt',
  '--requirement=base.txt',
  '-c base.txt',
  '--constraint "base.txt"',
])('%s names a file beside, and that one others', (line) => {
  write({ 'app/requirements/base.txt': '-r more/deep.txt\n-c ../limits.txt # older ones\n' });
  write({
    'app/requirements/more/deep.txt': '-r ../all.txt\n./lib\n',
    'app/limits.txt': 'x<2\n',
    'app/lib/setup.py': '',
  });
  expect(read(`Django\n${line}\n`)).toEqual([
    'requirements/base.txt',
    'requirements/more/deep.txt',
    'limits.txt',
    'lib',
  ]);
});

test('packages lie below the working directory, and folders of packages beside the file, too', () => {
  write({ 'app/lib/setup.py': '', 'app/vendor/x-1.whl': '', 'app/requirements/wheels/y.whl': '' });
  const text =
    'lib/[extra] ; python_version > "3"\nvendor/x-1.whl --hash=sha256:0\n-f wheels\n--find-links ./none\nlib\n';
  expect(read(text)).toEqual(['lib', 'vendor/x-1.whl', 'requirements/wheels']);
  expect(
    read('celery[sqs]==5.4 \\\n  --hash=sha256:0\n-r https://x.example/r.txt\n--pre\ngit+https://x.example/y\n'),
  ).toEqual([]);
});

test.each([
  ['-e ./lib', 2],
  ['--editable=./lib', 2],
  ['/app/lib', 2],
  ['lib @ file:///app/lib', 2],
])('%s depends on where the image lies, and is named with its line', (line, number) => {
  write({ 'app/lib/setup.py': '' });
  expect(() => read(`Django\n${line}\n`)).toThrow(`/app/requirements/all.txt:${number} ${line}`);
});

test('a file that is not there is named with the line that names it', () => {
  expect(() => read('\n-c none.txt\n')).toThrow('/app/requirements/all.txt:2 -c none.txt: the image has no such file.');
});

describe('the environment of an image', () => {
  const announce: Announce = { progress: () => undefined, substitution: () => undefined, event: () => undefined };
  const prepare = async (files: Record<string, string>) => {
    write({ Dockerfile: 'FROM python:3.13\nWORKDIR /app\nCOPY . .\nRUN pip install -r requirements.txt\n' });
    write({ 'requirements.txt': '-r base.txt\n', 'base.txt': 'Django\n', ...files });
    await prepareSimply({ directory: root, dockerFile: 'Dockerfile' }, `${root}-cache`, announce);
    return keys.at(-1);
  };

  test('is another one when a file has changed that the requirements name', async () => {
    const before = await prepare({});
    expect(await prepare({ 'README.md': '' })).toBe(before);
    expect(await prepare({ 'base.txt': 'Django<6\n' })).not.toBe(before);
  });

  test('is not made simply with an editable package', async () => {
    await expect(prepare({ 'base.txt': '-e ./lib\n' })).rejects.toThrow('/app/base.txt:1 -e ./lib');
  });
});

/** In the place of an environment with packages: a folder with a Python. */
jest.mock('../../../../rehearsal/image/python', () => ({
  virtualEnvironment: async (cache: string, _name: string, { key }: { key: string[] }) => {
    const { execFileSync } = jest.requireActual('node:child_process');
    execFileSync('python3', ['-m', 'venv', '--without-pip', '--symlinks', `${cache}/venv`]);
    keys.push(...key);
    return `${cache}/venv`;
  },
}));
