import { type AlarmProperties, isOn, type Sample } from '../../bench/aws/alarm';
import { type Check, expect } from '../../rehearsal/checks/check';
import { DRILL_FAILED, DRILLED } from '../../rehearsal/checks/names';
import { arrived, propsOf, sha256 } from '../../rehearsal/dumps/checks';
import { corrupt, expectFailed, largest, newest, provenBy } from '../../rehearsal/dumps/drill-checks';
import { type Files, type Place, readDump, removeDump, whilePlanted } from '../../rehearsal/dumps/objects';
import { type DumpRun, type DumpRunProps, reportedTo, runDump } from '../../rehearsal/dumps/run-dump';
import type { Rehearsal } from '../../rehearsal/rehearsal';

const HOUR = 3600;
const EMPTY = 'nothing_in_it';
/** Alarms on drills, by the end of their places in the construct tree. */
const [FAILED, MISSING] = ['DrillFailed', 'DrillMissing'];

/** A dump that is not what the database had, and what the drill says of it. */
interface Damage {
  readonly what: string;
  readonly says: RegExp;
  readonly files: (rehearsal: Rehearsal, whole: Files) => Promise<Files> | Files;
}

const DAMAGES: readonly Damage[] = [
  { what: 'corrupt', says: /a file is not what was uploaded/, files: (_, whole) => corrupt(whole) },
  { what: 'cut short on its way', says: /a file is not what was uploaded/, files: (_, whole) => truncated(whole) },
  {
    what: 'cut short before it was uploaded',
    says: /pg_restore: error/,
    files: (_, whole) => relisted(truncated(whole)),
  },
  { what: 'of an empty database', says: /the dump holds no table/, files: (rehearsal) => empty(rehearsal) },
];

/** That what a drill says, and what it does not say, is what the alarms of the template look at. */
export const alarmChecks: Check[] = [
  {
    name: 'drills: a proven dump is a metric, with which no alarm of the template is on',
    lane: 'dumps',
    needs: [DRILLED],
    after: [DRILL_FAILED],
    async run({ rehearsal }) {
      const [drill] = rehearsal.drills;
      const metrics = provenBy(await runDump(await propsOf(rehearsal, drill)), drill);
      const missing = alarmOf(rehearsal, MISSING);
      const [{ Namespace, Dimensions }] = metrics._aws.CloudWatchMetrics;
      const watched = missing.Metrics?.flatMap(({ MetricStat }) =>
        MetricStat?.Metric.MetricName === 'ProvenRows' ? [MetricStat.Metric as Watched] : [],
      );
      const said = { Namespace, Dimensions: [{ Name: Dimensions[0][0], Value: metrics.Drill }] };
      expect(
        JSON.stringify(watched?.map((each) => ({ Namespace: each.Namespace, Dimensions: each.Dimensions }))) ===
          JSON.stringify([said]),
        `the drill reports ${JSON.stringify(said)}, and the alarm looks at ${JSON.stringify(watched)}`,
      );
      const end = (missing.EvaluationPeriods + 2) * HOUR;
      const proven = { metric: 'ProvenRows', second: end - 1800, value: metrics.ProvenRows };
      expect(!isOn(missing, [...database(end), proven], end), `${MISSING} is on although a dump was just proven`);
      expect(isOn(missing, database(end), end), `${MISSING} is off although no dump was ever proven`);
      return `${metrics.ProvenRows} rows, ${missing.EvaluationPeriods} hours until ${MISSING}`;
    },
  },
  ...DAMAGES.map(
    (damage): Check => ({
      name: `drills: a dump that is ${damage.what} is not proven, and the alarm of the template goes off`,
      lane: 'dumps',
      needs: [DRILLED],
      after: [DRILL_FAILED],
      async run({ rehearsal }) {
        const place = await newest(rehearsal);
        const files = await damage.files(rehearsal, await readDump(rehearsal, place));
        const props = await propsOf(rehearsal, rehearsal.drills[0]);
        const run = await whilePlanted(rehearsal, place, files, () => runDump(props));
        expectFailed(run, 'restore', damage.says);
        return expectAlarm(rehearsal, props, run);
      },
    }),
  ),
];

