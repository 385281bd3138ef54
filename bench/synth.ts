import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { transformSync } from 'esbuild';

/** Synthesis may take this many times the CPU of the same resources written without the library. */
const LIMIT = 1.1;
const RUNS = 11;

const ROOT = join(__dirname, '..');
/** What the two programs are made of, as folders or files below the root. */
const SOURCES = [
  'lib',
  'constructs',
  'bench/synth',
  'scripts/production-example.ts',
  'examples/django-app/shop-stack.ts',
];
const PROGRAMS = {
  library: `require('./scripts/production-example').productionExample`,
  direct: `require('./bench/synth/direct').directExample`,
};

type Program = keyof typeof PROGRAMS;

interface Sample {
  /** User and system time of the process, all of its threads, in ms. */
  readonly cpu: number;
  /** Time from start to end as the parent sees it, in ms. */
  readonly wall: number;
}

/**
 * Synthesizes the production example, and the same resources written with plain aws-cdk-lib (synth/direct.ts), each in a whole
 * process of its own: load, construct, synthesize. The runs alternate, so that whatever else the machine does meets both.
 */
export function run(): void {
  const folder = mkdtempSync(join(tmpdir(), 'bench-synth-'));
  try {
    compile(folder);
    const samples: { [program in Program]: Sample[] } = { library: [], direct: [] };
    for (let round = 0; round <= RUNS; round++) {
      // Who goes first alternates as well.
      const order: Program[] = round % 2 === 0 ? ['library', 'direct'] : ['direct', 'library'];
      for (const program of order) {
        const sample = measure(folder, program);
        if (round > 0) {
          samples[program].push(sample); // The first round warms the caches of the file system.
        }
      }
    }
    report(samples.library, samples.direct);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Compiles file by file, as the package is shipped: bundled, the library would load faster than users ever see it. */
function compile(folder: string): void {
  for (const source of SOURCES.flatMap(filesOf)) {
    const target = join(folder, source.replace(/\.ts$/, '.js'));
    mkdirSync(dirname(target), { recursive: true });
    const { code } = transformSync(readFileSync(join(ROOT, source), 'utf8'), {
      loader: 'ts',
      format: 'cjs',
      target: 'node20',
      define: { __dirname: JSON.stringify(dirname(join(ROOT, source))) }, // Assets stay where they are.
    });
    writeFileSync(target, code);
  }
  const modules = join(folder, 'node_modules');
  mkdirSync(join(modules, 'cdk-django-fargate'), { recursive: true });
  writeFileSync(join(modules, 'cdk-django-fargate', 'index.js'), `module.exports = require('../../lib');\n`);
  for (const name of ['aws-cdk-lib', 'constructs']) {
    symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  }
  for (const [name, make] of Object.entries(PROGRAMS)) {
    writeFileSync(join(folder, `${name}.js`), program(make));
  }
}

/** TypeScript sources of a folder, or the one file. */
function filesOf(source: string): string[] {
  if (source.endsWith('.ts')) {
    return [source];
  }
  return readdirSync(join(ROOT, source), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() || entry.name.endsWith('.ts'))
    .flatMap((entry) => filesOf(`${source}/${entry.name}`));
}

function program(make: string): string {
  return [
    `const { app } = ${make}({ outdir: process.argv[2] });`,
    'app.synth();',
    `process.on('exit', () => require('node:fs').writeSync(1, JSON.stringify(process.resourceUsage())));`,
  ].join('\n');
}

function measure(folder: string, program: Program): Sample {
  const outdir = mkdtempSync(join(folder, 'out-'));
  const start = process.hrtime.bigint();
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(folder, `${program}.js`), outdir], {
    cwd: folder,
    encoding: 'utf8',
    env: { PATH: process.env.PATH, CDK_VALIDATION: 'false' }, // No flags of ours, such as those of tsx.
  });
  const wall = Number(process.hrtime.bigint() - start) / 1e6;
  rmSync(outdir, { recursive: true, force: true });
  if (status !== 0) {
    throw new Error(`The ${program} program failed:\n${stderr}`);
  }
  const { userCPUTime, systemCPUTime } = JSON.parse(stdout) as NodeJS.ResourceUsage;
  return { cpu: (userCPUTime + systemCPUTime) / 1000, wall };
}

function report(library: Sample[], direct: Sample[]): void {
  console.log(`Synthesis of the production example, whole process, ${RUNS} interleaved runs, milliseconds`);
  const ratio = table('CPU (user + system)', valuesOf(library, 'cpu'), valuesOf(direct, 'cpu'));
  table('wall', valuesOf(library, 'wall'), valuesOf(direct, 'wall'));
  const holds = ratio <= LIMIT;
  console.log(`\nCPU ratio ${ratio.toFixed(3)}, ${holds ? 'within' : 'above'} the limit of ${LIMIT.toFixed(2)}`);
  process.exitCode = holds ? 0 : 1;
}

function valuesOf(samples: Sample[], key: keyof Sample): number[] {
  return samples.map((sample) => sample[key]);
}

/** Prints one quantity of both programs, and returns the ratio of their medians. */
function table(quantity: string, library: number[], direct: number[]): number {
  const line = (name: string, ...cells: string[]) =>
    console.log(name.padEnd(28) + cells.map((cell) => cell.padStart(9)).join(''));
  const row = (name: string, values: number[]) =>
    line(name, ...[median(values), Math.min(...values), Math.max(...values)].map((value) => value.toFixed(0)));
  const ratio = median(library) / median(direct);
  const pairs = library.map((value, index) => value / direct[index]);

  console.log('');
  line(quantity, 'median', 'min', 'max');
  row('  cdk-django-fargate', library);
  row('  direct', direct);
  line('  ratio of medians', ratio.toFixed(3));
  line('  pairwise ratios', median(pairs).toFixed(3), Math.min(...pairs).toFixed(3), Math.max(...pairs).toFixed(3));
  return ratio;
}

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
