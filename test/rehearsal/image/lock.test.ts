import { execFile, execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { locked } from '../../../rehearsal/image/lock';
import { whereProcessesCount } from '../../../rehearsal/task/alive';

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'lock-'));
  file = path.join(folder, 'lock');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const QUICK = { look: 2, life: 10, silent: 20 };
const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

function heldBy(holder: { pid: number; place: string }): void {
  writeFileSync(file, JSON.stringify({ id: 'another', ...holder }));
}

test('work waits for work under the same name, also for one that lasts and one that fails', async () => {
  const done: string[] = [];
  let [count, running, waited] = [0, 0, 0];
  const work = async () => {
    expect(++running).toBe(1);
    const number = ++count;
    await sleep(300); // Longer than a holder may be silent.
    running--;
    done.push(`end ${number}`);
    if (number === 1) {
      throw new Error('fails');
    }
  };
  const waits = () => void waited++;
  await Promise.allSettled([1, 2, 3].map(() => locked(file, work, { ...QUICK, waits })));
  expect([done, waited]).toEqual([['end 1', 'end 2', 'end 3'], 2]);
  expect(readdirSync(folder)).toEqual([]);
});

test('the lock of a process that has ended is taken over at once', async () => {
  const child = spawn('true');
  await new Promise((resolve) => child.once('exit', resolve));
  heldBy({ pid: child.pid as number, place: whereProcessesCount() });
  expect(await locked(file, async () => 'done', { ...QUICK, silent: 1e9 })).toBe('done');
  expect(readdirSync(folder)).toEqual([]);
});

test.each([
  ['a process of another machine', { pid: 2 ** 22 + 1, place: 'elsewhere' }],
  ['a process whose number another has by now', { pid: process.pid, place: whereProcessesCount() }],
])('the lock of %s is taken over when it gives no sign of life', async (_, holder) => {
  heldBy(holder);
  let isTaken = false;
  const take = async () => {
    isTaken = true;
  };
  const taken = locked(file, take, QUICK);
  for (let signs = 0; signs < 10; signs++) {
    await sleep(20);
    utimesSync(file, new Date(), new Date(Date.now() + signs));
  }
  expect(isTaken).toBe(false);
  await taken;
  expect(existsSync(file)).toBe(false);
});

test('an environment that several processes ask for at the same time is made once', async () => {
  const calls = path.join(folder, 'calls');
  // In the place of Python: it makes an empty environment, and takes its time.
  const program = path.join(folder, 'bin', 'python3');
  mkdirSync(path.dirname(program));
  const real = execFileSync('/bin/sh', ['-c', 'command -v python3'], { encoding: 'utf8' }).trim();
  const make = `echo "$3" >> ${calls}; mkdir "$3" && sleep 0.5 && rmdir "$3" && mkdir "$3"`;
  writeFileSync(program, `#!/bin/sh\nif [ "$1" = -m ]; then ${make}; else exec ${real} "$@"; fi\n`);
  chmodSync(program, 0o755);
  const cwd = path.join(__dirname, '../../../rehearsal/image');
  const code = `require('./python').virtualEnvironment(${JSON.stringify(folder)}, 'one', { installs: [], key: [] })
    .then(console.log);`;
  const env = { ...process.env, PATH: `${path.dirname(program)}:${process.env.PATH}` };
  const asked = [1, 2, 3].map(
    () =>
      new Promise<string>((resolve) => {
        const child = execFile(process.execPath, ['--import', 'tsx', '-e', code], { cwd, env }, (_error, stdout) =>
          resolve(`${child.exitCode} ${stdout.trim()}`),
        );
      }),
  );
  const answers = new Set(await Promise.all(asked));
  const [directory] = readdirSync(path.join(folder, 'venv'));
  expect([...answers]).toEqual([`0 ${path.join(folder, 'venv', directory)}`]);
  expect(readFileSync(calls, 'utf8').trim().split('\n')).toHaveLength(1);
  expect(readdirSync(path.join(folder, 'locks'))).toEqual([]);
});
