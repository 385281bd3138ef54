import { chmodSync, mkdirSync, mkdtempSync, realpathSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { newerThan, refusedWrites } from '../../../../rehearsal/checks/any-project/writes';

const ROOT = '/cache/images/1234';

test.each([
  ['Python, here', `PermissionError: [Errno 13] Permission denied: '${ROOT}/app/media/a b.txt'`, '/app/media/a b.txt'],
  ['Python, in AWS', `OSError: [Errno 30] Read-only file system: '/app/db.sqlite3'`, '/app/db.sqlite3'],
  [
    'Python, below the folder that it runs in',
    `PermissionError: [Errno 13] Permission denied: 'media/a.txt'`,
    'media/a.txt',
  ],
  ['a shell', `/bin/sh: 1: cannot create ${ROOT}/app/run.pid: Permission denied`, '/app/run.pid'],
  ['mkdir', `mkdir: cannot create directory ‘${ROOT}/app/logs’: Permission denied`, '/app/logs'],
  ['touch', `touch: cannot touch '/var/lib/app': Read-only file system`, '/var/lib/app'],
  ['Node', `Error: EACCES: permission denied, open '${ROOT}/app/bundle.js'`, '/app/bundle.js'],
  ['a log in JSON', `{"exception": "PermissionError: [Errno 13] Permission denied: '${ROOT}/app/x'"}`, '/app/x'],
])('a write that is refused is found as %s says it', (_, line, file) => {
  expect(refusedWrites(['another line', line, line], [ROOT])).toEqual([file]);
});

test.each([
  ['a file that is not there', `FileNotFoundError: [Errno 2] No such file or directory: '/app/x'`],
  ['an answer of a page', 'Permission denied: you are not staff'],
  ['a request', '127.0.0.1 "GET /static/a.css" 403'],
])('%s is no write', (_, line) => {
  expect(refusedWrites([line], [ROOT])).toEqual([]);
});

test('a file that others may not read is not taken for one that cannot be written', () => {
  const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'writes-')));
  const [secret, open] = ['secret', 'open'].map((name) => path.join(folder, name));
  for (const [file, mode] of [
    [secret, 0o600],
    [open, 0o644],
  ] as const) {
    writeFileSync(file, '');
    chmodSync(file, mode);
  }
  const said = (file: string) => refusedWrites([`PermissionError: [Errno 13] Permission denied: '${file}'`], [folder]);
  expect(said(secret)).toEqual([]);
  expect(said(open)).toEqual(['/open']);
});

test('files that were written since a moment are found, as the image has them', async () => {
  const root = realpathSync(mkdtempSync(path.join(tmpdir(), 'writes-')));
  mkdirSync(path.join(root, 'app', 'media'), { recursive: true });
  const files = ['app/old.py', 'app/media/new.txt'].map((name) => path.join(root, name));
  for (const file of files) {
    writeFileSync(file, '');
  }
  utimesSync(files[0], 1000, 1000);
  utimesSync(files[1], 3000, 3000);
  expect(await newerThan(root, 2_000_000)).toEqual(['/app/media/new.txt']);
});
