import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { NotRunnableHere } from '../../../rehearsal/image/not-runnable-here';
import { shortened } from '../../../rehearsal/image/shortened';
import { Building } from './building';

let place: Building;

beforeEach(() => {
  place = new Building();
});

afterEach(() => place.end());

test('a folder of a stage is copied with its links, beside what is there and to where nothing is', async () => {
  for (const file of ['d/a', 'd/e/b', 'f/c']) {
    mkdirSync(path.join(place.context, path.dirname(file)), { recursive: true });
    writeFileSync(path.join(place.context, file), file);
  }
  symlinkSync('/etc/hostname', path.join(place.context, 'd', 'link'));
  const copies = 'COPY --from=a /d /x\nCOPY --from=a /f /x\nCOPY --from=a /d /y/z/\n';
  const { root } = await place.build(`FROM scratch AS a\nCOPY . /\nFROM scratch\n${copies}`);
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).sort();
  expect(files).toEqual(
    ['x', 'x/a', 'x/c', 'x/e', 'x/e/b', 'x/link', 'y', 'y/z', 'y/z/a', 'y/z/e', 'y/z/e/b', 'y/z/link'].sort(),
  );
  expect(['x/link', 'y/z/link'].map((link) => readlinkSync(path.join(root, link)))).toEqual([
    '/etc/hostname',
    '/etc/hostname',
  ]);
});

test('a second build of the same is the first', async () => {
  writeFileSync(path.join(place.context, 'file'), 'x');
  const text = 'FROM scratch\nCOPY file /x\n';
  const first = await place.build(text);
  expect((await place.build(text)).root).toBe(first.root);
  writeFileSync(path.join(place.context, 'file'), 'y');
  expect((await place.build(text)).root).not.toBe(first.root);
});

test('a list of its own is taken before .dockerignore', async () => {
  for (const name of ['a', 'b']) {
    writeFileSync(path.join(place.context, name), name);
  }
  writeFileSync(path.join(place.context, '.dockerignore'), 'a\n');
  writeFileSync(path.join(place.context, 'Dockerfile.dockerignore'), '*\n!a\n');
  const { root } = await place.build('FROM scratch\nCOPY . /\n');
  expect(readdirSync(root)).toEqual(['a']);
});

test('a Python that this machine does not have is not runnable here, which is no failure', async () => {
  await expect(place.build('FROM python:3.99\n')).rejects.toThrow(NotRunnableHere);
  await expect(place.build('FROM python:3.99\n')).rejects.toThrow(/Python 3\.99.*uv python install 3\.99.*--prepared/);
});

test('all refused lines are listed at once, with their numbers', async () => {
  await expect(place.build('FROM nginx:1\nRUNN x\nCOPY a\n')).rejects.toThrow(
    /Dockerfile:1 FROM nginx:1\n.*\n {2}Dockerfile:2 RUNN x\n.*\n {2}Dockerfile:3 COPY a\n.*\nWays out: --prepared/,
  );
});

test('a prepared folder is the image, with the settings of the Dockerfile', async () => {
  const prepared = path.join(place.folder, 'prepared');
  mkdirSync(path.join(prepared, 'opt/venv/bin'), { recursive: true });
  writeFileSync(path.join(prepared, 'opt/venv/bin/python'), '');
  writeFileSync(path.join(prepared, 'opt/venv/bin/gunicorn'), '#!/opt/venv/bin/python\n');
  const image = await place.build('FROM company/x\nENV PATH=/opt/venv/bin:$PATH\nWORKDIR /app\nCMD ["x"]\n', {
    prepared,
  });
  const bin = path.join(image.root, 'opt/venv/bin');
  expect(image).toMatchObject({
    path: bin,
    python: path.join(bin, 'python'),
    defaults: { workingDirectory: '/app', command: ['x'] },
  });
  expect(readFileSync(path.join(bin, 'gunicorn'), 'utf8')).toBe(`#!${path.join(bin, 'python')}\n`);
  expect(readFileSync(path.join(prepared, 'opt/venv/bin/gunicorn'), 'utf8')).toBe('#!/opt/venv/bin/python\n');
  await expect(place.build('FROM company/x\n', { prepared: '/no/such' })).rejects.toThrow(
    '--prepared /no/such: there is no such folder.',
  );
});

test('a script and the settings of a server name places of the image, and find them', async () => {
  writeFileSync(path.join(place.context, 'name'), 'of the image\n');
  const steps = [
    'COPY name /app/name',
    'COPY --chmod=755 <<"EOF" /start',
    '#!/bin/sh',
    'cd /app && exec cat /app/name "$@" < /dev/null',
    'EOF',
    'COPY <<EOF /etc/uwsgi/site.ini',
    '[uwsgi]',
    'chdir = /app',
    'http-socket = /tmp/site.sock',
    'EOF',
    'ENTRYPOINT ["/start"]',
  ];
  const { root } = await place.build(`FROM scratch\n${steps.join('\n')}\n`);
  expect(execFileSync(path.join(root, 'start'), { encoding: 'utf8' })).toBe('of the image\n');
  expect(readFileSync(path.join(root, 'etc/uwsgi/site.ini'), 'utf8')).toBe(
    `[uwsgi]\nchdir = ${root}/app\nhttp-socket = /tmp/site.sock\n`,
  );
});

test('an instruction is shown in one line, and without its secrets', () => {
  const written = 'RUN DJANGO_SECRET_KEY="$(python -c \'x\')" \\\n  API_TOKEN=abc manage.py x';
  expect(shortened(written)).toBe('RUN DJANGO_SECRET_KEY=… \\ API_TOKEN=… manage.py x');
});

test('the way that needs Linux is announced in one line, with the first line that makes it needed', async () => {
  await place.build('FROM scratch\nCOPY Dockerfile /x\n');
  expect(place.said.filter((line) => line.includes('step by step'))).toEqual([
    'Dockerfile is followed step by step, with its folder as / (FROM scratch)',
  ]);
});
