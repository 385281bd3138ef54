import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { appendFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';

const USAGE = `npm run steady -- N [options]

Runs the checks N times and adds a row for each run to docs/steady.md.

  --busy       beside a busy loop that takes one core
  --clone      each run on a fresh clone of the latest commit, with \`npm ci\` and an empty cache
  --mutations  the mutation proof instead of the checks
`;

const ROOT = path.join(__dirname, '..');
const LOG = path.join(ROOT, 'docs', 'steady.md');
const HEAD = `# Steadiness of the checks

Every row is a run of \`npm run steady\`: when, of which commit (\`+\`: with changes that were not committed), the load of the
machine over the minute before, what ran, how long it took, and how it ended. Rows are added and never removed.

| started (UTC) | commit | load | run | seconds | result |
|---|---|---|---|---|---|
`;

interface Run {
  readonly passed: boolean;
  readonly seconds: number;
  readonly result: string;
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      busy: { type: 'boolean', default: false },
      clone: { type: 'boolean', default: false },
      mutations: { type: 'boolean', default: false },
    },
  });
  const times = Number(positionals[0]);
  if (positionals.length !== 1 || !Number.isInteger(times) || times < 1) {
    process.stderr.write(USAGE);
    return 2;
  }
  const command = values.mutations ? ['run', 'mutations'] : ['start', '--', '--check'];
  const name = [
    values.mutations ? 'mutations' : 'checks',
    ...(values.busy ? ['busy core'] : []),
    ...(values.clone ? ['fresh clone'] : []),
  ].join(', ');
  let failed = 0;
  for (let number = 1; number <= times; number++) {
    const [started, commit, load] = [new Date(), commitOf(ROOT), loadavg()[0]];
    const run = await beside(values.busy, () => (values.clone ? onClone(command) : once(command, ROOT)));
    failed += run.passed ? 0 : 1;
    record([
      started.toISOString().slice(0, 16).replace('T', ' '),
      commit,
      load.toFixed(2),
      name,
      run.seconds.toFixed(0),
      run.result,
    ]);
    process.stdout.write(`${run.passed ? '✓' : '✗'} run ${number} of ${times}, ${name}: ${run.result}\n`);
  }
  process.stdout.write(`${times - failed} passed, ${failed} failed\n`);
  return failed === 0 ? 0 : 1;
}

async function beside<T>(busy: boolean, work: () => Promise<T>): Promise<T> {
  const loop: ChildProcess | undefined = busy
    ? spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' })
    : undefined;
  try {
    return await work();
  } finally {
    loop?.kill('SIGKILL');
  }
}

async function onClone(command: string[]): Promise<Run> {
  const folder = mkdtempSync(path.join(tmpdir(), 'steady-'));
  try {
    execFileSync('git', ['clone', '--quiet', ROOT, folder], { stdio: 'inherit' });
    const installed = await once(['ci'], folder);
    return installed.passed ? await once(command, folder) : { ...installed, result: '`npm ci` failed' };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs npm and shows what it says; its last `N passed, N failed` and its failures are the result. */
function once(command: string[], cwd: string): Promise<Run> {
  const started = Date.now();
  return new Promise((resolve, reject) => {
    const child = spawn('npm', command, { cwd, stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
      process.stdout.write(chunk);
    });
    child.once('error', reject);
    child.once('close', (code) => {
      resolve({ passed: code === 0, seconds: (Date.now() - started) / 1000, result: resultOf(output, code) });
    });
  });
}

function resultOf(output: string, code: number | null): string {
  const lines = output.split('\n');
  const counts = lines.filter((line) => /^\d+ passed, \d+ failed/.test(line)).pop() ?? `exit code ${code}`;
  const failures = lines
    .map((line) => /(?:^|· )✗ (.+)/.exec(line)?.[1])
    .filter((failure) => failure !== undefined)
    .map((failure) => failure.slice(0, 200).replaceAll('|', '/'));
  return [counts, ...failures].join('; ');
}

function commitOf(folder: string): string {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: folder, encoding: 'utf8' }).trim();
  const log = path.relative(folder, LOG);
  const changes = git('status', '--porcelain', '--', '.', `:!${log}`);
  return git('rev-parse', '--short', 'HEAD') + (changes === '' ? '' : '+');
}

function record(cells: string[]): void {
  if (!existsSync(LOG)) {
    writeFileSync(LOG, HEAD);
  }
  appendFileSync(LOG, `| ${cells.join(' | ')} |\n`);
}

main().then(
  (code) => process.exit(code),
  (error: Error) => {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  },
);
