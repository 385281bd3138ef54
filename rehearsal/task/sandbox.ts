import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { endStrays } from './strays';

/**
 * Everything that a run leaves on the machine while it lasts: one folder, and process groups. Both go with
 * it, even when the rehearsal itself is killed.
 */
export class Sandbox {
  readonly directory: string;
  private readonly reaper: ChildProcess;
  private readonly groups = new Set<number>();
  private readonly endings: (() => void)[] = [];
  private closed = false;

  constructor(cache: string) {
    this.directory = path.join(cache, 'runs', `${process.pid}-${Date.now().toString(36)}`);
    mkdirSync(this.directory, { recursive: true });
    chmodSync(this.directory, 0o755);
    this.reaper = spawn(process.execPath, [path.join(__dirname, 'reaper.mjs')], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    });
    this.reaper.unref();
    this.tell(`/${this.directory}`);
  }

  /** A folder in the run's own, for one user when the rehearsal may give it away. */
  folder(name: string, uid?: number): string {
    const directory = path.join(this.directory, name);
    mkdirSync(directory, { recursive: true });
    if (uid !== undefined && isRoot()) {
      chownSync(directory, uid, uid);
    }
    return directory;
  }

  /** Starts a program as the leader of its own process group. */
  spawn(program: string, args: string[], options: SpawnOptions): ChildProcess {
    if (this.closed) {
      throw new Error('the rehearsal is over');
    }
    const child = spawn(program, args, { ...options, detached: true });
    const { pid } = child;
    if (pid !== undefined) {
      this.groups.add(pid);
      this.tell(`+${pid}`);
      child.once('exit', () => {
        killGroup(pid, 'SIGKILL');
        this.groups.delete(pid);
        this.tell(`-${pid}`);
      });
    }
    return child;
  }

  /**
   * Has a command run when the rehearsal itself is killed, `last` after all that are not. Returns what takes
   * that back.
   */
  orElse(words: readonly string[], when: 'at once' | 'last' = 'at once'): () => void {
    const line = JSON.stringify(words);
    this.tell(`${when === 'last' ? '?' : '!'}${line}`);
    return () => this.tell(`~${line}`);
  }

  /** Has something done when the run ends, whether it was provisioned whole or only in part. */
  atEnd(ending: () => void): void {
    this.endings.push(ending);
  }

  /** Ends whatever still runs and removes the folder. */
  close(): void {
    this.closed = true;
    for (const ending of this.endings.splice(0)) {
      ending();
    }
    for (const group of this.groups) {
      killGroup(group, 'SIGKILL');
    }
    endStrays(this.directory);
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    this.reaper.stdin?.end();
  }

  private tell(line: string): void {
    if (!this.closed) {
      this.reaper.stdin?.write(`${line}\n`);
    }
  }
}

export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // Nothing of it is left.
  }
}
