import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Asked, ControlServer } from '../../../rehearsal/control/control-server';
import { FOLDER, SOCKET } from '../../../rehearsal/control/protocol';
import { runCommand } from '../../../rehearsal/control/run-command';
import type { Attachable } from '../../../rehearsal/task/container';
import { KEY, PseudoTerminal } from '../view/pseudo-terminal';

const COMMAND = [process.execPath, '--import', 'tsx', path.join(__dirname, 'second-command.ts')];

/** A path of a socket is short. */
let cache: string;
const servers: { close(): void }[] = [];
const terminals: PseudoTerminal[] = [];
const asked: Asked[] = [];
let released = 0;

beforeEach(() => {
  cache = mkdtempSync(path.join(realpathSync(tmpdir()), 'run-'));
  asked.length = 0;
  released = 0;
});
afterEach(() => {
  for (const terminal of terminals.splice(0)) {
    terminal.close();
  }
  for (const server of servers.splice(0)) {
    server.close();
  }
  rmSync(cache, { recursive: true });
});

/** A rehearsal that gives a command the environment of its template: a name, and what stands in a pipe. */
async function rehearse(name: string, pid = 1, folder = '/elsewhere'): Promise<ControlServer> {
  const place = path.join(cache, 'runs', name, FOLDER);
  mkdirSync(place, { recursive: true });
  const server = await ControlServer.open({
    folder: place,
    about: { stack: name, folder, pid, url: 'https://localhost:8443' },
    attach: async (question) => {
      asked.push(question);
      if (question.service === 'nobody') {
        throw new Error('there is no service nobody. There are: web.');
      }
      const program: Attachable = {
        words: question.words,
        environment: { PATH: process.env.PATH, STACK: name, TERM: question.terminal },
        workingDirectory: '/',
        input: 'from the rehearsal',
      };
      return {
        id: 'run/1',
        program,
        release: async () => {
          released++;
        },
      };
    },
  });
  servers.push(server);
  return server;
}

function second(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const [program, ...words] = COMMAND;
  const child = spawn(program, [...words, cache, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr })));
}

