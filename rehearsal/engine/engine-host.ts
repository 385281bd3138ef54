import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { ImageDefaults } from '../image/dockerfile/plan';
import {
  type Attachment,
  type Container,
  type ContainerProps,
  type Host,
  typedWords,
  wordsOf,
} from '../task/container';
import { lastError } from '../task/last-error';
import { commandOnLoopback, onLoopback } from '../task/localize';
import { Logs } from '../task/logs';
import type { Sandbox } from '../task/sandbox';
import type { InitContainer, TaskDefinition } from '../template/task-definition';
import { createWords, type Machine, type Wanted } from './arguments';
import { complaint, type Engine } from './engine';
import { EngineContainer } from './engine-container';
import { waysOf } from './variables';

/** An image that the engine has. */
export interface BuiltImage {
  /** Its id. */
  readonly name: string;
  readonly platform: string;
  readonly defaults: ImageDefaults;
}

export interface EngineHostProps {
  readonly engine: Engine;
  readonly machine: Machine;
  readonly sandbox: Sandbox;
  readonly images: ReadonlyMap<string, BuiltImage>;
  /** The bundle that containers are given in place of RDS's. */
  readonly caBundle: string;
}

/** One container of a task. */
interface Part {
  readonly name: string;
  /** The engine's name for the task, whose containers share volumes. */
  readonly task: string;
  readonly definition: TaskDefinition;
  readonly words: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly of: Pick<TaskDefinition, 'user' | 'workingDirectory' | 'mountPoints' | 'tmpfs' | 'confinement'>;
}

/** How the client of the engine is called. */
interface Command {
  readonly words: readonly string[];
  readonly byName: Readonly<Record<string, string>>;
  /** A file with the other variables. */
  readonly file: string;
}

/** Runs containers in an engine, on the network of this machine. */
export class EngineHost implements Host {
  readonly confines: ReadonlySet<string>;
  private readonly containers = new Set<string>();
  private readonly volumes = new Set<string>();
  private readonly run: string;

  constructor(private readonly props: EngineHostProps) {
    const { sandbox, machine } = props;
    this.confines = new Set(['user', ...machine.properties]);
    this.run = `rehearsal-${path.basename(sandbox.directory)}`;
    sandbox.atEnd(() => this.removeAll());
  }

  get mounts(): boolean {
    return this.props.machine.properties.has('tmpfs');
  }

  async start(props: ContainerProps): Promise<Container> {
    const inside = wordsInside(props);
    const part = await this.prepare(props, inside);
    await this.create(part);
    return this.started(part.name, props.definition, inside);
  }

  async attach(props: ContainerProps, isTerminal: boolean): Promise<Attachment> {
    const { engine, sandbox } = this.props;
    const part = await this.prepare(props, wordsInside(props));
    const { words, file, byName } = this.command(part);
    const terminal = isTerminal ? ['--tty'] : [];
    const [, ...options] = words; // What `create` takes, `run` does.
    const keepQuiet = sandbox.orElse([engine.program, ...engine.removal([part.name])]);
    return {
      program: {
        words: [engine.program, ...engine.words(['run', '--rm', '--interactive', ...terminal, ...options])],
        environment: { ...process.env, ...byName },
        workingDirectory: process.cwd(),
      },
      release: async () => {
        await engine.call(engine.removal([part.name]));
        this.containers.delete(part.name);
        rmSync(file, { force: true });
        await this.removeVolumes([...this.volumes].filter((volume) => volume.startsWith(`${part.name}-`)));
        keepQuiet();
      },
    };
  }

  /** What the application's container of a task is made of, once those have ended that must end first. */
  private async prepare(props: ContainerProps, inside: (words: readonly string[]) => string[]): Promise<Part> {
    const { id, definition } = props;
    const task = `${this.run}-${id.replaceAll(/[^\w.-]/g, '-')}`;
    const { defaults } = this.imageOf(definition);
    for (const container of definition.initContainers) {
      await this.initialize(container, id, task, definition);
    }
    return {
      name: task,
      task,
      definition,
      words: inside(wordsOf(definition, defaults)),
      environment: variablesOf(defaults.environment, props),
      of: definition,
    };
  }

  private imageOf({ image }: TaskDefinition): BuiltImage {
    return this.props.images.get(image) as BuiltImage;
  }

