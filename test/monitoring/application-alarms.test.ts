import { Duration, Size, type Stack } from 'aws-cdk-lib';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { Cluster, ContainerImage } from 'aws-cdk-lib/aws-ecs';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { DatabaseInstance } from 'aws-cdk-lib/aws-rds';
import { ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { DatabaseBackup } from '../../constructs/backup/database-backup';
import { PostgresDatabase } from '../../constructs/database/postgres-database';
import { HttpsLoadBalancer } from '../../constructs/edge/https-load-balancer';
import { thresholdsOf } from '../../constructs/monitoring/alarm-thresholds';
import { ApplicationAlarms, type ApplicationAlarmsProps } from '../../constructs/monitoring/application-alarms';
import { AsgiService } from '../../constructs/processes/asgi-service';
import { BeatService } from '../../constructs/processes/beat-service';
import { ScheduledCommand } from '../../constructs/processes/scheduled-command';
import { WebService } from '../../constructs/processes/web-service';
import { WorkerService } from '../../constructs/processes/worker-service';
import { CeleryBroker } from '../../constructs/queues/celery-broker';
import { TaskQueue } from '../../constructs/queues/task-queue';
import { SecretKey } from '../../constructs/secrets/secret-key';
import { SecretRefresh } from '../../constructs/secrets/secret-refresh';
import { errorOf, Match, only, type Template, templateOf, testStack, testVpc } from '../support';
import { type AlarmProperties, minutesInAlarm, type World } from './alarm-simulator';

const ALARM = 'AWS::CloudWatch::Alarm';

/** A whole application, as the production example has it. */
function application(stack: Stack) {
  const vpc = testVpc(stack);
  const cluster = new Cluster(stack, 'Cluster', { vpc });
  const certificate = Certificate.fromCertificateArn(
    stack,
    'Certificate',
    'arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012',
  );
  const loadBalancer = new HttpsLoadBalancer(stack, 'LoadBalancer', {
    vpc,
    domainNames: ['shop.example.com'],
    certificate,
  });
  const broker = new CeleryBroker(stack, 'Broker', {
    queues: { default: {}, express: { taskTimeLimit: Duration.seconds(4) } },
  });
  const process = {
    cluster,
    image: ContainerImage.fromRegistry('public.ecr.aws/docker/library/python:3.13'),
    settingsModule: 'config.settings',
    logGroup: new LogGroup(stack, 'Logs'),
  };
  const routed = { ...process, loadBalancer };
  const web = new WebService(stack, 'Web', routed);
  const asgi = new AsgiService(stack, 'Asgi', { ...routed, minCapacity: 1 });
  const worker = new WorkerService(stack, 'Worker', { ...process, broker, queueNames: ['default'] });
  const express = new WorkerService(stack, 'Express', { ...process, broker, queueNames: ['express'], minCapacity: 2 });
  const beat = new BeatService(stack, 'Beat', { ...process, broker });
  const database = new PostgresDatabase(stack, 'Database', { vpc });
  const command = new ScheduledCommand(stack, 'ClearSessions', {
    ...process,
    command: ['python', 'manage.py', 'clearsessions'],
    schedule: ScheduleExpression.cron({ minute: '30', hour: '3' }),
  });
  const backup = new DatabaseBackup(stack, 'Backup', { database, vpc });
  return {
    vpc,
    cluster,
    certificate,
    loadBalancer,
    broker,
    process,
    web,
    asgi,
    worker,
    express,
    beat,
    database,
    command,
    backup,
  };
}

/** What watches that application. */
function everything(stack: Stack, given: Partial<ApplicationAlarmsProps> = {}) {
  const made = application(stack);
  const topic = new Topic(stack, 'Topic');
  const alarms = new ApplicationAlarms(stack, 'Alarms', {
    topic,
    cluster: made.cluster,
    loadBalancer: made.loadBalancer,
    loadBalancedServices: [made.web, made.asgi],
    services: [made.web, made.asgi, made.worker, made.express, made.beat],
    database: made.database,
    broker: made.broker,
    scheduledCommands: [made.command],
    backup: made.backup,
    ...given,
  });
  return { ...made, topic, alarms };
}

interface AlarmResource {
  readonly AlarmDescription: string;
  readonly Threshold: number;
  readonly Dimensions?: { Name: string; Value: unknown }[];
  readonly Metrics?: { Expression?: string }[];
  readonly [name: string]: unknown;
}

/** The alarm whose description begins with these words. */
function alarmOn(template: Template, subject: string, section: string): AlarmResource {
  const found = all(template).filter(
    ({ AlarmDescription: text }) => text.startsWith(`${subject}: `) && text.endsWith(`docs/runbooks.md#${section}`),
  );
  // Some sections of the runbooks are for two alarms: the first one of a subject is meant.
  expect(found.length).toBeGreaterThanOrEqual(1);
  expect(found.length).toBeLessThanOrEqual(2);
  return found[0];
}

/** The alarm on a subject whose id has a word in it. */
function alarmCalled(template: Template, subject: string, name: string): AlarmResource {
  const found = Object.entries(template.findResources(ALARM)).filter(
    ([id, { Properties }]) => id.includes(name) && Properties.AlarmDescription.startsWith(`${subject}: `),
  );
  expect(found).toHaveLength(1);
  return found[0][1].Properties;
}

function all(template: Template): AlarmResource[] {
  return Object.entries(template.findResources(ALARM))
    .filter(([id]) => id.startsWith('Alarms'))
    .map(([, { Properties }]) => Properties);
}

test.each<[number | undefined, number, string]>([
  [81, 36, 'an instance of 1 GiB'],
  [1_700, 100, 'a large one'],
  [undefined, 100, 'one whose class is not known'],
])('with %s connections, less than %i MiB of free memory are little: %s', (maxConnections, mebibytes) => {
  expect(thresholdsOf({}, maxConnections).databaseFreeableMemory.toMebibytes()).toBe(mebibytes);
  const own = { databaseFreeableMemory: Size.mebibytes(200) };
  expect(thresholdsOf(own, maxConnections).databaseFreeableMemory.toMebibytes()).toBe(200);
});

describe('a whole application', () => {
  const stack = testStack();
  const { alarms, topic, web, worker, database, cluster, broker } = everything(stack);
  const template = templateOf(stack);
  const alarm = (subject: string, section: string) => alarmOn(template, `Shop/${subject}`, section);

  test('takes few alarms, so that the stack stays small', () => {
    expect(all(template)).toHaveLength(35);
    expect(alarms.alarms).toHaveLength(35);
  });

  test('tells the topic when an alarm goes off and when it is over', () => {
    for (const { AlarmActions, OKActions } of all(template)) {
      expect(AlarmActions).toEqual([stack.resolve(topic.topicArn)]);
      expect(OKActions).toEqual([stack.resolve(topic.topicArn)]);
    }
  });

  test('says in each alarm what happened, to what, and where to read on', () => {
    for (const { AlarmDescription } of all(template)) {
      expect(AlarmDescription).toMatch(
        /^Shop\S*: .+\. What to do: https:\/\/github\.com\/cdk-django-fargate\/cdk-django-fargate\/blob\/v\d+\.\d+\.\d+\/docs\/runbooks\.md#[a-z-]+$/,
      );
      expect(AlarmDescription.length).toBeLessThan(1024);
    }
  });

  test('decides in each alarm what missing data means', () => {
    for (const { TreatMissingData } of all(template)) {
      expect(['breaching', 'notBreaching', 'missing']).toContain(TreatMissingData);
    }
  });

  test('counts errors of the load balancer and of Django against all requests, though CloudWatch publishes no zeros', () => {
    const { Metrics, Threshold, DatapointsToAlarm, EvaluationPeriods } = alarm('LoadBalancer', 'server-errors');
    const expressions = Metrics?.flatMap(({ Expression }) => Expression ?? []);
    expect(expressions).toEqual([
      'IF(FILL(requests, 0) + elb > 20, 100 * (elb + FILL(tasks, 0)) / (FILL(requests, 0) + elb), 0)',
      'FILL(failed, 0) + FILL(gateway, 0) + FILL(unavailable, 0) + FILL(late, 0)',
    ]);
    expect([Threshold, DatapointsToAlarm, EvaluationPeriods]).toEqual([2, 3, 5]);
  });

  test('watches healthy tasks of services behind the load balancer', () => {
    const { Dimensions, Threshold, TreatMissingData, MetricName } = alarm('Web', 'too-few-healthy-tasks');
    expect([MetricName, Threshold, TreatMissingData]).toEqual(['HealthyHostCount', web.minCapacity, 'breaching']);
    expect(Dimensions).toContainEqual({
      Name: 'TargetGroup',
      Value: stack.resolve(web.targetGroup.targetGroupFullName),
    });
    expect(alarm('Web', 'no-healthy-task').Threshold).toBe(1);
  });

  test('does not ask twice for the one task of a service behind the load balancer', () => {
    const sections = all(template).filter(({ AlarmDescription: text }) => text.startsWith('Shop/Asgi: '));
    expect(sections).toHaveLength(3);
  });

  test('counts running tasks of the other services, each against its own minimum', () => {
    const { Namespace, MetricName, Statistic, Period, Dimensions, Threshold } = alarm('Worker', 'tasks-missing');
    expect([Namespace, MetricName, Statistic, Period]).toEqual(['AWS/ECS', 'CPUUtilization', 'SampleCount', 60]);
    expect(Threshold).toBe(1);
    expect(Dimensions).toContainEqual({ Name: 'ServiceName', Value: stack.resolve(worker.service.serviceName) });
    expect(alarm('Express', 'tasks-missing').Threshold).toBe(2);
    expect(alarm('Beat', 'tasks-missing').Threshold).toBe(1);
  });

  test('misses tasks after five minutes without enough samples, and not for a sample that one minute lacks', () => {
    const samples = [2, 2, 1, 2, 2, 1, 1, 1, 1, 1, 2, undefined, undefined, undefined, undefined, undefined, 2];
    const world: World = (_, minute) => samples[minute];
    const missing = alarm('Express', 'tasks-missing') as unknown as AlarmProperties;
    expect(minutesInAlarm(missing, world, samples.length)).toEqual([9, 15]);
  });

  test('lets a task be as old as it may take and wait', () => {
    expect(alarm('Broker/default', 'oldest-task').Threshold).toBe(25 * 60 + 5 * 60);
    expect(alarm('Broker/express', 'oldest-task').Threshold).toBe(4 + 5 * 60);
  });

  test('looks into the dead-letter queue of each queue', () => {
    const { Metrics, Threshold } = alarm('Broker/default', 'dead-letters');
    expect(JSON.stringify(Metrics)).toContain(
      JSON.stringify(stack.resolve(broker.queues.default.deadLetterQueue?.queueName)),
    );
    expect(Threshold).toBe(0);
  });

  test('tells of each new letter for three minutes, whatever lies in the queue', () => {
    const letters = [0, 1, 1, 1, 1, 3, 3, 3, 0, 0, 1, 1, 1];
    const on = [1, 2, 3, 5, 6, 7, 10, 11, 12];
    const world: World = (_, minute) => letters[minute];
    const dead = alarm('Broker/default', 'dead-letters') as unknown as AlarmProperties;
    expect(minutesInAlarm(dead, world, letters.length)).toEqual(on);
    const schedule = alarmCalled(template, 'Shop/ClearSessions', 'Failed') as unknown as AlarmProperties;
    expect(minutesInAlarm(schedule, world, letters.length)).toEqual(on);
    // Where CloudWatch has no data of the newest minute when it looks.
    expect(minutesInAlarm(dead, world, letters.length, 1)).toEqual([2, 3, 6, 7, 11, 12]);
  });

  test('sees a queue of which nothing is done within ten minutes, and none whose workers are at work', () => {
    const world =
      (done: number, held: number): World =>
      ({ name }) =>
        ({ NumberOfMessagesDeleted: done, ApproximateNumberOfMessagesNotVisible: held })[name] ?? 3;
    const long = alarmCalled(template, 'Shop/Broker/default', 'QueueStuck') as unknown as AlarmProperties;
    const short = alarmCalled(template, 'Shop/Broker/express', 'QueueStuck') as unknown as AlarmProperties;
    for (const stuck of [long, short]) {
      expect(minutesInAlarm(stuck, world(0, 0), 20)[0]).toBe(8);
      expect(minutesInAlarm(stuck, world(1, 0), 20)).toEqual([]);
      expect(minutesInAlarm(stuck, world(0, 0), 20, 1)[0]).toBeLessThan(10);
    }
    expect(minutesInAlarm(long, world(0, 1), 20)).toEqual([]); // A task of 25 minutes.
    expect(minutesInAlarm(short, world(0, 1), 20)[0]).toBe(8); // A task of four seconds hangs.
  });

  test('sees errors where there are few requests', () => {
    const few = alarmCalled(template, 'Shop/LoadBalancer', 'FewAnswers') as unknown as AlarmProperties;
    const world =
      (requests: number, errors: number): World =>
      ({ name }) =>
        ({ RequestCount: requests, HTTPCode_Target_5XX_Count: errors })[name];
    expect(minutesInAlarm(few, world(2, 1), 10)).toEqual([4, 9]);
    expect(minutesInAlarm(few, world(3, 1), 10)).toEqual([]); // A third.
    expect(minutesInAlarm(few, world(0.8, 0.8), 10)).toEqual([]); // Four in five minutes.
  });

  test('makes no alarm that goes off without data before the service that gives it some', () => {
    const services = Object.keys(template.findResources('AWS::ECS::Service'));
    const breaching = Object.entries(template.findResources(ALARM)).filter(
      ([id, { Properties }]) => id.includes('Task') && Properties.TreatMissingData === 'breaching',
    );
    expect(breaching.length).toBeGreaterThanOrEqual(5);
    for (const [, { DependsOn }] of breaching) {
      expect([DependsOn].flat().some((id: string) => services.includes(id))).toBe(true);
    }
  });

  test('watches the database, its connections against what its class allows', () => {
    const { Dimensions, Threshold } = alarm('Database', 'database-connections');
    expect(Threshold).toBe(Math.floor(0.8 * Number(database.maxConnections)));
    expect(Dimensions).toEqual([
      { Name: 'DBInstanceIdentifier', Value: stack.resolve(database.instance?.instanceIdentifier) },
    ]);
    expect(alarm('Database', 'database-credits').Threshold).toBe(20);
  });

  test.each([
    [true, 1],
    [false, 0],
    [undefined, 0],
  ])('watches CPU credits of a database elsewhere only where it says that it is burstable: %s', (burstable, count) => {
    const other = testStack();
    const database = PostgresDatabase.fromPostgresDatabaseAttributes(other, 'Elsewhere', {
      instance: DatabaseInstance.fromDatabaseInstanceAttributes(other, 'Instance', {
        instanceIdentifier: 'shared',
        instanceEndpointAddress: 'shared.example.com',
        port: 15432,
        securityGroups: [],
      }),
      applicationSecret: new Secret(other, 'Secret'),
      burstable,
    });
    new ApplicationAlarms(other, 'Alarms', { topic: new Topic(other, 'Topic'), database });
    const credits = all(templateOf(other)).filter(({ MetricName }) => MetricName === 'CPUCreditBalance');
    expect(credits).toHaveLength(count);
  });

  test('sees a read replica that is ten minutes behind or away, and none of an instance that writes nothing', () => {
    const other = testStack();
    const replicated = new PostgresDatabase(other, 'Database', { vpc: testVpc(other), readReplicas: 2 });
    new ApplicationAlarms(other, 'Alarms', { topic: new Topic(other, 'Topic'), database: replicated });
    const made = templateOf(other);
    const [one, second] = [1, 2].map((number) => alarmOn(made, `Shop/Database/Replica${number}`, 'replica-lag'));
    expect([one, second].map(({ Dimensions }) => Dimensions)).toEqual(
      replicated.readReplicas.map(({ instanceIdentifier }) => [
        { Name: 'DBInstanceIdentifier', Value: other.resolve(instanceIdentifier) },
      ]),
    );
    const lagging: World = ({ name }, minute) => (name === 'ReplicaLag' ? minute * 60 : undefined);
    expect(minutesInAlarm(one as unknown as AlarmProperties, lagging, 20)).toEqual([15, 16, 17, 18, 19]);
    const idle: World = (_, minute) => (minute % 6) * 60;
    expect(minutesInAlarm(one as unknown as AlarmProperties, idle, 60)).toEqual([]);
    const away: World = (_, minute) => (minute < 5 ? 0 : undefined);
    expect(minutesInAlarm(one as unknown as AlarmProperties, away, 12)[0]).toBe(9);
    expect(JSON.stringify(only(made, 'AWS::CloudWatch::Dashboard').resource)).toContain(
      'Read replicas: seconds behind',
    );
  });

  test('asks for a backup every other day, once the database is two days old', () => {
    const missing = alarm('Backup', 'backup-missing') as unknown as AlarmProperties;
    const day = 24 * 60;
    /** Made at noon of the first day; a backup at five of each morning that is listed. */
    const world =
      (mornings: number[]): World =>
      ({ name }, minute) => {
        if (name === 'CPUUtilization') {
          return minute < day / 2 ? undefined : 1; // One sample a minute.
        }
        return mornings.some((morning) => minute === morning * day + 5 * 60) ? 1 : undefined;
      };
    const days = (mornings: number[]) =>
      minutesInAlarm(missing, world(mornings), 7 * day).map((minute) => Math.floor(minute / day));
    expect(days([1, 2, 3, 4, 5, 6])).toEqual([]);
    expect(days([])).toEqual([2, 3, 4, 5, 6]);
    expect(days([1, 2])).toEqual([4, 5, 6]);
  });

  test('asks for a proven restore within the schedule, and notices that nobody counts the days', () => {
    const stale = alarm('Backup', 'restore-not-proven') as unknown as AlarmProperties;
    const day = 24 * 60;
    /** A database of long ago. At six, twelve, and so on, somebody says how many days ago the last proof was. */
    const days = (age: (day: number) => number | undefined) => {
      const world: World = ({ name }, minute) => {
        if (name === 'CPUUtilization') {
          return 1;
        }
        return minute % (6 * 60) === 0 ? age(Math.floor(minute / day)) : undefined;
      };
      return minutesInAlarm(stale, world, 40 * day).map((minute) => Math.floor(minute / day));
    };
    expect(stale.Threshold).toBe(34);
    expect(days((today) => today % 31)).toEqual([]);
    expect(days((today) => today)).toEqual([36, 37, 38, 39]);
    expect(days((today) => (today < 35 ? 0 : undefined))).toEqual([36, 37, 38, 39]);
    expect(days((today) => (today === 20 ? undefined : 0))).toEqual([]);
  });

  test('tells at once of a restore without its data', () => {
    const failed = alarm('Backup', 'restore-failed') as unknown as AlarmProperties;
    const world: World = ({ name }, minute) => (name === 'FailedRestoreValidations' && minute === 130 ? 1 : undefined);
    expect(minutesInAlarm(failed, world, 300)).toEqual([179]);
    expect(minutesInAlarm(failed, () => undefined, 300)).toEqual([]);
  });

  test('takes the certificate from the load balancer', () => {
    expect(alarm('Certificate', 'certificate-expiry').Threshold).toBe(30);
  });

  test('counts errors in the one log group of all processes once', () => {
    const { resource } = only(template, 'AWS::Logs::MetricFilter');
    const [{ MetricName, MetricNamespace }] = resource.Properties.MetricTransformations;
    expect(resource.Properties.FilterPattern).toBe('{ ($.levelname = "ERROR") || ($.levelname = "CRITICAL") }');
    expect(alarmOn(template, 'Shop', 'application-errors')).toMatchObject({
      MetricName,
      Namespace: MetricNamespace,
      Threshold: 10,
      Period: 300,
    });
  });

  test('reports failed deployments of the services of the cluster', () => {
    template.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: {
        'detail-type': ['ECS Deployment State Change'],
        detail: { eventName: ['SERVICE_DEPLOYMENT_FAILED'] },
        resources: [
          { prefix: { 'Fn::Join': ['', Match.arrayWith([':service/', stack.resolve(cluster.clusterName), '/'])] } },
        ],
      },
      Targets: [Match.objectLike({ Arn: stack.resolve(topic.topicArn) })],
    });
  });

  test('reports tasks that crash or cannot start, and not those that ECS stops', () => {
    template.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: {
        'detail-type': ['ECS Task State Change'],
        detail: {
          clusterArn: [stack.resolve(cluster.clusterArn)],
          lastStatus: ['STOPPED'],
          stopCode: ['EssentialContainerExited', 'TaskFailedToStart'],
          group: [{ prefix: 'service:' }],
        },
      },
    });
  });

  test('tells of events in a sentence with a link', () => {
    for (const { Properties } of Object.values(template.findResources('AWS::Events::Rule'))) {
      const input = Properties.Targets[0].InputTransformer?.InputTemplate;
      if (Properties.Targets[0].Arn.Ref === stack.resolve(topic.topicArn).Ref) {
        expect(input).toMatch(/^"Shop\/Alarms: .+ What to do: https:\S+#[a-z-]+"$/);
      }
    }
  });

  test('leaves the policy of the topic alone', () => {
    template.resourceCountIs('AWS::SNS::TopicPolicy', 0);
  });

  test('draws a dashboard of at most 12 KB', () => {
    const { resource } = only(template, 'AWS::CloudWatch::Dashboard');
    expect(JSON.stringify(resource).length).toBeLessThan(12 * 1024);
    for (const title of ['Requests a minute', 'Errors a minute', 'Seconds to the answer', 'Running tasks']) {
      expect(JSON.stringify(resource)).toContain(title);
    }
  });

  test('draws the running tasks of each service, however long a time it shows', () => {
    const body = JSON.stringify(only(template, 'AWS::CloudWatch::Dashboard').resource);
    const lines = [...body.matchAll(/60 \* s(\d) \/ PERIOD\(s\1\)/g)].map(([, index]) => index);
    expect(lines).toEqual(['0', '1', '2', '3', '4']);
  });
});

