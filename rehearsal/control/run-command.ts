import { spawn } from 'node:child_process';
import { connect, type Socket } from 'node:net';
import { constants } from 'node:os';
import path from 'node:path';
import type { Writable } from 'node:stream';
import { parseArgs } from 'node:util';
import type { Attachable } from '../task/container';
import { type About, type Question, type Reply, receive, send, socketsOf } from './protocol';

/** Codes of shells for a program that is not there, and for one that a signal ended. */
const NOT_FOUND = 127;
const SIGNALLED = 128;
/** Seconds within which a rehearsal says who it is: it needs a moment. One that hangs never does. */
const ANSWER_SECONDS = 3;

export interface RunCommandProps {
  /** What follows `run`. */
  readonly args: readonly string[];
  readonly cache: string;
  /** What a person types before `run`. */
  readonly typed: string;
}

const usage = (typed: string) => `${typed} run [options] -- COMMAND [arguments]

Runs a command beside a rehearsal that runs in another terminal, with the image, variables and secrets of a task.
The exit code is the command's.

  --service NAME   with those of a service (web) instead of the release's
  --pid NUMBER     in this one of several rehearsals
`;

/** Runs a command in a running rehearsal, in this terminal; gives its exit code. */
export async function runCommand({ args, cache, typed }: RunCommandProps): Promise<number> {
  const { options, words } = read(args);
  if (options.help) {
    process.stdout.write(usage(typed));
    return 0;
  }
  if (words.length === 0) {
    throw new Error(`run needs a command: ${typed} run -- python manage.py createsuperuser`);
  }
  const { all, silent } = await rehearsals(cache);
  const { socket } = chosen(all, { pid: options.pid, typed, silent });
  const isTerminal = process.stdin.isTTY && process.stdout.isTTY;
  const terminal = isTerminal ? (process.env.TERM ?? 'xterm') : undefined;
  const reply = await ask(socket, { ask: 'run', words, service: options.service, terminal });
  if (!('program' in reply)) {
    throw new Error('error' in reply ? reply.error : 'the rehearsal did not answer');
  }
  const code = await attached(reply.program, socket);
  socket.destroy();
  return code;
}

/** The options before the command, which begins after `--` or with the first word that is no option. */
function read(args: readonly string[]) {
  const { values, tokens } = parseArgs({
    args: [...args],
    options: { service: { type: 'string' }, pid: { type: 'string' }, help: { type: 'boolean' } },
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const start = tokens.find(({ kind }) => kind !== 'option');
  const own = start === undefined ? tokens : tokens.slice(0, tokens.indexOf(start));
  const names = own.flatMap((token) => (token.kind === 'option' ? [token.name] : []));
  const unknown = names.find((name) => !['service', 'pid', 'help'].includes(name));
  if (unknown !== undefined) {
    throw new Error(`run has no option --${unknown}. Options of the command come after --.`);
  }
  const given = (name: 'service' | 'pid') => {
    const value = own.flatMap((token) => (token.kind === 'option' && token.name === name ? [token.value] : [])).at(-1);
    if (value === undefined && names.includes(name)) {
      throw new Error(`--${name} needs a value.`);
    }
    return value;
  };
  const words = start === undefined ? [] : args.slice(start.index + (start.kind === 'option-terminator' ? 1 : 0));
  return {
    options: { service: given('service'), pid: given('pid'), help: values.help && names.includes('help') },
    words,
  };
}

/** A rehearsal that answers. */
interface Running {
  readonly about: About;
  readonly socket: Socket;
}

/** Who answers, and the sockets of those that hang. */
async function rehearsals(cache: string): Promise<{ all: Running[]; silent: string[] }> {
  const sockets = socketsOf(cache);
  const found = await Promise.all(sockets.map(open));
  return {
    all: found.flatMap((one) => (one === undefined || one === 'silent' ? [] : [one])),
    silent: sockets.filter((_, index) => found[index] === 'silent'),
  };
}

/** Undefined where nobody listens: the rehearsal was killed, or belongs to somebody else. */
async function open(file: string): Promise<Running | 'silent' | undefined> {
  const socket = connect(file);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'silent'>((resolve) => {
    timer = setTimeout(() => resolve('silent'), ANSWER_SECONDS * 1000);
  });
  const found = await Promise.race([introduced(socket), late]);
  clearTimeout(timer);
  if (found === 'silent') {
    socket.destroy();
  }
  return found;
}

async function introduced(socket: Socket): Promise<Running | undefined> {
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.on('error', reject);
    });
  } catch {
    return undefined;
  }
  const reply = await ask(socket, { ask: 'about' });
  return 'about' in reply ? { about: reply.about, socket } : undefined;
}

