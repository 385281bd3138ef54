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

/** Leaves a daemon in a session of its own, as `attach-daemon` of uwsgi does, and prints its id. */
const LEAVE = `
const options = { detached: true, stdio: ['ignore', 'inherit', 'ignore'] };
console.log(require('node:child_process').spawn('sleep', ['600'], options).pid);
setInterval(() => undefined, 1000);
`;

function leaving(folder: string) {
  const child = sandbox.spawn(process.execPath, ['-e', LEAVE], {
    env: { PATH: process.env.PATH, HOME: folder },
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

/** Only Linux shows the variables of a process, by which its task is known. */
const isSeen = process.platform === 'linux';

test('what a task leaves in a session of its own ends with it, where it is seen; what another leaves does not', async () => {
  const [one, ten] = [leaving(sandbox.folder('tmp-web-1')), leaving(sandbox.folder('tmp-web-10'))];
  const daemons = await Promise.all([one.daemon, ten.daemon]);
  const ended = new Promise((resolve) => one.child.once('exit', resolve));
  const closed = new Promise((resolve) => one.child.once('close', resolve));
  process.kill(one.child.pid as number, 'SIGKILL');
  await ended;
  endStrays(path.join(sandbox.directory, 'tmp-web-1'));
  await (isSeen && closed); // Its output stays open for as long as the daemon lives.
  expect([isSeen || isAlive(daemons[0]), isAlive(daemons[1])]).toEqual([true, true]);
  const over = new Promise((resolve) => ten.child.once(isSeen ? 'close' : 'exit', resolve));
  sandbox.close();
  await over;
  for (const daemon of daemons.filter(isAlive)) {
    process.kill(daemon, 'SIGKILL');
  }
});