describe('in a stack', () => {
  test('watches nothing when nothing is given, but still draws', () => {
    const stack = testStack();
    const alarms = new ApplicationAlarms(stack, 'Alarms', { topic: new Topic(stack, 'Topic') });
    expect([alarms.alarms, alarms.rules]).toEqual([[], []]);
    templateOf(stack).resourceCountIs('AWS::CloudWatch::Dashboard', 1);
  });

  test('draws nothing when told so', () => {
    const stack = testStack();
    const alarms = new ApplicationAlarms(stack, 'Alarms', { topic: new Topic(stack, 'Topic'), dashboard: false });
    expect(alarms.dashboard).toBeUndefined();
    templateOf(stack).resourceCountIs('AWS::CloudWatch::Dashboard', 0);
  });

  test('is the same with account and region as without, apart from them', () => {
    const ids = [testStack(), testStack({ env: { account: '123456789012', region: 'us-east-1' } })].map((stack) => {
      everything(stack);
      return Object.keys(templateOf(stack).findResources(ALARM));
    });
    expect(ids[0]).toEqual(ids[1]);
  });

  test('takes every threshold that is given', () => {
    const stack = testStack();
    const { database } = everything(stack, {
      thresholds: {
        serverErrorPercent: 5,
        responseTime: Duration.millis(500),
        cpuPercent: 70,
        memoryPercent: 75,
        waitingTime: Duration.hours(1),
        databaseCpuPercent: 60,
        databaseConnectionsPercent: 50,
        databaseFreeStorage: Size.gibibytes(10),
        databaseFreeableMemory: Size.mebibytes(512),
        applicationErrors: 3,
        certificateDays: 20,
      },
    });
    const template = templateOf(stack);
    const threshold = (subject: string, section: string) => alarmOn(template, subject, section).Threshold;
    expect(threshold('Shop/LoadBalancer', 'server-errors')).toBe(5);
    expect(threshold('Shop/Web', 'slow-answers')).toBe(0.5);
    expect(alarmOn(template, 'Shop/Web', 'saturated').Metrics?.[0].Expression).toBe(
      'IF(cpu / 70 > memory / 75, 100 * cpu / 70, 100 * memory / 75)',
    );
    expect(threshold('Shop/Worker', 'memory-high')).toBe(75);
    expect(threshold('Shop/Broker/default', 'oldest-task')).toBe(25 * 60 + 3600);
    expect(threshold('Shop/Database', 'database-cpu')).toBe(60);
    expect(threshold('Shop/Database', 'database-connections')).toBe(Math.floor(Number(database.maxConnections) / 2));
    expect(threshold('Shop/Database', 'database-storage')).toBe(10 * 1024 ** 3);
    expect(threshold('Shop/Database', 'database-memory')).toBe(512 * 1024 ** 2);
    expect(threshold('Shop', 'application-errors')).toBe(3);
    expect(threshold('Shop/Certificate', 'certificate-expiry')).toBe(20);
  });

  test('uses the documented thresholds otherwise', () => {
    const stack = testStack();
    everything(stack);
    const template = templateOf(stack);
    const threshold = (subject: string, section: string) => alarmOn(template, subject, section).Threshold;
    expect(threshold('Shop/Web', 'slow-answers')).toBe(2);
    expect(alarmOn(template, 'Shop/Web', 'saturated').Metrics?.[0].Expression).toContain('cpu / 85 > memory / 90');
    expect(threshold('Shop/Worker', 'memory-high')).toBe(90);
    expect(threshold('Shop/Database', 'database-cpu')).toBe(80);
    expect(threshold('Shop/Database', 'database-storage')).toBe(2 * 1024 ** 3);
    expect(threshold('Shop/Database', 'database-memory')).toBe(100 * 1024 ** 2);
  });

  test('watches a heartbeat and failed rotations when they are given', () => {
    const stack = testStack();
    const secret = new Secret(stack, 'Secret');
    new ApplicationAlarms(stack, 'Alarms', {
      topic: new Topic(stack, 'Topic'),
      heartbeat: new Metric({ namespace: 'Shop', metricName: 'Heartbeat' }),
      secrets: [secret],
    });
    const template = templateOf(stack);
    expect(alarmOn(template, 'Shop', 'heartbeat-missing')).toMatchObject({
      Period: 300,
      EvaluationPeriods: 2,
      Statistic: 'Sum',
      TreatMissingData: 'breaching',
    });
    template.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: {
        detail: {
          eventName: ['RotationFailed'],
          additionalEventData: { SecretId: [stack.resolve(secret.secretArn)] },
        },
      },
    });
  });

  test('watches what rotates secrets and what replaces tasks', () => {
    const stack = testStack();
    const { service } = application(stack).web;
    const secretKey = new SecretKey(stack, 'Rotating');
    const secretRefresh = new SecretRefresh(stack, 'Refresh', { secrets: [secretKey.secret], services: [service] });
    new ApplicationAlarms(stack, 'Alarms', {
      topic: new Topic(stack, 'Topic'),
      rotationFunctions: [secretKey.rotationFunction as IFunction],
      secretRefresh,
    });
    const template = templateOf(stack);
    const common = { Threshold: 0, ComparisonOperator: 'GreaterThanThreshold', TreatMissingData: 'notBreaching' };
    expect(alarmOn(template, 'Shop/Rotating/Rotation/Handler', 'rotation-errors')).toMatchObject({
      ...common,
      MetricName: 'Errors',
      Statistic: 'Sum',
      Dimensions: [{ Name: 'FunctionName', Value: stack.resolve(secretKey.rotationFunction?.functionName) }],
    });
    expect(alarmOn(template, 'Shop/Refresh', 'refresh-failed')).toMatchObject({
      ...common,
      MetricName: 'ApproximateNumberOfMessagesVisible',
      Dimensions: [{ Name: 'QueueName', Value: stack.resolve(secretRefresh.deadLetterQueue.queueName) }],
    });
    expect(alarmOn(template, 'Shop/Refresh', 'refresh-errors')).toMatchObject({ ...common, MetricName: 'Errors' });
  });

  test('counts errors in the log group of each service when each has its own', () => {
    const stack = testStack();
    const { process, loadBalancer } = application(stack);
    const routed = { ...process, logGroup: undefined, loadBalancer };
    const one = new WebService(stack, 'One', { ...routed, priority: 300, hostNames: ['one.example.com'] });
    const two = new WebService(stack, 'Two', { ...routed, priority: 301, hostNames: ['two.example.com'] });
    new ApplicationAlarms(stack, 'Alarms', { topic: new Topic(stack, 'Topic'), loadBalancedServices: [one, two] });
    const filters = Object.values(templateOf(stack).findResources('AWS::Logs::MetricFilter'));
    expect(filters.map(({ Properties }) => Properties.LogGroupName)).toEqual(
      [one, two].map(({ logGroup }) => stack.resolve(logGroup.logGroupName)),
    );
    expect(new Set(filters.map(({ Properties }) => Properties.MetricTransformations[0].MetricName)).size).toBe(1);
  });

  test('tells once of commands that share a queue for their failures', () => {
    const stack = testStack();
    const { process } = application(stack);
    const shared = new Queue(stack, 'Failures');
    const [first, second] = ['First', 'Second'].map(
      (id) =>
        new ScheduledCommand(stack, id, {
          ...process,
          command: ['true'],
          schedule: ScheduleExpression.rate(Duration.hours(1)),
          deadLetterQueue: shared,
        }),
    );
    const { alarms } = new ApplicationAlarms(stack, 'Alarms', {
      topic: new Topic(stack, 'Topic'),
      scheduledCommands: [first, second],
    });
    expect(alarms).toHaveLength(1);
  });

  test('leaves out of imported things what is not known of them', () => {
    const stack = testStack();
    const instance = DatabaseInstance.fromDatabaseInstanceAttributes(stack, 'Database', {
      instanceIdentifier: 'shop',
      instanceEndpointAddress: 'shop.example.com',
      port: 5432,
      securityGroups: [],
    });
    const queue = TaskQueue.fromTaskQueueAttributes(stack, 'Queue', {
      queue: Queue.fromQueueArn(stack, 'Imported', 'arn:aws:sqs:us-east-1:123456789012:tasks'),
      visibilityTimeout: Duration.minutes(30),
    });
    new ApplicationAlarms(stack, 'Alarms', {
      topic: Topic.fromTopicArn(stack, 'Topic', 'arn:aws:sns:us-east-1:123456789012:alarms'),
      database: PostgresDatabase.fromPostgresDatabaseAttributes(stack, 'Existing', {
        instance,
        applicationSecret: Secret.fromSecretNameV2(stack, 'Secret', 'shop'),
      }),
      broker: new CeleryBroker(stack, 'Broker', { existingQueues: { tasks: queue } }),
    });
    const sections = all(templateOf(stack)).map(({ AlarmDescription }) => AlarmDescription.split('#')[1]);
    expect(sections.sort()).toEqual([
      'database-cpu',
      'database-memory',
      'database-storage',
      'oldest-task',
      'oldest-task',
      'transaction-ids',
    ]);
  });

  test('fails when a threshold cannot be meant, naming all of them', () => {
    const stack = testStack();
    const message = errorOf(
      () =>
        new ApplicationAlarms(stack, 'Alarms', {
          topic: new Topic(stack, 'Topic'),
          thresholds: { cpuPercent: 850, responseTime: Duration.seconds(0), applicationErrors: 0.5 },
        }),
    );
    expect(message.split('\n')).toEqual(
      expect.arrayContaining([
        expect.stringContaining('Shop/Alarms: `thresholds.cpuPercent` must be a number from 1 to 99, got 850.'),
        expect.stringContaining(
          'Shop/Alarms: `thresholds.responseTime` must be from 0.05 to 4000 seconds, got 0 seconds.',
        ),
        expect.stringContaining(
          'Shop/Alarms: `thresholds.applicationErrors` must be a whole number at least 1, got 0.5.',
        ),
      ]),
    );
  });
});
