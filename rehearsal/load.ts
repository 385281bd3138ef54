import './supported-node';

import { parseArgs } from 'node:util';
import { checkRun, summary } from './check-run';
import type { Check, Outcome } from './checks/check';
import { startChecks } from './checks/start';
import { ALL_STOPPED, BUSY, loadChecks, ONE_HELD, ONE_STOPPED, SLOW } from './load/checks';
import { type Fault, MUTATIONS } from './load/faults';
import { SUITES, type Suite } from './load/suites';
import { serving } from './load/template';
import { VIEWS } from './load/views';
import { cacheFolder, ROOT, SHOP, synthesize } from './synth';
import { type Assembly, readAssembly } from './template/assembly';

const USAGE = `npm run load -- [options]

  --mutations        breaks one thing at a time; exactly the check that is named after it must fail
  --only PATTERN     only runs or mutations whose name matches
  --verbose          what happens to processes, too
`;

/** A rehearsal of one service alone. Each waits most of the time, so that they go side by side. */
export interface Run {
  readonly name: string;
  readonly kind: 'web' | 'asgi';
  readonly checks: string[];
}

const RUNS: Run[] = [
  { name: 'gunicorn', kind: 'web', checks: [SLOW, ALL_STOPPED] },
  { name: 'gunicorn, one process', kind: 'web', checks: [BUSY, ONE_STOPPED, ONE_HELD] },
  { name: 'uvicorn', kind: 'asgi', checks: [SLOW, ONE_HELD, ALL_STOPPED] },
];

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      mutations: { type: 'boolean', default: false },
      only: { type: 'string', default: '' },
      verbose: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const assembly = readAssembly(await synthesize(SHOP, ROOT, cacheFolder()));
  const pattern = new RegExp(values.only);
  const { mutations, verbose } = values;
  return mutations ? prove(assembly, pattern, verbose) : check(assembly, pattern, verbose);
}

/** The last line has the checks of all runs. */
async function check(assembly: Assembly, pattern: RegExp, verbose: boolean): Promise<number> {
  const runs = RUNS.filter(({ name }) => pattern.test(name));
  const outcomes = (await Promise.all(runs.map((run) => rehearse(assembly, run, verbose)))).flat();
  for (const [name, suite] of Object.entries(SUITES).filter(([each]) => pattern.test(each))) {
    outcomes.push(...(await rehearseSuite(name, suite, verbose)));
  }
  const { text, passed, problem } = summary(outcomes);
  process.stdout.write(`${problem === undefined ? '' : `${problem}\n`}${text}\n`);
  return passed ? 0 : 1;
}

/** Each stack of a suite, one after the other. */
async function rehearseSuite(name: string, suite: Suite, verbose: boolean): Promise<Outcome[]> {
  const { checks, faults, isHurried } = suite;
  const outcomes: Outcome[] = [];
  for (const example of suite.examples) {
    const assembly = readAssembly(await synthesize(example, ROOT, cacheFolder()));
    const write = (line: string) => process.stdout.write(`[${name}] ${line}\n`);
    const run = { assembly, cache: cacheFolder(), write, verbose, checks, faults, isHurried, anyPort: true };
    outcomes.push(...(await checkRun(run)));
  }
  return outcomes;
}

/** Three mutations at a time, which wait most of the time as well. */
async function prove(assembly: Assembly, pattern: RegExp, verbose: boolean): Promise<number> {
  const waiting = MUTATIONS.filter(({ name }) => pattern.test(name));
  if (waiting.length === 0) {
    throw new Error(`--only ${pattern.source}: no fault has such a name. One is "${MUTATIONS[0].name}".`);
  }
  let failures = 0;
  const total = waiting.length;
  const worker = async () => {
    for (let fault = waiting.shift(); fault !== undefined; fault = waiting.shift()) {
      const { name, kind, check: named } = fault;
      const outcomes = await rehearse(assembly, { name, kind, checks: [named] }, verbose, fault);
      const failed = outcomes.filter(({ verdict }) => verdict === 'failed').map((one) => one.name);
      const proven = failed.join() === named;
      failures += proven ? 0 : 1;
      process.stdout.write(`${proven ? '✓' : '✗'} ${name}: ${failed.join('; ') || 'nothing'} failed\n`);
    }
  };
  await Promise.all(Array.from({ length: 3 }, worker));
  process.stdout.write(`${total - failures} passed, ${failures} failed\n`);
  return failures === 0 ? 0 : 1;
}

function rehearse(assembly: Assembly, run: Run, verbose: boolean, fault?: Fault): Promise<Outcome[]> {
  const template = serving(assembly.template, run.kind);
  fault?.template?.(template);
  const chosen = ({ name, lane }: Check) => lane === 'start' || run.checks.includes(name);
  return checkRun({
    assembly: { ...assembly, template },
    cache: cacheFolder(),
    faults: { patches: [VIEWS, ...(fault?.patches ?? [])], definition: fault?.definition },
    checks: [...startChecks, ...loadChecks],
    choose: chosen,
    write: (line) => process.stdout.write(`[${run.name}] ${line}\n`),
    verbose,
    anyPort: true,
  });
}

main().then(
  (code) => process.exit(code),
  (error: Error) => {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  },
);
