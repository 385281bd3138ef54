import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { type Image, withoutPath } from '../image/image';
import { type Container, type ContainerProps, type Ended, wordsOf } from '../task/container';
import type { Identity } from '../task/identity';
import { type Localization, localize } from '../task/localize';
import type { Sandbox } from '../task/sandbox';
import { endStrays } from '../task/strays';
import type { HealthCheck } from '../template/task-definition';
import { Entrance, type Program } from './entrance';
import type { Files } from './files';

export interface ProcessContainerProps extends ContainerProps {
  readonly image: Image;
  readonly sandbox: Sandbox;
  readonly identity: Identity;
  readonly files: Files;
  /** Stands for RDS's certificate bundle. */
  readonly caBundle: string;
}

/** Variables of a container that only this machine needs. */
const MACHINE = { LANG: 'C.UTF-8', PYTHONDONTWRITEBYTECODE: '1', PYTHONUNBUFFERED: '1' };

/** A container that is a process group of this machine, with files of its own. */
export class ProcessContainer implements Container {
  readonly outputs: Readable[] = [];
  readonly ended: Promise<Ended>;
  private readonly child: ChildProcess;
  private readonly local: Localization;
  private readonly environment: NodeJS.ProcessEnv;
  private readonly workingDirectory: string;

  constructor(private readonly props: ProcessContainerProps) {
    const { definition, image, sandbox, files, environment, caBundle } = props;
    const caPath = environment.PGSSLROOTCERT;
    this.local = {
      temporary: files.temporary,
      volumes: files.inside,
      root: image.root,
      exists: (file) => existsSync(path.join(image.root, file)),
      caBundle: caPath === undefined ? undefined : { path: caPath, local: caBundle },
    };
    this.environment = this.variables();
    this.workingDirectory = path.join(image.root, definition.workingDirectory ?? image.defaults.workingDirectory);
    const program = this.program(wordsOf(definition, image.defaults));
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
    return statSync(`${root}${localize(file, this.local)}`).mtimeMs;
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
      const probe = entrance.start(spawn, this.program(command), options);
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

  private program(command: string[]): Program {
    const { image, identity } = this.props;
    return {
      words: this.words(command),
      environment: this.environment,
      workingDirectory: this.workingDirectory,
      identity,
      python: image.python,
    };
  }

  private words(command: string[]): string[] {
    const { definition, port } = this.props;
    const local = { ...this.local, containerPort: definition.port, port };
    return command.map((word) => localize(word, local));
  }

  private variables(): NodeJS.ProcessEnv {
    const { image, environment, definition, port } = this.props;
    const all = { ...withoutPath(image.defaults.environment), ...environment };
    const localized = Object.entries(all).map(([name, value]) => {
      if (name === 'PORT' && Number(value) === definition.port && port !== undefined) {
        return [name, String(port)];
      }
      return [name, definition.secrets[name] === undefined ? localize(value, this.local) : value];
    });
    return {
      ...MACHINE,
      PATH: `${image.path}:${process.env.PATH}`,
      TMPDIR: this.local.temporary,
      ...Object.fromEntries(localized),
    };
  }
}
