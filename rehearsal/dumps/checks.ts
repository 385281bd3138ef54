import { createHash } from 'node:crypto';
import path from 'node:path';
import { type Check, type CheckContext, expect, NotApplicable } from '../checks/check';
import { DUMP_FAILED, DUMPED, RELEASED } from '../checks/names';
import { postgresBinaries } from '../postgres/postgres-binaries';
import type { Rehearsal } from '../rehearsal';
import type { DumpTask } from './dump-task';
import { behind } from './objects';
import { dumpPrograms } from './programs';
import { type DumpRun, type DumpRunProps, reportedTo, runAsTask, runDump } from './run-dump';

/** A table that only the checks know, with a name that asks for quotes. */
const TABLE = 'public."Rows of a ""dump"""';
const NAME = 'public.Rows of a "dump"';
const ROWS = 1234;

/** What a dump says of itself. */
export interface Manifest {
  readonly version: number;
  readonly database: string;
  readonly serverVersion: string;
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly databaseBytes: number;
  readonly dumpBytes: number;
  readonly files: readonly { readonly name: string; readonly bytes: number; readonly sha256: string }[];
  readonly tables: readonly { readonly name: string; readonly rows: number }[];
  readonly extensions: readonly { readonly name: string; readonly version: string }[];
}

const applies = ({ rehearsal }: CheckContext) => rehearsal.dumps.length > 0 && rehearsal.postgres !== undefined;
const OF_DUMPS = { lane: 'dumps', needs: [RELEASED], about: 'dumps of the database', applies };

/** That the task of a dump does what its template says, with nothing but the right to write. */
export const dumpChecks: Check[] = [
  {
    ...OF_DUMPS,
    name: DUMPED,
    async run({ rehearsal }) {
      const [dump] = rehearsal.dumps;
      const props = await propsOf(rehearsal, dump);
      await filled(rehearsal, async () => {
        const run = await runDump(props);
        const { manifest, bucket, key } = await arrived(rehearsal, dump, run);
        const table = manifest.tables.find(({ name }) => name === NAME);
        expect(table?.rows === ROWS, `the manifest has ${table?.rows} rows for a table of ${ROWS}`);
        await expectWhole(rehearsal, { bucket, key, manifest });
        await expectOnlyWrites(props, bucket, `${key}/manifest.json`);
      });
      return `${dump.containers.map(({ name }) => name).join(', ')}`;
    },
  },
  {
    ...OF_DUMPS,
    name: DUMP_FAILED,
    after: [DUMPED],
    async run({ rehearsal }) {
      const [dump] = rehearsal.dumps;
      const props = await propsOf(rehearsal, dump);
      const before = await keys(rehearsal);
      const run = await runDump({ ...props, environment: { dump: { PGPASSWORD: 'wrong' } } });
      const failed = [...run.exitCodes].filter(([, code]) => code !== 0).map(([name]) => name);
      expect(failed.join() === 'dump', `with a wrong password ${failed.join() || 'nothing'} failed`);
      expect((await keys(rehearsal)).length === before.length, 'a dump that failed left something in the bucket');
      const queues = reportedTo(rehearsal, dump, run.exitCodes);
      expect(queues.length > 0, 'no event rule of the template reports it to a queue');
      return undefined;
    },
  },
];

/** Programs for a dump or a drill; a check without them does not apply. */
export async function propsOf(rehearsal: Rehearsal, dump: DumpTask): Promise<DumpRunProps> {
  const { cache, announce } = rehearsal.props;
  const version = await rehearsal.postgres?.query('postgres', async (client) => {
    const { rows } = await client.query<{ server_version: string }>('SHOW server_version');
    return Number.parseInt(rows[0]?.server_version ?? '', 10);
  });
  const major = version ?? 0;
  const programs = await dumpPrograms(cache, major);
  if (programs === undefined) {
    throw new NotApplicable(`client programs of PostgreSQL ${major}, which this machine does not have`);
  }
  // Its server comes first: a client package may have one, which is another.
  return { rehearsal, dump, programs: [path.join(postgresBinaries(cache, major, announce), 'bin'), ...programs] };
}

