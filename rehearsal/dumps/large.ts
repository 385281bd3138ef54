import '../supported-node';

import { parseArgs } from 'node:util';
import { checkRun, summary } from '../check-run';
import { type Check, expect } from '../checks/check';
import { RELEASED } from '../checks/names';
import { DUMPS } from '../load/suites';
import type { Rehearsal } from '../rehearsal';
import { cacheFolder, ROOT, synthesize } from '../synth';
import { readAssembly } from '../template/assembly';
import { arrived, propsOf } from './checks';
import { runDump } from './run-dump';

const USAGE = `npm run dumps -- [options]

  --megabytes NUMBER  size of the rows that are generated, 200 unless given
`;
/** Bytes that a generated row takes in the database. */
const ROW = 1100;
/** What the smallest task of Fargate has. */
const LEAST_MEMORY = 512;

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
    checks: [...DUMPS.checks, large(megabytes)],
    write: (line) => process.stdout.write(`${line}\n`),
    verbose: false,
    isAnyProject: true,
    anyPort: true,
  });
  const { text, passed, problem } = summary(outcomes);
  process.stdout.write(`${problem === undefined ? '' : `${problem}\n`}${text}\n`);
  return passed ? 0 : 1;
}

/** A dump of many rows, as the task of the template makes it: in how much memory, and on how much storage. */
function large(megabytes: number): Check {
  return {
    name: `dumps: ${megabytes} MB of rows are dumped in less than ${LEAST_MEMORY} MiB of memory`,
    lane: 'dumps',
    needs: [RELEASED],
    after: DUMPS.checks.map(({ name }) => name),
    async run({ rehearsal }) {
      const [dump] = rehearsal.dumps;
      const props = await propsOf(rehearsal, dump);
      const rows = Math.ceil((megabytes * 1_000_000) / ROW);
      await generate(rehearsal, rows);
      const run = await runDump(props);
      const { manifest } = await arrived(rehearsal, dump, run);
      const table = manifest.tables.find(({ name }) => name === 'public.generated');
      expect(table?.rows === rows, `${table?.rows} rows were dumped of ${rows}`);
      expect(run.peakMiB < LEAST_MEMORY, `the task took ${Math.ceil(run.peakMiB)} MiB of memory`);
      expect(run.volumeBytes < manifest.databaseBytes, 'the dump takes more than the database');
      const mb = (bytes: number) => `${Math.round(bytes / 1_000_000)} MB`;
      return [
        `${rows} rows, a database of ${mb(manifest.databaseBytes)}, a dump of ${mb(manifest.dumpBytes)}`,
        `${Math.ceil(run.peakMiB)} MiB of memory, ${mb(run.volumeBytes)} of storage, ${Math.round(run.seconds)} s`,
      ].join('; ');
    },
  };
}

/** Rows that compress by about half, as text of people does. */
async function generate({ postgres, database }: Rehearsal, rows: number): Promise<void> {
  await postgres?.query(database ?? 'postgres', async (client) => {
    await client.query(`CREATE TABLE generated AS SELECT n, now() AS made,
      (SELECT string_agg(md5(n::text || part::text), '') FROM generate_series(1, 32) AS part) AS text
      FROM generate_series(1, ${rows}) AS n`);
    const { rows: owners } = await client.query<{ name: string }>(
      'SELECT pg_get_userbyid(datdba) AS name FROM pg_database WHERE datname = current_database()',
    );
    await client.query(`ALTER TABLE generated OWNER TO "${owners[0]?.name}"`);
  });
}

main().then(
  (code) => process.exit(code),
  (error: Error) => {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  },
);
