import { type App, NestedStack, Stack } from 'aws-cdk-lib';
import { ContainerImage, Secret as EcsSecret, type FargateTaskDefinition } from 'aws-cdk-lib/aws-ecs';
import { HostedZone } from 'aws-cdk-lib/aws-route53';
import { ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { IConstruct } from 'constructs';
import { DjangoApplication } from '../../constructs/application/django-application';
import type { DjangoApplicationProps } from '../../constructs/application/django-application-props';
import { fargateVcpu } from '../../constructs/application/fargate-vcpu';
import { ofParts, resourcesIn } from '../../constructs/application/private/resource-limit';
import { Profile } from '../../constructs/core/profile';
import type { DatabaseDumpOptions } from '../../constructs/dumps/database-dump';
import { VariableAliases } from '../../constructs/processes/task/variable-aliases';
import { complianceOf } from '../../scripts/compliance';
import { templateOf, testStack } from '../support';

function application(stack: Stack, props: Partial<DjangoApplicationProps> = {}): DjangoApplication {
  return new DjangoApplication(stack, 'App', {
    image: ContainerImage.fromRegistry('shop'),
    settingsModule: 'config.settings',
    domainNames: ['shop.example.com'],
    hostedZone: HostedZone.fromHostedZoneAttributes(stack, 'Zone', { hostedZoneId: 'Z1', zoneName: 'example.com' }),
    ...props,
  });
}

describe('an application with `databaseDump: {}`', () => {
  const stack = testStack();
  const app = application(stack, { databaseDump: {} });
  const template = templateOf(stack);
  const task = app.databaseDump?.taskDefinition as FargateTaskDefinition;
  const nested = templateOf(Stack.of(task));

  test('keeps what it stores, and who may reach it, in the stack of the application, and the rest in another', () => {
    expect(Stack.of(task)).toBeInstanceOf(NestedStack);
    const stored = [
      'AWS::S3::Bucket',
      'AWS::KMS::Key',
      'AWS::SQS::Queue',
      'AWS::Logs::LogGroup',
      'AWS::S3::BucketPolicy',
    ];
    expect(stored.filter((type) => Object.keys(nested.findResources(type)).length > 0)).toEqual([]);
    const paths = [app.databaseDump?.bucket, app.databaseDump?.encryptionKey, app.databaseDump?.deadLetterQueue].map(
      (each) => [Stack.of(each as IConstruct), each?.node.path],
    );
    expect(paths).toEqual(['Bucket', 'Key', 'DeadLetters'].map((id) => [stack, `Shop/App/Dump/${id}`]));
    expect(Stack.of(app.databaseDump?.taskRole as IConstruct)).toBe(stack);
    expect(stack.resolve(app.databaseDump?.metricDumpBytes().dimensions)).toEqual({ Dump: 'Shop/App/Dump' });
    template.hasResource('AWS::CloudFormation::Stack', { DeletionPolicy: 'Delete' });
  });

  test('has a dump a day of its database, by its own log group, security group and execution role', () => {
    const dump = app.databaseDump;
    expect(dump?._watched.database).toBe(app.database);
    expect(dump?.cluster).toBe(app.cluster);
    expect(dump?.logGroup).toBe(app.logGroup);
    expect(dump?.connections.securityGroups).toEqual([app.securityGroup]);
    expect(dump?.taskDefinition.executionRole).toBe(app.release.taskDefinition.executionRole);
    expect(dump?.encryptionKey).not.toBe(app.encryptionKey);
  });

  test('takes the authorities of RDS from its own image', () => {
    nested.hasResourceProperties('AWS::ECS::TaskDefinition', {
      ContainerDefinitions: [{ Name: 'prepare', Image: 'shop' }, { Name: 'dump' }, { Name: 'upload' }],
    });
  });

  test('watches its dumps', () => {
    const ids = app.alarms.alarms.map(({ node }) => node.path).filter((path) => path.includes('/Dump/'));
    expect(ids.map((path) => path.split('/').pop())).toEqual(['DumpMissing', 'DumpShrank', 'DumpSlow', 'DumpFailed']);
  });

  test('may need its vCPU at any time', () => {
    const parts = { services: [], release: app.release, scheduledCommands: {} };
    const [without, with_] = [undefined, app.databaseDump].map((databaseDump) =>
      fargateVcpu({ ...parts, databaseDump }),
    );
    expect(with_.onDemand.ceiling - without.onDemand.ceiling).toBe(1);
  });
});

test('an application has no dumps unless they are asked for', () => {
  const app = application(testStack());
  expect(app.databaseDump).toBeUndefined();
});

describe('what a stack has room for', () => {
  const size = (databaseDump?: DatabaseDumpOptions) => {
    const stack = testStack();
    const app = application(stack, { databaseDump });
    return { resources: resourcesIn(stack), alarms: resourcesIn(app.alarms), app };
  };
  const none = size();

  test('counts the alarms on dumps', () => {
    const { alarms, app } = size({});
    expect(alarms - none.alarms).toBe(ofParts({ databaseDump: app.databaseDump }));
    const off = size({ enabled: false });
    expect(off.alarms - none.alarms).toBe(ofParts({ databaseDump: off.app.databaseDump }));
  });

  test('counts the rest', () => {
    const { resources, alarms } = size({});
    expect(resources - none.resources - (alarms - none.alarms)).toBe(8);
    const twice = size({ schedules: [1, 13].map((hour) => ScheduleExpression.cron({ minute: '0', hour: `${hour}` })) });
    expect(twice.resources).toBe(resources);
  });
});

test.each([
  ['production', Profile.production()],
  ['development', Profile.development()],
])('rule packs find nothing in dumps, in %s', (_, profile) => {
  const packs = complianceOf((props) => {
    const stack = testStack({}, props);
    application(stack, { databaseDump: {}, profile });
    return stack.node.root as App;
  });
  const ofDumps = packs.flatMap(({ findings }) => findings).filter(({ path }) => path.includes('/Dump/'));
  expect(ofDumps).toEqual([]);
});

test('a drill has what the settings of the application ask for, and nothing that it leads to', () => {
  const stack = testStack();
  const app = application(stack, {
    databaseDump: {},
    restoreDrill: { environment: { PAYMENTS: 'none' } },
    cache: {},
    media: {},
    mail: {},
    secrets: { PAYMENTS_KEY: EcsSecret.fromSecretsManager(Secret.fromSecretNameV2(stack, 'Payments', 'payments')) },
    environment: { CURRENCY: 'EUR', PAYMENTS: 'live' },
    variableAliases: VariableAliases.of({ SECRET_KEY: 'DJANGO_SECRET_KEY', CACHE: 'CACHE_URL' }),
  });
  const nested = templateOf(Stack.of(app.restoreDrill?.taskDefinition as IConstruct));
  const [verify] = Object.values(nested.findResources('AWS::ECS::TaskDefinition'))
    .flatMap(({ Properties }) => Properties.ContainerDefinitions)
    .filter(({ Name }) => Name === 'verify');
  const [, parts] = verify.Command.at(-1)['Fn::Join'];
  const settings = JSON.parse(parts.map((part: unknown) => (typeof part === 'string' ? part : '…')).join(''));
  expect(settings.variables).toMatchObject({
    CACHE_URL: 'rediss://drill:drill@localhost:6379/0',
    REDIS_URL: 'rediss://drill:drill@localhost:6379/0',
    CACHE_HOST: 'localhost',
    AWS_STORAGE_BUCKET_NAME: '…',
    DEFAULT_FROM_EMAIL: 'no-reply@shop.example.com',
    PAYMENTS_KEY: 'drill',
    PAYMENTS: 'none',
    CURRENCY: 'EUR',
  });
  expect(settings.aliases).toEqual({ SECRET_KEY: 'DJANGO_SECRET_KEY', CACHE: 'CACHE_URL' });
  expect([verify.Secrets, verify.Environment]).toEqual([undefined, undefined]);
});
