import './supported-node';

import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { checkRun } from './check-run';
import type { Outcome } from './checks/check';
import { exitCodeOf, NOT_RUNNABLE_HERE } from './image/not-runnable-here';
import { MUTATIONS, type Mutation, RESTORED } from './mutations/faults';
import { cacheFolder, type Example, ROOT, SHOP, synthesize } from './synth';
import { type Assembly, readAssembly, type Template } from './template/assembly';

/** Two at a time fit on two cores. */
const AT_ONCE = 2;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      assembly: { type: 'string' },
      only: { type: 'string' },
      // As in CI: every third fault; the commit says which.
      third: { type: 'boolean', default: false },
      verbose: { type: 'boolean', default: false },
    },
  });
  const pattern = new RegExp(values.only ?? '');
  const turn = values.third ? numberOfCommit() % 3 : undefined;
  const faults = MUTATIONS.filter((_, index) => turn === undefined || index % 3 === turn);
  const chosen = [...faults, ...RESTORED].filter(({ name }) => pattern.test(name));
  if (chosen.length === 0) {
    throw new Error(`--only ${pattern.source}: no fault has such a name. One is "${faults[0].name}".`);
  }
  for (const { name, notHere } of chosen.filter((mutation) => mutation.notHere?.() !== undefined)) {
    process.stdout.write(`- ${name}: not run, ${notHere?.()}\n`);
  }
  const waiting = chosen.filter(({ notHere }) => notHere?.() === undefined);
  const assemblies = new Map<Example, Assembly>();
  for (const { example = SHOP } of waiting) {
    const given = example === SHOP ? values.assembly : undefined;
    if (!assemblies.has(example)) {
      assemblies.set(example, readAssembly(given ?? (await synthesize(example, ROOT, cacheFolder()))));
    }
  }
  const failures: string[] = [];
  const total = waiting.length;
  const worker = async () => {
    for (let mutation = waiting.shift(); mutation !== undefined; mutation = waiting.shift()) {
      const problem = await prove(assemblies.get(mutation.example ?? SHOP) as Assembly, mutation, values.verbose);
      process.stdout.write(`${problem === undefined ? '✓' : '✗'} ${mutation.name}${problem ?? ''}\n`);
      if (problem !== undefined) {
        failures.push(mutation.name);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  process.stdout.write(`${total - failures.length} passed, ${failures.length} failed\n`);
  if (total === 0) {
    return NOT_RUNNABLE_HERE;
  }
  return failures.length === 0 ? 0 : 1;
}

/** A number of this commit, which a shallow clone knows as well; 0 where the sources are no clone. */
function numberOfCommit(): number {
  const { stdout } = spawnSync('git', ['rev-parse', 'HEAD'], { cwd: ROOT, encoding: 'utf8' });
  return Number.parseInt(String(stdout).slice(0, 1), 16) || 0;
}

/** Undefined when exactly the check that is named after the fault failed; otherwise what is wrong. */
async function prove(assembly: Assembly, mutation: Mutation, verbose: boolean): Promise<string | undefined> {
  const template: Template = structuredClone(assembly.template);
  try {
    mutation.template?.(template);
  } catch (error) {
    return `: cannot be planted, the template may have changed: ${(error as Error).message}`;
  }
  const outcomes = await checkRun({
    assembly: { ...assembly, template },
    cache: cacheFolder(),
    faults: { ...mutation.suite?.faults, ...mutation.faults },
    checks: mutation.suite?.checks,
    isHurried: mutation.suite?.isHurried,
    write: (line) => (verbose ? process.stdout.write(`    [${mutation.name}] ${line}\n`) : undefined),
    verbose,
    anyPort: true,
    isAnyProject: mutation.isAnyProject,
    choose: ({ name, proof }) =>
      (proof === true || mutation.isAnyProject === true) && mutation.checks?.test(name) !== false,
  });
  const failed = outcomes.filter(({ verdict }) => verdict === 'failed');
  const passed = outcomes.filter(({ verdict }) => verdict === 'passed').length;
  const wanted = mutation.check === '' ? [] : [mutation.check];
  if (failed.map(({ name }) => name).join() === wanted.join() && (wanted.length > 0 || passed === outcomes.length)) {
    process.stdout.write(`    ${failed.map(said).join() || `all ${passed} checks passed`}\n`);
    return undefined;
  }
  return `: ${failed.length === 0 ? 'nothing failed' : `failed: ${failed.map(said).join('; ')}`}; expected: ${wanted.join() || 'nothing'}`;
}

function said({ name, detail }: Outcome): string {
  return `${name} (${detail.replace(/\s+/g, ' ').slice(0, 200)})`;
}

main().then(
  (code) => process.exit(code),
  (error: Error) => {
    process.stderr.write(`${error.message}\n`);
    process.exit(exitCodeOf(error));
  },
);
