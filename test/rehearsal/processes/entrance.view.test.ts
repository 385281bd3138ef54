import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Entrance } from '../../../rehearsal/processes/entrance';
import { isRoot } from '../../../rehearsal/task/sandbox';
import { output, program, SAYS } from './entering';

const folder = mkdtempSync(join(tmpdir(), 'entrance-'));
afterAll(() => rmSync(folder, { recursive: true }));

const MAKES = ['unshare', '--user', '--map-root-user', '--'];
const ENTERS = ['--user', '--preserve-credentials'];

/** Who is not root mounts in a user namespace; the rehearsal, whose tasks have users of their own, cannot. */
function enter(word: string, words: string[], options: SpawnOptions): ChildProcess {
  if (isRoot()) {
    return spawn(word, words, options);
  }
  const [first, ...rest] = word === 'nsenter' ? [word, ...ENTERS, ...words] : [...MAKES, word, ...words];
  return spawn(first, rest, options);
}

const FILL = `
import sys
with open(sys.argv[1], "wb") as file:
    file.write(bytes(2 << 20))
`;

test('mounts are for a rehearsal that root started', () => {
  expect(Entrance.covers(folder)).toBe(isRoot());
});

test('a tmpfs holds what the template says and no more, and is seen by the task alone', async () => {
  const cover = { folder, path: '/scratch', options: ['rw', 'noexec'] };
  const file = join(folder, 'file');
  const small = Entrance.covering([{ ...cover, size: 1 }], [folder]);
  expect(await output(small.start(enter, program(FILL, file)))).toMatch(/No space left on device/);
  const large = Entrance.covering([{ ...cover, size: 3 }], [folder]);
  expect(await output(large.start(enter, program(FILL, file)))).toBe('');
  expect(readdirSync(folder)).toEqual([]);
});

test('a full /tmp has no way out to the folders for temporary files of this machine', async () => {
  const entrance = Entrance.covering([{ folder, path: '/tmp', size: 1, options: [] }]);
  const start = (file: string) => output(entrance.start(enter, program(FILL, file)));
  expect(await start('/tmp/entrance')).toMatch(/No space left on device/);
  expect(await start('/var/tmp/entrance')).toMatch(/Read-only file system/);
});

test('a health check sees the files of its task', async () => {
  const entrance = Entrance.covering([{ folder, path: '/scratch', size: 1, options: [] }], [folder]);
  const writes = 'import sys; open(sys.argv[1], "w").close(); print("written", flush=True); sys.stdin.read()';
  const task = entrance.start(
    (word, words, options) => {
      return enter(word, words, { ...options, stdio: ['pipe', 'pipe', 'pipe', 'pipe'] });
    },
    program(writes, join(folder, 'alive')),
  );
  await new Promise((resolve) => task.stdout?.once('data', resolve));
  const seen = Entrance.of(task.pid as number).start(enter, program(`import os; print(os.listdir("${folder}"))`));
  expect(await output(seen)).toBe("['alive']");
  task.kill();
});

test('a task behind mounts sees its variables and its working directory', async () => {
  const entrance = Entrance.covering([{ folder, path: '/scratch', size: 1, options: [] }], [folder]);
  expect(await output(entrance.start(enter, program(SAYS)))).toBe('blue /');
});
