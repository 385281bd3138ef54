import { cpSync, existsSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { Sandbox } from './task/sandbox';

const FOLDER = 'last-failure';

/** What the processes of a run of checks said, for whoever wants to know why one failed. */
export class LastFailure {
  private readonly runs = new Map<string, Pick<Sandbox, 'folder'>>();
  /** Where logs are that are kept before it is known whether a check fails. */
  private readonly early: string;
  private isOver = false;

  constructor(private readonly cache: string) {
    this.early = path.join(cache, `${FOLDER}.${process.pid}`);
  }

  /**
   * Counts the logs of a rehearsal among them. They are kept in `folder`, also when the rehearsal ends before
   * the run does: it has failed then.
   */
  add(sandbox: Pick<Sandbox, 'folder' | 'atEnd'>, folder = ''): void {
    this.runs.set(folder, sandbox);
    sandbox.atEnd(() => {
      this.runs.delete(folder);
      if (!this.isOver) {
        copyLogs(sandbox, path.join(this.early, folder));
      }
    });
  }

  /** Keeps the logs in the cache. Returns where they are, as a person there would write it. */
  keep(): string {
    const folder = path.join(this.cache, FOLDER);
    rmSync(folder, { recursive: true, force: true });
    if (existsSync(this.early)) {
      cpSync(this.early, folder, { recursive: true });
    }
    for (const [name, sandbox] of this.runs) {
      copyLogs(sandbox, path.join(folder, name));
    }
    const relative = path.relative(process.cwd(), folder);
    return relative.startsWith('..') ? folder : relative;
  }

  /** Nothing more is kept. */
  close(): void {
    this.isOver = true;
    rmSync(this.early, { recursive: true, force: true });
  }
}

/** The folder, which is empty when no process ever started. */
function copyLogs(sandbox: Pick<Sandbox, 'folder'>, to: string): void {
  cpSync(sandbox.folder('logs'), to, { recursive: true });
}
