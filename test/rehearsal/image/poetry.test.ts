import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { forPoetry } from '../../../rehearsal/image/poetry';

const root = mkdtempSync(path.join(tmpdir(), 'poetry-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const told = { VIRTUAL_ENV: '/usr/local' };
const step = (text: string, environment = {}) => forPoetry(root, ['/bin/sh', '-c', text], environment);

test.each<[string, string, Record<string, string>]>([
  ['a variable', 'poetry install', { POETRY_VIRTUALENVS_CREATE: 'false' }],
  ['a number in a variable', 'poetry install', { POETRY_VIRTUALENVS_CREATE: '0' }],
  ['a variable of the step', 'POETRY_VIRTUALENVS_CREATE=False poetry install', {}],
  ['its own command', 'poetry config virtualenvs.create false && poetry install', {}],
  ['its own command, quoted', 'poetry config "virtualenvs.create" "false"', {}],
])('poetry that is told by %s to make no environment has that of the image', (_, text, environment) => {
  expect(step(text, environment)).toEqual(told);
});

test.each<[string, string, Record<string, string>]>([
  ['nothing', 'poetry install', {}],
  ['the contrary', 'poetry config virtualenvs.create true', { POETRY_VIRTUALENVS_CREATE: 'true' }],
  ['an environment that is chosen', 'poetry install', { POETRY_VIRTUALENVS_CREATE: 'false', VIRTUAL_ENV: '/opt/venv' }],
])('poetry that is told %s has none', (_, text, environment) => {
  expect(step(text, environment)).toEqual({});
});

test('what an earlier step configured counts', () => {
  mkdirSync(path.join(root, 'root/.config/pypoetry'), { recursive: true });
  writeFileSync(path.join(root, 'root/.config/pypoetry/config.toml'), '[virtualenvs]\ncreate = false\n');
  expect(step('poetry install')).toEqual(told);
});
