import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { freePort } from '../edge/ports';
import type { Rehearsal } from '../rehearsal';
import { Logs } from '../task/logs';
import { resourcesOfType } from '../template/assembly';
import { matchesEvent } from '../template/event-pattern';
import { sleep } from '../wait';
import type { Dependency, DumpContainer, DumpTask } from './dump-task';
import { memoryOf, type Peak } from './memory';
import { localizedCheck, ROOT_OF_CONTAINER, type Started, type StartProps, startContainer } from './start-container';

const SAMPLE_MS = 200;
/** Milliseconds from the signal that asks a container to end to the one that makes it. */
const STOP_MS = 30_000;

/** What came of a task. */
export interface DumpRun {
  /** Exit codes of the containers that ended before the task did. */
  readonly exitCodes: ReadonlyMap<string, number>;
  /** What all of them said. */
  readonly lines: readonly string[];
  /** The most memory that each container had. */
  readonly peaks: ReadonlyMap<string, Peak>;
  /** The most memory that all containers had at one time, in MiB. */
  readonly peakMiB: number;
  /** The most that the volume held, in bytes. */
  readonly volumeBytes: number;
  readonly seconds: number;
}

export interface DumpRunProps extends Pick<StartProps, 'rehearsal' | 'dump' | 'programs' | 'environment'> {
  /** A group of the kernel's for memory, in which every container runs. @default - none */
  readonly group?: string;
}

let count = 0;

/**
 * Runs the containers of a task, each when what it waits for has come: another has ended with 0, or is
 * healthy. The task ends with its essential container, or when a container can no longer start.
 */
export async function runDump(props: DumpRunProps): Promise<DumpRun> {
  const { rehearsal, dump } = props;
  const { sandbox } = rehearsal;
  const id = `dump-${++count}`;
  const volume = sandbox.folder(`volume-${id}`, ROOT_OF_CONTAINER);
  const logs = new Logs(path.join(sandbox.folder('logs'), `${id}.log`));
  const run = new TaskRun({ ...props, id, volume, ports: await portsOf(dump) }, logs);
  const started = Date.now();
  try {
    await run.untilEnd();
  } finally {
    rmSync(volume, { recursive: true, force: true });
  }
  const { exitCodes, peaks, peakMiB, volumeBytes } = run;
  const seconds = (Date.now() - started) / 1000;
  return { exitCodes, lines: logs.last(), peaks, peakMiB, volumeBytes, seconds };
}

/** The containers of one task. */
class TaskRun {
  readonly exitCodes = new Map<string, number>();
  readonly peaks = new Map<string, Peak>();
  peakMiB = 0;
  volumeBytes = 0;
  private readonly running = new Map<string, Started>();
  private readonly healthy = new Set<string>();
  private isOver = false;

  constructor(
    private readonly props: StartProps & Pick<DumpRunProps, 'group'>,
    private readonly logs: Logs,
  ) {}

  async untilEnd(): Promise<void> {
    const sampling = this.sample();
    const ends = this.props.dump.containers.map((container) => this.live(container));
    try {
      await Promise.race([Promise.all(ends), this.untilOver()]);
    } finally {
      this.isOver = true;
      await this.endOthers();
      await Promise.allSettled([...ends, sampling]);
      this.measureVolume();
    }
  }

  /** One container: until what it waits for has come, while it runs, and its end. */
  private async live(container: DumpContainer): Promise<void> {
    if (!(await this.mayStart(container))) {
      this.isOver = true;
      return;
    }
    const started = await startContainer(this.props, container);
    this.running.set(container.name, started);
    this.join(started);
    for (const output of started.outputs) {
      this.logs.follow(output);
    }
    const code = await started.ended;
    this.running.delete(container.name);
    this.measureVolume();
    if (!this.isOver) {
      this.exitCodes.set(container.name, code);
      this.isOver = container.isEssential;
    }
  }

  private async mayStart({ waitsFor }: DumpContainer): Promise<boolean> {
    for (;;) {
      const states = waitsFor.map((each) => this.stateOf(each));
      if (this.isOver || states.includes('never')) {
        return false;
      }
      if (states.every((state) => state === 'met')) {
        return true;
      }
      await sleep(50);
    }
  }

  private stateOf({ name, condition }: Dependency): 'met' | 'open' | 'never' {
    const code = this.exitCodes.get(name);
    if (condition === 'HEALTHY') {
      return code !== undefined ? 'never' : this.isHealthy(name) ? 'met' : 'open';
    }
    return code === undefined ? 'open' : code === 0 || condition === 'COMPLETE' ? 'met' : 'never';
  }

