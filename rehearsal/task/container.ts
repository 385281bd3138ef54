import type { Readable } from 'node:stream';
import type { ImageDefaults } from '../image/dockerfile/plan';
import type { HealthCheck, TaskDefinition } from '../template/task-definition';

/** How a container ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Whether its memory limit ended it. */
  readonly isOutOfMemory?: boolean;
  /** Why it did not start. */
  readonly problem?: string;
}

/** The application's container of a task: what ECS starts, asks and ends. */
export interface Container {
  /** Its first process on this machine, where that can be seen. */
  readonly pid?: number;
  /** Standard output and error. */
  readonly outputs: readonly Readable[];
  readonly ended: Promise<Ended>;
  /** Sends the stop signal of the image. */
  interrupt(): void;
  /** SIGKILL for all of its processes. */
  kill(): void;
  /** SIGSTOP for all of its processes. */
  suspend(): void;
  /** Runs the container health check once. */
  probe(check: HealthCheck): Promise<boolean>;
  /** When a file inside was last written, in milliseconds. */
  modified(file: string): Promise<number>;
  /** Memory of all of its processes, in MiB. */
  residentMiB(): Promise<number>;
}

/** What a container is started with. */
export interface ContainerProps {
  /** Name of the task. */
  readonly id: string;
  readonly definition: TaskDefinition;
  /** Variables and secrets as ECS would inject them, and those that point the SDKs at the doubles. */
  readonly environment: Readonly<Record<string, string>>;
  /** Stands for the port of the container on this machine. */
  readonly port?: number;
  /**
   * Folders that stand for volumes which other containers have as well, by their names.
   *
   * @default - each volume is a new folder, which goes with the container
   */
  readonly volumes?: ReadonlyMap<string, string>;
}

/** A program that somebody at a terminal of their own starts in the place of the rehearsal. */
export interface Attachable {
  readonly words: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
  readonly workingDirectory: string;
  readonly uid?: number;
  readonly gid?: number;
  /** What it reads from file descriptor 3. @default - there is no such descriptor */
  readonly input?: string;
}

/** What is made for such a program, until it has ended. */
export interface Attachment {
  readonly program: Attachable;
  /** Removes what was made for it. */
  release(): Promise<void>;
}

/** How a project calls its commands, and by what the example and a layout of test/outside are known. */
export const KNOWN_FILES = ['manage.py', 'guestbook/drills.py', 'club/routing.py'] as const;
/** A file that is looked for in the working directory of an image. */
export type KnownFile = (typeof KNOWN_FILES)[number];

/** What is known of an image, whoever runs it. */
export interface KnownImage {
  /** The folder that stands for its file system. @default - an engine has it */
  readonly root?: string;
  readonly defaults: ImageDefaults;
  /** Whether the working directory has a file. */
  has(file: KnownFile): boolean;
  /** The first line of a program, without its line feed; undefined where the image has no such program. */
  firstLine(program: string): Promise<string | undefined>;
}

/** The images of a stack, and what runs them. */
export interface Runner {
  /** By the URI that task definitions have for them. */
  readonly images: ReadonlyMap<string, KnownImage>;
  /** Runs containers of these task definitions; throws when it cannot run one of them. */
  host(definitions: ReadonlyMap<string, TaskDefinition>, caBundle: string): Promise<Host>;
}

/** Runs the containers of tasks: as processes of this machine, or in a container engine. */
export interface Host {
  /** Whether file systems in memory have the size of the template. */
  readonly mounts: boolean;
  /** What of a task definition holds inside: `user`, and what the engine can do. Nothing for processes. */
  readonly confines: ReadonlySet<string>;
  /** Starts the container of a task after those that must end first; throws as ECS would refuse to. */
  start(props: ContainerProps): Promise<Container>;
  /** The same for a container that takes the terminal of whoever starts it; `isTerminal` where it is one. */
  attach(props: ContainerProps, isTerminal: boolean): Promise<Attachment>;
}

/** How many of a container's last words a person typed. */
export function typedWords({ isTyped = false, command = [] }: Pick<TaskDefinition, 'isTyped' | 'command'>): number {
  return isTyped ? command.length : 0;
}

/** The words that a container runs: of the task definition, otherwise of the image. */
export function wordsOf(
  { id, entryPoint, command }: Pick<TaskDefinition, 'id' | 'entryPoint' | 'command'>,
  defaults: Pick<ImageDefaults, 'entryPoint' | 'command'>,
): string[] {
  const all = [
    ...(entryPoint ?? defaults.entryPoint),
    ...(command ?? (entryPoint === undefined ? defaults.command : [])),
  ];
  if (all.length === 0) {
    throw new Error(`${id}: neither the task definition nor the image says what to run.`);
  }
  return all;
}
