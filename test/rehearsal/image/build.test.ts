import { spawn } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Announce } from '../../../rehearsal/announce';
import { shortened } from '../../../rehearsal/image/build';
import { type Image, type ImageOverrides, prepareImage } from '../../../rehearsal/image/image';
import { NotRunnableHere } from '../../../rehearsal/image/interpreters';
import { canView } from '../../../rehearsal/image/view';

let folder: string;
let said: string[];

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'build-'));
  said = [];
  mkdirSync(path.join(folder, 'context'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const announce: Announce = {
  progress: (text) => said.push(text),
  substitution: (text) => said.push(text),
  event: () => undefined,
};

/** Builds on a base that needs no Python: each takes some tenths of a second. */
function build(dockerfile: string, overrides: ImageOverrides = {}, target?: string): Promise<Image> {
  const directory = path.join(folder, 'context');
  writeFileSync(path.join(directory, 'Dockerfile'), dockerfile);
  const work = path.join(folder, 'work');
  const start = (program: string, args: string[], options: object) => spawn(program, args, options);
  const asset = { directory, dockerFile: 'Dockerfile', target };
  return prepareImage({ asset, cache: path.join(folder, 'cache'), work, announce, spawn: start, overrides });
}

const NODE = `FROM node:${process.versions.node.split('.')[0]}\n`;
/** Where a program cannot have its own file system, a step that runs one is not runnable. */
const here = canView() ? test : test.skip;

here(
  'steps run with the folder of the image as /',
  async () => {
    const steps = [
      'WORKDIR /app',
      'COPY <<"EOF" /app/build.sh',
      '#!/bin/sh',
      'cd /app && for d in a b; do mkdir -p $d; echo $d > $d/x; done; ln -s a/x link; chmod 700 build.sh',
      'EOF',
      'RUN chmod +x /app/build.sh && /app/build.sh',
      'ENV GREETING="it\'s here"',
      'RUN if [ -d a ]; then echo "$GREETING" > /greeting; else exit 3; fi',
      'RUN <<EOF',
      '#!/usr/bin/env node',
      "require('node:fs').writeFileSync('/app/node', process.cwd());",
      'EOF',
    ];
    const { root } = await build(`${NODE}${steps.join('\n')}\n`);
    const read = (file: string) => readFileSync(path.join(root, file), 'utf8').trim();
    expect(['greeting', 'app/node', 'app/a/x', 'app/link'].map(read)).toEqual(["it's here", '/app', 'a', 'a']);
    expect(readdirSync(root).filter((name) => name.startsWith('.machine'))).toEqual([]);
    expect(readdirSync(folder)).not.toContain('work');
  },
  60_000,
);

here(
  'what is copied from a stage is the files of that stage, whatever its links say',
  async () => {
    const first = 'RUN ln -s /etc/hostname /name && ln -s /etc /conf && echo image > /etc/hostname\n';
    const { root } = await build(`${NODE.trim()} AS a\n${first}FROM scratch\nCOPY --from=a /name /conf/hostname /x/\n`);
    expect(readFileSync(path.join(root, 'x/hostname'), 'utf8')).toBe('image\n');
    expect(readFileSync(path.join(root, 'x/name'), 'utf8')).toBe('image\n');
  },
  60_000,
);

here(
  'no step runs as root, and none writes to this machine',
  async () => {
    const probe = path.join(folder, 'probe');
    const { root } = await build(`${NODE}RUN id -u > /id; touch /usr/bin/of-a-step; echo x > ${probe} || true\n`);
    const uid = process.getuid?.() === 0 ? '10001' : '0';
    expect(readFileSync(path.join(root, 'id'), 'utf8').trim()).toBe(uid);
    expect(readdirSync('/usr/bin')).not.toContain('of-a-step');
    expect(readdirSync(folder)).not.toContain('probe');
  },
  60_000,
);

here(
  'packages and users of the system are announced, once',
  async () => {
    const { root } = await build(
      `${NODE}RUN apt-get install -y gcc && useradd -m app && su app -c "echo hi > /hi"\nRUN X=apt-get; $X update\n`,
    );
    expect(said.filter((line) => line.includes('apt-get: '))).toHaveLength(1);
    expect(said).toContainEqual(expect.stringContaining('line 3: apt-get update: packages of the operating system'));
    expect(readFileSync(path.join(root, 'etc/passwd'), 'utf8')).toContain('app:x:1000');
    expect(readdirSync(path.join(root, 'home'))).toEqual(['app']);
    expect(readFileSync(path.join(root, 'hi'), 'utf8')).toBe('hi\n');
  },
  60_000,
);

here(
  'a step that fails says its line, what it wrote, what was not installed, and the ways out',
  async () => {
    const failing = build(`${NODE}RUN apt-get install -y gettext\nRUN echo no msgfmt >&2; exit 4\n`);
    await expect(failing).rejects.toThrow(
      /line 3 ended with 4: RUN echo no msgfmt.*\nno msgfmt\nNot installed here: apt-get install -y gettext\nWays out: --prepared/,
    );
  },
  60_000,
);

here(
  'a target is built without the stages that it does not need',
  async () => {
    const { root } = await build(
      `${NODE.trim()} AS a\nRUN echo a > /a\n${NODE.trim()} AS b\nRUN exit 1\nFROM a AS c\nRUN echo c > /c\n`,
      {},
      'c',
    );
    expect(['a', 'c'].map((name) => readFileSync(path.join(root, name), 'utf8'))).toEqual(['a\n', 'c\n']);
  },
  60_000,
);

test('a folder of a stage is copied with its links, beside what is there and to where nothing is', async () => {
  for (const file of ['d/a', 'd/e/b', 'f/c']) {
    mkdirSync(path.join(folder, 'context', path.dirname(file)), { recursive: true });
    writeFileSync(path.join(folder, 'context', file), file);
  }
  symlinkSync('/etc/hostname', path.join(folder, 'context', 'd', 'link'));
  const copies = 'COPY --from=a /d /x\nCOPY --from=a /f /x\nCOPY --from=a /d /y/z/\n';
  const { root } = await build(`FROM scratch AS a\nCOPY . /\nFROM scratch\n${copies}`);
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
  writeFileSync(path.join(folder, 'context', 'file'), 'x');
  const text = 'FROM scratch\nCOPY file /x\n';
  const first = await build(text);
  expect((await build(text)).root).toBe(first.root);
  writeFileSync(path.join(folder, 'context', 'file'), 'y');
  expect((await build(text)).root).not.toBe(first.root);
});

test('a list of its own is taken before .dockerignore', async () => {
  for (const name of ['a', 'b']) {
    writeFileSync(path.join(folder, 'context', name), name);
  }
  writeFileSync(path.join(folder, 'context', '.dockerignore'), 'a\n');
  writeFileSync(path.join(folder, 'context', 'Dockerfile.dockerignore'), '*\n!a\n');
  const { root } = await build('FROM scratch\nCOPY . /\n');
  expect(readdirSync(root)).toEqual(['a']);
});

test('a Python that this machine does not have is not runnable here, which is no failure', async () => {
  await expect(build('FROM python:3.99\n')).rejects.toThrow(NotRunnableHere);
  await expect(build('FROM python:3.99\n')).rejects.toThrow(/Python 3\.99.*uv python install 3\.99.*--prepared/);
});

test('all refused lines are listed at once, with their numbers', async () => {
  await expect(build('FROM nginx:1\nRUNN x\nCOPY a\n')).rejects.toThrow(
    /Dockerfile:1 FROM nginx:1\n.*\n {2}Dockerfile:2 RUNN x\n.*\n {2}Dockerfile:3 COPY a\n.*\nWays out: --prepared/,
  );
});

test('a prepared folder is the image, with the settings of the Dockerfile', async () => {
  const prepared = path.join(folder, 'prepared');
  mkdirSync(path.join(prepared, 'opt/venv/bin'), { recursive: true });
  writeFileSync(path.join(prepared, 'opt/venv/bin/python'), '');
  const image = await build('FROM company/x\nENV PATH=/opt/venv/bin:$PATH\nWORKDIR /app\nCMD ["x"]\n', { prepared });
  expect(image).toMatchObject({
    root: prepared,
    path: path.join(prepared, 'opt/venv/bin'),
    python: path.join(prepared, 'opt/venv/bin/python'),
    defaults: { workingDirectory: '/app', command: ['x'] },
  });
});

test('an instruction is shown in one line, and without its secrets', () => {
  const written = 'RUN DJANGO_SECRET_KEY="$(python -c \'x\')" \\\n  API_TOKEN=abc manage.py x';
  expect(shortened(written)).toBe('RUN DJANGO_SECRET_KEY=… \\ API_TOKEN=… manage.py x');
});
