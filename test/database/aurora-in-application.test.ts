import { Duration, Lazy, type Stack } from 'aws-cdk-lib';
import { InstanceType } from 'aws-cdk-lib/aws-ec2';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import { DjangoApplication } from '../../constructs/application/django-application';
import type { DjangoApplicationProps } from '../../constructs/application/django-application-props';
import { Profile } from '../../constructs/core/profile';
import { AuroraPostgresDatabase } from '../../constructs/database/aurora-postgres-database';
import { auroraExample } from '../../scripts/production-example';
import { Annotations, errorOf, Match, only, templateOf, testStack, testVpc } from '../support';

type Props = Partial<DjangoApplicationProps>;

function made(props: Props | ((stack: Stack) => Props) = {}) {
  const stack = testStack();
  const app = new DjangoApplication(stack, 'App', {
    image: ContainerImage.fromRegistry('orders:1'),
    settingsModule: 'config.settings',
    profile: Profile.development(),
    queues: { default: {} },
    ...(typeof props === 'function' ? props(stack) : { aurora: {}, ...props }),
  });
  return { stack, app };
}

const every = (expression: string): Props => ({
  scheduledCommands: { tidy: { command: ['./tidy'], schedule: ScheduleExpression.expression(expression) } },
});

describe('one prop', () => {
  test('makes a cluster in place of the instance, which scales to zero in development', () => {
    const { stack, app } = made();
    expect(app.database).toBeInstanceOf(AuroraPostgresDatabase);
    const template = templateOf(stack);
    const { id, resource } = only(template, 'AWS::RDS::DBCluster');
    expect(resource.Properties.ServerlessV2ScalingConfiguration.MinCapacity).toBe(0);
    expect(only(template, 'AWS::RDS::DBInstance').resource.Properties.DBInstanceClass).toBe('db.serverless');
    expect(JSON.stringify(only(template, 'Custom::ReleaseCommand').resource.Properties)).toContain(`"${id}"`);
  });

  test('has restore tests of another name than those of an instance, which they could not replace', () => {
    const profile = Profile.development({ databaseBackup: true });
    const selections = [{ aurora: {} }, {}].map((props) => {
      const { stack } = made(() => ({ profile, ...props }));
      return only(templateOf(stack), 'AWS::Backup::RestoreTestingSelection').resource.Properties;
    });
    expect(selections.map((each) => [each.ProtectedResourceType, each.RestoreTestingSelectionName])).toEqual([
      ['Aurora', 'cluster'],
      ['RDS', 'database'],
    ]);
  });

  test('holds what must stay as it was first deployed', () => {
    const template = templateOf(made({ aurora: { databaseName: 'orders' } }).stack);
    const guard = only(template, 'Custom::ChangeGuard');
    expect(guard.resource.Properties.Database).toEqual({
      'aurora.applicationUser': 'django',
      'aurora.clusterIdentifier': only(template, 'AWS::RDS::DBCluster').resource.Properties.DBClusterIdentifier,
      'aurora.databaseName': 'orders',
      'aurora.masterUsername': 'django_master',
      'aurora.port': '15432',
      encryptionKey: 'the one that is made here',
      vpc: 'the one that is made here',
    });
    expect(only(template, 'AWS::RDS::DBCluster').resource.DependsOn).toContain(guard.id);
  });

  test.each<[string, Props]>([
    ['database', { database: undefined }],
    ['databaseOptions', { databaseOptions: { readReplicas: 1 } }],
  ])('is refused beside `%s`, which would have no effect', (prop, props) => {
    const brought = prop === 'database';
    const message = errorOf(() =>
      made((stack) => {
        const vpc = testVpc(stack);
        const database = new AuroraPostgresDatabase(stack, 'Database', { vpc, profile: Profile.development() });
        return { aurora: {}, ...props, ...(brought ? { database } : {}) };
      }),
    );
    expect(message).toMatch(
      brought ? '`aurora` must be left out with `database`' : '`databaseOptions` must be left out',
    );
  });

  test('keeps the cluster beside an application that brings it', () => {
    const { stack, app } = made((stack) => {
      const vpc = testVpc(stack);
      return { vpc, database: new AuroraPostgresDatabase(stack, 'Own', { vpc, profile: Profile.development() }) };
    });
    const { id, resource } = only(templateOf(stack), 'AWS::RDS::DBCluster');
    expect(stack.resolve(app.database.cluster?.clusterIdentifier)).toEqual({ Ref: id });
    expect(only(templateOf(stack), 'Custom::ChangeGuard').resource.Properties.BroughtDatabase).toEqual(
      resource.Properties.DBClusterIdentifier,
    );
  });

  test('says how to have more connections', () => {
    const web = { minCapacity: 1, maxCapacity: 60, processes: 2, threads: 2 };
    const message = errorOf(() => made({ aurora: { serverless: { maxCapacity: 1 } }, web }));
    expect(message).toContain('Raise `aurora.serverless.maxCapacity`, or give `aurora.instanceType` a class');
  });
});

