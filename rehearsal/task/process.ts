import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import type { Announce } from '../announce';
import { type Image, withoutPath } from '../image/image';
import type { HealthCheck, TaskDefinition } from '../template/task-definition';
import { sleep } from '../wait';
import { Entrance, type Program } from './entrance';
import type { Files } from './files';
import type { Identity } from './identity';
import { type Localization, localize } from './localize';
import { Logs } from './logs';
import { isRoot, type Sandbox } from './sandbox';
import { endStrays } from './strays';

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Whether the rehearsal told it to stop. */
  readonly stopped: boolean;
  /** Whether it had to be killed after `stopTimeout`. */
  readonly killed: boolean;
}

/** Milliseconds between two probes until a container is healthy; then the template's interval applies. */
const START_INTERVAL = 1500;

export interface TaskProps {
  readonly id: string;
  readonly definition: TaskDefinition;
  readonly image: Image;
  readonly sandbox: Sandbox;
  readonly announce: Announce;
  readonly identity: Identity;
  readonly files: Files;
  readonly port?: number;
  readonly caBundle?: Localization['caBundle'];
  /** Variables and secrets as ECS would inject them, and those that point the SDKs at the doubles. */
  readonly environment: Readonly<Record<string, string>>;
  readonly machine: Readonly<Record<string, string>>;
}

/** One task: a process with files of its own and its container health check. */
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
  private readonly child: ChildProcess;
  private readonly local: Localization;
  private readonly environment: NodeJS.ProcessEnv;
  private readonly workingDirectory: string;
  private stopping = false;
  private killed = false;

  constructor(private readonly props: TaskProps) {
    const { definition, image, sandbox } = props;
    this.id = props.id;
    this.definition = definition;
    this.port = props.port;
    const { files } = props;
    this.local = {
      temporary: files.temporary,
      volumes: files.inside,
      root: image.root,
      exists: (file) => existsSync(path.join(image.root, file)),
      caBundle: props.caBundle,
    };
    this.logs = new Logs(path.join(sandbox.folder('logs'), `${props.id.replaceAll('/', '-')}.log`));
    this.environment = this.variables();
    this.workingDirectory = path.join(image.root, definition.workingDirectory ?? image.defaults.workingDirectory);
    this.child = files.entrance.start((...started) => sandbox.spawn(...started), this.program(this.command()));
    for (const stream of [this.child.stdout, this.child.stderr]) {
      if (stream) {
        this.logs.follow(stream);
      }
    }
    this.exited = this.untilExit();
    void this.probe(definition.healthCheck);
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  get running(): boolean {
    return this.exit === undefined;
  }

  get stopRequested(): boolean {
    return this.stopping;
  }

  /** When a file of the container was last written, in milliseconds. */
  modified(file: string): number {
    const root = this.props.files.isCovered ? `/proc/${this.pid}/root` : '';
    return statSync(`${root}${localize(file, this.local)}`).mtimeMs;
  }

  /** Stop signal, then SIGKILL for the whole task after `stopTimeout`. */
  async stop(): Promise<Exit> {
    if (this.running && !this.stopping) {
      this.stopping = true;
      this.child.kill(this.props.image.defaults.stopSignal);
      const timer = setTimeout(() => this.kill(), this.definition.stopTimeout * 1000);
      await this.exited;
      clearTimeout(timer);
    }
    return this.exited;
  }

  /** SIGKILL, as when the machine runs out of memory. */
  kill(): void {
    this.killed = this.stopping;
    try {
      process.kill(-(this.child.pid as number), 'SIGKILL');
    } catch {
      // It has just ended.
    }
  }

  /** Whether the end is no failure: 0, or the stop signal that it was sent. */
  static isClean(exit: Exit): boolean {
    return exit.code === 0 || (exit.stopped && !exit.killed && (exit.code === 143 || exit.signal === 'SIGTERM'));
  }

  private untilExit(): Promise<Exit> {
    return new Promise((resolve) => {
      const done = (code: number | null, signal: NodeJS.Signals | null) => {
        this.exit ??= { code, signal, stopped: this.stopping, killed: this.killed };
        this.props.files.remove();
        resolve(this.exit);
      };
      this.child.once('error', (error) => {
        this.logs.follow(readable(`${error.message}\n`));
        done(127, null);
      });
      // Daemons that it leaves hold its output open.
      this.child.once('exit', () => endStrays(this.props.files.temporary));
      this.child.once('close', done);
    });
  }

  private command(): string[] {
    const { definition, image } = this.props;
    const entryPoint = definition.entryPoint ?? image.defaults.entryPoint;
    const command = definition.command ?? (definition.entryPoint === undefined ? image.defaults.command : []);
    const all = [...entryPoint, ...command];
    if (all.length === 0) {
      throw new Error(`${definition.id}: neither the task definition nor the image says what to run.`);
    }
    return all;
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
    const local = { ...this.local, containerPort: this.definition.port, port: this.port };
    return command.map((word) => localize(word, local));
  }

  private variables(): NodeJS.ProcessEnv {
    const { image, environment, machine, definition } = this.props;
    const all = { ...withoutPath(image.defaults.environment), ...environment };
    const localized = Object.entries(all).map(([name, value]) => {
      if (name === 'PORT' && Number(value) === definition.port && this.port !== undefined) {
        return [name, String(this.port)];
      }
      return [name, definition.secrets[name] === undefined ? localize(value, this.local) : value];
    });
    return {
      ...machine,
      PATH: `${image.path}:${process.env.PATH}`,
      TMPDIR: this.local.temporary,
      ...Object.fromEntries(localized),
    };
  }

  /**
   * Runs the container health check as the ECS agent does.
   *
   * A task is UNHEALTHY after as many failures in a row as the template says; three by default.
   */
  private async probe(check: HealthCheck | undefined): Promise<void> {
    if (check === undefined) {
      return;
    }
    let failures = 0;
    while (this.running && !this.stopping) {
      await sleep(this.health === 'UNKNOWN' ? START_INTERVAL : check.interval * 1000);
      if (!this.running || this.stopping) {
        return;
      }
      if (await this.succeeds(check.command, check.timeout)) {
        failures = 0;
        this.health = 'HEALTHY';
      } else if (this.health !== 'UNKNOWN' || Date.now() - this.startedAt > check.startPeriod * 1000) {
        failures++;
        this.health = failures >= check.retries ? 'UNHEALTHY' : this.health;
      }
    }
  }

  private succeeds(command: string[], timeout: number): Promise<boolean> {
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
}

/** The user that the template asks for, where this machine can become it. */
export function taskUser(definition: TaskDefinition): number | undefined {
  const uid = Number(definition.user?.split(':')[0]);
  return isRoot() && Number.isInteger(uid) && uid > 0 ? uid : undefined;
}

function readable(text: string): Readable {
  return Readable.from([text]);
}
