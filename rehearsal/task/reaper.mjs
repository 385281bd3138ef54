// Outlives a crash of the rehearsal. When the pipe to it closes, it ends every process group that it was told
// of, runs the commands that are left, those last that need the others done, and removes their files.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { createInterface } from 'node:readline';

const groups = new Set();
const folders = new Set();
const commands = new Set();
const lastCommands = new Set();
const lines = createInterface({ input: process.stdin });

lines.on('line', (line) => {
  const [word, value] = [line.slice(0, 1), line.slice(1)];
  if (word === '+') groups.add(Number(value));
  if (word === '-') groups.delete(Number(value));
  if (word === '/') folders.add(value);
  if (word === '!') commands.add(value);
  if (word === '?') lastCommands.add(value);
  if (word === '~') {
    commands.delete(value);
    lastCommands.delete(value);
  }
});
lines.on('close', () => {
  for (const group of groups) {
    try {
      process.kill(-group, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
  for (const command of [...commands, ...lastCommands]) {
    const [program, ...args] = JSON.parse(command);
    spawnSync(program, args, { stdio: 'ignore' });
  }
  for (const folder of folders) {
    endStrays(folder);
    rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
  process.exit(0);
});

// As strays.ts does it: daemons make groups of their own.
function endStrays(folder) {
  for (const pid of process.platform === 'linux' ? readdirSync('/proc') : []) {
    try {
      if (/^\d+$/.test(pid) && readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`=${folder}/`)) {
        process.kill(Number(pid), 'SIGKILL');
      }
    } catch {
      // It has ended, or belongs to somebody else.
    }
  }
}
