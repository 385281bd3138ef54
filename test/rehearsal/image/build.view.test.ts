import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Building, NODE } from './building';

let place: Building;

beforeEach(() => {
  place = new Building();
});

afterEach(() => place.end());

test('steps run with the folder of the image as /', async () => {
  const steps = [
    'ARG NAME=given',
    'WORKDIR /app',
    'RUN echo "$NAME" > name',
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
  const { root } = await place.build(`${NODE}${steps.join('\n')}\n`);
  const read = (file: string) => readFileSync(path.join(root, file), 'utf8').trim();
  expect(['greeting', 'app/name', 'app/node', 'app/a/x', 'app/link'].map(read)).toEqual([
    "it's here",
    'given',
    '/app',
    'a',
    'a',
  ]);
  expect(readdirSync(root).filter((name) => name.startsWith('.machine'))).toEqual([]);
  expect(readdirSync(place.folder)).not.toContain('work');
});

test('what is copied from a stage is the files of that stage, whatever its links say', async () => {
  const first = 'RUN ln -s /etc/hostname /name && ln -s /etc /conf && echo image > /etc/hostname\n';
  const { root } = await place.build(
    `${NODE.trim()} AS a\n${first}FROM scratch\nCOPY --from=a /name /conf/hostname /x/\n`,
  );
  expect(readFileSync(path.join(root, 'x/hostname'), 'utf8')).toBe('image\n');
  expect(readFileSync(path.join(root, 'x/name'), 'utf8')).toBe('image\n');
});

test('no step runs as root, and none writes to this machine', async () => {
  const probe = path.join(place.folder, 'probe');
  const { root } = await place.build(`${NODE}RUN id -u > /id; touch /usr/bin/of-a-step; echo x > ${probe} || true\n`);
  const uid = process.getuid?.() === 0 ? '10001' : '0';
  expect(readFileSync(path.join(root, 'id'), 'utf8').trim()).toBe(uid);
  expect(readdirSync('/usr/bin')).not.toContain('of-a-step');
  expect(readdirSync(place.folder)).not.toContain('probe');
});

test('packages and users of the system are announced, once', async () => {
  const { root } = await place.build(
    `${NODE}RUN apt-get install -y gcc && useradd -m app && su app -c "echo hi > /hi"\nRUN X=apt-get; $X update\n`,
  );
  expect(place.said.filter((line) => line.includes('apt-get: '))).toHaveLength(1);
  expect(place.said).toContainEqual(
    expect.stringContaining('line 3: apt-get update: packages of the operating system'),
  );
  expect(readFileSync(path.join(root, 'etc/passwd'), 'utf8')).toContain('app:x:1000');
  expect(readdirSync(path.join(root, 'home'))).toEqual(['app']);
  expect(readFileSync(path.join(root, 'hi'), 'utf8')).toBe('hi\n');
});

test('a step that fails says its line, what it wrote, what was not installed, and the ways out', async () => {
  const failing = place.build(`${NODE}RUN apt-get install -y gettext\nRUN echo no msgfmt >&2; exit 4\n`);
  await expect(failing).rejects.toThrow(
    /line 3 ended with 4: RUN echo no msgfmt.*\nno msgfmt\nNot installed here: apt-get install -y gettext\nWays out: --prepared/,
  );
});

test('a target is built without the stages that it does not need', async () => {
  const { root } = await place.build(
    `${NODE.trim()} AS a\nRUN echo a > /a\n${NODE.trim()} AS b\nRUN exit 1\nFROM a AS c\nRUN echo c > /c\n`,
    {},
    'c',
  );
  expect(['a', 'c'].map((name) => readFileSync(path.join(root, name), 'utf8'))).toEqual(['a\n', 'c\n']);
});

test('a simple Dockerfile is prepared by any Python of this machine, without what .dockerignore names', async () => {
  const files = {
    'manage.py': "import pathlib, sys; pathlib.Path('made').write_text(sys.argv[1])\n",
    'requirements.txt': '',
    'ignored.txt': '',
    '.dockerignore': 'ignored.txt\n',
  };
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(path.join(place.context, name), text);
  }
  const steps = ['pip install -r requirements.txt', 'SECRET=a python manage.py collectstatic --noinput'];
  const image = await place.build(
    `FROM python:3.99\nWORKDIR /app\nCOPY . .\nRUN ${steps.join(' && ')}\nCMD ["gunicorn"]\n`,
  );
  expect(readdirSync(path.join(image.root, 'app'))).toEqual(
    expect.arrayContaining(['made', 'manage.py', 'requirements.txt']),
  );
  expect(readdirSync(path.join(image.root, 'app'))).not.toContain('ignored.txt');
  expect(readFileSync(path.join(image.root, 'app', 'made'), 'utf8')).toBe('collectstatic');
  expect(image.python).toBe(path.join(image.path, 'python'));
  expect(image.folders).toEqual([image.root, path.dirname(image.path)]);
  expect(image.defaults).toMatchObject({ workingDirectory: '/app', command: ['gunicorn'] });
  expect(place.said).toContainEqual(expect.stringMatching(/^Python 3\.\d+ of this machine in the place of .* 3\.99$/));
  expect(place.said).toContain('build step: SECRET=… python manage.py collectstatic --noinput');
});

test.each([
  [
    'a list and a key in /etc/apt',
    'echo k > /etc/apt/keyrings/x.asc && echo "deb x y z" > /etc/apt/sources.list.d/x.list',
  ],
  ['a key in /usr/share/keyrings', 'echo k > /usr/share/keyrings/x.gpg && chmod 644 /usr/share/keyrings/x.gpg'],
  ['another mirror of Debian', 'sed -i s/deb.debian.org/mirror.example/ /etc/apt/sources.list.d/debian.sources'],
  ['another mirror of Alpine', 'sed -i s/dl-cdn.alpinelinux.org/mirror.example/ /etc/apk/repositories'],
  [
    'settings of apt',
    'echo x > /etc/apt/apt.conf.d/99x && echo x > /etc/apt/preferences.d/x && rm -rf /var/lib/apt/lists/*',
  ],
])('a step may add %s before it calls the package manager', async (_, command) => {
  const { root } = await place.build(
    `${NODE}RUN ${command} && apt-get update && apt-get install -y x && touch /done\n`,
  );
  expect(readdirSync(root)).toContain('done');
});
