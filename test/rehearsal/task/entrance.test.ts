import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Entrance } from '../../../rehearsal/task/entrance';
import { YOURSELF } from '../../../rehearsal/task/identity';

const folder = mkdtempSync(join(tmpdir(), 'entrance-'));
afterAll(() => rmSync(folder, { recursive: true }));
const covers = Entrance.covers(folder);
/** Where nothing can be mounted, the rehearsal says so and uses folders. */
const whereMountsWork = covers ? test : test.skip;

const program = (source: string, ...words: string[]) => ({
  words: ['python3', '-c', source, ...words],
  environment: { PATH: process.env.PATH, COLOUR: 'blue' },
  workingDirectory: '/',
  identity: YOURSELF,
  python: 'python3',
});

async function output(child: ChildProcess): Promise<string> {
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => {
      text += chunk;
    });
  }
  await new Promise((resolve) => child.once('close', resolve));
  return text.trim();
}

const FILL = `
import sys
with open(sys.argv[1], "wb") as file:
    file.write(bytes(2 << 20))
`;

whereMountsWork('a tmpfs holds what the template says and no more, and is seen by the task alone', async () => {
  const cover = { folder, path: '/scratch', options: ['rw', 'noexec'] };
  const file = join(folder, 'file');
  const small = Entrance.covering([{ ...cover, size: 1 }], [folder]);
  expect(await output(small.start(spawn, program(FILL, file)))).toMatch(/No space left on device/);
  const large = Entrance.covering([{ ...cover, size: 3 }], [folder]);
  expect(await output(large.start(spawn, program(FILL, file)))).toBe('');
  expect(readdirSync(folder)).toEqual([]);
});

whereMountsWork('a full /tmp has no way out to the folders for temporary files of this machine', async () => {
  const entrance = Entrance.covering([{ folder, path: '/tmp', size: 1, options: [] }]);
  const start = (file: string) => output(entrance.start(spawn, program(FILL, file)));
  expect(await start('/tmp/entrance')).toMatch(/No space left on device/);
  expect(await start('/var/tmp/entrance')).toMatch(/Read-only file system/);
});

whereMountsWork('a health check sees the files of its task', async () => {
  const entrance = Entrance.covering([{ folder, path: '/scratch', size: 1, options: [] }], [folder]);
  const writes = 'import sys; open(sys.argv[1], "w").close(); print("written", flush=True); sys.stdin.read()';
  const task = entrance.start(
    (word, words, options) => {
      return spawn(word, words, { ...options, stdio: ['pipe', 'pipe', 'pipe', 'pipe'] });
    },
    program(writes, join(folder, 'alive')),
  );
  await new Promise((resolve) => task.stdout?.once('data', resolve));
  const seen = Entrance.of(task.pid as number).start(spawn, program(`import os; print(os.listdir("${folder}"))`));
  expect(await output(seen)).toBe("['alive']");
  task.kill();
});

whereMountsWork('what enters as root sees no variable of the task, and the task sees all of its own', async () => {
  const entrance = Entrance.covering([{ folder, path: '/scratch', size: 1, options: [] }], [folder]);
  const given: (NodeJS.ProcessEnv | undefined)[] = [];
  const child = entrance.start((word, words, options) => {
    given.push(options.env);
    return spawn(word, words, options);
  }, program('import os; print(os.environ["COLOUR"], os.getcwd())'));
  expect(await output(child)).toBe('blue /');
  expect(given).toEqual([{ PATH: process.env.PATH }]);
});

test('without mounts a program starts as it is', async () => {
  const child = Entrance.OPEN.start(spawn, program('import os; print(os.environ["COLOUR"], os.getcwd())'));
  expect(await output(child)).toBe('blue /');
});
