import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { whyNotSimple } from '../../../../rehearsal/image/simple/follows';

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'follows-'));
  mkdirSync(path.join(directory, 'src'));
  for (const file of ['requirements.txt', 'manage.py', 'src/x.py', 'files.tar.gz']) {
    writeFileSync(path.join(directory, file), '');
  }
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

const why = (text: string, asset: object = {}, overrides: object = {}) =>
  whyNotSimple(text, { directory, dockerFile: 'Dockerfile', ...asset }, overrides);

const ONE = ['FROM python:3.13', 'WORKDIR /app', 'COPY . .', 'RUN pip install -r requirements.txt', 'CMD ["gunicorn"]'];
const TWO = [
  'FROM python:3.13 AS build',
  'WORKDIR /app',
  'RUN python -m venv /opt/venv',
  'ENV PATH=/opt/venv/bin:$PATH',
  'COPY . .',
  'RUN pip install -r requirements.txt && DJANGO_SECRET_KEY="$(head -c 9 file)" python manage.py collectstatic --noinput',
  'FROM python:3.13',
  'ENV PATH=/opt/venv/bin:$PATH HOME=/tmp A=b',
  'COPY --from=build /opt/venv /opt/venv',
  'COPY --from=build /app /app',
  'CMD ["gunicorn"]',
];
const lines = (...all: string[]) => `${all.join('\n')}\n`;

test('one stage, and two of which the last has what the first made, are followed simply', () => {
  expect(why(lines(...ONE))).toBeUndefined();
  expect(why(lines(...TWO))).toBeUndefined();
});

test.each([
  'ARG X=1',
  'RUN npm ci',
  'RUN make static',
  'RUN apt-get install -y gettext',
  'RUN pip install --index-url https://x.example y',
  'RUN pip install -e .',
  'RUN python manage.py collectstatic; rm -rf x',
  'RUN python manage.py collectstatic || true',
  'RUN DATA=/srv python manage.py collectstatic',
  'RUN pip install uv && uv sync',
  'RUN --mount=type=cache,target=/x pip install y',
  'SHELL ["/bin/bash", "-c"]',
  'COPY <<EOF /x',
  'COPY --chmod=755 manage.py /bin/',
  'COPY *.py ./',
  'COPY nothing.txt ./',
  'COPY ../x ./',
  'COPY manage.py /usr/bin',
  'COPY ["manage.py", "/a b/"]',
  'COPY --from=nginx:1 /x /x',
  'ADD files.tar.gz /srv/',
  'ADD https://example.com/x /x',
  'ENV A=$B',
  'ENV STATIC_ROOT=/srv',
  'ENV PIP_INDEX_URL=https://x.example',
  'ENV A="b c"',
  'CMD ["x", 1]',
  'ENTRYPOINT ["x"]',
  'RUNN x',
  'VOLUME /x',
  'FROM node:22',
  'FROM cgr.dev/chainguard/python:3.13',
  'FROM ghcr.io/astral-sh/uv:python3.13-alpine',
])('%s is for the other way', (line) => {
  expect(why(lines(...ONE, line))).toBeDefined();
});

test.each([
  [
    'what a stage installed in another place',
    'COPY --from=build /opt/venv /opt/venv',
    'COPY --from=build /opt/venv /srv',
  ],
  ['what a stage installed and the last has not', 'COPY --from=build /opt/venv /opt/venv', 'USER 1'],
  ['files that stay in an earlier stage', 'COPY --from=build /app /app', 'USER 1'],
  ['a program by its path', 'CMD ["gunicorn"]', 'CMD ["/opt/venv/bin/gunicorn"]'],
  ['programs that PATH does not find', 'ENV PATH=/opt/venv/bin:$PATH HOME=/tmp A=b', 'USER 1'],
  ['a variable of a build', 'WORKDIR /app', 'WORKDIR /app\nENV DEBUG=1'],
  ['a second environment', 'COPY . .', 'COPY . .\nRUN python -m venv /opt/other'],
])('%s is for the other way', (_, written, instead) => {
  expect(TWO).toContain(written);
  expect(why(lines(...TWO.map((line) => (line === written ? instead : line))))).toBeDefined();
});

test('options, a target, build arguments, contexts and exceptions of .dockerignore are for the other way', () => {
  const text = lines(...ONE);
  expect(why(text, {}, { python: '3.12' })).toBe('an option says what the image is');
  expect(why(text, {}, { python: undefined })).toBeUndefined();
  for (const asset of [{ target: 'a' }, { buildArgs: { A: 'b' } }, { contexts: { a: 'b' } }]) {
    expect(why(text, asset)).toBe('the asset has a target, build arguments or contexts');
  }
  const list = path.join(directory, '.dockerignore');
  writeFileSync(list, '*\n!manage.py\n');
  expect(why(text)).toBe('.dockerignore has exceptions');
  rmSync(list);
});

test('the reason is the line, without its secrets', () => {
  expect(why(lines(...ONE, 'RUN API_TOKEN=abc make'))).toBe('RUN API_TOKEN=… make');
  expect(why('# escape=`\nFROM python:3.13\n')).toMatch(/escape/);
  expect(why('')).toBe('line 1: the file has no instruction');
});
