import { writeSync } from 'node:fs';

/**
 * What a process has used when it ends: user and system time of all threads in ms, and the largest resident
 * set in MB.
 */
export interface Usage {
  readonly cpu: number;
  readonly memory: number;
}

/** Writes what this process has used to its output, as the last thing that it does. */
export function reportUsage(): void {
  process.on('exit', () => {
    const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
    const usage: Usage = { cpu: (userCPUTime + systemCPUTime) / 1000, memory: maxRSS / 1024 };
    writeSync(1, JSON.stringify(usage));
  });
}
