import type { ReleaseData, ReleaseProperties } from '../../constructs/handlers/release/contract';
import { ANSWER_MARGIN, START_TIMEOUT } from '../../constructs/handlers/release/contract';
import {
  type IReleaseWorld,
  isReleaseComplete,
  type ReleaseEvent,
  type ReleaseTask,
  startRelease,
} from '../../constructs/handlers/release/release';
import { Failure } from '../../constructs/handlers/shared/failure';
import { Chaos, Crash, type Fault, Invocation, randomFrom } from './chaos';

/** How a task ends. */
const FATES = ['succeeds', 'succeeds', 'succeeds', 'fails', 'no exit code', 'never starts', 'too slow'] as const;
const TIMEOUT = 600;
const POLL = 10;
const PASSWORD = 'hunter2-hunter2';

interface FakeTask extends ReleaseTask {
  readonly version: number;
  readonly startedBy: string;
  readonly startedAt: number;
  readonly fate: (typeof FATES)[number];
  stopAt: number;
}

export interface ReleaseHandlers {
  start(event: ReleaseEvent, world: IReleaseWorld): Promise<{ PhysicalResourceId: string; Data: ReleaseData }>;
  complete(event: ReleaseEvent, world: IReleaseWorld): Promise<{ IsComplete: boolean }>;
}

export const realRelease: ReleaseHandlers = { start: startRelease, complete: isReleaseComplete };

/** Runs the task whatever happens and waits for it as long as it takes. */
export const naiveRelease: ReleaseHandlers = {
  async start(event, world) {
    const token = String(world.now());
    const TaskArn = await world.runTask(event.ResourceProperties, 'release', token);
    return { PhysicalResourceId: 'release', Data: { TaskArn } };
  },
  async complete(event, world) {
    const { Cluster, Container } = event.ResourceProperties;
    const task = await world.describeTask(Cluster, event.Data?.TaskArn ?? '', Container);
    if (task?.status === 'STOPPED' && task.exitCode !== 0) {
      throw new Error(`failed with ${task.exitCode}: ${(await world.lastLines('', '', 20)).join('\n')}`);
    }
    return { IsComplete: task?.status === 'STOPPED' };
  },
};

export interface ReleaseCase {
  readonly faults: ReadonlyMap<number, Fault>;
  readonly seed: number;
}

/** One stack through its life: create, updates that fail and roll back or are cancelled, and deletion. */
export async function runReleaseCase(
  handlers: ReleaseHandlers,
  plan: ReleaseCase,
): Promise<{ violations: string[]; calls: number }> {
  return new Life(handlers, plan).run();
}

class Life {
  private readonly violations = new Set<string>();
  private readonly random: () => number;
  private readonly chaos: Chaos;
  private readonly tasks: FakeTask[] = [];
  private readonly tokens = new Map<string, FakeTask>();
  private now = 1_800_000_000;
  private status = 'CREATE_IN_PROGRESS';
  private updates = 0;
  private requests = 0;
  private isDeaf = false;

  public constructor(
    private readonly handlers: ReleaseHandlers,
    private readonly plan: ReleaseCase,
  ) {
    this.random = randomFrom(plan.seed);
    this.isDeaf = this.random() < 0.05;
    this.chaos = new Chaos({ faults: plan.faults, afterCall: () => this.check(), echo: () => PASSWORD });
  }

  public async run(): Promise<{ violations: string[]; calls: number }> {
    let deployed = 1;
    if (!(await this.request('Create', 1, undefined))) {
      deployed = 0;
    }
    for (let version = 2; deployed > 0 && version <= 4; version++) {
      this.now += 60;
      const wanted = this.random() < 0.2 ? deployed : version;
      deployed = await this.update(wanted, deployed);
    }
    this.status = 'DELETE_IN_PROGRESS';
    await this.request('Delete', Math.max(deployed, 1), undefined);
    this.now += 120;
    if (this.plan.faults.size === 0 && this.tasks.some((task) => this.seen(task).status !== 'STOPPED')) {
      this.violations.add('left: deletion stops a running task');
    }
    return { violations: [...this.violations], calls: this.chaos.calls };
  }

