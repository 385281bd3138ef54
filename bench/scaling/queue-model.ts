/** One ECS task with its worker processes. */
interface WorkerTask {
  /** When it runs and takes messages. */
  readonly runsAt: number;
  /** When each process is free again. */
  readonly freeAt: number[];
  /** When it was told to stop: it takes no more messages. */
  stopsAt: number;
}

/** What a queue and its workers do, apart from how many of these there are. */
export interface QueueModelProps {
  /** Seconds that a process works on one message. */
  readonly taskDuration: number;
  readonly processes: number;
  /** Seconds from the decision until a task takes messages. */
  readonly taskStart: number;
  readonly tasks: number;
}

/** A queue and its workers, second by second. */
export class QueueModel {
  /** Seconds that each message waited until it was begun. */
  public readonly waits: number[] = [];
  /** Seconds in which tasks were paid for. */
  public taskSeconds = 0;
  public done = 0;
  /** Busy process seconds since the last look. */
  private busy = 0;
  private running = 0;
  private readonly arrivals: number[] = [];
  private begun = 0;
  private tasks: WorkerTask[];
  private now = 0;

  constructor(private readonly props: QueueModelProps) {
    this.tasks = Array.from({ length: props.tasks }, () => this.task(0));
  }

  /** Tasks that run or start. */
  public get desired(): number {
    return this.tasks.filter(({ stopsAt }) => stopsAt === Number.POSITIVE_INFINITY).length;
  }

  /** Tasks that run, those that stop among them. */
  public get runningTasks(): number {
    return this.tasks.filter(({ runsAt }) => runsAt <= this.now).length;
  }

  public get waiting(): number {
    return this.arrivals.length - this.begun;
  }

  /** Messages that workers hold, those that end in this moment among them. */
  public get held(): number {
    return this.tasks.reduce((sum, { freeAt }) => sum + freeAt.filter((at) => at >= this.now).length, 0);
  }

  /** Whether everything is done. */
  public get isDone(): boolean {
    return this.waiting === 0 && this.tasks.every(({ freeAt }) => freeAt.every((at) => at <= this.now));
  }

  /** Share of the processes that was busy since the last look, in percent. */
  public takeCpu(): number | undefined {
    const share = this.running === 0 ? undefined : (100 * this.busy) / (this.running * this.props.processes);
    this.busy = 0;
    this.running = 0;
    return share;
  }

  /** Starts tasks, or stops some: ECS does not know which ones work. */
  public setDesired(count: number): void {
    const kept = this.tasks.filter(({ stopsAt }) => stopsAt === Number.POSITIVE_INFINITY);
    for (let missing = count - kept.length; missing > 0; missing--) {
      this.tasks.push(this.task(this.now + this.props.taskStart));
    }
    for (const task of kept.slice(0, Math.max(0, kept.length - count))) {
      task.stopsAt = this.now;
    }
  }

  /** Lets a second pass in which so many messages arrive, at its beginning. */
  public pass(arriving: number): void {
    for (let count = 0; count < arriving; count++) {
      this.arrivals.push(this.now);
    }
    const end = this.now + 1;
    for (const task of this.tasks) {
      this.taskSeconds += 1;
      if (task.runsAt < end) {
        this.running += 1;
        this.work(task, end);
      }
    }
    this.now = end;
    this.tasks = this.tasks.filter(({ stopsAt, freeAt }) => stopsAt > end || freeAt.some((at) => at > end));
  }

  private work(task: WorkerTask, end: number): void {
    const { taskDuration } = this.props;
    for (let index = 0; index < task.freeAt.length; index++) {
      this.busy += Math.max(0, Math.min(task.freeAt[index], end) - this.now);
      while (task.freeAt[index] < end && this.waiting > 0 && task.stopsAt > this.now) {
        const start = Math.max(task.freeAt[index], this.now, task.runsAt);
        this.waits.push(start - this.arrivals[this.begun++]);
        task.freeAt[index] = start + taskDuration;
        this.busy += Math.min(task.freeAt[index], end) - start;
        this.done += 1;
      }
    }
  }

  private task(runsAt: number): WorkerTask {
    return { runsAt, freeAt: Array(this.props.processes).fill(-1), stopsAt: Number.POSITIVE_INFINITY };
  }
}