  /** The words that create a container, and the variables that go with them. */
  private command({ name, task, definition, words, environment, of }: Part): Command {
    const { machine, sandbox, caBundle } = this.props;
    const { byName, lines } = waysOf(environment);
    const file = path.join(sandbox.folder('variables'), name);
    writeFileSync(file, lines.map((line) => `${line}\n`).join(''), { mode: 0o600 });
    const wanted: Wanted = {
      name,
      label: `cdk-django-fargate-rehearsal=${this.run}`,
      image: this.imageOf(definition).name,
      words,
      user: of.user,
      workingDirectory: of.workingDirectory,
      tmpfs: of.tmpfs,
      confinement: of.confinement,
      mountPoints: of.mountPoints.map((point) => ({ ...point, volume: this.volume(task, point.volume) })),
      memory: definition.memory,
      cpu: definition.cpu,
      variables: Object.keys(byName),
      variablesFile: file,
      caBundle: environment.PGSSLROOTCERT ? { path: environment.PGSSLROOTCERT, local: caBundle } : undefined,
    };
    this.containers.add(name);
    return { words: createWords(wanted, machine), byName, file };
  }

  private async create(part: Part): Promise<void> {
    const { name } = part;
    const { words, byName, file } = this.command(part);
    const answer = await this.props.engine.call(words, { env: { ...process.env, ...byName } });
    rmSync(file, { force: true });
    if (answer.code !== 0) {
      this.containers.delete(name);
      throw new Error(`${name.slice(this.run.length + 1)} cannot start: ${complaint(answer)}`);
    }
  }

  private started(
    name: string,
    definition: TaskDefinition,
    inside: (words: readonly string[]) => string[] = (words) => [...words],
  ): Container {
    const { engine, sandbox } = this.props;
    const keepQuiet = sandbox.orElse([engine.program, ...engine.removal([name])]);
    const owned = [...this.volumes].filter((volume) => volume.startsWith(`${name}-`));
    return new EngineContainer({
      engine,
      name,
      inside,
      spawn: (...started) => sandbox.spawn(...started),
      stopSignal: this.imageOf(definition).defaults.stopSignal,
      remove: async () => {
        await engine.call(engine.removal([name]));
        this.containers.delete(name);
        await this.removeVolumes(owned);
        keepQuiet();
      },
    });
  }

  /** Runs a container that must end with 0 before the application starts. */
  private async initialize(container: InitContainer, id: string, task: string, definition: TaskDefinition) {
    const { sandbox } = this.props;
    const { defaults } = this.imageOf(definition);
    const name = `${id}/${container.name}`;
    const inner = `${task}-${container.name}`;
    const logs = new Logs(path.join(sandbox.folder('logs'), `${name.replaceAll('/', '-')}.log`));
    await this.create({
      name: inner,
      task,
      definition,
      words: wordsOf({ id: name, entryPoint: container.entryPoint, command: container.command }, defaults),
      environment: container.environment,
      of: { ...container, workingDirectory: undefined, tmpfs: [] },
    });
    const running = this.started(inner, definition);
    for (const output of running.outputs) {
      logs.follow(output);
    }
    const { code } = await running.ended;
    if (code !== 0) {
      throw new Error(`${name} ended with ${code}, so the task does not start: ${lastError({ logs })}`);
    }
  }

  /** The engine's name for a volume of a task, which all of its containers share. */
  private volume(task: string, volume: string): string {
    const name = `${task}-${volume}`;
    this.volumes.add(name);
    return name;
  }

  private async removeVolumes(names: readonly string[]): Promise<void> {
    if (names.length > 0) {
      await this.props.engine.call(['volume', 'rm', '--force', ...names]);
      for (const name of names) {
        this.volumes.delete(name);
      }
    }
  }

  private removeAll(): void {
    const { engine } = this.props;
    const remove = (args: string[]) => execFileSync(engine.program, args, { stdio: 'ignore' });
    try {
      if (this.containers.size > 0) {
        remove(engine.removal([...this.containers]));
      }
      if (this.volumes.size > 0) {
        remove(engine.words(['volume', 'rm', '--force', ...this.volumes]));
      }
    } catch {
      // Another hand was faster.
    }
  }
}

/** Words of a command as the container sees them: its port is the one of this machine. */
function wordsInside({ definition, port }: ContainerProps): (words: readonly string[]) => string[] {
  return (words) => commandOnLoopback(words, { containerPort: definition.port, port }, typedWords(definition));
}

/**
 * Variables as they must read on the network of this machine. Those of secrets stay as they are, and so do
 * those of the image, which has them already, unless they read otherwise here.
 */
function variablesOf(
  image: Readonly<Record<string, string>>,
  { definition, environment, port }: ContainerProps,
): Record<string, string> {
  const local = (name: string, value: string): string => {
    if (name === 'PORT' && Number(value) === definition.port && port !== undefined) {
      return String(port);
    }
    return definition.secrets[name] === undefined ? onLoopback(value, {}) : value;
  };
  const changed = Object.entries(image).filter(([name, value]) => local(name, value) !== value);
  return Object.fromEntries(
    [...changed, ...Object.entries(environment)].map(([name, value]) => [name, local(name, value)]),
  );
}
