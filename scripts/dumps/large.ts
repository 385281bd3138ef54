import { type Check, expect } from '../../rehearsal/checks/check';
import { DRILL_FAILED, DUMP_FAILED, DUMPED, RELEASED } from '../../rehearsal/checks/names';
import { arrived, propsOf } from '../../rehearsal/dumps/checks';
import { provenBy } from '../../rehearsal/dumps/drill-checks';
import type { DumpTask } from '../../rehearsal/dumps/dump-task';
import { type DumpRun, runDump } from '../../rehearsal/dumps/run-dump';
import type { Rehearsal } from '../../rehearsal/rehearsal';
import { memoryGroup } from './memory-group';

/** Bytes that a generated row takes in the database. */
const ROW = 1100;
const ROWS_OF_TABLE = 1_000_000;
/** What the smallest task of Fargate has. */
const LEAST_MEMORY = 512;
/** A database and its dump together, as docs/backups.md computes the storage of a drill. */
const WITH_DUMP = 1.5;

/** A database of many rows: in how much memory, and on how much storage, it is dumped and restored. */
export function largeChecks(megabytes: number): Check[] {
  const common = { lane: 'dumps', needs: [RELEASED] };
  const dumped = `dumps: ${megabytes} MB of rows are dumped in less than ${LEAST_MEMORY} MiB of memory`;
  let databaseBytes = 0;
  return [
    {
      ...common,
      name: dumped,
      after: [DUMPED, DUMP_FAILED, DRILL_FAILED],
      async run({ rehearsal }) {
        const [dump] = rehearsal.dumps;
        const rows = Math.ceil((megabytes * 1_000_000) / ROW);
        await generate(rehearsal, rows);
        const { run, said } = await confined(rehearsal, dump);
        const { manifest } = await arrived(rehearsal, dump, run);
        const tables = manifest.tables.filter(({ name }) => name.startsWith('public.generated_'));
        const found = tables.reduce((sum, table) => sum + table.rows, 0);
        expect(found === rows, `${found} rows were dumped of ${rows}`);
        await forget(rehearsal, tables.length); // A drill needs a dump alone, and this machine its storage.
        expect(run.volumeBytes < manifest.databaseBytes, 'the dump takes more than the database');
        databaseBytes = manifest.databaseBytes;
        return `${rows} rows, a database of ${mb(databaseBytes)}, a dump of ${mb(manifest.dumpBytes)}; ${said}`;
      },
    },
    {
      ...common,
      name: `drills: ${megabytes} MB of rows are restored and proven in less than ${LEAST_MEMORY} MiB of memory`,
      needs: [dumped],
      async run({ rehearsal }) {
        const [drill] = rehearsal.drills;
        const { run, said } = await confined(rehearsal, drill);
        const metrics = provenBy(run, drill);
        const room = WITH_DUMP * databaseBytes;
        expect(metrics.ProvenRows > megabytes, `${metrics.ProvenRows} rows were proven`);
        // A server has its log and what it starts with, whatever it restores.
        expect(run.volumeBytes < room + SERVER, `the drill took ${mb(run.volumeBytes)}, and ${mb(room)} is computed`);
        return `${metrics.ProvenRows} rows; ${said}`;
      },
    },
  ];
}

/** What docs/backups.md leaves to a server: 2 GiB. */
const SERVER = 2 * 1024 ** 3;

/** Runs a task in memory of the smallest size, where the kernel can hold it to that. */
async function confined(rehearsal: Rehearsal, task: DumpTask): Promise<{ run: DumpRun; said: string }> {
  const props = await propsOf(rehearsal, task);
  const group = memoryGroup(`django-fargate-${process.pid}`, LEAST_MEMORY);
  try {
    const run = await runDump({ ...props, group: group?.folder });
    const found = [...run.peaks].map(([name, { container, process: one }]) => ({ name, container, one }));
    const over = found.find(({ one }) => one >= LEAST_MEMORY);
    expect(over === undefined, `a process of ${over?.name} took ${Math.ceil(over?.one ?? 0)} MiB`);
    expect(run.peakMiB < LEAST_MEMORY, `the task took ${Math.ceil(run.peakMiB)} MiB of memory`);
    const each = found.map(({ name, container, one }) => `${name} ${Math.ceil(container)} (${Math.ceil(one)})`);
    const limit = group === undefined ? '' : `, limited to ${LEAST_MEMORY}`;
    const memory = `${Math.ceil(run.peakMiB)} MiB of memory${limit}: ${each.join(', ')}`;
    return { run, said: `${Math.round(run.seconds)} s, ${mb(run.volumeBytes)} of storage, ${memory}` };
  } finally {
    group?.remove();
  }
}

const mb = (bytes: number) => `${Math.round(bytes / 1_000_000)} MB`;

/** Rows that compress by about half, as text of people does, in tables of at most a million. */
async function generate({ postgres, database }: Rehearsal, rows: number): Promise<void> {
  const name = database ?? 'postgres';
  const tables = Array.from({ length: Math.ceil(rows / ROWS_OF_TABLE) }, (_, index) => index);
  for (const index of tables) {
    const count = Math.min(ROWS_OF_TABLE, rows - index * ROWS_OF_TABLE);
    await postgres?.query(name, async (client) => {
      await client.query(`CREATE TABLE generated_${index} AS SELECT n, now() AS made,
        (SELECT string_agg(encode(sha512(convert_to(n::text || '/' || part, 'UTF8')), 'hex'), '')
          FROM generate_series(1, 8) AS part) AS text
        FROM generate_series(1, ${count}) AS n`);
      const { rows: owners } = await client.query<{ name: string }>(
        'SELECT pg_get_userbyid(datdba) AS name FROM pg_database WHERE datname = current_database()',
      );
      await client.query(`ALTER TABLE generated_${index} OWNER TO "${owners[0]?.name}"`);
    });
  }
}

async function forget({ postgres, database }: Rehearsal, tables: number): Promise<void> {
  const names = Array.from({ length: tables }, (_, index) => `generated_${index}`);
  await postgres?.query(database ?? 'postgres', (client) => client.query(`DROP TABLE ${names.join()}; CHECKPOINT`));
}
