import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findHere, type Here } from '../../scripts/engine/found-here';
import { baseOf } from '../../scripts/outside/layouts';

const INFO = JSON.stringify({ host: { arch: 'amd64' }, version: { Version: '5' } });
const IMAGE = JSON.stringify([{ Id: 'abc', Os: 'linux', Architecture: 'amd64', Config: {} }]);

/** What is found of an engine whose subcommands are these lines of a shell; others do nothing, and succeed. */
async function found(
  subcommands: Record<string, string>,
  base = 'python:3.13-slim',
): Promise<Here & { lines: string[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'engine-'));
  const program = join(folder, 'podman');
  const cases = Object.entries({ info: `echo '${INFO}'`, image: `echo '${IMAGE}'`, ...subcommands });
  const script = ['#!/bin/sh', 'case "$1" in', ...cases.map(([name, line]) => `${name}) ${line} ;;`), 'esac'];
  writeFileSync(program, `${script.join('\n')}\n`);
  chmodSync(program, 0o755);
  const before = process.env.CDK_DOCKER;
  process.env.CDK_DOCKER = program;
  const lines: string[] = [];
  try {
    return { ...(await findHere(base, (line) => lines.push(line))), lines };
  } finally {
    if (before === undefined) {
      delete process.env.CDK_DOCKER;
    } else {
      process.env.CDK_DOCKER = before;
    }
    rmSync(folder, { recursive: true });
  }
}

beforeAll(() => {
  jest.spyOn(global, 'fetch').mockRejectedValue(new Error('no network'));
});

afterAll(() => {
  jest.restoreAllMocks();
});

const RUNS = 'case "$*" in *socket*) ;; *bytearray*) exit 137 ;; *written*) exit 1 ;; esac';

test.each<[string, Record<string, string>, RegExp]>([
  ['does not answer', { info: 'exit 1' }, /^no container engine answers$/],
  [
    'has no user namespaces',
    { build: 'echo "Error: cannot set user namespace" >&2; exit 125' },
    /cannot build Dockerfile:\s+Error: cannot set/,
  ],
  [
    'reaches no index of packages',
    { build: 'echo "ERROR: No matching distribution" >&2; exit 1' },
    /No matching distribution/,
  ],
  ['says nothing of what it has built', { image: '[ "$2 $3" = "inspect python:3.13-slim" ]' }, /JSON/],
  [
    'runs no container',
    { '--*|run': 'echo "Error: OCI permission denied" >&2; exit 126' },
    /runs no container: Error: OCI permission denied/,
  ],
  ['has no memory limits', { run: 'case "$*" in *--memory*) exit 126 ;; esac' }, /no memory limit ends a container/],
  [
    'takes memory limits and ignores them',
    { run: 'exit 0' },
    /more memory than it is given ends with 0 instead of 137/,
  ],
  ['is read-only in name alone', { run: RUNS.replace(' *written*) exit 1 ;;', '') }, /can write to it/],
  ['cannot be asked', { run: RUNS, exec: 'echo "Error: no exec" >&2; exit 1' }, /exec fails: Error: no exec/],
  ['does not send signals', { run: RUNS, wait: 'echo 0' }, /SIGTERM ends with 0/],
])('an engine that %s is not used, and the reason is said', async (_name, subcommands, why) => {
  const here = await found(subcommands);
  expect(here.engine).toBeUndefined();
  expect(here.why).toMatch(why);
});

test('a base image that is not there and cannot be pulled is a reason', async () => {
  const gone = await found({ image: 'exit 1', pull: 'echo "Error: no route to host" >&2; exit 1' }, 'elsewhere:1');
  expect(gone.why).toBe('elsewhere:1 is not here and cannot be pulled: Error: no route to host');
});

test('an engine that can do all of it is used', async () => {
  const here = await found({ run: RUNS, wait: 'echo 143' });
  expect([here.why, here.engine?.platform, here.lines]).toEqual([undefined, 'linux/amd64', []]);
});

test('the base image of a layout is what its Dockerfile begins with', () => {
  expect([baseOf('visitors'), baseOf('ledger')]).toEqual(['python:3.13-slim', 'python:3.11-slim-bookworm']);
});
