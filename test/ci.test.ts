import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

const RUN = join(__dirname, '..', '.ci', 'run');
const SHARES = [...readFileSync(RUN, 'utf8').matchAll(/^ {2}'([^|']+)\|(\d+)\|(\w+)\|([^']+)'/gm)];
const STEPS = SHARES.length;
/** Minutes of the steps of a lane. */
const minutesOf = (...lanes: string[]) =>
  SHARES.filter(([, , , lane]) => lanes.includes(lane)).reduce((sum, [, , share]) => sum + Number(share), 0);

/**
 * Runs `.ci/run` with an `npm` that says what `replies` has for its arguments, and a clock that each step moves on
 * by so many seconds, one lane after the other unless told otherwise.
 */
function ci(replies: Record<string, string>, secondsPerStep = 60, lanes = 1) {
  const bin = mkdtempSync(join(tmpdir(), 'ci-'));
  const script = (name: string, text: string) => {
    writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(bin, name), 0o755);
  };
  const cases = Object.entries(replies).map(([args, reply]) => `'${args}') ${reply} ;;`);
  script('npm', `case "$*" in\n${cases.join('\n')}\n*) echo '1 passed, 0 failed' ;;\nesac`);
  // The script looks at the clock twice for each step, before and after it, and once before and after them all.
  script(
    'date',
    `echo x >> "${bin}/looked"; looked=$(wc -l < "${bin}/looked"); echo $(((looked - 1) / 2 * ${secondsPerStep}))`,
  );
  try {
    const env = { ...process.env, LANES: String(lanes), PATH: `${bin}${delimiter}${process.env.PATH}` };
    const { status, stdout } = spawnSync('bash', [RUN], { env, encoding: 'utf8' });
    return { status, lines: stdout.trimEnd().split('\n') };
  } finally {
    rmSync(bin, { recursive: true });
  }
}

test('the last line adds up what every step counted, and the table before it has their minutes', () => {
  const { status, lines } = ci({ test: "echo '1500 passed, 0 failed'", ci: 'echo installed' });
  expect(lines.at(-1)).toBe(`${STEPS - 1 + 1500} passed, 0 failed`);
  expect(status).toBe(0);
  expect(lines.at(-3)).toMatch(new RegExp(`^total +${STEPS}\\.0 +40$`));
  expect(lines).toContainEqual(expect.stringMatching(/^tests +1\.0 +\d+/));
});

test('a step that fails is named, and fails the run', () => {
  const { status, lines } = ci({ 'run rotations': "echo '3 passed, 2 failed'; exit 1", 'run compliance': 'exit 3' });
  expect(lines).toContain('FAILED: rotations (exit code 1)');
  expect(lines).toContain('FAILED: compliance (exit code 3)');
  expect(lines.at(-1)).toBe(`${STEPS - 2 + 3} passed, 3 failed`);
  expect(status).toBe(1);
});

test('a step that this machine cannot run is named, and counts neither as passed nor as failed', () => {
  const cannot = "echo '1 not run on this machine'; echo '0 passed, 0 failed'; exit 77";
  const { status, lines } = ci({ 'run outside -- visitors --trial': cannot });
  expect(lines).toContain('NOT RUN: this machine cannot run a project as an image');
  expect(lines).toContainEqual(expect.stringMatching(/^a project as an image +1\.0 +\d+ +not run$/));
  expect(lines.at(-1)).toBe(`${STEPS - 1} passed, 0 failed`);
  expect(status).toBe(0);
});

test('a check that failed counts, whatever the exit code', () => {
  const { status, lines } = ci({ 'run rotations': "echo '3 passed, 2 failed'; exit 77" });
  expect(lines).toContain('FAILED: rotations (exit code 77)');
  expect(lines.at(-1)).toBe(`${STEPS - 1 + 3} passed, 2 failed`);
  expect(status).toBe(1);
});

test('a step over its share is named, and so is a run over its budget; neither fails, since a machine may be slow', () => {
  const { status, lines } = ci({}, 400);
  const over = SHARES.filter(([, , share]) => Number(share) * 60 < 400);
  expect(over.length).toBeGreaterThan(0);
  expect(lines.filter((line) => /^(FAILED|SLOW)/.test(line)).sort()).toEqual(
    [
      ...over.map(([, name, share]) => `SLOW: ${name} took 6.7 minutes, its share is ${share}`),
      'SLOW: the run took longer than its budget of 40 minutes',
    ].sort(),
  );
  expect(lines).toContainEqual(expect.stringMatching(/^install +6\.7 +\d+ +over its share$/));
  expect(lines.at(-1)).toBe(`${STEPS} passed, 0 failed`);
  expect(status).toBe(0);
});

test('the shares of the steps fit the budget: of the two lanes, the longer one counts', () => {
  const longer = Math.max(minutesOf('served'), minutesOf('spare'));
  expect(minutesOf('alone', 'last') + longer).toBeLessThanOrEqual(40);
  expect(SHARES.map(([, , , lane]) => lane).filter((lane) => !/^(alone|served|spare|last)$/.test(lane))).toEqual([]);
});

test('the lanes run side by side, and what the spare one prints is in one piece', () => {
  const [served] = SHARES.filter(([, , , lane]) => lane === 'served').map(([, , , , command]) => command);
  const [spare] = SHARES.filter(([, , , lane]) => lane === 'spare').map(([, , , , command]) => command);
  const meeting = mkdtempSync(join(tmpdir(), 'ci-meeting-'));
  const meets = (mine: string, other: string) =>
    `touch ${meeting}/${mine}; for i in $(seq 300); do [ -e ${meeting}/${other} ] && break; sleep 0.1; done; echo first; [ -e ${meeting}/${other} ] && echo '2 passed, 0 failed'`;
  try {
    const { status, lines } = ci(
      { [served.replace('npm ', '')]: meets('a', 'b'), [spare.replace('npm ', '')]: meets('b', 'a') },
      60,
      2,
    );
    expect(status).toBe(0);
    expect(lines.at(-1)).toBe(`${STEPS + 2} passed, 0 failed`);
    const start = lines.indexOf(lines.find((line) => line.endsWith(`: ${spare}`)) ?? '');
    expect(lines.slice(start + 1, start + 3)).toEqual(['first', '2 passed, 0 failed']);
  } finally {
    rmSync(meeting, { recursive: true });
  }
});

test('what fails in the spare lane fails the run', () => {
  const { status, lines } = ci({ 'run lifecycle': "echo '3 passed, 1 failed'; exit 1" }, 60, 2);
  expect(lines).toContain('FAILED: life of a stack (exit code 1)');
  expect(lines.at(-1)).toBe(`${STEPS - 1 + 3} passed, 1 failed`);
  expect(status).toBe(1);
});
