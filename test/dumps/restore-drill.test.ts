import { type App, Duration, Size, Stack } from 'aws-cdk-lib';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { HostedZone } from 'aws-cdk-lib/aws-route53';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { DjangoApplication } from '../../constructs/application/django-application';
import type { DjangoApplicationProps } from '../../constructs/application/django-application-props';
import { ofParts, resourcesIn } from '../../constructs/application/private/resource-limit';
import { Profile } from '../../constructs/core/profile';
import { DatabaseVariables } from '../../constructs/database/database-variables';
import type { IPostgresDatabase, PostgresDatabaseProps } from '../../constructs/database/postgres-database';
import { DatabaseDump } from '../../constructs/dumps/database-dump';
import { drillStorageOf } from '../../constructs/dumps/private/drill-storage';
import { RestoreDrill, type RestoreDrillProps } from '../../constructs/dumps/restore-drill';
import { ApplicationAlarms } from '../../constructs/monitoring/application-alarms';
import { complianceOf } from '../../scripts/compliance';
import { type AlarmProperties, minutesInAlarm, type World } from '../monitoring/alarm-simulator';
import { errorOf, Match, policiesOf, templateOf, testStack } from '../support';
import { beside } from './support';

function drillIn(
  stack: Stack,
  props: Partial<RestoreDrillProps> = {},
  ofDatabase: Partial<PostgresDatabaseProps> = { allocatedStorage: 20, maxAllocatedStorage: 40 },
): RestoreDrill {
  const { cluster, database } = beside(stack, ofDatabase);
  const applicationImage = ContainerImage.fromRegistry('shop');
  const dump = new DatabaseDump(stack, 'Dump', {
    cluster,
    database,
    applicationImage,
    storage: Size.gibibytes(20),
  });
  return new RestoreDrill(stack, 'Drill', {
    dump,
    database,
    applicationImage,
    settingsModule: 'config.settings',
    ...props,
  });
}

interface Container {
  readonly Name: string;
  readonly Image: string;
  readonly Command: (string | object)[];
  readonly Essential: boolean;
  readonly User: string;
  readonly DependsOn?: { readonly ContainerName: string; readonly Condition: string }[];
  readonly Secrets?: object[];
  readonly Environment?: object[];
}

function definition(made: { readonly taskDefinition: RestoreDrill['taskDefinition'] }) {
  const own = Stack.of(made.taskDefinition);
  const { Resources } = templateOf(own).toJSON();
  const [id] = Object.keys(Resources).filter((each) => own.resolve(made.taskDefinition.taskDefinitionArn).Ref === each);
  const { Properties } = Resources[id];
  const containers: { [name: string]: Container } = Object.fromEntries(
    (Properties.ContainerDefinitions as Container[]).map((each) => [each.Name, each]),
  );
  return { Properties, containers };
}

