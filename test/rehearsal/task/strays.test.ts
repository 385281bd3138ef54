import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Sandbox } from '../../../rehearsal/task/sandbox';
import { endStrays } from '../../../rehearsal/task/strays';

const cache = mkdtempSync(path.join(tmpdir(), 'strays-'));
const sandbox = new Sandbox(cache);
afterAll(() => {
  sandbox.close();
  rmSync(cache, { recursive: true, force: true });
});

/** A process that leaves a daemon in a session of its own, as `attach-daemon` of uwsgi does; gives the daemon's id. */
function leaving(folder: string) {
  const env = { PATH: process.env.PATH, HOME: folder };
  const child = sandbox.spawn('sh', ['-c', 'setsid sleep 600 & echo $!; wait'], {
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const daemon = new Promise<number>((resolve) => child.stdout?.once('data', (text) => resolve(Number(text))));
  return { child, daemon };
}

const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

const onLinux = process.platform === 'linux' ? test : test.skip;

onLinux('what a task leaves in a session of its own ends with it, and what another task leaves does not', async () => {
  const one = leaving(sandbox.folder('tmp-web-1'));
  const ten = leaving(sandbox.folder('tmp-web-10'));
  const [, other] = await Promise.all([one.daemon, ten.daemon]);
  const closed = new Promise((resolve) => one.child.once('close', resolve));
  one.child.once('exit', () => endStrays(path.join(sandbox.directory, 'tmp-web-1')));
  process.kill(one.child.pid as number, 'SIGKILL');
  await closed; // Its output stays open for as long as the daemon lives.
  expect(isAlive(other)).toBe(true);
  const ended = new Promise((resolve) => ten.child.once('close', resolve));
  sandbox.close();
  await ended;
});
