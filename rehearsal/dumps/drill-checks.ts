import { type Check, type CheckContext, expect } from '../checks/check';
import { DRILL_FAILED, DRILLED, DUMP_FAILED, DUMPED } from '../checks/names';
import type { Rehearsal } from '../rehearsal';
import { object, propsOf } from './checks';
import type { DumpTask } from './dump-task';
import { type Files, type Place, readDump, whilePlanted } from './objects';
import { type DumpRun, type DumpRunProps, reportedTo, runAsTask, runDump } from './run-dump';

const applies = ({ rehearsal }: CheckContext) =>
  rehearsal.drills.length > 0 && rehearsal.postgres !== undefined && rehearsal.props.engine === undefined;
const OF_DRILLS = { lane: 'dumps', needs: [DUMPED], about: 'drills of dumps, without a container engine', applies };
/** What every drill says on one line, from which CloudWatch takes its metrics. */
const METRICS = '{"_aws":';

/** That the task of a drill does what its template says, with nothing but the right to read. */
export const drillChecks: Check[] = [
  {
    ...OF_DRILLS,
    name: DRILLED,
    after: [DUMP_FAILED],
    async run({ rehearsal }) {
      const [drill] = rehearsal.drills;
      const props = await propsOf(rehearsal, drill);
      const run = await runDump(props);
      const metrics = provenBy(run, drill);
      const place = await newest(rehearsal);
      const manifest = JSON.parse(String(await object(rehearsal, place.bucket, `${place.key}/manifest.json`)));
      const rows = manifest.tables.reduce((sum: number, each: { rows: number }) => sum + each.rows, 0);
      expect(metrics.proven === place.key, `${metrics.proven} was proven, and the newest dump is ${place.key}`);
      expect(metrics.ProvenRows === rows && rows > 0, `${metrics.ProvenRows} rows were proven of ${rows}`);
      for (const command of ['migrate --noinput', 'migrate --check']) {
        expect(
          run.lines.some((line) => line.startsWith('drill: ') && line.endsWith(command)),
          `${command} did not run`,
        );
      }
      await expectOnlyReads(props, place);
      return `${drill.containers.map(({ name }) => name).join(', ')}; ${metrics.ProvenRows} rows`;
    },
  },
  {
    ...OF_DRILLS,
    name: DRILL_FAILED,
    after: [DRILLED],
    async run({ rehearsal }) {
      const [drill] = rehearsal.drills;
      const props = await propsOf(rehearsal, drill);
      const place = await newest(rehearsal);
      const damaged = corrupt(await readDump(rehearsal, place));
      const run = await whilePlanted(rehearsal, place, damaged, () => runDump(props));
      expectFailed(run, 'restore', /a file is not what was uploaded/);
      expect(
        reportedTo(rehearsal, drill, run.exitCodes).length > 0,
        'no event rule of the template reports it to a queue',
      );
      return undefined;
    },
  },
];

/** The metrics of a drill that went well. */
export function provenBy(run: DumpRun, { containers }: DumpTask) {
  const said = run.lines.slice(-4).join(' / ');
  const waited = new Set(containers.flatMap(({ healthCheck, name }) => (healthCheck === undefined ? [] : [name])));
  const ended = containers.filter(({ name }) => !waited.has(name)).map(({ name }) => run.exitCodes.get(name));
  expect(
    ended.every((code) => code === 0),
    `${[...run.exitCodes].map(([name, code]) => `${name} ended with ${code}`).join(', ')}: ${said}`,
  );
  const lines = run.lines.filter((line) => line.startsWith(METRICS));
  expect(lines.length === 1, `${lines.length} lines with metrics: ${said}`);
  const metrics = JSON.parse(lines[0]);
  for (const { Name } of metrics._aws.CloudWatchMetrics[0].Metrics) {
    expect(Number.isFinite(metrics[Name]), `${Name} is ${metrics[Name]}`);
  }
  return metrics;
}

/** That a drill ended in a container that gives a reason, and claimed nothing. */
export function expectFailed(run: DumpRun, container: string, says: RegExp): void {
  const said = run.lines.slice(-4).join(' / ');
  const failed = [...run.exitCodes].filter(([, code]) => code !== 0).map(([name]) => name);
  expect(failed.join() === container, `${failed.join() || 'nothing'} failed: ${said}`);
  expect(
    run.lines.some((line) => says.test(line)),
    `it does not say ${says.source}: ${said}`,
  );
  expect(!run.lines.some((line) => line.startsWith(METRICS)), 'it reports metrics all the same');
}

/** The newest whole dump in the buckets of the template. */
export async function newest({ signed, doubles }: Rehearsal): Promise<Place> {
  const all = await Promise.all(
    signed.buckets.map(async (bucket) => (await doubles.keysOf(bucket)).map((key) => ({ bucket, key }))),
  );
  const found = all
    .flat()
    .flatMap(({ bucket, key }) => {
      const [, place, time] = /^(.*\/(?:daily|weekly|monthly)\/([^/]+))\/manifest\.json$/.exec(key) ?? [];
      return place === undefined ? [] : [{ bucket, key: place, time }];
    })
    .sort((one, other) => (one.time < other.time ? 1 : -1));
  expect(found.length > 0, 'there is no dump');
  return found[0];
}

/** With one bit of its largest file turned. */
export function corrupt(files: Files): Files {
  const [name, body] = largest(files);
  const turned = Buffer.from(body);
  turned[Math.floor(turned.length / 2)] ^= 1;
  return new Map([...files, [name, turned]]);
}

/** The file of a table that has most. */
export function largest(files: Files): readonly [string, Buffer] {
  const [found] = [...files]
    .filter(([name]) => name.endsWith('.gz'))
    .sort(([, one], [, other]) => other.length - one.length);
  return found;
}

/** The role of the task may read what is below the prefix of dumps, and list that alone. */
async function expectOnlyReads(props: DumpRunProps, { bucket, key }: Place): Promise<void> {
  const object = ['--bucket', bucket, '--key'];
  const manifest = `${key}/manifest.json`;
  const [prefix] = key.split('/');
  const allowed = await runAsTask(props, [
    'aws',
    's3api',
    'list-objects-v2',
    '--bucket',
    bucket,
    '--prefix',
    `${prefix}/`,
  ]);
  expect(allowed.exitCodes.get('command') === 0, `it may not list: ${allowed.lines.join(' ').slice(0, 200)}`);
  const attempts: readonly (readonly string[])[] = [
    ['put-object', ...object, `${key}/more`],
    ['delete-object', ...object, manifest],
    ['copy-object', ...object, `${key}.copy`, '--copy-source', `${bucket}/${manifest}`],
    ['get-object', ...object, 'elsewhere', 'copy'],
    ['list-objects-v2', '--bucket', bucket],
  ];
  for (const [action, ...words] of attempts) {
    const { exitCodes, lines } = await runAsTask(props, ['aws', 's3api', action, ...words]);
    const said = lines.join(' ');
    const isRefused = exitCodes.get('command') !== 0 && /AccessDenied|Forbidden|403/.test(said);
    expect(isRefused, `the role of the drill may ${action}: ${said.slice(0, 200)}`);
  }
}
