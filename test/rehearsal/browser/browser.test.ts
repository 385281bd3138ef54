import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { findBrowser } from '../../../rehearsal/browser/browser';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'browsers-'));
});

afterEach(() => rmSync(root, { recursive: true }));

/** Puts a program into a folder, and gives the folder. */
function program(folder: string, name: string, script: string, mode = 0o755): string {
  const directory = join(root, folder);
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(directory, name), mode);
  return directory;
}

const search = (...folders: string[]) => findBrowser(folders.join(delimiter));

test('a browser is found by its name on PATH', () => {
  const [empty, full] = [program('a', 'firefox', 'echo 1'), program('b', 'chromium', 'echo Chromium 140')];
  expect(search(empty, '', full)).toBe(join(full, 'chromium'));
});

test('a program that only says where to get the browser is none, and neither is a file or a snap', () => {
  const stub = program('a', 'chromium', 'echo "install the browser first" >&2; exit 1');
  const file = program('b', 'chromium', 'echo Chromium 140', 0o644);
  const snap = program('c', 'chromium', 'echo Chromium 140 snap');
  const real = program('d', 'chromium-browser', 'echo Chromium 140');
  expect(search(stub, file, snap, real)).toBe(join(real, 'chromium-browser'));
  expect(search(stub, file, snap) ?? '').not.toContain(root);
});