/** What arrived in the bucket: by the line from which CloudWatch takes the metrics. */
export async function arrived(rehearsal: Rehearsal, dump: DumpTask, run: DumpRun) {
  const said = run.lines.slice(-3).join(' / ');
  const ended = dump.containers.every(({ name }) => run.exitCodes.get(name) === 0);
  expect(ended, `${[...run.exitCodes].map(([name, code]) => `${name} ended with ${code}`).join(', ')}: ${said}`);
  const line = run.lines.find((each) => each.startsWith('{"_aws":'));
  expect(line !== undefined, `the upload reports no metrics: ${said}`);
  const metrics = JSON.parse(line);
  for (const { Name } of metrics._aws.CloudWatchMetrics[0].Metrics) {
    expect(Number.isFinite(metrics[Name]), `${Name} is ${metrics[Name]}`);
  }
  const [, bucket = '', key = ''] = /^s3:\/\/([^/]+)\/(.+)\/manifest\.json$/.exec(metrics.manifest) ?? [];
  expect(/^[\w/.-]+\/(daily|weekly|monthly)\/\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ$/.test(key), `the key is ${key}`);
  const text = await object(rehearsal, bucket, `${key}/manifest.json`);
  expect(sha256(text) === metrics.sha256, 'the manifest is another one than that of the metrics');
  const manifest: Manifest = JSON.parse(text.toString('utf8'));
  const rows = manifest.tables.reduce((sum, each) => sum + each.rows, 0);
  expect(rows === metrics.DumpRows && manifest.dumpBytes === metrics.DumpBytes, 'manifest and metrics disagree');
  return { manifest, bucket, key, metrics };
}

interface Stored {
  readonly bucket: string;
  readonly key: string;
  readonly manifest: Manifest;
}

/** Each file of the manifest lies in the bucket as it says, and nothing else does. */
async function expectWhole(rehearsal: Rehearsal, { bucket, key, manifest }: Stored): Promise<void> {
  const { version, startedAt, finishedAt, dumpBytes, files, extensions } = manifest;
  expect(version === 1 && startedAt <= finishedAt, `version ${version}, from ${startedAt} to ${finishedAt}`);
  expect(
    extensions.some(({ name }) => name === 'plpgsql'),
    'the manifest lacks the extensions',
  );
  expect(files.reduce((sum, { bytes }) => sum + bytes, 0) === dumpBytes, 'the sizes of the files are not their sum');
  for (const { name, bytes, sha256: expected } of files) {
    const stored = await object(rehearsal, bucket, `${key}/dump/${name}`);
    expect(stored.length === bytes && sha256(stored) === expected, `${name} is not what the manifest says`);
  }
  const names = (await rehearsal.doubles.keysOf(bucket)).filter((each) => each.startsWith(`${key}/`));
  expect(names.length === files.length + 1, `${names.length} objects for ${files.length} files and the manifest`);
}

/** The role of the task may neither read, list, copy nor delete what it has written, nor write elsewhere. */
async function expectOnlyWrites(props: DumpRunProps, bucket: string, key: string): Promise<void> {
  const attempts: readonly (readonly string[])[] = [
    ['aws', 's3api', 'get-object', '--bucket', bucket, '--key', key, 'copy'],
    ['aws', 's3api', 'head-object', '--bucket', bucket, '--key', key],
    ['aws', 's3api', 'list-objects-v2', '--bucket', bucket],
    ['aws', 's3api', 'delete-object', '--bucket', bucket, '--key', key],
    ['aws', 's3api', 'copy-object', '--bucket', bucket, '--key', `${key}.copy`, '--copy-source', `${bucket}/${key}`],
    ['aws', 's3api', 'put-object', '--bucket', bucket, '--key', 'elsewhere'],
  ];
  for (const words of attempts) {
    const { exitCodes, lines } = await runAsTask(props, words);
    const said = lines.join(' ');
    const isRefused = exitCodes.get('command') !== 0 && /AccessDenied|Forbidden|403/.test(said);
    expect(isRefused, `the role of the task may ${words[2]}: ${said.slice(0, 200)}`);
  }
}

/** Makes a table with a number of rows that is known, as the owner, for as long as something takes. */
async function filled(rehearsal: Rehearsal, during: () => Promise<void>): Promise<void> {
  const { postgres, database } = rehearsal;
  const run = (sql: string) => postgres?.query(database ?? 'postgres', (client) => client.query(sql));
  const owner = await postgres?.query(database ?? 'postgres', async (client) => {
    const { rows } = await client.query<{ name: string }>(
      'SELECT pg_get_userbyid(datdba) AS name FROM pg_database WHERE datname = current_database()',
    );
    return rows[0]?.name;
  });
  await run(`CREATE TABLE ${TABLE} AS SELECT n, E'a\\n\\\\.\\nb' AS text FROM generate_series(1, ${ROWS}) AS n`);
  await run(`ALTER TABLE ${TABLE} OWNER TO "${owner}"`);
  try {
    await during();
  } finally {
    await run(`DROP TABLE ${TABLE}`);
  }
}

async function keys(rehearsal: Rehearsal): Promise<string[]> {
  const all = await Promise.all(rehearsal.signed.buckets.map((bucket) => rehearsal.doubles.keysOf(bucket)));
  return all.flat().filter((key) => /\/(daily|weekly|monthly)\//.test(key));
}

/** What lies in the bucket, as the rehearsal itself sees it. */
export async function object(rehearsal: Rehearsal, bucket: string, key: string): Promise<Buffer> {
  const response = await behind(rehearsal, `${bucket}/${key}`);
  expect(response.ok, `${key} is not in the bucket: ${response.status}`);
  return Buffer.from(await response.arrayBuffer());
}

export function sha256(data: Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}
