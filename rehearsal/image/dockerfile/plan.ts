import type { Base } from './base';
import type { Variables } from './lexer';

/** PATH of an image that sets none. */
export const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Where something stands in the Dockerfile. */
export interface Place {
  readonly line: number;
  /** The instruction as written, on one line. */
  readonly text: string;
}

/** A line, and why it has no effect here or cannot be followed. */
export interface Note extends Place {
  readonly why: string;
}

/** Where COPY takes files from: the build context, an earlier stage, or an image of a registry. */
export type Source =
  | { readonly kind: 'context' }
  | { readonly kind: 'folder'; readonly folder: string }
  | { readonly kind: 'stage'; readonly stage: number }
  | { readonly kind: 'image'; readonly base: Base };

export interface CopyStep extends Place {
  readonly kind: 'copy';
  readonly from: Source;
  /** Paths or globs below the source. */
  readonly sources: string[];
  /** Files whose content stands in the Dockerfile. */
  readonly documents: { readonly name: string; readonly content: string }[];
  /** Absolute path in the image; a folder when it ends with a slash. */
  readonly target: string;
  readonly chmod?: string;
  readonly exclude: string[];
  readonly parents: boolean;
  /** Whether archives are unpacked. */
  readonly unpack: boolean;
}

export interface DownloadStep extends Place {
  readonly kind: 'download';
  readonly url: string;
  readonly target: string;
  readonly checksum?: string;
  readonly chmod?: string;
}

export interface RunMount {
  readonly type: 'bind' | 'cache' | 'tmpfs';
  readonly target: string;
  /** Of a bind: whose files it shows. Of a cache: whose files it begins with, none for the build context. */
  readonly from: Source;
  /** A path in it. */
  readonly source: string;
  /** Of a cache: what is shared by steps that name the same. */
  readonly id: string;
}

export interface RunStep extends Place {
  readonly kind: 'run';
  readonly command: string[];
  /** A script of its own, in the place of a command. */
  readonly script?: string;
  readonly workingDirectory: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly mounts: RunMount[];
}

export interface FolderStep extends Place {
  readonly kind: 'folder';
  readonly path: string;
}

/** FROM, and what takes effect without touching a file: ARG, ENV, CMD and their like. */
export interface SettingStep extends Place {
  readonly kind: 'from' | 'setting';
}

export type Step = CopyStep | DownloadStep | RunStep | FolderStep | SettingStep;

/** What a container of the image is started with. */
export interface ImageDefaults {
  readonly workingDirectory: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly entryPoint: string[];
  readonly command: string[];
  readonly stopSignal: NodeJS.Signals;
  readonly user?: string;
}

export interface StagePlan {
  readonly index: number;
  readonly name?: string;
  readonly from: { readonly base: Base } | { readonly stage: number };
  readonly steps: Step[];
  readonly defaults: ImageDefaults;
}

/** All that is to be done for one target of a Dockerfile. Each of its lines is in one of the three lists. */
export interface Plan {
  /** Stages that the target needs, in the order of the file. */
  readonly stages: StagePlan[];
  readonly target?: StagePlan;
  /** ARG before the first FROM. */
  readonly globals: SettingStep[];
  readonly announced: Note[];
  readonly refused: Note[];
}

export interface BuildOptions {
  /** Name or number of a stage; the last by default. */
  readonly target?: string;
  readonly buildArgs?: Readonly<Record<string, string>>;
  /** `linux/arm64`; this machine's by default. */
  readonly platform?: string;
  /** Folders that COPY and FROM name like stages. */
  readonly contexts?: Readonly<Record<string, string>>;
  /** Version of Python that an unknown image is taken to have. */
  readonly python?: string;
}

/** Variables of a stage while its lines are read. */
export class Scope {
  /** ENV and ARG, of which the later one counts. */
  readonly all = new Map<string, string>();
  /** ENV alone: what the image keeps. */
  readonly image = new Map<string, string>();
  workingDirectory = '/';
  shell = ['/bin/sh', '-c'];
  entryPoint: string[] = [];
  command: string[] = [];
  commandSet = false;
  stopSignal: NodeJS.Signals = 'SIGTERM';
  user?: string;
  onbuild = false;

  /** A stage that is built upon this one begins with its settings. */
  child(): Scope {
    const child = new Scope();
    for (const [name, value] of this.all) {
      child.all.set(name, value);
    }
    for (const [name, value] of this.image) {
      child.image.set(name, value);
    }
    const { workingDirectory, shell, entryPoint, command, stopSignal, user } = this;
    return Object.assign(child, { workingDirectory, shell, entryPoint, command, stopSignal, user });
  }

  readonly variables: Variables = (name) => this.all.get(name);

  env(name: string, value: string): void {
    this.all.set(name, value);
    this.image.set(name, value);
  }

  get defaults(): ImageDefaults {
    const { workingDirectory, entryPoint, command, stopSignal, user } = this;
    const environment = Object.fromEntries(this.image);
    return { workingDirectory, environment, entryPoint, command, stopSignal, ...(user === undefined ? {} : { user }) };
  }
}
