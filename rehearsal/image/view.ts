import { type ChildProcess, execFileSync, type SpawnOptions } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { isRoot } from '../task/sandbox';
import { STAND_INS } from './dockerfile/rules';
import { inside, statOf } from './inside';

/** Who builds where the rehearsal was started by root: code of a project never runs as root. */
export const BUILDER = 10001;

/** Called as a step calls them, and replaced by `stand-in.sh`. */
const REPLACED = [...Object.values(STAND_INS).flat(), 'su', 'runuser', 'gosu', 'su-exec', 'sudo', 'uv'];

/** How much of what a step says is kept: characters. */
const KEPT = 20_000;

const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export type Spawn = (program: string, args: string[], options: SpawnOptions) => ChildProcess;

export interface Bind {
  /** Folder or file of this machine. */
  readonly source: string;
  /** Absolute path in the image. */
  readonly target: string;
}

export interface Command {
  /** Folder of the image. */
  readonly root: string;
  readonly words: string[];
  readonly workingDirectory: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly binds: Bind[];
}

export interface Ended {
  readonly code: number;
  /** The end of what it wrote. */
  readonly output: string;
  /** Calls of programs that do nothing here: `apt-get install -y gcc`. */
  readonly calls: string[];
  readonly milliseconds: number;
}

/** Runs commands with the folder of an image as `/`. */
export class View {
  private readonly machine: string;
  private steps = 0;

  constructor(
    private readonly work: string,
    private readonly spawn: Spawn,
  ) {
    this.machine = path.join(work, 'machine');
    const programs = path.join(this.machine, 'bin');
    mkdirSync(programs, { recursive: true });
    mkdirSync(path.join(this.machine, 'report'));
    const text = readFileSync(path.join(__dirname, 'stand-in.sh'));
    for (const name of REPLACED) {
      writeFileSync(path.join(programs, name), text, { mode: 0o755 });
    }
    give(this.machine);
  }

  async run({ root, words, workingDirectory, environment, binds }: Command): Promise<Ended> {
    const work = path.join(this.work, `step-${++this.steps}`);
    mkdirSync(work);
    const all = [{ source: this.machine, target: '/.machine' }, ...binds];
    writeFileSync(path.join(work, 'binds'), all.map(({ source, target }) => `${source}\t${target}\n`).join(''));
    mkdirSync(path.join(root, 'usr', 'local'), { recursive: true });
    const made = all.flatMap((bind) => placeFor(bind, root));
    const report = path.join(this.machine, 'report');
    writeFileSync(path.join(report, 'environment'), exported(environment));
    const calls = path.join(report, 'calls');
    rmSync(calls, { force: true });
    const user = isRoot() ? String(BUILDER) : '-';
    const script = ['/bin/sh', path.join(__dirname, 'view.sh'), root, work, user, workingDirectory, ...words];
    const [program, ...args] = [...namespace(), ...script];
    const child = this.spawn(program, args, { env: { PATH: SYSTEM_PATH }, stdio: ['ignore', 'pipe', 'pipe'] });
    const started = Date.now();
    const { code, output } = await ended(child);
    const milliseconds = Date.now() - started;
    for (const overlay of readdirSync(work, { withFileTypes: true }).filter((entry) => entry.isDirectory())) {
      // The kernel's own folder of an overlay, which nobody may read.
      if (existsSync(path.join(work, overlay.name, 'work'))) {
        chmodSync(path.join(work, overlay.name, 'work'), 0o700);
      }
    }
    rmSync(work, { recursive: true, force: true });
    for (const place of made.reverse()) {
      removeEmpty(place);
    }
    const called = existsSync(calls) ? readFileSync(calls, 'utf8').trim().split('\n') : [];
    return { code, output, calls: called, milliseconds };
  }
}

/** Makes what something is shown at. Returns what was not there before, from the top. */
function placeFor({ source, target }: Bind, root: string): string[] {
  const made: string[] = [];
  const parts = target.split('/').filter((part) => part !== '');
  for (const index of parts.keys()) {
    const place = inside(root, parts.slice(0, index + 1).join('/'));
    if (statOf(place) === undefined) {
      made.push(place);
      if (index < parts.length - 1 || statSync(source).isDirectory()) {
        mkdirSync(place);
      } else {
        writeFileSync(place, '');
      }
      own(place);
    }
  }
  return made;
}

function removeEmpty(place: string): void {
  const stat = statOf(place);
  if (stat?.isFile() && stat.size === 0) {
    rmSync(place);
  } else if (stat?.isDirectory() && readdirSync(place).length === 0) {
    rmdirSync(place);
  }
}

/** Lines for a shell. A name that no shell takes is one that no program of a build asks for. */
function exported(environment: Readonly<Record<string, string>>): string {
  return Object.entries(environment)
    .filter(([name]) => /^[A-Za-z_]\w*$/.test(name))
    .map(([name, value]) => `export ${name}='${value.replaceAll("'", "'\\''")}'\n`)
    .join('');
}

function namespace(): string[] {
  const user = isRoot() ? [] : ['--user', '--map-root-user'];
  return ['unshare', ...user, '--mount', '--pid', '--fork', '--kill-child=SIGKILL', '--'];
}

let possible: boolean | undefined;

/** Whether this machine lets a program have its own picture of the file system: Linux, mostly. */
export function canView(): boolean {
  possible ??= tryView();
  return possible;
}

function tryView(): boolean {
  try {
    const [program, ...args] = [...namespace(), 'mount', '--bind', __dirname, __dirname];
    execFileSync(program, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Makes a folder, and all that is in it, the builder's. */
export function give(folder: string): void {
  if (isRoot()) {
    execFileSync('chown', ['-hR', `${BUILDER}:${BUILDER}`, folder]);
  }
}

function own(place: string): void {
  if (isRoot()) {
    chownSync(place, BUILDER, BUILDER);
  }
}

/** A folder that the builder may write to. */
export function builderFolder(folder: string): string {
  if (!existsSync(folder)) {
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, 0o755);
    own(folder);
  }
  return folder;
}

function ended(child: ChildProcess): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        output = (output + text).slice(-KEPT);
      });
    }
    child.once('error', (error) => resolve({ code: 127, output: error.message }));
    child.once('close', (code) => resolve({ code: code ?? 1, output }));
  });
}
