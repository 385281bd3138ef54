import path from 'node:path';
import type { Controls } from '../../../rehearsal/view/controls';
import { Journal } from '../../../rehearsal/view/journal';
import { LiveView, type Terminal } from '../../../rehearsal/view/live-view';
import { KEY, PseudoTerminal } from './pseudo-terminal';

const FAKE = path.join(__dirname, 'fake-rehearsal.ts');

const open: PseudoTerminal[] = [];

function start(options: string[] = [], env: NodeJS.ProcessEnv = {}): PseudoTerminal {
  const terminal = new PseudoTerminal([process.execPath, '--import', 'tsx', FAKE, ...options], {
    env: { ...process.env, NO_COLOR: '', ...env },
  });
  open.push(terminal);
  return terminal;
}

afterEach(() => {
  for (const terminal of open.splice(0)) {
    terminal.close();
  }
});

test('keys choose a log, filter it, and command the rehearsal; the terminal comes back as it was', async () => {
  const terminal = start(['--quick']);
  await terminal.until(/web +2\/2 healthy +14 requests +0 replaced/);
  expect(terminal.isTaken).toBe(true);
  await terminal.until('broker-default              3 waiting, 1 in work, 2 dead letters');
  await terminal.until('web/1: GET /shop  level=INFO  status=200  time=09:00');
  await terminal.until('r:restart k:kill x:run s:schedule t:rotate d:deploy p:psql');
  await terminal.until('ValueError: no red');
  expect(Math.max(...terminal.lines.map((line) => line.length))).toBeLessThanOrEqual(80);
  expect(terminal.painted).toBeGreaterThan(0);

  terminal.type('/GET');
  await terminal.until('"GET" in 1 of 5 lines');
  expect(terminal.text).not.toContain('beat: Starting');
  terminal.type(`${KEY.enter}${KEY.escape}`);
  await terminal.until('all: 5 lines');

  terminal.type(KEY.down + KEY.down);
  await terminal.until('── web/1: 1 lines');
  terminal.type('r');
  await terminal.until('web/1 is replaced');
  await terminal.until((text) => text.includes('web/3') && !/^. +web\/1 /m.test(text));
  terminal.type(KEY.down);
  await terminal.until('── web/2: ');

  terminal.type(`x${KEY.backspace}echo $HOME${KEY.enter}`);
  await terminal.until('echo $HOME: one-off/1 ended with 0');
  terminal.type(`xfalse${KEY.enter}`);
  await terminal.until('run: one-off/1 ended with exit code 1: no output');

  terminal.type(`s${KEY.down}`);
  await terminal.until('> Report');
  terminal.type(KEY.enter);
  await terminal.until('Report ended with 0');
  terminal.type('?');
  await terminal.until('Logs: /runs/1/logs');
  terminal.type('p');
  await terminal.until((text) => !text.includes('Logs: '));
  terminal.type('p');
  await terminal.until('PGSERVICEFILE=/runs/1/psql psql service=app');

  terminal.type(KEY.ctrlC);
  expect(await terminal.ended).toEqual({ code: 0, isRestored: true });
  expect(terminal.isTaken).toBe(false);
  expect(terminal.text).toBe(
    ['before the view', 'draining: once more Ctrl-C ends at once', 'stopped', ...Array(21).fill('')].join('\n'),
  );
});

test('a second Ctrl-C ends at once, and without colours nothing is missing', async () => {
  const terminal = start([], { NO_COLOR: '1' });
  await terminal.until('broker-default              3 waiting, 1 in work, 2 dead letters');
  await terminal.until('> all');
  expect(terminal.painted).toBe(0);
  terminal.type(KEY.ctrlC);
  await terminal.until('draining');
  terminal.type(KEY.ctrlC);
  expect(await terminal.ended).toEqual({ code: 130, isRestored: true });
});

test('what happens without a key takes the place of what the last command did', async () => {
  const written: string[] = [];
  const output = { columns: 80, rows: 24, write: (text: string) => written.push(text), on: jest.fn(), off: jest.fn() };
  const controls = {
    ...{ title: 'Shop', journal: new Journal(), logs: '/logs', schedules: [], secrets: [] },
    status: async () => ({ services: [], queues: [] }),
  };
  const terminal = { input: { isTTY: false }, output } as unknown as Terminal;
  const view = new LiveView(controls as unknown as Controls, () => undefined, terminal);
  await view.open();
  view.say('what ran before still runs. Dockerfile:3 fails\nits output');
  await new Promise((resolve) => setTimeout(resolve, 100));
  view.close();
  const shown = written.join('');
  expect(shown).toContain('what ran before still runs. Dockerfile:3 fails\x1b[K');
  expect(shown).not.toContain('its output');
});
