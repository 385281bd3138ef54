import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import { KEY, PseudoTerminal } from '../test/rehearsal/view/pseudo-terminal';

/**
 * `npm run view`: drives the live view of the example in a pseudo-terminal, as a person at a keyboard does.
 *
 * Needs what `npm start` needs. Prints what was seen, the last picture, and `N passed, N failed`.
 */
const ROOT = path.join(__dirname, '..');
const RUNS = path.join(ROOT, '.cache', 'rehearsal', 'runs');
/** A copy of the example's source, which changes. */
const APP = path.join(ROOT, '.cache', 'view-source');
const START = ['npm', 'start', '--'];
/** Seconds that only a hang takes. */
const HANG = 300;

let passed = 0;

async function step<T>(name: string, act: () => Promise<T>): Promise<T> {
  const started = Date.now();
  const found = await act();
  passed++;
  process.stdout.write(`ok     ${name} (${((Date.now() - started) / 1000).toFixed(1)} s)\n`);
  return found;
}

function expect(condition: boolean, message: string): asserts condition {
  if (!condition) {
    throw new Error(message);
  }
}

/** Processes that have the folder of a run in their variables. */
function left(): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`=${RUNS}/`);
    } catch {
      return false;
    }
  });
}

function ask(url: string, ca: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = https.get(url, { ca, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    request.on('error', reject);
  });
}

async function drive(view: PseudoTerminal): Promise<void> {
  const shows = (what: Parameters<PseudoTerminal['until']>[0]) => view.until(what, HANG);
  await step('the view opens once every service is healthy', () => shows(/web +2\/2 healthy/));
  const [url] = /https:\/\/localhost:\d+/.exec(view.text) ?? [''];
  await step('its address opens the site, over a certificate of the local authority', async () => {
    const ca = readFileSync(path.join(ROOT, '.cache', 'rehearsal', 'localhost', 'authority.crt'), 'utf8');
    const status = await ask(`${url}/`, ca);
    expect(status === 200, `${url}/ answered ${status}`);
  });
  await step('the request is counted, and stands in the log', () => shows(/[1-9]\d* requests? /));
  await step('a filter shows the lines with a text', async () => {
    view.type('/boot');
    await shows(/"boot" in [1-9]\d* of \d+ lines/);
    view.type(KEY.escape);
    await shows(/all: \d+ lines/);
  });
  await step('restart replaces a task', async () => {
    view.type(KEY.down + KEY.down);
    await shows('── web/1:');
    view.type('r');
    await shows('web/1 is replaced');
    await shows(/ web\/3 +healthy/);
  });
  await step('kill ends a task, and its service replaces it', async () => {
    view.type(KEY.down);
    await shows('── web/2:');
    view.type('k');
    await shows('web/2 is killed');
    await shows(/web +2\/2 healthy .* 1 replaced/);
  });
  await step('a command runs in a task of its own, with the environment of the service', async () => {
    view.type(`xpython -c 'import os; print(os.environ["DJANGO_SETTINGS_MODULE"], 6 * 7)'${KEY.enter}`);
    await shows(/one-off\/1 ended with 0/);
  });
  await step('a schedule is triggered', async () => {
    view.type('s');
    await shows('which schedule?');
    view.type(KEY.enter);
    await shows(/scheduled\/1 ended with 0/);
  });
  await step('a secret rotates, and the tasks that read it are replaced', async () => {
    view.type('t');
    await shows('which secret?');
    view.type(KEY.enter);
    await shows(/ rotated; (replaced: |no service)/);
  });
  await step('psql gets a line', async () => {
    view.type('p');
    await shows(/PGSERVICEFILE=\S+ psql service=app/);
  });
  await step('deploy releases and rolls everything', async () => {
    view.type('d');
    await shows('deploy …');
    await shows('deployed: ');
  });
  await step(
    'a second command has its terminal and the environment of a task, and its exit code is its own',
    async () => {
      const script = 'import os; print(input("Name: "), os.environ["DATABASE_HOST"]); raise SystemExit(7)';
      const second = new PseudoTerminal([...START, 'run', '--', 'python', '-c', script], { cwd: ROOT });
      await second.until('Name:', HANG);
      second.type(`Ada${KEY.enter}`);
      const { code } = await second.ended;
      expect(second.text.includes('Ada localhost') && code === 7, `exit code ${code}\n${second.text}`);
    },
  );
  const settings = path.join(APP, 'guestbook', 'views.py');
  const before = readFileSync(settings, 'utf8');
  await step('a change that cannot start leaves what runs, and says why', async () => {
    writeFileSync(settings, `${before}\nthis is no Python\n`);
    view.type(KEY.up.repeat(20));
    await shows('── all:');
    view.type('/what ran');
    await shows(/what ran before still runs\. .*/);
    view.type(KEY.escape);
    await shows(/all: \d+ lines/);
    await shows(/web +2\/2 healthy/);
  });
  await step('a change of the source rolls the services', async () => {
    writeFileSync(settings, `${before}\n# changed\n`);
    view.type('/deployed: ');
    await shows(/rehearsal: .*deployed: .*\n(.*\n)*.*rehearsal: .*deployed: /);
    view.type(KEY.escape);
    await shows(/all: \d+ lines/);
  });
  process.stdout.write(`\n${view.text}\n\n`);
  await step('Ctrl-C drains, and gives the terminal back', async () => {
    view.type(KEY.ctrlC);
    const { code, isRestored } = await view.ended;
    expect(code === 0, `exit code ${code}\n${view.history.slice(-2000)}`);
    expect(isRestored && !view.isTaken, 'the terminal is not as it was');
    expect(view.history.includes('stopped'), view.history.slice(-2000));
  });
  await step('no process is left', async () => {
    expect(left().length === 0, `left: ${left().join(', ')}`);
  });
}

/** Another rehearsal, whose end somebody is in a hurry for. */
async function hurry(view: PseudoTerminal): Promise<void> {
  await step('Ctrl-C once more ends at once, says so with its exit code, and gives the terminal back', async () => {
    await view.until(/web +2\/2 healthy/, HANG);
    view.type(KEY.ctrlC);
    await view.until('draining: once more Ctrl-C ends at once', HANG);
    view.type(KEY.ctrlC);
    const { code, isRestored } = await view.ended;
    expect(code === 130, `exit code ${code}\n${view.history.slice(-2000)}`);
    expect(isRestored && !view.isTaken, 'the terminal is not as it was');
    expect(!view.history.includes('stopped'), view.history.slice(-2000));
  });
  await step('no process is left then either', async () => {
    const ended = Date.now() + 30_000;
    while (left().length > 0 && Date.now() < ended) {
      await new Promise((resolve) => setTimeout(resolve, 200)); // The reaper runs after the rehearsal.
    }
    expect(left().length === 0, `left: ${left().join(', ')}`);
  });
}

async function main(): Promise<void> {
  rmSync(APP, { recursive: true, force: true });
  cpSync(path.join(ROOT, 'examples', 'django-app'), APP, { recursive: true, dereference: true });
  const views = [new PseudoTerminal([...START, '--watch', '--app', APP], { cwd: ROOT })];
  try {
    await drive(views[0]);
    views.push(new PseudoTerminal(START, { cwd: ROOT }));
    await hurry(views[1]);
    process.stdout.write(`${passed} passed, 0 failed\n`);
  } catch (error) {
    process.stdout.write(
      `FAILED ${(error as Error).message}\n${views.at(-1)?.history.slice(-3000)}\n${passed} passed, 1 failed\n`,
    );
    process.exitCode = 1;
  } finally {
    for (const view of views) {
      view.close();
    }
  }
}

void main();