  private isHealthy(name: string): boolean {
    const container = this.props.dump.containers.find((each) => each.name === name);
    if (container !== undefined && this.running.has(name) && !this.healthy.has(name)) {
      const [program, ...args] = localizedCheck(this.props, container);
      const env = { PATH: [...this.props.programs, process.env.PATH].join(path.delimiter) };
      if (spawnSync(program, args, { env, stdio: 'ignore' }).status === 0) {
        this.healthy.add(name);
      }
    }
    return this.healthy.has(name);
  }

  private async untilOver(): Promise<void> {
    while (!this.isOver) {
      await sleep(50);
    }
  }

  private async endOthers(): Promise<void> {
    const ends = [...this.running.values()];
    for (const each of ends) {
      each.end('SIGTERM');
    }
    const ended = Promise.all(ends.map((each) => each.ended)).then(() => true);
    if (ends.length > 0 && !(await Promise.race([ended, sleep(STOP_MS)]))) {
      for (const each of ends) {
        each.end('SIGKILL');
      }
    }
  }

  private join({ pid }: Started): void {
    const { group } = this.props;
    if (group !== undefined && pid !== undefined) {
      writeFileSync(path.join(group, 'cgroup.procs'), String(pid));
    }
  }

  private async sample(): Promise<void> {
    for (let round = 0; !this.isOver; round++) {
      let sum = 0;
      for (const [name, { pid }] of this.running) {
        const now = pid === undefined ? { container: 0, process: 0 } : memoryOf(pid);
        const { container = 0, process: one = 0 } = this.peaks.get(name) ?? {};
        this.peaks.set(name, { container: Math.max(container, now.container), process: Math.max(one, now.process) });
        sum += now.container;
      }
      this.peakMiB = Math.max(this.peakMiB, sum);
      if (round % 10 === 0) {
        this.measureVolume();
      }
      await sleep(SAMPLE_MS);
    }
  }

  private measureVolume(): void {
    this.volumeBytes = Math.max(this.volumeBytes, sizeOf(this.props.volume));
  }
}

/** Runs one command with the credentials of the task. */
export async function runAsTask(props: DumpRunProps, words: readonly string[]): Promise<DumpRun> {
  const [{ folder }] = props.dump.containers;
  const container = { name: 'command', image: '', words, environment: {}, secrets: {}, folder };
  const alone = { ...container, waitsFor: [], isEssential: true };
  return runDump({ ...props, dump: { ...props.dump, containers: [alone] } });
}

/** Names of the queues that are told of a container that failed, by the rules of the template. */
export function reportedTo(
  { props, intrinsics }: Rehearsal,
  dump: DumpTask,
  exitCodes: DumpRun['exitCodes'],
): string[] {
  const event = {
    source: 'aws.ecs',
    'detail-type': 'ECS Task State Change',
    detail: {
      clusterArn: dump.clusterArn,
      taskDefinitionArn: dump.id,
      lastStatus: 'STOPPED',
      stopCode: 'EssentialContainerExited',
      containers: [...exitCodes].map(([name, exitCode]) => ({ name, exitCode, lastStatus: 'STOPPED' })),
    },
  };
  return resourcesOfType(props.assembly.template, 'AWS::Events::Rule')
    .map(({ resource }) => intrinsics.properties(resource))
    .filter(({ EventPattern }) => EventPattern !== undefined && matchesEvent(EventPattern, event as never))
    .flatMap(({ Targets = [] }) => Targets.map(({ Arn }: { Arn: string }) => Arn))
    .filter((arn) => /:sqs:/.test(arn));
}

/** On Fargate the containers of a task have a loopback interface to themselves. */
async function portsOf({ containers }: DumpTask): Promise<ReadonlyMap<string, number>> {
  const asked = containers
    .flatMap(({ healthCheck = [] }) => healthCheck.slice(-1))
    .filter((word) => /^\d+$/.test(word));
  return new Map(await Promise.all(asked.map(async (port) => [port, await freePort()] as const)));
}

function sizeOf(folder: string): number {
  // It counts the other files where one is removed meanwhile; other systems do not know -b.
  const { stdout } = spawnSync('du', ['-sb', folder], { encoding: 'utf8', stdio: 'pipe' });
  return Number.parseInt(stdout ?? '', 10) || 0;
}
