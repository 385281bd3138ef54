import { type ChildProcess, execFileSync, type SpawnOptions } from 'node:child_process';
import type { Writable } from 'node:stream';
import type { Tmpfs } from '../template/task-definition';
import { type Identity, wordsOf } from './identity';
import { isRoot } from './sandbox';

/** A file system in memory, and the folder that it covers. */
export interface Cover extends Pick<Tmpfs, 'size' | 'options'> {
  readonly folder: string;
}

/** A program of a task, with all that it sees of this machine. */
export interface Program {
  readonly words: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
  readonly workingDirectory: string;
  readonly identity: Identity;
  /** Python of the image. */
  readonly python: string;
}

type Spawn = (program: string, args: string[], options: SpawnOptions) => ChildProcess;

/**
 * The last step of an entrance: becomes the program.
 *
 * Working directory and variables come through file descriptor 3. What runs before, as root, sees none of
 * them: an LD_PRELOAD of the image must not reach it, and no variable may be shown by `ps`.
 */
const BECOME = `
import json, os, sys
with open(3) as given:
    start = json.load(given)
try:
    os.chdir(start["workingDirectory"])
    os.execvpe(sys.argv[1], sys.argv[1:], start["environment"])
except OSError as error:
    print(f"{sys.argv[1]}: {error.strerror}", file=sys.stderr)
    sys.exit(127)
`;

/**
 * The way into a task: none, or one through a mount namespace of its own, in which a tmpfs of the template's
 * size covers the folder for /tmp. Mounts go with the last process that sees them.
 */
export class Entrance {
  /** As the processes of the rehearsal itself. */
  static readonly OPEN = new Entrance([]);

  /** Whether this machine lets the rehearsal mount anything: Linux, as root, with the right to. */
  static covers(folder: string): boolean {
    if (!isRoot()) {
      return false;
    }
    const [program, ...args] = [...mounting([{ folder, size: 1, options: [] }]), 'true'];
    try {
      execFileSync(program, args, { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  }

  /** Makes a new namespace. */
  static covering(covers: readonly Cover[]): Entrance {
    return new Entrance(mounting(covers));
  }

  /** Enters that of a process. */
  static of(pid: number): Entrance {
    return new Entrance(['nsenter', '--target', String(pid), '--mount', '--']);
  }

  private constructor(private readonly through: readonly string[]) {}

  start(spawn: Spawn, program: Program, options: Pick<SpawnOptions, 'timeout' | 'killSignal'> = {}): ChildProcess {
    const { words, environment, workingDirectory, identity, python } = program;
    if (this.through.length === 0) {
      const { prefix, ...user } = identity;
      const [first, ...rest] = [...prefix, ...words];
      const stdio: SpawnOptions['stdio'] = ['ignore', 'pipe', 'pipe'];
      return spawn(first, rest, { ...options, ...user, cwd: workingDirectory, env: environment, stdio });
    }
    const [first, ...rest] = [...this.through, ...wordsOf(identity), python, '-I', '-S', '-c', BECOME, ...words];
    const child = spawn(first, rest, {
      ...options,
      cwd: '/',
      env: { PATH: process.env.PATH },
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    });
    const given = child.stdio[3] as Writable | null;
    given?.on('error', () => undefined); // It has ended before it asked; its exit says so.
    given?.end(JSON.stringify({ workingDirectory, environment }));
    return child;
  }
}

/** Words that mount and then become what follows. */
function mounting(covers: readonly Cover[]): string[] {
  const given = covers.flatMap(({ folder, size, options }) => {
    return [['mode=1777', `size=${size}m`, ...options].join(','), folder];
  });
  const mounts = covers.map((_, index) => `mount -t tmpfs -o "$${2 * index + 1}" tmpfs "$${2 * index + 2}" && `);
  const script = `${mounts.join('')}shift ${given.length} && exec "$@"`;
  return ['unshare', '--mount', '--', 'sh', '-c', script, 'sh', ...given];
}
