import { readdirSync, readFileSync } from 'node:fs';

/**
 * Ends processes that have a folder in a variable of theirs.
 *
 * A container takes all of its processes with it when its first one ends. A process group does not: daemons
 * make groups of their own. Only Linux shows the variables of a process; elsewhere nothing is ended.
 */
export function endStrays(folder: string): void {
  for (const pid of process.platform === 'linux' ? readdirSync('/proc') : []) {
    if (/^\d+$/.test(pid) && Number(pid) !== process.pid && has(pid, folder)) {
      try {
        process.kill(Number(pid), 'SIGKILL');
      } catch {
        // It has just ended.
      }
    }
  }
}

function has(pid: string, folder: string): boolean {
  try {
    const values = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
    return values.some((value) => value.endsWith(`=${folder}`) || value.includes(`=${folder}/`));
  } catch {
    return false; // It has ended, or belongs to somebody else.
  }
}