describe('alarms', () => {
  const ids = (stack: Stack) =>
    Object.keys(templateOf(stack).findResources('AWS::CloudWatch::Alarm')).filter((id) =>
      /Alarms(Database|Cluster|Replicas)/.test(id),
    );
  const named = (stack: Stack) =>
    ids(stack)
      .map((id) => /Alarms(?:Database|Cluster)(.+)[0-9A-F]{8}$/.exec(id)?.[1])
      .sort();

  test('of a provisioned cluster watch the writer, its local storage, and the lag of its readers', () => {
    const { stack } = auroraExample(Profile.production());
    expect(named(stack)).toEqual([
      'DatabaseConnections',
      'DatabaseCpu',
      'DatabaseCredits',
      'DatabaseMemory',
      'LocalStorage',
      'ReaderLag',
      'TransactionIds',
    ]);
    templateOf(stack).hasResourceProperties('AWS::CloudWatch::Alarm', {
      MetricName: 'AuroraReplicaLag',
      Threshold: 1000,
      Dimensions: Match.arrayWith([{ Name: 'Role', Value: 'READER' }]),
    });
    templateOf(stack).resourceCountIs('AWS::CloudWatch::Dashboard', 1);
  });

  test('of a serverless one watch its capacity', () => {
    const { stack } = auroraExample(Profile.development());
    expect(named(stack)).toEqual([
      'Capacity',
      'DatabaseConnections',
      'DatabaseCpu',
      'DatabaseMemory',
      'TransactionIds',
    ]);
  });

  test('have no threshold for what a serverless cluster does not have', () => {
    const { Size } = jest.requireActual<typeof import('aws-cdk-lib')>('aws-cdk-lib');
    const alarmThresholds = { databaseFreeStorage: Size.gibibytes(1) };
    expect(errorOf(() => made({ alarmThresholds }))).toContain('`alarmThresholds.databaseFreeStorage` must come with');
  });
});

describe('beside a cluster that scales to zero', () => {
  test.each<[string, string, Props]>([
    [
      'beat that reads its schedule from the database',
      'beat.scheduler',
      {
        beat: { scheduler: 'django_celery_beat.schedulers:DatabaseScheduler' },
      },
    ],
    ['connections that are kept', 'environment.CONN_MAX_AGE', { environment: { CONN_MAX_AGE: '60' } }],
    ['a command every five minutes', 'scheduledCommands.tidy.schedule', every('rate(5 minutes)')],
    ['a command each minute', 'scheduledCommands.tidy.schedule', every('cron(* * * * ? *)')],
    ['a command at every fifth minute', 'scheduledCommands.tidy.schedule', every('cron(0/5 * * * ? *)')],
    ['a command in a part of each hour', 'scheduledCommands.tidy.schedule', every('cron(0-55/5 * ? * * *)')],
    ['a command at every third minute', 'scheduledCommands.tidy.schedule', every('cron(*/3 * * * ? *)')],
  ])('%s is refused', (_, prop, props) => {
    const message = errorOf(() => made(props));
    expect(message).toContain(`App: \`${prop}\` must`);
    expect(message).toContain('serverless.minCapacity');
    made({ ...props, aurora: { serverless: { minCapacity: 0.5 } } });
  });

  test.each<[string, Props]>([
    ['beat with a schedule of its own', { beat: {} }],
    ['connections that end with the request', { environment: { CONN_MAX_AGE: '0' } }],
    ['a command each hour', every('rate(1 hour)')],
    ['a command every ten minutes', every('cron(0,10,20,30,40,50 * * * ? *)')],
    ['a command in some hours', every('cron(* 8-17 ? * MON-FRI *)')],
    ['a command whose times only the deployment knows', every(Lazy.string({ produce: () => 'rate(1 minute)' }))],
    ['a command at one time', every('at(2030-01-01T00:00:00)')],
    ['a command twice an hour', every('cron(0/30 * * * ? *)')],
  ])('%s is not', (_, props) => {
    made(props);
  });

  test('the time until it pauses counts', () => {
    const aurora = { serverless: { autoPause: Duration.hours(2) } };
    expect(errorOf(() => made({ aurora, ...every('cron(15 * * * ? *)') }))).toContain('more than 7200 seconds');
  });

  test('a cluster that is brought counts, too', () => {
    const message = errorOf(() =>
      made((stack) => {
        const vpc = testVpc(stack);
        const serverless = { minCapacity: 0, maxCapacity: 4 };
        return {
          ...every('rate(1 minute)'),
          vpc,
          database: new AuroraPostgresDatabase(stack, 'Own', { vpc, serverless }),
        };
      }),
    );
    expect(message).toContain('scheduledCommands.tidy.schedule');
  });

  test('dumps and health checks of your own are warned of', () => {
    const { stack } = made({ databaseDump: {}, web: { healthCheckPath: '/status' } });
    const warnings = Annotations.fromStack(stack).findWarning('/Shop/App', Match.anyValue());
    const text = JSON.stringify(warnings.map(({ entry }) => entry.data));
    expect(text).toContain('wakes the cluster');
    expect(text).toContain('never scales to zero');
  });

  test('an instance has none of it', () => {
    const { stack } = made(() => ({
      ...every('rate(1 minute)'),
      databaseOptions: { instanceType: new InstanceType('t4g.small') },
    }));
    templateOf(stack).resourceCountIs('AWS::RDS::DBCluster', 0);
  });
});
