import type { Rehearsal } from '../rehearsal';
import type { Task } from '../task/process';
import type { Loss } from '../task/services';

/** What all processes share, and a check may take away from them. */
export type SharedService = 'sqs' | 'database' | 'cache';

/** Seconds for which SQS is away, as the names of checks say. */
export const AWAY_SECONDS = 20;

/** What a check may break on purpose: a shared service, or tasks of a kind. */
export type Subject = SharedService | 'web' | 'asgi' | 'worker' | 'beat';

/**
 * Breaks things for one check and keeps account of it.
 *
 * Checks run side by side. A task that a check kills or hangs carries the name of that check, so that another
 * check which counts lost tasks does not count it. A check can only break what it declares in `disturbs`.
 */
export class Disturbance {
  constructor(
    private readonly rehearsal: Rehearsal,
    private readonly check: string,
    private readonly declared: readonly Subject[] = [],
  ) {}

  /** Ends a task by SIGKILL, as when the machine runs out of memory. */
  kill(task: Task): void {
    this.mark(task);
    task.kill();
  }

  /** Stops a task from doing anything, while its process and its port stay. */
  hang(task: Task): void {
    this.mark(task);
    task.suspend();
  }

  /** Refuses connections to SQS and the other doubles until `work` is done. */
  async withoutSqs(work: () => Promise<void>): Promise<void> {
    this.declares('sqs');
    const { gate } = this.rehearsal.doubles;
    await gate.close();
    try {
      await work();
    } finally {
      await gate.open();
    }
  }

  /**
   * Lets SQS and the other doubles answer nothing until `work` is done, as behind a network that drops
   * packets.
   */
  async withSilentSqs(work: () => Promise<void>): Promise<void> {
    this.declares('sqs');
    const { gate } = this.rehearsal.doubles;
    gate.swallow();
    try {
      await work();
    } finally {
      gate.answer();
    }
  }

  /** Ends PostgreSQL with all of its connections, and starts it again after a pause. */
  async restartDatabase(pauseMilliseconds: number): Promise<void> {
    this.declares('database');
    await this.rehearsal.postgres?.restart(pauseMilliseconds);
  }

  /** Ends the connections of everybody to PostgreSQL but those that are named `spared`. */
  async endDatabaseConnections(spared: string): Promise<void> {
    this.declares('database');
    await this.rehearsal.postgres?.query('postgres', (client) =>
      client.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE client_addr IS NOT NULL AND application_name <> $1`,
        [spared],
      ),
    );
  }

  /** Refuses connections to every cache until `work` is done, and ends those that are open. */
  async withoutCache(work: () => Promise<void>): Promise<void> {
    this.declares('cache');
    const gates = [...this.rehearsal.caches.values()].map(({ gate }) => gate);
    await Promise.all(gates.map((gate) => gate.close()));
    try {
      await work();
    } finally {
      await Promise.all(gates.map((gate) => gate.open()));
    }
  }

  /** Starts to count lost tasks. Returns those since then that no other check has killed or hung. */
  watchLosses(): () => string[] {
    const before = new Set(this.losses());
    return () =>
      this.losses()
        .filter((loss) => !before.has(loss) && (loss.cause === undefined || loss.cause === this.check))
        .map(({ message }) => message);
  }

  /** Targets that are unhealthy although no other check has hung their task. */
  unhealthyTargets(): string[] {
    return this.rehearsal.services
      .flatMap(({ running }) => running)
      .filter(({ task }) => task.disturbedBy === undefined || task.disturbedBy === this.check)
      .filter(({ registration }) => registration?.target.health.state === 'unhealthy')
      .map(({ task }) => task.id);
  }

  private losses(): Loss[] {
    return this.rehearsal.services.flatMap(({ losses }) => losses);
  }

  private mark(task: Task): void {
    this.declares(task.definition.kind);
    task.disturbedBy = this.check;
  }

  private declares(subject: string | undefined): void {
    if (!this.declared.some((one) => one === subject)) {
      throw new Error(`the check disturbs ${subject ?? 'a task of no kind'} and does not declare it`);
    }
  }
}
