import type { ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import type { Container, Ended } from '../task/container';
import type { HealthCheck } from '../template/task-definition';
import { sleep } from '../wait';
import { complaint, type Engine, type Spawn } from './engine';

/** Milliseconds between two tries to send a signal to a container that is about to run. */
const AGAIN = 200;
const SUSPEND = 'import os, signal; os.kill(-1, signal.SIGSTOP)';
const MODIFIED = 'import os, sys; print(os.stat(sys.argv[1]).st_mtime)';
const RESIDENT = `
import os
pages = 0
for pid in filter(str.isdigit, os.listdir("/proc")):
    try:
        with open(f"/proc/{pid}/statm") as numbers:
            pages += int(numbers.read().split()[1])
    except OSError:
        pass
print(pages * os.sysconf("SC_PAGE_SIZE") / 1024 / 1024)
`;

export interface EngineContainerProps {
  readonly engine: Engine;
  readonly name: string;
  readonly spawn: Spawn;
  readonly stopSignal: string;
  /** Words of a health check as they must read inside. */
  readonly inside: (words: readonly string[]) => string[];
  /** Removes what the container leaves. */
  readonly remove: () => Promise<void>;
}

/** A container of an engine, made before and started now. */
export class EngineContainer implements Container {
  readonly outputs: Readable[] = [];
  readonly ended: Promise<Ended>;
  private readonly client: ChildProcess;
  private isKilled = false;
  private isOver = false;

  constructor(private readonly props: EngineContainerProps) {
    const { engine, name, spawn } = props;
    this.client = spawn(engine.program, engine.words(['start', '--attach', '--sig-proxy=false', name]), {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.client.stdout, this.client.stderr]) {
      if (stream) {
        this.outputs.push(stream);
      }
    }
    this.ended = this.untilEnd();
  }

  interrupt(): void {
    void this.signal(this.props.stopSignal);
  }

  kill(): void {
    this.isKilled = true;
    void this.signal('SIGKILL');
  }

  suspend(): void {
    // The first process of a container is out of its own reach.
    void this.exec(['python', '-c', SUSPEND]).then(() => this.signal('SIGSTOP'));
  }

  async probe({ command, timeout }: HealthCheck): Promise<boolean> {
    return (await this.exec(this.props.inside(command), timeout * 1000)).code === 0;
  }

  async modified(file: string): Promise<number> {
    return Number(await this.said(['python', '-c', MODIFIED, file])) * 1000;
  }

  async residentMiB(): Promise<number> {
    return Number(await this.said(['python', '-c', RESIDENT]));
  }

  private exec(words: readonly string[], timeout?: number) {
    return this.props.engine.call(['exec', this.props.name, ...words], { timeout });
  }

  private async said(words: readonly string[]): Promise<string> {
    const answer = await this.exec(words);
    if (answer.code !== 0) {
      throw new Error(complaint(answer));
    }
    return answer.stdout.trim();
  }

  /** An engine sends no signal to a container that does not run yet. */
  private async signal(name: string): Promise<void> {
    while (!this.isOver) {
      const { code } = await this.props.engine.call(['kill', '--signal', name, this.props.name]);
      if (code === 0) {
        return;
      }
      await sleep(AGAIN);
    }
  }

  private async untilEnd(): Promise<Ended> {
    const [code, problem] = await new Promise<[number | null, string?]>((resolve) => {
      this.client.once('error', ({ message }) => resolve([127, message]));
      this.client.once('close', (closed) => resolve([closed]));
    });
    const { engine, name, remove } = this.props;
    const { stdout } = await engine.call(['inspect', '--format', '{{.State.OOMKilled}} {{.State.ExitCode}}', name]);
    this.isOver = true;
    void remove();
    const [outOfMemory, exitCode] = stdout.trim().split(' ');
    const ended = exitCode === undefined || exitCode === '' || exitCode === '0' ? code : Number(exitCode);
    return { code: ended, signal: null, problem, isOutOfMemory: this.isOutOfMemory(ended, outOfMemory === 'true') };
  }

  /** Podman with some runtimes does not know it; nobody else sends SIGKILL here. */
  private isOutOfMemory(code: number | null, isSaid: boolean): boolean {
    return !this.isKilled && code === 137 && (isSaid || this.props.engine.kind === 'podman');
  }
}
