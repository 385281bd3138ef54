import type { Announce } from '../announce';
import { accepts } from '../edge/ports';
import type { TargetGroup } from '../edge/target-group';
import type { TaskDefinition } from '../template/task-definition';
import { eventually, HANG_SECONDS, sleep } from '../wait';
import { drain, type Registration, type StopOrder } from './draining';
import { lastError } from './last-error';
import type { Launch } from './launcher';
import { howEnded, type Task } from './process';

export interface ServiceProps {
  readonly id: string;
  readonly name: string;
  readonly definition: TaskDefinition;
  readonly desiredCount: number;
  readonly maximumPercent: number;
  readonly gracePeriod: number;
  readonly group?: TargetGroup;
  readonly launch: Launch;
  readonly announce: Announce;
  readonly order: StopOrder;
  /**
   * Seconds in which new tasks of a deployment must be ready.
   *
   * @default HANG_SECONDS
   */
  readonly patience?: number;
}

/** A task of a service, and where it is registered. */
export interface Member {
  readonly task: Task;
  registration?: Registration;
  leaving: boolean;
  /** Whether a deployment replaces it: it leaves once its successor is ready. */
  isOld?: boolean;
}

/** A task that ended or became unhealthy although its service had not asked it to stop. */
export interface Loss {
  readonly service: string;
  readonly message: string;
  /** The check that did it on purpose, if one did. */
  readonly cause?: string;
}

const FIRST_DELAY = 250;
const LONGEST_DELAY = 15_000;
/** A task that lasted this long was no failed start. */
const STABLE = 20_000;

/**
 * New tasks that end before a deployment fails: the circuit breaker's threshold for up to six tasks.
 *
 * @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html
 */
const START_FAILURES = 3;

/** An AWS::ECS::Service: keeps its number of tasks, replaces those that end or are unhealthy, and deploys. */
export class Service {
  readonly id: string;
  readonly name: string;
  readonly definition: TaskDefinition;
  members: Member[] = [];
  /** Why a task could not be started or did not stay. */
  readonly failures: string[] = [];
  readonly losses: Loss[] = [];
  /** When its first task was started. */
  startedAt?: number;
  private desired = 0;
  /** Deployments whose new tasks are not ready yet. */
  private adding = 0;
  /** Tasks that are being started. */
  private launching = 0;
  private readonly over = new AbortController();
  private delay = FIRST_DELAY;

  constructor(private readonly props: ServiceProps) {
    this.id = props.id;
    this.name = props.name;
    this.definition = props.definition;
  }

  get group(): TargetGroup | undefined {
    return this.props.group;
  }

  get desiredCount(): number {
    return this.props.desiredCount;
  }

  /** Tasks that run and are not on their way out. */
  get running(): Member[] {
    return this.members.filter((member) => !member.leaving && member.task.running);
  }

  /** Whether as many tasks as desired run, pass their container health check and get requests. */
  get steady(): boolean {
    const ready = this.running.filter((member) => this.isReady(member));
    return ready.length >= this.desired && this.members.length === ready.length;
  }

  /** Starts the service and keeps it. */
  start(): void {
    this.desired = this.props.desiredCount;
    void this.keep();
  }

  async untilSteady(): Promise<void> {
    await eventually(`${this.name}: ${this.desired} healthy tasks`, HANG_SECONDS, () => this.steady).catch(
      (error: Error) => {
        throw new Error(
          `${error.message}${this.failures.length > 0 ? `; ${this.failures[this.failures.length - 1]}` : ''}`,
        );
      },
    );
  }

  /** Whether a deployment starts new tasks before the old ones leave. */
  get surges(): boolean {
    return this.props.maximumPercent > 100;
  }

  /** Replaces every task as a deployment does, within the percentages of the template. */
  async redeploy(): Promise<void> {
    if (this.surges) {
      await this.retireAll(await this.surge());
    } else {
      await this.retireAll(this.running);
      await this.untilSteady();
    }
  }

