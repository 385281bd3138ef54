import path from 'node:path';
import { Readable } from 'node:stream';
import type { HealthCheck, TaskDefinition } from '../template/task-definition';
import { sleep } from '../wait';
import type { Container, Ended } from './container';
import { Logs } from './logs';

/** How a task ended. */
export interface Exit extends Ended {
  /** Whether the rehearsal told it to stop. */
  readonly stopped: boolean;
  /** Whether it had to be killed after `stopTimeout`. */
  readonly killed: boolean;
}

/**
 * Milliseconds between two probes until a container is healthy, so that nobody waits. Failures count once in
 * each interval of the template, as if ECS had probed.
 */
const START_INTERVAL = 1500;

export interface TaskProps {
  readonly id: string;
  readonly definition: TaskDefinition;
  readonly container: Container;
  /** Folder of the logs. */
  readonly logs: string;
  readonly port?: number;
}

/** One task: the container of the application, and its health check. */
export class Task {
  readonly id: string;
  readonly definition: TaskDefinition;
  readonly port?: number;
  readonly logs: Logs;
  readonly startedAt = Date.now();
  readonly exited: Promise<Exit>;
  exit?: Exit;
  health: 'UNKNOWN' | 'HEALTHY' | 'UNHEALTHY' = 'UNKNOWN';
  /** The check that killed or hung it on purpose, if one did. */
  disturbedBy?: string;
  private readonly container: Container;
  private stopping = false;
  private killed = false;

  constructor({ id, definition, container, logs, port }: TaskProps) {
    this.id = id;
    this.definition = definition;
    this.port = port;
    this.container = container;
    this.logs = new Logs(path.join(logs, `${id.replaceAll('/', '-')}.log`));
    for (const output of container.outputs) {
      this.logs.follow(output);
    }
    this.exited = this.untilExit();
    void this.probe(definition.healthCheck);
  }

  /** Its first process on this machine, where that can be seen. */
  get pid(): number | undefined {
    return this.container.pid;
  }

  get running(): boolean {
    return this.exit === undefined;
  }

  get stopRequested(): boolean {
    return this.stopping;
  }

  /** When a file of the container was last written, in milliseconds. */
  modified(file: string): Promise<number> {
    return this.container.modified(file);
  }

  /** Memory of all processes, in MiB. */
  residentMiB(): Promise<number> {
    return this.container.residentMiB();
  }

  /** Stop signal, then SIGKILL for the whole task after `stopTimeout`. */
  async stop(): Promise<Exit> {
    if (this.running && !this.stopping) {
      this.stopping = true;
      this.container.interrupt();
      const timer = setTimeout(() => this.kill(), this.definition.stopTimeout * 1000);
      await this.exited;
      clearTimeout(timer);
    }
    return this.exited;
  }

  /** SIGKILL, as when the machine runs out of memory. */
  kill(): void {
    this.killed = this.stopping;
    this.container.kill();
  }

  /** SIGSTOP: nothing of it does anything any more, while its processes and its port stay. */
  suspend(): void {
    this.container.suspend();
  }

  /** Whether the end is no failure: 0, or the stop signal that it was sent. */
  static isClean(exit: Exit): boolean {
    return exit.code === 0 || (exit.stopped && !exit.killed && (exit.code === 143 || exit.signal === 'SIGTERM'));
  }

  private async untilExit(): Promise<Exit> {
    const ended = await this.container.ended;
    if (ended.problem !== undefined) {
      this.logs.follow(Readable.from([`${ended.problem}\n`]));
    }
    this.exit = { ...ended, stopped: this.stopping, killed: this.killed };
    return this.exit;
  }

  /**
   * Runs the container health check as the ECS agent does.
   *
   * A task is UNHEALTHY after as many failures in a row as the template says; three by default. Those of the
   * start period do not count.
   */
  private async probe(check: HealthCheck | undefined): Promise<void> {
    if (check === undefined) {
      return;
    }
    const interval = check.interval * 1000;
    let failures = 0;
    let nextCounts = this.startedAt + check.startPeriod * 1000;
    while (this.running && !this.stopping) {
      await sleep(this.health === 'UNKNOWN' ? Math.min(START_INTERVAL, interval) : interval);
      if (!this.running || this.stopping) {
        return;
      }
      if (await this.passes(check)) {
        failures = 0;
        this.health = 'HEALTHY';
      } else if (this.health !== 'UNKNOWN' || Date.now() > nextCounts) {
        nextCounts = Date.now() + interval;
        failures++;
        this.health = failures >= check.retries ? 'UNHEALTHY' : this.health;
      }
    }
  }

  /** A check that cannot be run, as when the rehearsal ends meanwhile, has not passed. */
  private async passes(check: HealthCheck): Promise<boolean> {
    try {
      return await this.container.probe(check);
    } catch {
      return false;
    }
  }
}

/** How it ended, in the words of ECS. */
export function howEnded({ code, signal, isOutOfMemory }: Ended): string {
  const how = signal ?? `exit code ${code}`;
  return isOutOfMemory ? `OutOfMemoryError: Container killed due to memory usage, ${how}` : how;
}