  /** The version that is deployed afterwards. */
  private async update(wanted: number, deployed: number): Promise<number> {
    this.status = 'UPDATE_IN_PROGRESS';
    this.updates += 1;
    const cancelled = this.random() < 0.2;
    const released = await this.request('Update', wanted, deployed, cancelled ? this.random() * 200 : undefined);
    // Something else of the stack may fail after the release.
    if (released && this.random() < 0.8) {
      return wanted;
    }
    this.status = 'UPDATE_ROLLBACK_IN_PROGRESS';
    const before = this.tasks.length;
    const rolledBack = await this.request('Update', deployed, wanted);
    if (this.plan.faults.size === 0 && !rolledBack) {
      this.violations.add('stuck: a rollback succeeds');
    }
    if (this.tasks.length > before) {
      this.violations.add('downgrade: a rollback runs nothing');
    }
    return deployed;
  }

  private async request(type: string, version: number, old?: number, cancelAfter?: number): Promise<boolean> {
    const event: ReleaseEvent = {
      RequestType: type,
      RequestId: `request-${this.requests++}`,
      StackId: 'stack',
      LogicalResourceId: 'Release',
      PhysicalResourceId: type === 'Create' ? undefined : 'release',
      ResourceProperties: propertiesOf(version),
      OldResourceProperties: old === undefined ? undefined : propertiesOf(old),
    };
    const began = this.now;
    const tasksBefore = this.tasks.length;
    const ok = await this.answer(event, began, cancelAfter);
    if (this.now - began > TIMEOUT + START_TIMEOUT + ANSWER_MARGIN) {
      this.violations.add('late: no answer within bounds');
    }
    if (this.tasks.length - tasksBefore > 1) {
      this.violations.add('twice: one request starts one task at most');
    }
    if (ok && type !== 'Delete' && version !== old && !this.status.includes('ROLLBACK')) {
      const done = this.tasks.some((task) => task.version === version && this.seen(task).exitCode === 0);
      if (!done) {
        this.violations.add('unreleased: success without a release that succeeded');
      }
    }
    return ok;
  }

  /** The provider framework: onEvent, then isComplete until it is. True for SUCCESS. */
  private async answer(event: ReleaseEvent, began: number, cancelAfter?: number): Promise<boolean> {
    const started = await this.deliver((world) => this.handlers.start(event, world));
    if (started === undefined) {
      return false;
    }
    if (this.random() < 0.15) {
      const again = await this.deliver((world) => this.handlers.start(event, world));
      if (this.plan.faults.size === 0 && again?.Data.TaskArn !== started.Data.TaskArn) {
        this.violations.add('again: a repeated delivery answers the same');
      }
    }
    const polled: ReleaseEvent = { ...event, ...started };
    while (this.now - began <= TIMEOUT + START_TIMEOUT + 2 * ANSWER_MARGIN) {
      if (cancelAfter !== undefined && this.now - began > cancelAfter) {
        return false;
      }
      const answer = await this.deliver((world) => this.handlers.complete(polled, world));
      if (answer === undefined || answer.IsComplete) {
        return answer !== undefined;
      }
      this.now += POLL;
    }
    return false;
  }

  /** Undefined when the handler fails. A crash is delivered again, at most twice, or fails: Lambda does either. */
  private async deliver<T>(act: (world: IReleaseWorld) => Promise<T>): Promise<T | undefined> {
    for (let attempt = 0; ; attempt++) {
      const invocation = new Invocation(this.chaos);
      try {
        return await act(this.worldOf(invocation));
      } catch (error) {
        if (!(error instanceof Crash) && !invocation.isCrashed) {
          this.checkMessage((error as Error).message);
          return undefined;
        }
        if (attempt === 2 || this.random() < 0.5) {
          return undefined;
        }
      }
    }
  }

  private checkMessage(message: string, isAnswer = true): void {
    const task = this.tasks.at(-1);
    if (message.includes(PASSWORD)) {
      this.violations.add('leak: secret material in the failure reason');
    }
    if (Buffer.byteLength(message) > 3_500) {
      this.violations.add('long: CloudFormation cuts the reason');
    }
    const isAboutTask =
      task !== undefined && !/earlier release|replaced by another|Throttling|started no task/.test(message);
    if (isAnswer && isAboutTask && !message.includes(`release/app/${task.arn.split('/').at(-1)}`)) {
      this.violations.add('stream: the failure does not name the log stream');
    }
  }