  /**
   * The first half of a deployment: starts a new task for each that runs.
   *
   * Returns the old tasks once all new ones are ready.
   */
  async surge(): Promise<Member[]> {
    const old = this.running;
    await this.addBeside(old, old.length);
    return old;
  }

  /** The second half of a deployment: drains the old tasks. */
  async retireAll(members: readonly Member[]): Promise<void> {
    await Promise.all(members.map((member) => this.retire(member)));
  }

  /**
   * Replaces one task: the new one is healthy before the old one is drained. `before` ends right before that.
   */
  async replace(member: Member, before: () => Promise<void> = async () => undefined): Promise<void> {
    const wasOld = member.isOld;
    await this.addBeside([member], 1);
    try {
      await before();
    } catch (error) {
      member.isOld = wasOld; // It stays, or the new one does: one of both is surplus.
      throw error;
    }
    await this.retire(member);
  }

  /** Drains every task and ends the service. */
  async stop(): Promise<void> {
    this.over.abort();
    await this.retireAll(this.members);
    // One that was being started is a task by now or soon.
    while (this.launching > 0) {
      await sleep(50);
    }
    await this.retireAll(this.members);
  }

  /** Ends the service at once, without draining. */
  abandon(): void {
    this.over.abort();
    for (const { task } of this.members) {
      task.kill();
    }
  }

  private isReady(member: Member): boolean {
    const { task, registration } = member;
    return (
      task.running &&
      (this.definition.healthCheck === undefined || task.health === 'HEALTHY') &&
      (this.props.group === undefined || registration?.target.health.state === 'healthy')
    );
  }

  private async keep(): Promise<void> {
    while (!this.over.signal.aborted) {
      const room = Math.floor((this.desired * this.props.maximumPercent) / 100) - this.members.length;
      const missing = Math.min(this.desired - this.running.length, room);
      const started = await Promise.all(Array.from({ length: Math.max(0, missing) }, () => this.add()));
      if (started.includes(undefined)) {
        await this.backOff();
      }
      for (const member of this.running) {
        this.replaceIfUnhealthy(member);
      }
      this.endSurplus();
      await sleep(200);
    }
  }

  /** Ends tasks beyond the desired number that no deployment replaces, first those that are not ready. */
  private endSurplus(): void {
    // Until they are ready, new tasks of a deployment are its own.
    if (this.adding > 0) {
      return;
    }
    const staying = this.running.filter(({ isOld }) => !isOld);
    const unready = staying.filter((member) => !this.isReady(member));
    const ready = staying.filter((member) => this.isReady(member));
    const surplus = [...unready, ...ready].slice(0, Math.max(staying.length - this.props.desiredCount, 0));
    for (const member of surplus) {
      void this.retire(member);
    }
  }

  /** Starts new tasks in the place of old ones, which stay for good if that fails. */
  private async addBeside(old: readonly Member[], count: number): Promise<void> {
    const replaced = old.filter(({ isOld }) => !isOld);
    const mark = (isOld: boolean) => {
      for (const member of replaced) {
        member.isOld = isOld;
      }
    };
    mark(true);
    this.adding++;
    try {
      await this.addReady(count);
    } catch (error) {
      mark(false);
      throw error;
    } finally {
      this.adding--;
    }
  }