async function until(what: () => boolean): Promise<void> {
  while (!what()) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

test('a command has the environment of the rehearsal, what it is given in a pipe, and its own exit code', async () => {
  await rehearse('Shop');
  const script = 'echo "$STACK, $(cat <&3)"; echo oh >&2; exit 7';
  const { code, stdout, stderr } = await second('--service', 'web', '--', 'sh', '-c', script, '--service', 'other');
  expect({ code, stdout, stderr }).toEqual({ code: 7, stdout: 'Shop, from the rehearsal\n', stderr: 'oh\n' });
  expect(asked).toEqual([
    { ask: 'run', words: ['sh', '-c', script, '--service', 'other'], service: 'web', terminal: undefined },
  ]);
  await until(() => released === 1);
});

test('a command has the terminal: it asks without an echo, and takes Ctrl-C', async () => {
  await rehearse('Shop');
  const script =
    'test -t 0 || exit 9; stty -echo; printf "Password: "; read word; stty echo; echo "got $word in $TERM"; exec cat';
  const terminal = new PseudoTerminal([...COMMAND, cache, 'sh', '-c', script]);
  terminals.push(terminal);
  await terminal.until('Password:');
  terminal.type(`geheim${KEY.enter}`);
  await terminal.until('got geheim in xterm-256color');
  expect(terminal.text).not.toMatch(/Password: geheim/);
  terminal.type(KEY.ctrlC);
  expect(await terminal.ended).toEqual({ code: 130, isRestored: true });
  await until(() => released === 1);
});

test('a command ends with the rehearsal', async () => {
  const server = await rehearse('Shop');
  const ended = second('--', 'sleep', '1000');
  await until(() => asked.length === 1);
  // It is started, or about to be: both end.
  server.close();
  const { code, stderr } = await ended;
  expect(code).not.toBe(0);
  expect(stderr).toContain('the rehearsal has ended');
});

test('what a signal ended has the code of a shell', async () => {
  await rehearse('Shop');
  expect((await second('--', 'sh', '-c', 'kill -9 $$')).code).toBe(137);
});

/** In this process: nothing is started. */
const refused = (...args: string[]) => runCommand({ args, cache, typed: 'npm start --' });

test('without a rehearsal, and beside one that was killed, it says how to start one', async () => {
  const message =
    'no rehearsal runs. Start one in another terminal (npm start --), and wait until its services are healthy.';
  await expect(refused('--', 'true')).rejects.toThrow(message);
  mkdirSync(path.join(cache, 'runs', 'dead', FOLDER), { recursive: true });
  writeFileSync(path.join(cache, 'runs', 'dead', FOLDER, SOCKET), '');
  await expect(refused('--', 'true')).rejects.toThrow(message);
});

test('of several it takes the one that is named or the one of its folder, or asks which', async () => {
  await rehearse('Shop', 11);
  await rehearse('Blog', 22);
  await expect(refused('--', 'true')).rejects.toThrow(/^several rehearsals run\. Choose one:\n/);
  await expect(refused('--', 'true')).rejects.toThrow('  --pid 22  Blog in /elsewhere https://localhost:8443');
  await expect(refused('--pid', '33', 'true')).rejects.toThrow(/^no rehearsal has the process 33\. Choose one:\n/);
  expect((await second('--pid', '22', 'sh', '-c', 'echo $STACK')).stdout).toBe('Blog\n');
  await rehearse('Here', 33, process.cwd());
  expect((await second('sh', '-c', 'echo $STACK')).stdout).toBe('Here\n');
});

describe('a rehearsal that does not answer', () => {
  /** Takes connections and says this to each. */
  async function silent(name: string, says = ''): Promise<void> {
    const place = path.join(cache, 'runs', name, FOLDER);
    mkdirSync(place, { recursive: true });
    const server = createServer((socket) => void socket.on('error', () => undefined).write(says));
    await new Promise<void>((resolve) => server.listen(path.join(place, SOCKET), resolve));
    servers.push(server);
  }

  test('is not waited for longer than three seconds', async () => {
    await silent('7-hung');
    const started = Date.now();
    await expect(refused('--', 'true')).rejects.toThrow(
      /^the rehearsal did not answer within 3 s: it hangs, or is busy \(7-hung\)\. Try again, or end it\.$/,
    );
    expect(Date.now() - started).toBeLessThan(10_000);
  });

  test('may be the one that is meant, so that no other is taken without being asked for', async () => {
    await silent('7-hung');
    await rehearse('Shop', 11);
    await expect(refused('--', 'true')).rejects.toThrow(/^another rehearsal did not answer within 3 s.*Choose one:\n/);
    expect((await second('--pid', '11', 'sh', '-c', 'echo $STACK')).stdout).toBe('Shop\n');
  });

  test('in its own words is none', async () => {
    await silent('7-other', 'hello\n');
    await expect(refused('--', 'true')).rejects.toThrow('no rehearsal runs');
  });
});

test('a rehearsal hangs up on who speaks otherwise, and goes on', async () => {
  await rehearse('Shop');
  const socket = connect(path.join(cache, 'runs', 'Shop', FOLDER, SOCKET));
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.write('hello\n');
  await closed;
  expect((await second('sh', '-c', 'echo $STACK')).stdout).toBe('Shop\n');
});

test.each([
  [['--service', 'nobody', '--', 'true'], 'there is no service nobody. There are: web.'],
  [[], 'run needs a command: npm start -- run -- python manage.py createsuperuser'],
  [['--'], 'run needs a command: npm start -- run -- python manage.py createsuperuser'],
  [['--servcie', 'web', 'true'], 'run has no option --servcie. Options of the command come after --.'],
  [['--service'], '--service needs a value.'],
])('%j is refused in words', async (args, message) => {
  await rehearse('Shop');
  await expect(refused(...args)).rejects.toThrow(message);
});

test('nobody else can reach the socket', async () => {
  await rehearse('Shop');
  const folder = path.join(cache, 'runs', 'Shop', FOLDER);
  expect(statSync(folder).mode & 0o77).toBe(0);
  expect(statSync(path.join(folder, SOCKET)).mode & 0o177).toBe(0);
});

test('where a socket cannot be made, the reason is given', async () => {
  const folder = path.join(cache, 'x'.repeat(120));
  mkdirSync(folder);
  const about = { stack: 'Shop', folder: '/', pid: 1 };
  await expect(ControlServer.open({ folder, about, attach: async () => Promise.reject() })).rejects.toThrow(
    /at most 103 bytes/,
  );
});
