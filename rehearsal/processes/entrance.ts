import { type ChildProcess, execFileSync, type SpawnOptions } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import type { Writable } from 'node:stream';
import type { Attachable } from '../task/container';
import { type Identity, wordsOf } from '../task/identity';
import { isRoot } from '../task/sandbox';
import type { Tmpfs } from '../template/task-definition';

/** A file system in memory, and the folder that it covers. */
export interface Cover extends Tmpfs {
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
    const [program, ...args] = [...mounting(covering([{ folder, path: folder, size: 1, options: [] }])), 'true'];
    try {
      execFileSync(program, args, { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  }

  /** Makes a new namespace. `needed` are files that the task must still find. */
  static covering(covers: readonly Cover[], needed: readonly string[] = []): Entrance {
    return new Entrance(mounting([...covering(covers), ...hiding(covers, needed)]));
  }

  /** Enters that of a process. */
  static of(pid: number): Entrance {
    return new Entrance(['nsenter', '--target', String(pid), '--mount', '--']);
  }

  private constructor(private readonly through: readonly string[]) {}

  /** What is started for a program of the task. */
  program({ words, environment, workingDirectory, identity, python }: Program): Attachable {
    if (this.through.length === 0) {
      const { prefix, ...user } = identity;
      return { words: [...prefix, ...words], environment, workingDirectory, ...user };
    }
    return {
      words: [...this.through, ...wordsOf(identity), python, '-I', '-S', '-c', BECOME, ...words],
      environment: { PATH: process.env.PATH },
      workingDirectory: '/',
      input: JSON.stringify({ workingDirectory, environment }),
    };
  }

  start(spawn: Spawn, program: Program, options: Pick<SpawnOptions, 'timeout' | 'killSignal'> = {}): ChildProcess {
    const { words, environment, workingDirectory, input, ...user } = this.program(program);
    const [first, ...rest] = words;
    const stdio: SpawnOptions['stdio'] = ['ignore', 'pipe', 'pipe', ...(input === undefined ? [] : ['pipe' as const])];
    const child = spawn(first, rest, { ...options, ...user, cwd: workingDirectory, env: environment, stdio });
    const given = child.stdio[3] as Writable | null | undefined;
    given?.on('error', () => undefined); // It has ended before it asked; its exit says so.
    given?.end(input);
    return child;
  }
}

/** Folders of this machine that Python's `tempfile` falls back to when TMPDIR is full. */
export const TEMPORARY_FOLDERS = ['/tmp', '/var/tmp', '/usr/tmp'];

/**
 * What a task must not find of the folders for temporary files of this machine: /tmp is its own, the others
 * are read-only. One in which something lies that it needs, such as a clone below /tmp, stays.
 */
function hiding(covers: readonly Cover[], needed: readonly string[]): string[][] {
  const own = covers.find(({ path }) => path === '/tmp');
  return TEMPORARY_FOLDERS.filter((path) => existsSync(path) && realpathSync(path) === path)
    .filter((path) => !needed.some((file) => file.startsWith(`${path}/`)))
    .map((path) => {
      return path === '/tmp' && own !== undefined
        ? ['--bind', own.folder, path]
        : ['-t', 'tmpfs', '-o', 'ro,size=4k', 'tmpfs', path];
    });
}

function covering(covers: readonly Cover[]): string[][] {
  return covers.map(({ folder, size, options }) => {
    return ['-t', 'tmpfs', '-o', ['mode=1777', `size=${size}m`, ...options].join(','), 'tmpfs', folder];
  });
}

/** Words that mount and then become what follows. */
function mounting(mounts: readonly string[][]): string[] {
  let word = 0;
  const commands = mounts.map((words) => `mount ${words.map(() => `"$\{${++word}}"`).join(' ')} && `);
  const script = `${commands.join('')}shift ${word} && exec "$@"`;
  return ['unshare', '--mount', '--', 'sh', '-c', script, 'sh', ...mounts.flat()];
}