/** The report of a failure lands in the queue that the alarm watches, and the alarm goes off with it. */
async function expectAlarm(rehearsal: Rehearsal, { dump }: DumpRunProps, run: DumpRun): Promise<string> {
  const { doubles, intrinsics } = rehearsal;
  const alarm = alarmOf(rehearsal, FAILED);
  const [arn, ...others] = reportedTo(rehearsal, dump, run.exitCodes);
  expect(arn !== undefined && others.length === 0, `${others.length + (arn === undefined ? 0 : 1)} queues are told`);
  const queue = [...rehearsal.queues.values()].find((each) => each.arn === arn);
  expect(queue !== undefined, `the template has no queue ${arn}`);
  const name = arn.split(':').pop();
  const watched = JSON.stringify(intrinsics.resolve(alarm));
  expect(watched.includes(`"Name":"QueueName","Value":"${name}"`), `the alarm does not watch ${name}: ${watched}`);
  const before = (await doubles.depth(queue.url)).visible;
  await doubles.sqs('SendMessage', { QueueUrl: queue.url, MessageBody: JSON.stringify([...run.exitCodes]) });
  const after = (await doubles.depth(queue.url)).visible;
  expect(after === before + 1, `${after} reports where ${before} were`);
  const samples: Sample[] = Array.from({ length: 20 }, (_, minute) => ({
    metric: 'ApproximateNumberOfMessagesVisible',
    second: minute * 60,
    value: minute < 10 ? before : after,
  }));
  // From where there are enough periods before it.
  const seconds = samples.slice(5).map(({ second }) => second);
  const on = seconds.filter((second) => isOn(alarm, samples, second + 60));
  expect(on[0] === 600, `${FAILED} is on ${on.length === 0 ? 'at no time' : `from minute ${on[0] / 60}`}`);
  return `${run.lines.filter((line) => !line.startsWith('{')).pop()}`;
}

interface Watched {
  readonly MetricName: string;
  readonly Namespace?: string;
  readonly Dimensions?: unknown;
}

function alarmOf({ intrinsics }: Rehearsal, name: string): AlarmProperties {
  const found = intrinsics
    .created('AWS::CloudWatch::Alarm')
    .find(({ resource }) => String(resource.Metadata?.['aws:cdk:path']).split('/').includes(name));
  expect(found !== undefined, `the template has no alarm ${name}`);
  return intrinsics.properties(found.resource) as AlarmProperties;
}

/** The database is there all the time. */
function database(end: number): Sample[] {
  return Array.from({ length: end / 60 }, (_, minute) => ({ metric: 'CPUUtilization', second: minute * 60, value: 5 }));
}

function truncated(files: Files): Files {
  const [name, body] = largest(files);
  return new Map([...files, [name, body.subarray(0, Math.floor(body.length / 2))]]);
}

/** With a manifest that agrees with its files: what was wrong was so before the upload. */
function relisted(files: Files): Files {
  const manifest = JSON.parse(String(files.get('manifest.json')));
  for (const each of manifest.files) {
    const body = files.get(`dump/${each.name}`) ?? Buffer.alloc(0);
    Object.assign(each, { bytes: body.length, sha256: sha256(body) });
  }
  return new Map([...files, ['manifest.json', Buffer.from(JSON.stringify(manifest))]]);
}

/** What the task of the template dumps of a database without a table. */
async function empty(rehearsal: Rehearsal): Promise<Files> {
  const { postgres, database: name } = rehearsal;
  const sql = (statement: string) => postgres?.query('postgres', (client) => client.query(statement));
  const owner = await postgres?.query('postgres', (client) =>
    client.query('SELECT pg_get_userbyid(datdba) AS name FROM pg_database WHERE datname = $1', [name]),
  );
  await sql(`CREATE DATABASE ${EMPTY} OWNER "${owner?.rows[0].name}"`);
  let place: Place | undefined;
  try {
    const [dump] = rehearsal.dumps;
    const props = await propsOf(rehearsal, dump);
    const run = await runDump({ ...props, environment: { dump: { PGDATABASE: EMPTY } } });
    place = await arrived(rehearsal, dump, run);
    return await readDump(rehearsal, place);
  } finally {
    await sql(`DROP DATABASE ${EMPTY}`);
    if (place !== undefined) {
      await removeDump(rehearsal, place);
    }
  }
}
