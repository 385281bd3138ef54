import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Engine, findEngine } from '../../rehearsal/engine/engine';
import { NOT_RUNNABLE_HERE } from '../../rehearsal/image/not-runnable-here';

/**
 * `npm run engine`: image mode with the container engine of this machine, on a project with a Dockerfile of
 * its own. Where no engine answers, it says so and ends with the exit code for "not runnable here".
 */
const ROOT = path.join(__dirname, '..', '..');
const TSX = path.join(ROOT, 'node_modules', '.bin', 'tsx');
const LABEL = 'label=cdk-django-fargate-rehearsal';
/** Only something that hangs takes so long. */
const HANG = 20 * 60_000;

/** What a rehearsal has said and how it ended. */
interface Ended {
  readonly status: number | null;
  readonly output: string;
}

async function main(): Promise<number> {
  const { engine, remarks } = await findEngine();
  for (const remark of remarks) {
    process.stdout.write(`${remark}\n`);
  }
  if (engine === undefined) {
    process.stdout.write('no container engine answers: nothing was proved\n');
    return NOT_RUNNABLE_HERE;
  }
  const folder = mkdtempSync(path.join(tmpdir(), 'engine-'));
  let failed = 0;
  const proofs = proofsOf(engine, synthesized(folder), folder);
  try {
    for (const { name, prove } of proofs) {
      const why = await prove();
      failed += why === undefined ? 0 : 1;
      process.stdout.write(why === undefined ? `✓ ${name}\n` : `✗ ${name}\n${why}\n`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  process.stdout.write(`${proofs.length - failed} passed, ${failed} failed\n`);
  return failed === 0 ? 0 : 1;
}

/** A sentence, and what says why it is false. */
interface Proof {
  readonly name: string;
  readonly prove: () => Promise<string | undefined>;
}

function proofsOf(engine: Engine, assembly: string, folder: string): Proof[] {
  const native = ['--platform', engine.platform];
  const other = engine.platform === 'linux/amd64' ? 'ARM64' : 'X86_64';
  return [
    {
      name: 'an image for another processor than that of the tasks is refused before it is built',
      prove: async () => {
        const changed = changedBy(assembly, path.join(folder, 'platform'), ({ Properties }) => {
          Properties.RuntimePlatform.CpuArchitecture = other;
        });
        return said(rehearse(changed), 1, /ContainerImage\.fromAsset has no platform.*exec format error/);
      },
    },
    {
      name: 'a health check whose program the image lacks is refused before anything starts',
      prove: async () => {
        const changed = changedBy(assembly, path.join(folder, 'health'), ({ Properties }) => {
          for (const container of Properties.ContainerDefinitions.filter(({ HealthCheck }) => HealthCheck)) {
            container.HealthCheck = { ...container.HealthCheck, Command: ['CMD', 'no-such-program'] };
          }
        });
        return said(rehearse(changed, ...native), 1, /health check of web runs no-such-program, which the image/);
      },
    },
    {
      name: 'every check passes in image mode, those of the container itself among them',
      prove: async () => {
        const ended = rehearse(assembly, ...native);
        return said(
          ended,
          0,
          /✓ image: a task is the user.*✓ image: a task that takes more memory.*\d+ passed, 0 failed/s,
        );
      },
    },
    {
      name: 'a rehearsal that is killed leaves no container behind',
      prove: () => killed(engine, assembly, native),
    },
  ];
}

/** The assembly of a project that nobody has changed to suit the rehearsal. */
function synthesized(folder: string): string {
  const assembly = path.join(folder, 'assembly');
  const app = path.join(ROOT, 'test', 'outside', 'inventory', 'app.ts');
  const { status, stderr } = spawnSync(TSX, ['--conditions=source', app], {
    cwd: ROOT,
    env: { ...process.env, CDK_OUTDIR: assembly },
    encoding: 'utf8',
  });
  if (status !== 0) {
    throw new Error(stderr);
  }
  return assembly;
}

/** A task definition as the template has it. */
interface Definition {
  readonly Properties: {
    readonly RuntimePlatform: { CpuArchitecture: string };
    readonly ContainerDefinitions: { HealthCheck?: object }[];
  };
}

/** A copy of an assembly in which every task definition is changed. */
function changedBy(assembly: string, copy: string, change: (definition: Definition) => void): string {
  cpSync(assembly, copy, { recursive: true });
  for (const name of readdirSync(copy).filter((file) => file.endsWith('.template.json'))) {
    const template = JSON.parse(readFileSync(path.join(copy, name), 'utf8'));
    for (const resource of Object.values<Definition & { Type: string }>(template.Resources ?? {})) {
      if (resource.Type === 'AWS::ECS::TaskDefinition') {
        change(resource);
      }
    }
    writeFileSync(path.join(copy, name), JSON.stringify(template));
  }
  return copy;
}

function words(assembly: string, options: string[]): string[] {
  const given = ['--assembly', assembly, '--secret', 'EMAIL_HOST_PASSWORD=anything'];
  return ['--no-cache', path.join(ROOT, 'rehearsal', 'start.ts'), '--mode', 'image', ...given, ...options];
}

function rehearse(assembly: string, ...options: string[]): Ended {
  const { status, stdout, stderr } = spawnSync(TSX, words(assembly, ['--check', ...options]), {
    cwd: ROOT,
    encoding: 'utf8',
    timeout: HANG,
  });
  return { status, output: stdout + stderr };
}

function said({ status, output }: Ended, expected: number, pattern: RegExp): string | undefined {
  return status === expected && pattern.test(output) ? undefined : `it ended with ${status} and said:\n${output}`;
}

/** Kills a rehearsal that runs, and waits until its containers are gone. */
async function killed(engine: Engine, assembly: string, options: string[]): Promise<string | undefined> {
  const child = spawn(process.execPath, ['--import', 'tsx', ...words(assembly, ['--plain', ...options]).slice(1)], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  await new Promise<void>((resolve) => {
    child.once('close', () => resolve());
    child.stdout.on('data', (chunk) => {
      output += chunk;
      if (output.includes('Ctrl-C drains')) {
        resolve();
      }
    });
  });
  const before = await containers(engine);
  child.kill('SIGKILL');
  const end = Date.now() + HANG;
  const stillThere = async () => (await containers(engine)).filter((id) => before.includes(id));
  while ((await stillThere()).length > 0 && Date.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  const left = await stillThere();
  return before.length > 0 && left.length === 0
    ? undefined
    : `${before.length} containers ran, and ${left.length} are left. It said:\n${output}`;
}

async function containers(engine: Engine): Promise<string[]> {
  const { stdout } = await engine.call(['ps', '--all', '--quiet', '--filter', LABEL]);
  return stdout.split('\n').filter((line) => line !== '');
}

main().then(
  (code) => process.exit(code),
  (error: Error) => {
    process.stderr.write(`${error.stack}\n`);
    process.exit(1);
  },
);
