import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { copyEntries, entriesOf, isArchive } from '../../../rehearsal/image/copy';
import { ignoredBy } from '../../../rehearsal/image/dockerfile/ignore';
import type { CopyStep } from '../../../rehearsal/image/dockerfile/plan';
import { readDockerfile } from '../../../rehearsal/image/dockerfile/read';

let folder: string;
let context: string;
let image: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'copy-'));
  context = path.join(folder, 'context');
  image = path.join(folder, 'image');
  for (const file of [
    'requirements.txt',
    'requirements-dev.txt',
    'manage.py',
    'app/a.py',
    'app/b.pyc',
    'app/x/c.py',
    '.env',
  ]) {
    mkdirSync(path.join(context, path.dirname(file)), { recursive: true });
    writeFileSync(path.join(context, file), file);
  }
  mkdirSync(image);
});

afterEach(() => rmSync(folder, { recursive: true }));

/** Files of the image after a line of COPY. */
function after(line: string, ignore?: string): string[] {
  const plan = readDockerfile(`FROM python:3.12\nWORKDIR /w\n${line}\n`);
  expect(plan.refused).toEqual([]);
  const steps = plan.stages[0].steps.filter((step): step is CopyStep => step.kind === 'copy');
  for (const step of steps) {
    const origin = { root: context, ignored: ignore === undefined ? undefined : ignoredBy(ignore) };
    copyEntries(entriesOf(step, origin, image), step, image);
  }
  return readdirSync(image, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => path.relative(image, path.join(entry.parentPath, entry.name)))
    .sort();
}

test.each([
  ['COPY requirements*.txt ./', ['w/requirements-dev.txt', 'w/requirements.txt']],
  ['COPY requirements.txt /r', ['r']],
  ['COPY requirements.txt /r/', ['r/requirements.txt']],
  ['COPY app /code', ['code/a.py', 'code/b.pyc', 'code/x/c.py']],
  ['COPY app/ /code/', ['code/a.py', 'code/b.pyc', 'code/x/c.py']],
  ['COPY app/*.py manage.py x/', ['w/x/a.py', 'w/x/manage.py']],
  ['COPY app* /code', ['code/a.py', 'code/b.pyc', 'code/x/c.py']],
  ['COPY ../../manage.py /x/', ['x/manage.py']],
  ['COPY nothing* /x/', []],
  ['COPY app/[ab].* /x/', ['x/a.py', 'x/b.pyc']],
  ['COPY --exclude=*.pyc --exclude=x app /code', ['code/a.py']],
  ['COPY --parents app/x/c.py /p/', ['p/app/x/c.py']],
  ['COPY --parents app/./x/c.py /p/', ['p/x/c.py']],
  ['COPY <<a /d/\nx\na', ['d/a']],
])('%s', (line, files) => {
  expect(after(line)).toEqual(files);
});

test.each([
  ['.env\n**/*.pyc\n', ['w/app/a.py', 'w/app/x/c.py', 'w/manage.py', 'w/requirements-dev.txt', 'w/requirements.txt']],
  ['*\n!app\n', ['w/app/a.py', 'w/app/b.pyc', 'w/app/x/c.py']],
  ['*\n!app/x\n', ['w/app/x/c.py']],
  ['app/*\n!app/a.py\n.env\nreq*\n', ['w/app/a.py', 'w/manage.py']],
  ['# all\n /app/ \n.env\n*.txt', ['w/manage.py']],
  ['**/x\n**/*.txt\n.*\n', ['w/app/a.py', 'w/app/b.pyc', 'w/manage.py']],
])('.dockerignore %j', (ignore, files) => {
  expect(after('COPY . .', ignore)).toEqual(files);
});

test('a source that is not there is an error, and says so when .dockerignore is why', () => {
  expect(() => after('COPY nothing /x')).toThrow('nothing cannot be copied: it does not exist');
  expect(() => after('COPY .env /x', '.env')).toThrow('.env cannot be copied: .dockerignore leaves it out');
});

test('modes are kept, or set', () => {
  chmodSync(path.join(context, 'manage.py'), 0o755);
  after('COPY manage.py /a\nCOPY --chmod=640 manage.py /b\nCOPY --chmod=u=rw,go=r manage.py /c');
  expect(['a', 'b', 'c'].map((name) => statSync(path.join(image, name)).mode & 0o777)).toEqual([0o755, 0o640, 0o644]);
});

test('a link of the image leads nowhere but into the image', () => {
  const outside = path.join(folder, 'outside');
  mkdirSync(outside);
  symlinkSync(outside, path.join(image, 'out'));
  symlinkSync('../../outside', path.join(image, 'up'));
  after('COPY manage.py /out/\nCOPY manage.py /up/');
  expect(readdirSync(outside)).toEqual([]);
  expect(existsSync(path.join(image, outside, 'manage.py'))).toBe(true);
});

test('a link of the context shows nothing of this machine', () => {
  writeFileSync(path.join(folder, 'secret'), 'secret');
  symlinkSync('../secret', path.join(context, 'link'));
  expect(() => after('COPY link /x')).toThrow('does not exist');
  expect(after('COPY . /all/').filter((file) => file.startsWith('all/link'))).toEqual(['all/link']);
  expect(existsSync(path.join(image, 'all', 'link'))).toBe(false);
});

test('a file of another kind is replaced, and a folder does not become a file', () => {
  symlinkSync('/nowhere', path.join(image, 'a'));
  after('COPY manage.py /a');
  expect(readFileSync(path.join(image, 'a'), 'utf8')).toBe('manage.py');
  mkdirSync(path.join(image, 'd', 'a.py'), { recursive: true });
  expect(() => after('COPY app /d')).toThrow('is a folder of the image');
});

test('archives are told by their content', () => {
  writeFileSync(path.join(context, 'a.tar.gz'), 'no archive');
  writeFileSync(path.join(context, 'b'), Buffer.from('1f8b0800', 'hex'));
  expect(['a.tar.gz', 'b'].map((name) => isArchive(path.join(context, name)))).toEqual([false, true]);
});