  /**
   * Starts new tasks beside those that run, and waits until all are ready.
   *
   * One that ends is followed by another. Once {@link START_FAILURES} have ended, or time is over, the other
   * new ones are drained and the reason is thrown.
   */
  private async addReady(count: number): Promise<void> {
    let fresh: (Member | undefined)[] = await Promise.all(Array.from({ length: count }, () => this.add()));
    let ended = 0;
    const areReady = async () => {
      if (this.over.signal.aborted) {
        return 'over';
      }
      const lasting = fresh.filter((member) => member?.task.running);
      const missing = fresh.length - lasting.length;
      ended += missing;
      if (ended >= START_FAILURES) {
        return 'failed';
      }
      fresh = [...lasting, ...(await Promise.all(Array.from({ length: missing }, () => this.add())))];
      return fresh.every((member) => member !== undefined && this.isReady(member)) && 'ready';
    };
    const { patience = HANG_SECONDS } = this.props;
    try {
      const answer = await eventually(`${this.name}: new tasks are ready`, patience, areReady, 50);
      if (answer !== 'ready') {
        const why = answer === 'over' ? 'the service ends' : `new tasks do not stay; ${this.failures.at(-1)}`;
        throw new Error(`${this.name}: ${why}`);
      }
    } catch (error) {
      await this.retireAll(fresh.filter((member) => member !== undefined));
      throw error;
    }
  }

  private async add(): Promise<Member | undefined> {
    if (this.over.signal.aborted) {
      return undefined;
    }
    this.launching++;
    try {
      const task = await this.props.launch(this.definition, this.name);
      const member: Member = { task, leaving: false };
      this.members.push(member);
      this.startedAt ??= task.startedAt;
      void this.watch(member);
      void this.register(member);
      return member;
    } catch (error) {
      this.failures.push((error as Error).message);
      this.props.announce.event((error as Error).message);
      return undefined;
    } finally {
      this.launching--;
    }
  }

  /** Behind the load balancer a task is registered once its port accepts connections. */
  private async register(member: Member): Promise<void> {
    const { group } = this.props;
    const { task } = member;
    if (group === undefined || task.port === undefined) {
      return;
    }
    const { port } = task;
    while (task.running && !(await accepts(port))) {
      await sleep(100);
    }
    if (task.running && !member.leaving) {
      member.registration = { group, target: group.register(task.id, port) };
    }
  }

  private async watch(member: Member): Promise<void> {
    const { task } = member;
    const exit = await task.exited;
    if (member.registration !== undefined && !member.leaving) {
      member.registration.group.remove(member.registration.target);
    }
    this.members = this.members.filter((other) => other !== member);
    const how = howEnded(exit);
    if (exit.stopped) {
      this.props.announce.event(`${task.id} stopped${exit.killed ? ', killed after stopTimeout' : ''} (${how})`);
      return;
    }
    const message =
      task.disturbedBy === undefined
        ? `${task.id} ended by itself (${how}): ${lastError(task)}`
        : `${task.id} was ended by ${task.disturbedBy} (${how})`;
    this.lose(task, message);
    if (!this.over.signal.aborted) {
      this.props.announce.event(message);
    }
    if (Date.now() - task.startedAt < STABLE) {
      await this.backOff();
    } else {
      this.delay = FIRST_DELAY;
    }
  }

  private replaceIfUnhealthy(member: Member): void {
    const { task, registration } = member;
    const age = Date.now() - task.startedAt;
    const target = registration?.target.health.state === 'unhealthy' && age > this.props.gracePeriod * 1000;
    if (task.health === 'UNHEALTHY' || target) {
      const message = `${task.id} is unhealthy (${target ? 'target group' : 'container health check'}): replaced`;
      this.lose(task, message);
      this.props.announce.event(message);
      void this.retire(member);
    }
  }

  private lose(task: Task, message: string): void {
    this.losses.push({ service: this.name, message, cause: task.disturbedBy });
    this.failures.push(message);
  }

  private async retire(member: Member): Promise<void> {
    member.leaving = true;
    await drain(member.task, member.registration, this.props.order);
  }

  private async backOff(): Promise<void> {
    const delay = this.delay;
    this.delay = Math.min(delay * 2, LONGEST_DELAY);
    const { desired } = this;
    this.desired = Math.min(desired, this.running.length);
    await sleep(delay, this.over.signal);
    this.desired = this.props.desiredCount;
  }
}
