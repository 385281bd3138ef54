import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

let cache: string;

beforeEach(() => {
  cache = mkdtempSync(path.join(tmpdir(), 'reaper-'));
});
afterEach(() => rmSync(cache, { recursive: true, force: true }));

/** A rehearsal that is killed: it has told its reaper something. */
async function killed(orders: string): Promise<string> {
  const said = path.join(cache, 'said');
  const code = `
    const { Sandbox } = require('./sandbox');
    const sandbox = new Sandbox(process.argv[1]);
    const say = (word) => ['/bin/sh', '-c', 'echo ' + word + ' >> ${said}'];
    ${orders}
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), 200);`;
  const folder = path.join(__dirname, '../../../rehearsal/task');
  const child = spawn(process.execPath, ['--import', 'tsx', '-e', code, cache], { cwd: folder, stdio: 'inherit' });
  await new Promise((resolve) => child.once('exit', resolve));
  const runs = path.join(cache, 'runs');
  while (readdirSync(runs).length > 0) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return existsSync(said) ? readFileSync(said, 'utf8') : '';
}

test('what needs others to be gone is removed after them, and what is gone is not', async () => {
  const said = await killed(`
    sandbox.orElse(say('volume'), 'last');
    sandbox.orElse(say('container'));
    sandbox.orElse(say('other-volume'), 'last')();
    sandbox.orElse(say('other-container'))();`);
  expect(said).toBe('container\nvolume\n');
});