/** Asks one thing; the answer is an error when the other side hangs up. */
function ask(socket: Socket, question: Question): Promise<Reply> {
  return new Promise((resolve) => {
    socket.once('close', () => resolve({ error: 'the rehearsal has ended' }));
    receive<Reply>(socket, resolve);
    send(socket, question);
  });
}

interface Wanted {
  readonly pid?: string;
  readonly typed: string;
  /** Sockets of rehearsals that do not answer. */
  readonly silent: readonly string[];
}

/** The one that is meant: the only one, or the only one that was started in this folder. */
function chosen(all: readonly Running[], { pid, typed, silent }: Wanted): Running {
  const wanted = pid === undefined ? all : all.filter(({ about }) => String(about.pid) === pid);
  const here = wanted.filter(({ about }) => about.folder === process.cwd());
  // One that does not answer may be the one that is meant.
  const only = wanted.length === 1 && (pid !== undefined || silent.length === 0) ? wanted[0] : undefined;
  const one = only ?? (here.length === 1 ? here[0] : undefined);
  for (const { socket } of all.filter((other) => other !== one)) {
    socket.destroy();
  }
  if (one !== undefined) {
    return one;
  }
  const runs = silent.map((socket) => path.basename(path.dirname(path.dirname(socket))));
  const hung = `did not answer within ${ANSWER_SECONDS} s: it hangs, or is busy (${runs.join(', ')})`;
  if (all.length === 0 && silent.length > 0) {
    throw new Error(`the rehearsal ${hung}. Try again, or end it.`);
  }
  if (all.length === 0) {
    throw new Error(
      `no rehearsal runs. Start one in another terminal (${typed}), and wait until its services are healthy.`,
    );
  }
  const list = all.map(({ about }) =>
    `  --pid ${about.pid}  ${about.stack} in ${about.folder} ${about.url ?? ''}`.trimEnd(),
  );
  const several = silent.length === 0 ? 'several rehearsals run' : `another rehearsal ${hung}`;
  const why = wanted.length === 0 ? `no rehearsal has the process ${pid}` : several;
  throw new Error(`${why}. Choose one:\n${list.join('\n')}`);
}

/** Runs a program with this terminal. It ends with the rehearsal. */
function attached(
  { words, environment, workingDirectory, uid, gid, input }: Attachable,
  socket: Socket,
): Promise<number> {
  const [program, ...args] = words;
  const child = spawn(program, args, {
    ...{ uid, gid, env: environment, cwd: workingDirectory },
    stdio: ['inherit', 'inherit', 'inherit', ...(input === undefined ? [] : ['pipe' as const])],
  });
  const given = (child.stdio as readonly unknown[])[3] as Writable | undefined;
  given?.on('error', () => undefined); // It has ended before it asked; its exit says so.
  given?.end(input);
  // Ctrl-C is the command's: the terminal sends it to both.
  const ignore = () => undefined;
  const pass = (signal: NodeJS.Signals) => child.kill(signal);
  process.on('SIGINT', ignore);
  process.on('SIGTERM', pass);
  process.on('SIGHUP', pass);
  const over = () => {
    process.stderr.write('\nthe rehearsal has ended, and the command with it\n');
    child.kill('SIGTERM');
  };
  socket.once('close', over);
  if (socket.destroyed) {
    over();
  }
  return new Promise((resolve) => {
    child.once('error', ({ message }) => {
      process.stderr.write(`${message}\n`);
      resolve(NOT_FOUND);
    });
    // Not `close`: what the command leaves running may hold the pipe.
    child.once('exit', (code, signal) => {
      socket.removeAllListeners('close');
      resolve(code ?? SIGNALLED + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}
