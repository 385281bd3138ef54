import { Duration } from 'aws-cdk-lib';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { type AlarmProperties, isOn, type Sample } from '../../bench/aws/alarm';
import type { DatabaseDumpProps } from '../../constructs/dumps/database-dump';
import { ApplicationAlarms } from '../../constructs/monitoring/application-alarms';
import { templateOf, testStack } from '../support';
import { dumpIn } from './support';

const HOUR = 3600;
const DAY = 24 * HOUR;
const GIB = 2 ** 30;

/** The alarms on dumps by their ids, as the template has them. */
function alarmsOf(props: Partial<DatabaseDumpProps> = {}): {
  [id: string]: AlarmProperties & { [prop: string]: string };
} {
  const stack = testStack({ env: { account: '111122223333', region: 'eu-central-1' } });
  const databaseDump = dumpIn(stack, props);
  const { alarms } = new ApplicationAlarms(stack, 'Alarms', {
    topic: new Topic(stack, 'Topic'),
    databaseDump,
    dashboard: false,
  });
  const resources = templateOf(stack).findResources('AWS::CloudWatch::Alarm');
  return Object.fromEntries(
    alarms.map((alarm) => [alarm.node.id, resources[stack.getLogicalId(alarm.node.defaultChild as never)].Properties]),
  );
}

/** The database is there from some day on. */
function database(from: number, to: number): Sample[] {
  const minutes = Array.from({ length: (to - from) / 60 }, (_, minute) => from + minute * 60);
  return minutes.map((second) => ({ metric: 'CPUUtilization', second, value: 5 }));
}

/** What the upload says at its end. */
function dump(second: number, bytes: number, seconds = 600): Sample[] {
  return [
    { metric: 'DumpBytes', second, value: bytes },
    { metric: 'DumpSeconds', second, value: seconds },
  ];
}

const daily = (days: number, bytes = 8 * GIB) =>
  Array.from({ length: days }, (_, day) => dump(day * DAY + HOUR + 600, bytes)).flat();

const alarms = alarmsOf();
/** In which hours of a history an alarm is on. */
const hoursOn = (id: string, samples: Sample[], from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, hour) => from + hour).filter((hour) =>
    isOn(alarms[id], samples, hour * HOUR),
  );

test('a dump has four alarms, each with its section of the runbooks, and a fifth where S3 copies it', () => {
  expect(Object.keys(alarms)).toEqual(['DumpMissing', 'DumpShrank', 'DumpSlow', 'DumpFailed']);
  const sections = Object.values(alarms).map(({ AlarmDescription }) => AlarmDescription.split('#')[1]);
  expect(sections).toEqual(['dump-missing', 'dump-shrank', 'dump-slow', 'dump-failed']);
});

test('no alarm looks back further than CloudWatch does', () => {
  for (const { EvaluationPeriods, Period, Metrics } of Object.values(alarms)) {
    const period = Period ?? Metrics?.find(({ MetricStat }) => MetricStat)?.MetricStat?.Period;
    expect(EvaluationPeriods * Number(period)).toBeLessThanOrEqual(7 * DAY);
  }
});

describe('the alarm that no dump arrives', () => {
  test('is silent on a stack that is made, and while dumps arrive', () => {
    const samples = [...database(0, 5 * DAY), ...daily(5)];
    expect(hoursOn('DumpMissing', samples, 1, 5 * 24)).toEqual([]);
  });

  test('goes off 27 hours after the last dump, and is over when one arrives', () => {
    const samples = [...database(0, 5 * DAY), ...daily(2), ...dump(4 * DAY + HOUR + 600, GIB)];
    // The last one came in the second hour of the second day; 27 whole hours follow, and the next dump.
    const hours = hoursOn('DumpMissing', samples, 1, 5 * 24);
    expect([hours[0], hours[hours.length - 1]]).toEqual([24 + 2 + 27, 4 * 24 + 1]);
  });

  test('goes off where none ever came', () => {
    expect(hoursOn('DumpMissing', database(0, 2 * DAY), 1, 40)[0]).toBe(27);
  });

  test('is silent while the database is away: other alarms say so', () => {
    expect(hoursOn('DumpMissing', daily(1), 1, 72)).toEqual([]);
  });

  test('is none where no schedule is on', () => {
    expect(Object.keys(alarmsOf({ enabled: false }))).toEqual(['DumpShrank', 'DumpSlow', 'DumpFailed']);
  });

  test('waits as long as `maxAge` says', () => {
    expect(alarmsOf({ maxAge: Duration.hours(48) }).DumpMissing).toMatchObject({ EvaluationPeriods: 48 });
  });
});

describe('the alarm that dumps shrank', () => {
  const shrunk = (bytes: number) => [...daily(3), ...dump(3 * DAY + HOUR + 600, bytes)];

  test('is silent while they grow and shrink a little', () => {
    const samples = [8, 9, 7, 5, 6].flatMap((gib, day) => dump(day * DAY + HOUR, gib * GIB));
    expect(hoursOn('DumpShrank', samples, 1, 6 * 24)).toEqual([]);
  });

  test('goes off when one has less than half of the size, and stays on until the larger ones are a week old', () => {
    const hours = hoursOn('DumpShrank', shrunk(3.9 * GIB), 1, 12 * 24);
    expect(hours[0]).toBe(3 * 24 + 2);
    expect(hours[hours.length - 1]).toBe(2 * 24 + 1 + 7 * 24);
  });

  test('is silent at just half of the size', () => {
    expect(hoursOn('DumpShrank', shrunk(4 * GIB), 1, 6 * 24)).toEqual([]);
  });

  test('takes the smallest of an hour', () => {
    expect(hoursOn('DumpShrank', [...shrunk(8 * GIB), ...dump(3 * DAY + HOUR + 900, GIB)], 1, 4 * 24)[0]).toBe(74);
  });
});

describe('the alarm that a dump took too long', () => {
  test.each([
    ['goes off', 7201, [2]],
    ['is silent', 7200, []],
  ])('%s after %s seconds', (_, seconds, hours) => {
    expect(hoursOn('DumpSlow', dump(HOUR + 5, GIB, seconds), 1, 5)).toEqual(hours);
  });
});

describe('the alarm that a dump failed', () => {
  const letters = (minute: number, value: number) => ({
    metric: 'ApproximateNumberOfMessagesVisible',
    second: minute * 60,
    value,
  });

  test('goes off with each report that comes into the queue', () => {
    const samples = Array.from({ length: 120 }, (_, minute) =>
      letters(minute, [20, 80].filter((failed) => failed <= minute).length),
    );
    const on = Array.from({ length: 120 }, (_, minute) => minute).filter((minute) =>
      isOn(alarms.DumpFailed, samples, minute * 60),
    );
    expect(on).toEqual([21, 22, 23, 81, 82, 83]);
  });
});

test('the alarm that S3 could not copy goes off with each file that failed', () => {
  const stack = testStack();
  const replicaBucket = Bucket.fromBucketAttributes(stack, 'Replica', {
    bucketName: 'replica',
    region: 'eu-west-1',
    encryptionKey: Key.fromKeyArn(stack, 'Key', 'arn:aws:kms:eu-west-1:111122223333:key/1'),
  });
  const { DumpCopyFailed } = alarmsOf({ replicaBucket });
  const failed = { metric: 'OperationsFailedReplication', second: 700, value: 1 };
  expect(isOn(DumpCopyFailed, [failed], 900)).toBe(true);
  expect(isOn(DumpCopyFailed, [{ ...failed, value: 0 }], 900)).toBe(false);
  expect(isOn(DumpCopyFailed, [], 900)).toBe(false);
});