  private check(): void {
    const running = this.tasks.filter((task) => this.seen(task).status !== 'STOPPED');
    if (running.length > 1) {
      this.violations.add('two: at most one release runs');
    }
    const newest = Math.max(0, ...this.tasks.map((task) => task.version));
    if (this.tasks.length > 0 && (this.tasks.at(-1)?.version ?? 0) < newest) {
      this.violations.add('downgrade: an older version was released after a newer one');
    }
  }

  private worldOf(invocation: Invocation): IReleaseWorld {
    return {
      stack: () => invocation.call(() => ({ status: this.status, updated: String(this.updates) })),
      runningTasks: () =>
        invocation.call(() =>
          this.tasks
            .filter((task) => this.seen(task).status !== 'STOPPED')
            .map(({ arn, startedBy }) => ({ arn, startedBy })),
        ),
      runTask: (properties, startedBy, token) => invocation.call(() => this.runTask(properties, startedBy, token)),
      describeTask: (_cluster, arn) =>
        invocation.call(() => {
          if (this.isDeaf) {
            throw this.chaos.throttled();
          }
          const task = this.tasks.find((candidate) => candidate.arn === arn);
          // ECS is eventually consistent: a task of this moment may be missing still.
          return task === undefined || this.now - task.startedAt < 3 ? undefined : this.seen(task);
        }),
      stopTask: (_cluster, arn) =>
        invocation.call(() => {
          const task = this.tasks.find((candidate) => candidate.arn === arn);
          if (task !== undefined) {
            task.stopAt = Math.min(task.stopAt, this.now + 30 + Math.floor(this.random() * 90));
          }
        }),
      lastLines: (_group, _stream, limit) =>
        invocation.call(() => {
          const lines = Array.from({ length: 40 }, (_, index) => `line ${index} ${'é'.repeat(200)}`);
          return [...lines, `django.db.utils.OperationalError: password=${PASSWORD} was refused`].slice(-limit);
        }),
      log: (message) => this.checkMessage(message, false),
      now: () => this.now,
      sleep: async (seconds) => {
        this.now += seconds;
      },
    };
  }

  private runTask(properties: ReleaseProperties, startedBy: string, token: string): string {
    const known = this.tokens.get(token);
    if (known !== undefined) {
      return known.arn;
    }
    if (this.random() < 0.05) {
      throw new Failure('Release: ECS started no task: RESOURCE:ENI');
    }
    const fate = FATES[Math.floor(this.random() * FATES.length)];
    const takes = fate === 'never starts' || fate === 'too slow' ? 100_000 : 20 + Math.floor(this.random() * 200);
    const task: FakeTask = {
      arn: `arn:aws:ecs:eu-west-1:111122223333:task/cluster/task${this.tasks.length}`,
      version: Number(properties.TaskDefinition.split(':').at(-1)),
      status: 'PROVISIONING',
      startedBy,
      startedAt: this.now,
      fate,
      stopAt: this.now + takes,
    };
    this.tasks.push(task);
    this.tokens.set(token, task);
    return task.arn;
  }

  private seen({ arn, fate, stopAt, startedAt }: FakeTask): ReleaseTask {
    if (this.now >= stopAt) {
      const ended = fate === 'succeeds' || fate === 'fails';
      const exitCode = ended ? (fate === 'succeeds' ? 0 : 1) : undefined;
      return { arn, status: 'STOPPED', exitCode, reason: 'Essential container in task exited' };
    }
    return { arn, status: fate === 'never starts' || this.now - startedAt < 15 ? 'PROVISIONING' : 'RUNNING' };
  }
}

function propertiesOf(version: number): ReleaseProperties {
  return {
    Cluster: 'cluster',
    TaskDefinition: `arn:aws:ecs:eu-west-1:111122223333:task-definition/ShopRelease:${version}`,
    Container: 'app',
    Subnets: ['subnet-1'],
    SecurityGroups: ['sg-1'],
    AssignPublicIp: 'DISABLED',
    LogGroup: '/shop/release',
    LogStreamPrefix: 'release',
    TimeoutSeconds: String(TIMEOUT),
  };
}