describe('a drill', () => {
  const stack = testStack();
  const drill = drillIn(stack, { command: ['python', 'manage.py', 'check_orders'], environment: { SHOP: 'drill' } });
  const template = templateOf(stack);
  const { Properties, containers } = definition(drill);

  test('downloads, serves, restores and has the application look at it, each after the other', () => {
    expect(Object.keys(containers)).toEqual(['download', 'postgres', 'restore', 'verify']);
    expect(Object.values(containers).map(({ DependsOn = [] }) => DependsOn)).toEqual([
      [],
      [{ ContainerName: 'download', Condition: 'SUCCESS' }],
      [{ ContainerName: 'postgres', Condition: 'HEALTHY' }],
      [{ ContainerName: 'restore', Condition: 'SUCCESS' }],
    ]);
    expect(Object.values(containers).map(({ Essential }) => Essential)).toEqual([false, false, false, true]);
    expect(Object.values(containers).map(({ User }) => User)).toEqual(['0', 'postgres', '10001:10001', '10001:10001']);
    expect(containers.postgres.Image).toBe(containers.restore.Image);
    expect(containers.verify.Image).toBe('shop');
  });

  test('tells the application of the restored database, of its own variables, and of nothing else', () => {
    const settings = JSON.parse(containers.verify.Command.at(-1) as string);
    expect(settings).toMatchObject({
      name: 'Shop/Drill',
      namespace: 'DjangoFargate',
      commands: [
        ['python', 'manage.py', 'migrate', '--noinput'],
        ['python', 'manage.py', 'migrate', '--check'],
        ['python', 'manage.py', 'check_orders'],
      ],
      variables: { DJANGO_SETTINGS_MODULE: 'config.settings', CELERY_BROKER_URL: 'memory://', SHOP: 'drill' },
      database: {
        DATABASE_HOST: '127.0.0.1',
        DATABASE_PORT: '15432',
        DATABASE_NAME: 'restored',
        PGSSLMODE: 'disable',
        PGSSLROOTCERT: '/etc/ssl/certs/rds-global-bundle.pem',
      },
    });
    for (const { Secrets, Environment } of Object.values(containers)) {
      expect([Secrets, Environment]).toEqual([undefined, undefined]);
    }
  });

  test('can read dumps, and can neither write nor delete anything', () => {
    const role = stack.resolve(drill.taskRole.roleName).Ref;
    const policies = Object.values(
      template.findResources('AWS::IAM::ManagedPolicy', { Properties: { Roles: [{ Ref: role }] } }),
    );
    const statements = policies.flatMap(({ Properties: { PolicyDocument } }) => PolicyDocument.Statement);
    expect(statements.map(({ Action }) => Action)).toEqual(['s3:GetObject', 's3:ListBucket', 'kms:Decrypt']);
    expect(statements[0].Resource).toEqual({ 'Fn::Join': ['', [expect.anything(), '/dumps/*']] });
    expect(statements[1].Condition).toEqual({ StringLike: { 's3:prefix': 'dumps/*' } });
    expect(JSON.stringify(statements[2].Condition)).toContain('kms:ViaService');
  });

  test('has no way to the database of the application', () => {
    const group = stack.resolve(drill.connections.securityGroups[0].securityGroupId)['Fn::GetAtt'][0];
    const ingress = Object.values(template.findResources('AWS::EC2::SecurityGroupIngress'));
    expect(
      ingress.filter(({ Properties: each }) => JSON.stringify(each.SourceSecurityGroupId).includes(group)),
    ).toEqual([]);
    const egress = template.toJSON().Resources[group].Properties.SecurityGroupEgress;
    expect(egress.map(({ ToPort }: { ToPort: number }) => ToPort)).toEqual([443]);
  });

  test('has room for the database that the storage may grow to, its dump, the images and the server', () => {
    expect(Properties.EphemeralStorage).toEqual({ SizeInGiB: 70 }); // 1.5 × 40 + 10.
  });

  test('runs twice a week, and reports what fails to a queue of its own', () => {
    template.hasResourceProperties('AWS::Scheduler::Schedule', {
      ScheduleExpression: 'cron(0 5 ? * TUE,FRI *)',
      State: 'ENABLED',
      Target: Match.objectLike({
        EcsParameters: Match.objectLike({ TaskDefinitionArn: stack.resolve(drill.taskDefinition.taskDefinitionArn) }),
      }),
    });
    template.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: {
        detail: Match.objectLike({
          $or: Match.arrayWith([
            Match.objectLike({
              containers: { name: ['download', 'restore', 'verify'], exitCode: [{ 'anything-but': [0] }] },
            }),
          ]),
        }),
      },
    });
  });
});

