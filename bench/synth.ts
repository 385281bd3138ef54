import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { buildSync } from 'esbuild';
import type { Usage } from './synth/usage';
import { callsOf, OWNERS, timeByOwner, unusedModules } from './synth/v8';

const RUNS = 11;
const SCALING_RUNS = 3;
const APPLICATIONS = [1, 10, 50];
/** Of all CPU time that of our own functions; the CPU time of the whole beside that of the floor; R². */
const LIMITS = { ownShare: 0.05, timesFloor: 4.2, linearity: 0.99 };

const ROOT = join(__dirname, '..');
const FOLDER = mkdtempSync(join(tmpdir(), 'bench-synth-'));
const WHOLE = join(FOLDER, 'whole.out');
const FLOOR = join(FOLDER, 'floor.out');
const V8 = join(FOLDER, 'v8');

/**
 * Synthesizes the production example with the package as users install it, each time in a process of its own,
 * and prints the CPU time beside the floor (synth/floor.ts), whose code takes it, what is loaded for nothing,
 * and how time and memory grow with the number of applications in one app.
 */
export function run(): void {
  try {
    install();
    const holds = [compareWithFloor(), nameUnused(), scale()];
    process.exitCode = holds.every(Boolean) ? 0 : 1;
  } finally {
    rmSync(FOLDER, { recursive: true });
  }
}

/** Builds the package, and puts what is published into `node_modules`, with the two programs beside it. */
function install(): void {
  execFileSync('npm', ['run', '--silent', 'build'], { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] });
  const modules = join(FOLDER, 'node_modules');
  mkdirSync(modules);
  for (const part of ['package.json', 'dist', 'assets']) {
    cpSync(join(ROOT, part), join(modules, 'cdk-django-fargate', part), { recursive: true });
  }
  for (const peer of ['aws-cdk-lib', 'constructs']) {
    symlinkSync(join(ROOT, 'node_modules', peer), join(modules, peer));
  }
  buildSync({
    entryPoints: ['whole', 'floor'].map((program) => join(__dirname, 'synth', `${program}.ts`)),
    outdir: FOLDER,
    bundle: true,
    platform: 'node',
    target: 'node20',
    external: ['aws-cdk-lib', 'cdk-django-fargate', 'constructs'],
    define: { __dirname: JSON.stringify(join(ROOT, 'examples', 'django-app')) }, // The example's image stays where it is.
  });
}

const whole = (count = 1, options: string[] = [], coverage = '') =>
  node([...options, join(FOLDER, 'whole.js'), WHOLE, String(count)], coverage);
const floor = () =>
  node([join(FOLDER, 'floor.js'), FLOOR, join(WHOLE, 'Shop0.template.json'), join(WHOLE, 'Shop0.assets.json')]);

/** Runs a program without the validation, and without what tsx puts into the environment. */
function node(args: string[], coverage = ''): Usage {
  const env = { PATH: process.env.PATH, CDK_VALIDATION: 'false', NODE_V8_COVERAGE: coverage };
  return JSON.parse(execFileSync(process.execPath, args, { cwd: FOLDER, env, encoding: 'utf8' }));
}

function compareWithFloor(): boolean {
  // The first runs fill the caches of the file system, and show that both programs give the same template.
  whole();
  floor();
  if (!isDeepStrictEqual(templateIn(FLOOR), templateIn(WHOLE))) {
    throw new Error('The program of the floor does not give the template of the production example.');
  }
  const rounds = Array.from({ length: RUNS }, () => ({
    whole: whole().cpu,
    floor: floor().cpu,
    owners: withV8(() => whole(1, ['--cpu-prof', '--cpu-prof-dir', V8]), timeByOwner),
  }));

  print(`The production example, whole process, ${RUNS} interleaved runs`, 'median', 'min', 'max');
  const cpu = (program: 'whole' | 'floor') => rounds.map((round) => round[program]);
  const total = row('  CPU, ms', cpu('whole'));
  const least = row('  CPU of the same template from bare CfnResources, ms', cpu('floor'));
  const near = verdict('whole / floor', total / least, { most: LIMITS.timesFloor });

  print('By the file of the function at work', 'median', 'min', 'max');
  for (const owner of Object.keys(OWNERS)) {
    const times = rounds.map(({ owners }) => owners[owner]);
    row(`  ${owner}, ms`, times);
  }
  const sum = (times: { readonly [owner: string]: number }) => Object.values(times).reduce((a, b) => a + b);
  const share = median(rounds.map(({ owners }) => owners['cdk-django-fargate'] / sum(owners)));
  return verdict('own share', share, { most: LIMITS.ownShare }) && near;
}

/** The template of an assembly, with dependencies in one order. */
function templateIn(assembly: string): unknown {
  return JSON.parse(readFileSync(join(assembly, 'Shop0.template.json'), 'utf8'), (key, value) =>
    key === 'DependsOn' ? [...value].sort() : value,
  );
}

function nameUnused(): boolean {
  const used = withV8(() => whole(1, [], V8), callsOf);
  const script = `${JSON.stringify([...used.keys()])}.forEach((file) => require(file)); console.log('{}')`;
  const unused = unusedModules(
    used,
    withV8(() => node(['-e', script], V8), callsOf),
  );
  console.log(`Modules of aws-cdk-lib that are loaded and not used: ${unused.join(', ') || 'none'}\n`);
  return unused.length === 0;
}

/** What V8 writes about a run, as `read` understands it. */
function withV8<T>(act: () => unknown, read: (folder: string) => T): T {
  rmSync(V8, { recursive: true, force: true });
  act();
  return read(V8);
}

function scale(): boolean {
  const rounds = Array.from({ length: SCALING_RUNS }, () => APPLICATIONS.map((count) => whole(count)));
  print(`Applications in one app, median of ${SCALING_RUNS}`, ...APPLICATIONS.map(String));
  const holds = (['cpu', 'memory'] as const).map((key) => {
    const values = APPLICATIONS.map((_, index) => median(rounds.map((round) => round[index][key])));
    print(key === 'cpu' ? '  CPU, ms' : '  memory, MB', ...values.map((value) => value.toFixed(0)));
    return verdict('R²', linearity(APPLICATIONS, values), { least: LIMITS.linearity });
  });
  return holds.every(Boolean);
}

/** R²: the share of the variance that a straight line explains. */
function linearity(xs: number[], ys: number[]): number {
  const mean = (values: number[]) => values.reduce((a, b) => a + b) / values.length;
  const products = (as: number[], bs: number[]) =>
    as.reduce((sum, a, index) => sum + (a - mean(as)) * (bs[index] - mean(bs)), 0);
  return products(xs, ys) ** 2 / (products(xs, xs) * products(ys, ys));
}

function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[(values.length - 1) / 2];
}

/** Prints the median, least and most of an odd number of values, and returns the median. */
function row(name: string, values: number[]): number {
  print(name, ...[median(values), Math.min(...values), Math.max(...values)].map((value) => value.toFixed(0)));
  return median(values);
}

function print(name: string, ...cells: string[]): void {
  console.log(name.padEnd(60) + cells.map((cell) => cell.padStart(8)).join(''));
}

function verdict(name: string, value: number, { least = 0, most = Infinity }: { least?: number; most?: number }) {
  const holds = value >= least && value <= most;
  console.log(`  ${name} ${value.toFixed(4)} ${holds ? 'keeps' : 'MISSES'} its limit of ${least || most}\n`);
  return holds;
}
