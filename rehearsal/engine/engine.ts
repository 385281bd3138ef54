import { type ChildProcess, execFile, type SpawnOptions } from 'node:child_process';

/** What a program answered. */
export interface Answer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a program is called. */
export interface CallOptions {
  /** Milliseconds after which it is ended. @default - none */
  readonly timeout?: number;
  /** Variables of the program. @default - those of the rehearsal */
  readonly env?: NodeJS.ProcessEnv;
  /** Its working directory. @default - that of the rehearsal */
  readonly cwd?: string;
}

export type Call = (program: string, args: readonly string[], options?: CallOptions) => Promise<Answer>;

/** Starts a program that ends with the rehearsal. */
export type Spawn = (program: string, args: string[], options: SpawnOptions) => ChildProcess;

/** Milliseconds after which an engine counts as one that does not answer. */
const SILENT = 30_000;

/** What is known of an engine. */
export interface EngineProps {
  /** `docker`, `podman`, or what CDK_DOCKER names. */
  readonly program: string;
  readonly kind: 'docker' | 'podman';
  readonly version: string;
  /** What it runs without emulation: `linux/amd64`. */
  readonly platform: string;
}

/** A container engine, by its command line. */
export class Engine implements EngineProps {
  readonly program: string;
  readonly kind: 'docker' | 'podman';
  readonly version: string;
  readonly platform: string;

  /** `globals` are options before each subcommand. */
  constructor(
    private readonly props: EngineProps,
    private readonly caller: Call = call,
    private readonly globals: readonly string[] = [],
  ) {
    this.program = props.program;
    this.kind = props.kind;
    this.version = props.version;
    this.platform = props.platform;
  }

  /** The same engine with options before each subcommand. */
  with(globals: readonly string[]): Engine {
    return new Engine(this.props, this.caller, globals);
  }

  /** The words after the program. */
  words(args: readonly string[]): string[] {
    return [...this.globals, ...args];
  }

  call(args: readonly string[], options?: CallOptions): Promise<Answer> {
    return this.caller(this.program, this.words(args), options);
  }

  /** The words after the program that end containers at once and remove them. */
  removal(names: readonly string[]): string[] {
    return this.words(this.removalWords(names));
  }

  /** Ends containers at once and removes them. */
  remove(names: readonly string[]): Promise<Answer> {
    return this.call(this.removalWords(names));
  }

  private removalWords(names: readonly string[]): string[] {
    return ['rm', '--force', ...(this.kind === 'podman' ? ['--time', '0'] : []), ...names];
  }

  toString(): string {
    return `${this.program} ${this.version}`;
  }
}

/** The engine that answers, and what is to be said of those that do not. */
export interface Found {
  readonly engine?: Engine;
  readonly remarks: readonly string[];
}

/**
 * Looks for an engine as the CDK does, by CDK_DOCKER or else docker, and for podman where no docker answers.
 */
export async function findEngine(
  environment: Readonly<Record<string, string | undefined>> = process.env,
  caller: Call = call,
): Promise<Found> {
  const remarks: string[] = [];
  const given = environment.CDK_DOCKER;
  for (const program of given === undefined || given === '' ? ['docker', 'podman'] : [given]) {
    const answer = await caller(program, ['info', '--format', '{{json .}}'], { timeout: SILENT });
    const engine = engineOf(program, answer, caller);
    if (engine !== undefined) {
      return { engine, remarks };
    }
    if (answer.code !== NOT_FOUND) {
      remarks.push(`${program} is installed, and no engine answers it: it counts as absent`);
    } else if (program === given) {
      remarks.push(`CDK_DOCKER names ${program}, which is not there`);
    }
  }
  return { remarks };
}

function engineOf(program: string, { stdout }: Answer, caller: Call): Engine | undefined {
  let info: Info;
  try {
    info = JSON.parse(stdout);
  } catch {
    return undefined;
  }
  const { host, version, ServerVersion, Architecture = '' } = info;
  if (host?.arch !== undefined) {
    const props = {
      program,
      kind: 'podman',
      version: version?.Version ?? '',
      platform: platformOf(host.arch),
    } as const;
    return new Engine(props, caller);
  }
  return ServerVersion
    ? new Engine({ program, kind: 'docker', version: ServerVersion, platform: platformOf(Architecture) }, caller)
    : undefined;
}

/** What `info` says, of Docker and of Podman. */
interface Info {
  readonly ServerVersion?: string;
  readonly Architecture?: string;
  readonly host?: { readonly arch?: string };
  readonly version?: { readonly Version?: string };
}

function platformOf(architecture: string): string {
  const names: Record<string, string> = { x86_64: 'amd64', aarch64: 'arm64' };
  return `linux/${names[architecture] ?? architecture}`;
}

/** Code of an answer where there is no such program. */
export const NOT_FOUND = 127;

/** Calls a program and gives what it said; never throws. */
export function call(program: string, args: readonly string[], called: CallOptions = {}): Promise<Answer> {
  return new Promise((resolve) => {
    const options = { ...called, killSignal: 'SIGKILL', maxBuffer: 1 << 26, encoding: 'utf8' } as const;
    execFile(program, [...args], options, (error, stdout, stderr) => {
      const { code } = (error ?? { code: 0 }) as { code?: number | string };
      resolve({ code: typeof code === 'number' ? code : code === 'ENOENT' ? NOT_FOUND : 1, stdout, stderr });
    });
  });
}

/** The last line that a program wrote about what went wrong. */
export function complaint({ stderr, stdout }: Answer): string {
  const lines = `${stdout}\n${stderr}`.split('\n').filter((line) => line.trim() !== '');
  const [last] = lines.filter((line) => /error/i.test(line)).slice(-1);
  return (last ?? lines.at(-1) ?? 'no output').trim();
}
