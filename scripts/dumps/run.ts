import '../../rehearsal/supported-node';

import { parseArgs } from 'node:util';
import { checkRun, summary } from '../../rehearsal/check-run';
import { DUMPS } from '../../rehearsal/load/suites';
import { cacheFolder, ROOT, synthesize } from '../../rehearsal/synth';
import { readAssembly } from '../../rehearsal/template/assembly';
import { alarmChecks } from './alarms';
import { largeChecks } from './large';

const USAGE = `npm run dumps -- [options]

  --megabytes NUMBER  size of the rows that are generated, 200 unless given
`;

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

main().then(
  (code) => process.exit(code),
  (error: Error) => {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  },
);
