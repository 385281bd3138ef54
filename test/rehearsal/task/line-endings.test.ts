import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { firstLineOf } from '../../../rehearsal/engine/survey';
import { firstLine } from '../../../rehearsal/processes/first-line';
import { badLineEndings } from '../../../rehearsal/task/line-endings';
import type { Logs } from '../../../rehearsal/task/logs';

const SCRIPT = '#!/bin/sh\r\nexec "$@"\r\n';
const folder = mkdtempSync(path.join(tmpdir(), 'line-endings-'));
const file = path.join(folder, 'app', 'run.sh');

beforeAll(() => {
  mkdirSync(path.dirname(file));
  writeFileSync(file, SCRIPT);
  chmodSync(file, 0o755);
});
afterAll(() => rmSync(folder, { recursive: true }));

const said = (line: string, first: string | undefined) =>
  badLineEndings({ logs: { last: () => [line, ''] } as unknown as Logs }, 'run.sh', { firstLine: async () => first });

test.each([
  'run.sh: No such file or directory',
  'spawn /x/run.sh ENOENT',
  '[FATAL] exec /run.sh: no such file or directory',
])('%s is explained by a carriage return at the end of the first line', async (line) => {
  const why = await said(line, '#!/bin/sh\r');
  expect(why).toMatch(/^\. The first line of run\.sh ends in a carriage return.*`\*\.sh text eol=lf`.*\.gitattributes/);
});

test.each([
  ['run.sh: No such file or directory', '#!/bin/sh'],
  ['run.sh: No such file or directory', undefined],
  ['run.sh: No such file or directory', 'text\r'],
  ['ValueError: no', '#!/bin/sh\r'],
])('nothing is said of %s where the first line is %j', async (line, first) => {
  expect(await said(line, first)).toBe('');
});

const image = {
  root: folder,
  path: path.join(folder, 'app'),
  folders: [folder],
  defaults: { workingDirectory: '/app', environment: {}, entryPoint: [], command: [], stopSignal: 'SIGTERM' as const },
};

test.each(['/app/run.sh', './run.sh', 'run.sh'])('the first line of %s is found in a folder', (program) => {
  expect(firstLine(image, program)).toBe('#!/bin/sh\r');
});

test('a program that is not there has no first line', () => {
  expect(firstLine(image, 'no-such-program')).toBeUndefined();
});

test.each(['./run.sh', 'run.sh', file])('a shell of an image answers the first line of %s', (program) => {
  const [shell, ...args] = firstLineOf(program);
  const env = { PATH: `${path.dirname(file)}:${process.env.PATH}` };
  const { stdout, status } = spawnSync(shell, args, { encoding: 'utf8', cwd: path.dirname(file), env });
  expect([status, stdout]).toEqual([0, '#!/bin/sh\r']);
});

test('a shell answers nothing for a program that is not there', () => {
  const [shell, ...args] = firstLineOf('no-such-program');
  expect(spawnSync(shell, args).status).not.toBe(0);
});