describe('a task that copies a table by hand', () => {
  const stack = testStack();
  const drill = drillIn(stack);
  const template = templateOf(stack);
  const { containers } = definition({ taskDefinition: drill.restoreTaskDefinition });

  test('restores as a drill does, and copies as the owner', () => {
    expect(Object.keys(containers)).toEqual(['download', 'postgres', 'restore', 'copy', 'authorities']);
    expect(containers.copy.DependsOn).toEqual([
      { ContainerName: 'restore', Condition: 'SUCCESS' },
      { ContainerName: 'authorities', Condition: 'SUCCESS' },
    ]);
    expect(containers.copy.Secrets).toHaveLength(5);
    expect(stack.resolve(drill.restoreTaskDefinition.taskRole.roleArn)).toEqual(stack.resolve(drill.taskRole.roleArn));
  });

  test('is let in by the database, on its port', () => {
    const ingress = Object.values(template.findResources('AWS::EC2::SecurityGroupIngress')).map(
      ({ Properties }) => Properties,
    );
    expect(ingress.filter(({ Description }) => /Drill\/Restore/.test(Description))).toHaveLength(1);
  });
});

test('the application may read its database from other variables, and from one', () => {
  const stack = testStack();
  const { containers } = definition(drillIn(stack, { variables: DatabaseVariables.URL }));
  expect(JSON.parse(containers.verify.Command.at(-1) as string).database).toMatchObject({
    DATABASE_URL: 'postgres://postgres:none@127.0.0.1:15432/restored?sslmode=disable',
    DATABASE_HOST: '127.0.0.1',
  });
});

describe('fails when', () => {
  const drill = (props: Partial<RestoreDrillProps>, ofDatabase?: Partial<PostgresDatabaseProps>) =>
    errorOf(() => drillIn(testStack(), props, ofDatabase));

  test('no task could store the database', () => {
    expect(drill({}, { allocatedStorage: 127, maxAllocatedStorage: 200 })).toContain(
      'Shop/Drill: `database` must have at most 126 GiB of storage, so that it and its dump fit into a task, got "127 GiB of storage".',
    );
    expect(() => drillIn(testStack(), {}, { allocatedStorage: 126, maxAllocatedStorage: 200 })).not.toThrow();
    const storage = Size.gibibytes(190);
    expect(() => drillIn(testStack(), { storage }, { allocatedStorage: 150, maxAllocatedStorage: 200 })).not.toThrow();
  });

  test.each([191, 0, 1.5])('the storage is %p GiB', (gibibytes) => {
    expect(drill({ storage: Size.mebibytes(gibibytes * 1024) })).toContain(
      'Shop/Drill: `storage` must be whole GiB from 1 to 190',
    );
  });

  test('the image lacks an extension of the database', () => {
    expect(drill({ extensions: ['citext', 'postgis', 'vector'] })).toContain(
      'Shop/Drill: `extensions` must be among those that come with PostgreSQL, or `image` must be given, got ["postgis", "vector"].',
    );
    const image = ContainerImage.fromRegistry('postgis');
    expect(() => drillIn(testStack(), { extensions: ['postgis'], image })).not.toThrow();
  });

  test.each([
    ['once a week', [ScheduleExpression.cron({ minute: '0', hour: '5', weekDay: 'TUE' })]],
    ['once a month', [ScheduleExpression.cron({ minute: '0', hour: '5', day: '1' })]],
    ['on days that cannot be reckoned', [ScheduleExpression.cron({ minute: '0', hour: '5', day: 'L' })]],
  ])('drills are so rare that no alarm could notice: %s', (_, schedules) => {
    expect(drill({ schedules })).toContain('`schedules` must come often enough for an alarm to notice');
    expect(() => drillIn(testStack(), { schedules, enabled: false })).not.toThrow();
  });

  test('there is no schedule, an empty command, or no time', () => {
    expect(drill({ schedules: [] })).toContain('`schedules` must hold at least one schedule');
    expect(drill({ command: [] })).toContain('`command` must hold the words of a command');
    expect(drill({ maxDuration: Duration.days(2) })).toContain('`maxDuration` must be whole minutes');
  });
});

