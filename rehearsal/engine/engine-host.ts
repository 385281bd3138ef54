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
import type { InitContainer, MountPoint, TaskDefinition } from '../template/task-definition';
import { createWords, type Machine, type Wanted } from './arguments';
import { complaint, type Engine } from './engine';
import { EngineContainer } from './engine-container';
import { labelsOf, runOf, volumeRemoval } from './leftovers';
import { PROXIES, waysOf } from './variables';

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
  /** By the name of a container or volume: takes back that the reaper removes it. */
  private readonly reaped = new Map<string, () => void>();
  private readonly run: string;

  constructor(private readonly props: EngineHostProps) {
    const { sandbox, machine } = props;
    this.confines = new Set(['user', ...machine.properties]);
    this.run = runOf(path.basename(sandbox.directory));
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
    const { engine } = this.props;
    const part = await this.prepare(props, wordsInside(props));
    const { words, file, byName } = await this.command(part);
    const terminal = isTerminal ? ['--tty'] : [];
    const [, ...options] = words; // What `create` takes, `run` does.
    return {
      program: {
        words: [engine.program, ...engine.words(['run', '--rm', '--interactive', ...terminal, ...options])],
        environment: { ...process.env, ...byName },
        workingDirectory: this.workingDirectory,
      },
      release: async () => {
        await this.removeContainer(part.name);
        rmSync(file, { force: true });
        await this.removeVolumes([...this.volumes].filter((volume) => volume.startsWith(`${part.name}-`)));
      },
    };
  }

  /** Where the engine is called: podman's monitor leaves a file `oom` there when memory runs out. */
  private get workingDirectory(): string {
    return this.props.sandbox.folder('calls');
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
  private async command({ name, task, definition, words, environment, of }: Part): Promise<Command> {
    const { machine, sandbox } = this.props;
    const image = this.imageOf(definition);
    const { byName, lines } = waysOf({ ...proxiesOf(image.defaults), ...environment }, machine.kind);
    const file = path.join(sandbox.folder('variables'), name);
    writeFileSync(file, lines.map((line) => `${line}\n`).join(''), { mode: 0o600 });
    const mountPoints: MountPoint[] = [];
    for (const point of of.mountPoints) {
      mountPoints.push({ ...point, volume: await this.volume(task, point.volume) });
    }
    const wanted: Wanted = {
      name,
      labels: labelsOf(this.run),
      image: image.name,
      words,
      user: of.user,
      workingDirectory: of.workingDirectory,
      tmpfs: of.tmpfs,
      confinement: of.confinement,
      mountPoints,
      memory: definition.memory,
      cpu: definition.cpu,
      variables: Object.keys(byName),
      variablesFile: file,
      files: this.authorities(environment),
    };
    this.containers.add(name);
    this.reap(name, this.props.engine.removal([name]), 'at once');
    return { words: createWords(wanted, machine), byName, file };
  }

  /** The local bundle in the place of RDS's, and the file of the rehearsal that programs trust. */
  private authorities({ PGSSLROOTCERT, SSL_CERT_FILE }: Part['environment']): Wanted['files'] {
    const { sandbox, caBundle } = this.props;
    return [
      ...(PGSSLROOTCERT ? [{ path: PGSSLROOTCERT, local: caBundle }] : []),
      ...(SSL_CERT_FILE?.startsWith(sandbox.directory) ? [{ path: SSL_CERT_FILE, local: SSL_CERT_FILE }] : []),
    ];
  }

  private async create(part: Part): Promise<void> {
    const { name } = part;
    const { words, byName, file } = await this.command(part);
    const answer = await this.props.engine.call(words, { env: { ...process.env, ...byName } });
    rmSync(file, { force: true });
    if (answer.code !== 0) {
      await this.removeContainer(name);
      throw new Error(`${name.slice(this.run.length + 1)} cannot start: ${complaint(answer)}`);
    }
  }

  private started(
    name: string,
    definition: TaskDefinition,
    inside: (words: readonly string[]) => string[] = (words) => [...words],
  ): Container {
    const { engine, sandbox } = this.props;
    const owned = [...this.volumes].filter((volume) => volume.startsWith(`${name}-`));
    return new EngineContainer({
      engine,
      name,
      inside,
      spawn: (program, words, options) => sandbox.spawn(program, words, { ...options, cwd: this.workingDirectory }),
      stopSignal: this.imageOf(definition).defaults.stopSignal,
      remove: async () => {
        await this.removeContainer(name);
        await this.removeVolumes(owned);
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
  private async volume(task: string, volume: string): Promise<string> {
    const name = `${task}-${volume}`;
    if (!this.volumes.has(name)) {
      const { engine } = this.props;
      this.volumes.add(name);
      this.reap(name, engine.words(volumeRemoval([name])), 'last');
      const labels = labelsOf(this.run).flatMap((label) => ['--label', label]);
      const answer = await engine.call(['volume', 'create', ...labels, name]);
      if (answer.code !== 0) {
        throw new Error(`${task.slice(this.run.length + 1)} cannot have its volume ${volume}: ${complaint(answer)}`);
      }
    }
    return name;
  }

  /** Has something removed that this process cannot remove, because it is killed. */
  private reap(name: string, words: readonly string[], when: 'at once' | 'last'): void {
    const { engine, sandbox } = this.props;
    this.reaped.set(name, sandbox.orElse([engine.program, ...words], when));
  }

  private async removeContainer(name: string): Promise<void> {
    if ((await this.props.engine.remove([name])).code === 0) {
      this.gone(this.containers, name);
    }
  }

  private async removeVolumes(names: readonly string[]): Promise<void> {
    if (names.length > 0 && (await this.props.engine.call(volumeRemoval(names))).code === 0) {
      for (const name of names) {
        this.gone(this.volumes, name);
      }
    }
  }

  /** What could not be removed stays known, for the end of the run. */
  private gone(known: Set<string>, name: string): void {
    known.delete(name);
    this.reaped.get(name)?.();
    this.reaped.delete(name);
  }

  private removeAll(): void {
    const { engine } = this.props;
    const remove = (names: ReadonlySet<string>, args: (names: string[]) => string[]) => {
      try {
        if (names.size > 0) {
          execFileSync(engine.program, args([...names]), { stdio: 'ignore' });
        }
      } catch {
        // Another hand was faster, with one of them: the others are removed all the same.
      }
    };
    remove(this.containers, (names) => engine.removal(names));
    remove(this.volumes, (names) => engine.words(volumeRemoval(names)));
  }
}

/** Words of a command as the container sees them: its port is the one of this machine. */
function wordsInside({ definition, port }: ContainerProps): (words: readonly string[]) => string[] {
  return (words) => commandOnLoopback(words, { containerPort: definition.port, port }, typedWords(definition));
}

/** What an image says about proxies, which would be hidden by what keeps those of this machine away. */
function proxiesOf({ environment }: ImageDefaults): Record<string, string> {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => PROXIES.includes(name)));
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
