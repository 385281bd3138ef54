import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { statSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { type Container, type Ended, wordsOf } from '../task/container';
import { localize } from '../task/localize';
import type { Sandbox } from '../task/sandbox';
import { endStrays } from '../task/strays';
import type { HealthCheck } from '../template/task-definition';
import { Entrance } from './entrance';
import { Programs, type ProgramsProps } from './programs';

export interface ProcessContainerProps extends ProgramsProps {
  readonly sandbox: Sandbox;
}

/** A container that is a process group of this machine, with files of its own. */
export class ProcessContainer implements Container {
  readonly outputs: Readable[] = [];
  readonly ended: Promise<Ended>;
  private readonly child: ChildProcess;
  private readonly programs: Programs;

  constructor(private readonly props: ProcessContainerProps) {
    const { definition, image, sandbox, files } = props;
    this.programs = new Programs(props);
    const program = this.programs.of(wordsOf(definition, image.defaults));
    this.child = files.entrance.start((...started) => sandbox.spawn(...started), program);
    for (const stream of [this.child.stdout, this.child.stderr]) {
      if (stream) {
        this.outputs.push(stream);
      }
    }
    this.ended = this.untilEnd();
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  interrupt(): void {
    this.child.kill(this.props.image.defaults.stopSignal);
  }

  kill(): void {
    this.signal('SIGKILL');
  }

  suspend(): void {
    this.signal('SIGSTOP');
  }

  async modified(file: string): Promise<number> {
    const root = this.props.files.isCovered ? `/proc/${this.pid}/root` : '';
    return statSync(`${root}${localize(file, this.programs.local)}`).mtimeMs;
  }

  async residentMiB(): Promise<number> {
    const lines = execFileSync('ps', ['-A', '-o', 'pgid=,rss='], { encoding: 'utf8' }).trim().split('\n');
    const kibibytes = lines
      .map((line) => line.trim().split(/\s+/).map(Number))
      .filter(([pgid]) => pgid === this.pid)
      .reduce((sum, [, rss]) => sum + rss, 0);
    return kibibytes / 1024;
  }

  probe({ command, timeout }: HealthCheck): Promise<boolean> {
    return new Promise((resolve) => {
      const entrance = this.props.files.isCovered ? Entrance.of(this.pid as number) : Entrance.OPEN;
      const options = { timeout: timeout * 1000, killSignal: 'SIGKILL' } as const;
      const probe = entrance.start(spawn, this.programs.of(command), options);
      for (const output of [probe.stdout, probe.stderr]) {
        output?.resume();
      }
      probe.once('error', () => resolve(false));
      probe.once('close', (code) => resolve(code === 0));
    });
  }

  private signal(name: NodeJS.Signals): void {
    try {
      process.kill(-(this.child.pid as number), name);
    } catch {
      // It has just ended.
    }
  }

  private untilEnd(): Promise<Ended> {
    return new Promise((resolve) => {
      const done = (ended: Ended) => {
        this.props.files.remove();
        resolve(ended);
      };
      this.child.once('error', ({ message }) => done({ code: 127, signal: null, problem: message }));
      // Daemons that it leaves hold its output open.
      this.child.once('exit', () => endStrays(this.props.files.temporary));
      this.child.once('close', (code, signal) => done({ code, signal }));
    });
  }
}