describe('alarms', () => {
  const stack = testStack();
  const drill = drillIn(stack, { storage: Size.gibibytes(100) });
  new ApplicationAlarms(stack, 'Alarms', { topic: new Topic(stack, 'Topic'), restoreDrill: drill });
  const template = templateOf(stack);
  const alarm = (section: string) => {
    const [{ Properties }] = Object.values(
      template.findResources('AWS::CloudWatch::Alarm', {
        Properties: { AlarmDescription: Match.stringLikeRegexp(`#${section}$`) },
      }),
    );
    return Properties as AlarmProperties;
  };
  const day = 24 * 60;

  test('tell that no dump was proven for longer than the schedule allows', () => {
    const missing = alarm('drill-missing');
    expect(missing.EvaluationPeriods).toBe(4 * 24 + 4 + 1);
    /** A database that was always there, and a drill at five of the days that are listed. */
    const world =
      (days: number[]): World =>
      ({ name }, minute) => {
        if (name === 'CPUUtilization') {
          return 1;
        }
        return days.some((each) => minute === each * day + 5 * 60) ? 1 : undefined;
      };
    const on = (days: number[]) => [
      ...new Set(minutesInAlarm(missing, world(days), 14 * day).map((minute) => Math.floor(minute / day))),
    ];
    expect(on([1, 4, 8, 11])).toEqual([]);
    expect(on([1, 4])).toEqual([8, 9, 10, 11, 12, 13]);
    expect(on([])).toContain(13);
  });

  test('tell of a database that is about to outgrow the drill', () => {
    const outgrown = alarm('drill-outgrown');
    const world =
      (database: number, dump: number): World =>
      ({ name }, minute) => {
        const gibibytes = { DatabaseBytes: database, DumpBytes: dump }[name];
        return minute === 60 && gibibytes !== undefined ? gibibytes * 2 ** 30 : undefined;
      };
    expect(minutesInAlarm(outgrown, world(60, 19), 240)).toEqual([]);
    expect(minutesInAlarm(outgrown, world(60, 21), 240)).toEqual([119]);
  });

  test('tell of each report of a failure', () => {
    const failed = alarm('drill-failed');
    const world: World = (_, minute) => (minute < 5 ? 0 : 1);
    expect(minutesInAlarm(failed, world, 10)[0]).toBe(5);
    expect(minutesInAlarm(failed, () => 0, 60)).toEqual([]);
    expect(minutesInAlarm(failed, () => undefined, 60)).toEqual([]);
  });

  test('and a line on the dashboard shows the last proven dump', () => {
    const [dashboard] = Object.values(template.findResources('AWS::CloudWatch::Dashboard'));
    expect(JSON.stringify(dashboard)).toContain('Last proven dump');
  });
});

describe('an application with `databaseDump: {}, restoreDrill: {}`', () => {
  const application = (stack: Stack, props: Partial<DjangoApplicationProps> = {}) =>
    new DjangoApplication(stack, 'App', {
      image: ContainerImage.fromRegistry('shop'),
      settingsModule: 'config.settings',
      domainNames: ['shop.example.com'],
      hostedZone: HostedZone.fromHostedZoneAttributes(stack, 'Zone', { hostedZoneId: 'Z1', zoneName: 'example.com' }),
      ...props,
    });

  test('proves its dumps, with alarms and in as many resources as are reckoned', () => {
    const [without, stack] = [testStack(), testStack()];
    const before = application(without, { databaseDump: {} });
    const app = application(stack, { databaseDump: {}, restoreDrill: {}, environment: { SHOP: 'x' } });
    const alarms = resourcesIn(app.alarms) - resourcesIn(before.alarms);
    expect(alarms).toBe(ofParts({ restoreDrill: app.restoreDrill }));
    expect(resourcesIn(stack) - resourcesIn(without) - alarms).toBe(7);
    expect(app.restoreDrill?.logGroup).toBe(app.logGroup);
    const { containers } = definition(app.restoreDrill as RestoreDrill);
    expect(JSON.parse(containers.verify.Command.at(-1) as string).variables.SHOP).toBe('x');
  });

  test('fails without dumps', () => {
    expect(errorOf(() => application(testStack(), { restoreDrill: {} }))).toContain(
      'Shop/App: `restoreDrill` must come with `databaseDump`',
    );
  });

  test.each([
    ['production', Profile.production()],
    ['development', Profile.development()],
  ])('rule packs find nothing in the drill, in %s', (_, profile) => {
    const packs = complianceOf((props) => {
      const stack = testStack({}, props);
      application(stack, { databaseDump: {}, restoreDrill: {}, profile });
      return stack.node.root as App;
    });
    const found = packs.flatMap(({ findings }) => findings).filter(({ path }) => path.includes('/Drill/'));
    expect(found).toEqual([]);
  });
});

