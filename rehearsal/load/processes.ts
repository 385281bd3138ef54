import { readdirSync, readFileSync } from 'node:fs';

/** The children of a process, the oldest first. */
export function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && parentOf(name) === pid)
    .map(Number)
    .sort((one, other) => one - other);
}

function parentOf(pid: string): number | undefined {
  try {
    // The name of a program, in brackets, may have blanks; its state and its parent follow.
    return Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').pop()?.split(' ')[1]);
  } catch {
    return undefined; // It has just ended.
  }
}
