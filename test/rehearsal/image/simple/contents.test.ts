import fs, {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Announce } from '../../../../rehearsal/announce';
import { copyContents, countsIn, hashOf } from '../../../../rehearsal/image/simple/contents';
import { prepareSimply } from '../../../../rehearsal/image/simple/image';

let context: string;

beforeEach(() => {
  context = mkdtempSync(path.join(tmpdir(), 'contents-'));
  mkdirSync(path.join(context, 'shop'));
  writeFileSync(path.join(context, 'shop/models.py'), 'one');
});

afterEach(() => rmSync(context, { recursive: true, force: true }));

const ignoring = (...names: string[]) =>
  countsIn(context, (name) => names.some((one) => one === name || name.startsWith(`${one}/`)));
const hash = (...ignored: string[]) => hashOf([context], ['text'], ignoring(...ignored));
const inContext = (...names: string[]) => path.join(context, ...names);

test('a changed file has another hash, and one that .dockerignore leaves out has no effect', () => {
  const before = hash('media');
  mkdirSync(inContext('media'));
  writeFileSync(inContext('media/photo.jpg'), 'large');
  expect(hash('media')).toBe(before);
  expect(hash()).not.toBe(before);
  writeFileSync(inContext('shop/models.py'), 'two');
  expect(hash('media')).not.toBe(before);
});

test('what is left out is not read, be it larger than a buffer can be', () => {
  const before = hash('media');
  mkdirSync(inContext('media'));
  writeFileSync(inContext('media/dump'), '');
  truncateSync(inContext('media/dump'), 2 ** 40); // A sparse file: it would take an hour to read.
  expect(hash('media')).toBe(before);
});

test('a link that names nothing, and one to the folder that it lies in, are links in the copy, too', () => {
  symlinkSync('/nonexistent/mail.py', inContext('shop/mail.py'));
  symlinkSync('..', inContext('shop/parent'));
  symlinkSync('models.py', inContext('shop/alias.py'));
  const before = hash();
  const to = `${context}-copy`;
  try {
    copyContents(context, to, ignoring());
    expect(readlinkSync(path.join(to, 'shop/mail.py'))).toBe('/nonexistent/mail.py');
    expect(readlinkSync(path.join(to, 'shop/parent'))).toBe('..');
    expect(lstatSync(path.join(to, 'shop/alias.py')).isFile()).toBe(true);
  } finally {
    rmSync(to, { recursive: true, force: true });
  }
  rmSync(inContext('shop/mail.py'));
  symlinkSync('/nonexistent/other.py', inContext('shop/mail.py'));
  expect(hash()).not.toBe(before);
});

test('a file that cannot be read is named, with what to do', () => {
  const { openSync } = fs;
  const file = inContext('shop/models.py');
  // As any user but root gets it.
  const opening = jest.spyOn(fs, 'openSync').mockImplementation((name, ...flags) => {
    if (name === file) {
      throw Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES', path: file });
    }
    return openSync(name, ...flags);
  });
  try {
    expect(() => hash()).toThrow(`${file} of the build context cannot be read (EACCES): make it readable, or list`);
    expect(hash('shop')).toBeDefined();
  } finally {
    opening.mockRestore();
  }
});

test('the Dockerfile counts, and the image is another one, although .dockerignore lists it', async () => {
  const asset = { directory: context, dockerFile: 'Dockerfile' };
  const said: string[] = [];
  const announce: Announce = {
    progress: () => undefined,
    substitution: (text) => said.push(text),
    event: () => undefined,
  };
  writeFileSync(inContext('.dockerignore'), 'Dockerfile\nbroken\n');
  symlinkSync('/nonexistent', inContext('broken'));
  const rootOf = async (last: string) => {
    writeFileSync(inContext('Dockerfile'), `FROM team/python:3.13\nCOPY shop /app/\nRUN pip install x\n${last}\n`);
    const { root } = await prepareSimply(asset, path.join(context, '.cache'), announce);
    expect(existsSync(path.join(root, 'Dockerfile'))).toBe(false);
    expect(readFileSync(path.join(root, 'app/models.py'), 'utf8')).toBe('one');
    return root;
  };
  expect(await rootOf('CMD ["a"]')).not.toBe(await rootOf('COPY shop /srv/'));
  expect(said).toContainEqual(expect.stringContaining('team/python:3.13 is taken as the official image: ENTRYPOINT'));
});

/** In the place of an environment with packages: a folder with a Python. */
jest.mock('../../../../rehearsal/image/python', () => ({
  ...jest.requireActual('../../../../rehearsal/image/python'),
  virtualEnvironment: async (cache: string) => {
    const { execFileSync } = jest.requireActual('node:child_process');
    execFileSync('python3', ['-m', 'venv', '--without-pip', '--symlinks', `${cache}/venv`]);
    return `${cache}/venv`;
  },
}));