test('its metrics carry its path', () => {
  const stack = testStack();
  const drill = drillIn(stack);
  const made = [
    drill.metricProvenRows(),
    drill.metricProvenDumpAgeSeconds(),
    drill.metricDrillSeconds(),
    drill.metricRestoredBytes(),
  ];
  expect(made.map(({ namespace, metricName, dimensions }) => [namespace, metricName, dimensions])).toEqual(
    ['ProvenRows', 'ProvenDumpAgeSeconds', 'DrillSeconds', 'RestoredBytes'].map((name) => [
      'DjangoFargate',
      name,
      { Drill: 'Shop/Drill' },
    ]),
  );
});

test('a database of unknown size gets the room that the largest one needs which a drill takes', () => {
  const unknown = {} as IPostgresDatabase;
  expect(drillStorageOf(unknown, undefined).toGibibytes()).toBe(189);
  expect(drillStorageOf(unknown, Size.gibibytes(30)).toGibibytes()).toBe(30);
});

test('with room for little it takes what every task has', () => {
  expect(definition(drillIn(testStack(), { storage: Size.gibibytes(5) })).Properties.EphemeralStorage).toBeUndefined();
});

test('it reads dumps of a bucket that is brought without a key, of whatever age where none are made', () => {
  const stack = testStack();
  const { cluster, database } = beside(stack, { allocatedStorage: 20, maxAllocatedStorage: 40 });
  const applicationImage = ContainerImage.fromRegistry('shop');
  const of = { cluster, database, applicationImage };
  const bucket = Bucket.fromBucketName(stack, 'Bucket', 'vault');
  const dump = new DatabaseDump(stack, 'Dump', { ...of, bucket, enabled: false });
  const settingsModule = 'config.settings';
  const drill = new RestoreDrill(stack, 'Drill', { dump, database, applicationImage, settingsModule });
  const statements = policiesOf(stack, drill.taskRole).flat();
  expect(statements.length).toBeGreaterThan(0);
  expect(JSON.stringify(statements)).not.toContain('kms:');
  const { Command } = definition(drill).containers.download;
  expect(Command).toContain('0');
});

test('without schedules nobody waits for a drill', () => {
  const stack = testStack();
  const drill = drillIn(stack, { enabled: false });
  const { alarms } = new ApplicationAlarms(stack, 'Alarms', { topic: new Topic(stack, 'Topic'), restoreDrill: drill });
  expect(alarms.map(({ node }) => node.id)).toEqual(['DrillFailed', 'DrillOutgrown']);
});

test('schedules whose gaps nobody can reckon are refused, unless they are off', () => {
  const schedules = [ScheduleExpression.expression('cron(0 5 1 1 ? 2030)')];
  expect(errorOf(() => drillIn(testStack(), { schedules }))).toContain(
    'Shop/Drill: `schedules` must come often enough',
  );
  expect(drillIn(testStack(), { schedules, enabled: false })._watched.maxAge).toBeUndefined();
});

test('a command without words is refused', () => {
  expect(errorOf(() => drillIn(testStack(), { command: [] }))).toContain('`command` must hold the words of a command');
});
