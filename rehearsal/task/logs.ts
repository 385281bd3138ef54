import { appendFileSync } from 'node:fs';
import type { Readable } from 'node:stream';

const KEPT = 2000;

/** The output of a process: everything in a file, the last lines at hand. */
export class Logs {
  private readonly kept: string[] = [];
  private rest = '';
  private readonly listeners = new Set<(line: string) => void>();

  constructor(readonly file: string) {}

  follow(stream: Readable): void {
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => {
      this.keep(chunk);
      const lines = (this.rest + chunk).split('\n');
      this.rest = lines.pop() as string;
      for (const line of lines) {
        this.kept.push(line);
        for (const listener of this.listeners) {
          listener(line);
        }
      }
      this.kept.splice(0, this.kept.length - KEPT);
    });
  }

  private keep(chunk: string): void {
    try {
      appendFileSync(this.file, chunk);
    } catch {
      // The last words of a process that is being ended: the folder of the run is gone.
    }
  }

  /** The last lines, with one that has not ended yet. */
  last(count = KEPT): string[] {
    return [...this.kept, ...(this.rest === '' ? [] : [this.rest])].slice(-count);
  }

  onLine(listener: (line: string) => void): void {
    this.listeners.add(listener);
  }
}
