import { join } from 'node:path';
import { Duration, type Stack } from 'aws-cdk-lib';
import { Annotations } from 'aws-cdk-lib/assertions';
import { InstanceClass, InstanceSize, InstanceType, Vpc } from 'aws-cdk-lib/aws-ec2';
import { Cluster, ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { Key } from 'aws-cdk-lib/aws-kms';
import type { IDatabaseInstance } from 'aws-cdk-lib/aws-rds';
import { HostedZone } from 'aws-cdk-lib/aws-route53';
import { ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { DjangoApplication } from '../../constructs/application/django-application';
import type { DjangoApplicationProps } from '../../constructs/application/django-application-props';
import { Profile, type ProfileOptions } from '../../constructs/core/profile';
import { PostgresDatabase } from '../../constructs/database/postgres-database';
import { HttpsLoadBalancer } from '../../constructs/edge/https-load-balancer';
import { Notifications } from '../../constructs/notifications/notifications';
import { CeleryBroker } from '../../constructs/queues/celery-broker';
import { TaskQueue } from '../../constructs/queues/task-queue';
import { SecretKey } from '../../constructs/secrets/secret-key';
import { errorOf, Match, only, type Template, templateOf, testStack } from '../support';

const image = () => ContainerImage.fromAsset(join(__dirname, '..', 'fixtures', 'image'));

function zone(stack: Stack) {
  return HostedZone.fromHostedZoneAttributes(stack, 'Zone', {
    hostedZoneId: 'Z0123456789ABCDEFGHIJ',
    zoneName: 'example.com',
  });
}

function application(props: Partial<DjangoApplicationProps> = {}, stack = testStack()) {
  const made = new DjangoApplication(stack, 'App', {
    image: image(),
    settingsModule: 'config.settings',
    profile: Profile.development(),
    ...props,
  });
  return { stack, made };
}

const count = (template: Template, type: string) => Object.keys(template.findResources(type)).length;

function containers(template: Template): { [kind: string]: { Environment: { Name: string; Value: unknown }[] } } {
  return Object.fromEntries(
    Object.values(template.findResources('AWS::ECS::TaskDefinition')).map(({ Properties }) => {
      const [container] = Properties.ContainerDefinitions;
      return [container.Name, container];
    }),
  );
}

function variable(template: Template, kind: string, name: string): unknown {
  return containers(template)[kind].Environment.find(({ Name }) => Name === name)?.Value;
}

describe('DjangoApplication, minimal', () => {
  const { made, stack } = application();
  const template = templateOf(stack);

  test('is a web service and its release on one database: no queue, no worker, no beat, no schedule', () => {
    expect(Object.keys(containers(template)).sort()).toEqual(['release', 'web']);
    expect(count(template, 'AWS::RDS::DBInstance')).toBe(1);
    expect(made.broker).toBeUndefined();
    expect(made.workers).toEqual({});
    expect(made.beat).toBeUndefined();
    expect(count(template, 'AWS::Scheduler::Schedule')).toBe(0);
  });

  test('without a domain answers on the name of the load balancer, over HTTP, and Django knows it', () => {
    const name = stack.resolve(made.loadBalancer.loadBalancer.loadBalancerDnsName);
    expect(variable(template, 'web', 'DJANGO_ALLOWED_HOSTS')).toEqual(name);
    expect(stack.resolve(made.url)).toEqual({ 'Fn::Join': ['', ['http://', name]] });
  });

  test('development has no firewall, no NAT gateway, no backup plan, no dashboard and no scaling', () => {
    const types = ['WAFv2::WebACL', 'EC2::NatGateway', 'Backup::BackupPlan', 'CloudWatch::Dashboard'];
    for (const type of [...types, 'ApplicationAutoScaling::ScalingPolicy']) {
      expect(count(template, `AWS::${type}`)).toBe(0);
    }
  });

  test('Container Insights are off, and said to be, whatever the account has as its default', () => {
    const ClusterSettings = [{ Name: 'containerInsights', Value: 'disabled' }];
    template.hasResourceProperties('AWS::ECS::Cluster', { ClusterSettings });
  });

  test('one key encrypts the database, the secrets, the topic and the logs', () => {
    const key = stack.resolve(made.encryptionKey.keyArn);
    template.hasResourceProperties('AWS::RDS::DBInstance', { KmsKeyId: key });
    for (const { Properties } of Object.values(template.findResources('AWS::SecretsManager::Secret'))) {
      expect(Properties.KmsKeyId).toEqual(key);
    }
    const groups = Object.entries(template.findResources('AWS::Logs::LogGroup'));
    const before = groups.filter(([id]) => id.startsWith('AppChangeGuard')); // Made before the key.
    expect(before).toHaveLength(1);
    for (const [, { Properties }] of groups.filter((group) => !before.includes(group))) {
      expect(Properties.KmsKeyId).toEqual(key);
    }
    template.hasResourceProperties('AWS::SNS::Topic', { KmsMasterKeyId: key });
    expect(only(template, 'AWS::KMS::Key').resource.Properties.EnableKeyRotation).toBe(true);
  });
});

describe('DjangoApplication, with everything', () => {
  const stack = testStack();
  const { made } = application(
    {
      profile: Profile.production(),
      domainNames: ['shop.example.com', 'www.example.com'],
      hostedZone: zone(stack),
      asgi: {},
      queues: { default: {}, mail: { taskTimeLimit: Duration.minutes(1) } },
      workers: { all: { queueNames: ['default', 'mail'] }, mail: { queueNames: ['mail'] } },
      beat: {},
      scheduledCommands: {
        digest: { command: ['python', 'manage.py', 'digest'], schedule: ScheduleExpression.rate(Duration.hours(1)) },
      },
      environment: { FEATURE: 'on' },
    },
    stack,
  );
  const template = templateOf(stack);

  test('has a dashboard, and one NAT gateway', () => {
    expect(count(template, 'AWS::CloudWatch::Dashboard')).toBe(1);
    expect(count(template, 'AWS::EC2::NatGateway')).toBe(1);
  });

  test('has a task definition for every process, and what is shared reaches each of them', () => {
    expect(count(template, 'AWS::ECS::TaskDefinition')).toBe(7);
    expect(Object.keys(containers(template)).sort()).toEqual(['asgi', 'beat', 'release', 'scheduled', 'web', 'worker']);
    for (const kind of Object.keys(containers(template))) {
      expect(variable(template, kind, 'FEATURE')).toBe('on');
      expect(variable(template, kind, 'CELERY_BROKER_URL')).toBe('sqs://');
      expect(variable(template, kind, 'DJANGO_ALLOWED_HOSTS')).toBe('shop.example.com,www.example.com');
      expect(variable(template, kind, 'DJANGO_CSRF_TRUSTED_ORIGINS')).toBe(
        'https://shop.example.com,https://www.example.com',
      );
    }
  });

  test('the ASGI service is asked before the web service, on the same hosts', () => {
    const rules = Object.values(template.findResources('AWS::ElasticLoadBalancingV2::ListenerRule'));
    const forwarding = rules.filter(({ Properties }) => Properties.Actions[0].Type === 'forward');
    expect(forwarding.map(({ Properties }) => Properties.Priority).sort()).toEqual([100, 200]);
  });

  test('names workers and schedules as they were named', () => {
    expect(Object.keys(made.workers)).toEqual(['all', 'mail']);
    expect(Object.keys(made.scheduledCommands)).toEqual(['digest']);
    expect(made.url).toBe('https://shop.example.com');
  });

  test('every alarm tells the topic of its beginning and of its end', () => {
    const topic = [stack.resolve(made.notifications.topic.topicArn)];
    const alarms = Object.entries(template.findResources('AWS::CloudWatch::Alarm'));
    for (const [, { Properties }] of alarms.filter(([id]) => !id.includes('TaskCount'))) {
      expect([Properties.AlarmActions, Properties.OKActions]).toEqual([topic, topic]);
    }
  });
});

describe('DjangoApplication, with parts that the user brings', () => {
  test('makes none of them again', () => {
    const stack = testStack();
    const vpc = new Vpc(stack, 'Vpc', { maxAzs: 2, restrictDefaultSecurityGroup: false });
    const cluster = new Cluster(stack, 'Cluster', { vpc, enableFargateCapacityProviders: true });
    const key = new Key(stack, 'Key');
    const loadBalancer = new HttpsLoadBalancer(stack, 'Shared', { vpc, profile: Profile.development() });
    const { made } = application(
      {
        cluster,
        loadBalancer,
        encryptionKey: key,
        notifications: Notifications.fromTopic(stack, 'Notifications', new Topic(stack, 'Topic')),
        secretKey: SecretKey.fromSecretKeyAttributes(stack, 'SecretKey', {
          secret: Secret.fromSecretNameV2(stack, 'Django', 'django'),
        }),
        database: new PostgresDatabase(stack, 'Database', { vpc, profile: Profile.development() }),
        broker: new CeleryBroker(stack, 'Broker', {
          existingQueues: {
            default: TaskQueue.fromTaskQueueAttributes(stack, 'Tasks', {
              queue: Queue.fromQueueArn(stack, 'Queue', 'arn:aws:sqs:eu-central-1:111122223333:tasks'),
              visibilityTimeout: Duration.minutes(30),
              taskTimeLimit: Duration.minutes(25),
            }),
          },
        }),
      },
      stack,
    );
    const template = templateOf(stack);
    const ours = Object.keys(template.toJSON().Resources).filter((id) => id.startsWith('App'));
    const types = new Set(ours.map((id) => template.toJSON().Resources[id].Type));
    for (const type of [
      ...['AWS::EC2::VPC', 'AWS::ECS::Cluster', 'AWS::ElasticLoadBalancingV2::LoadBalancer', 'AWS::KMS::Key'],
      ...['AWS::SNS::Topic', 'AWS::RDS::DBInstance'],
    ]) {
      expect(types).not.toContain(type);
    }
    expect(made.vpc).toBe(vpc);
    expect(made.cluster).toBe(cluster);
    expect(Object.keys(made.workers)).toEqual(['worker']);
  });

  test('two applications share one load balancer by their own hosts and priorities', () => {
    const stack = testStack();
    const vpc = new Vpc(stack, 'Vpc', { maxAzs: 2, restrictDefaultSecurityGroup: false });
    const loadBalancer = new HttpsLoadBalancer(stack, 'Shared', {
      vpc,
      domainNames: ['a.example.com', 'b.example.com'],
      hostedZone: zone(stack),
      profile: Profile.development(),
    });
    const app = (id: string, host: string, priority: number) =>
      new DjangoApplication(stack, id, {
        vpc,
        loadBalancer,
        image: image(),
        settingsModule: 'config.settings',
        profile: Profile.development(),
        web: { hostNames: [host], priority },
      });
    app('A', 'a.example.com', 10);
    app('B', 'b.example.com', 20);
    const hosts = Object.values(templateOf(stack).findResources('AWS::ElasticLoadBalancingV2::ListenerRule')).map(
      ({ Properties }) => [Properties.Priority, Properties.Conditions[0].HostHeaderConfig.Values],
    );
    expect(hosts).toEqual(
      expect.arrayContaining([
        [10, ['a.example.com']],
        [20, ['b.example.com']],
      ]),
    );
    const allowed = Object.values(templateOf(stack).findResources('AWS::ECS::TaskDefinition')).map(
      ({ Properties }) =>
        Properties.ContainerDefinitions[0].Environment.find(
          ({ Name }: { Name: string }) => Name === 'DJANGO_ALLOWED_HOSTS',
        ).Value,
    );
    expect(new Set(allowed)).toEqual(new Set(['a.example.com', 'b.example.com']));
  });
});

describe('an ASGI-only application', () => {
  test('has no gunicorn', () => {
    const { stack, made } = application({ asgi: { paths: ['/*'] } });
    expect(made.web).toBeUndefined();
    expect(Object.keys(containers(templateOf(stack))).sort()).toEqual(['asgi', 'release']);
  });
});

describe('the connections of all tasks at their largest scale', () => {
  // t4g.micro has 81, of which 10 are kept back; two processes of four threads make 8 a task.
  const web = { processes: 2, threads: 4, cpu: 512, memoryLimitMiB: 1024 };
  const inProduction = (
    databaseInstanceType: InstanceType,
    props: Partial<DjangoApplicationProps>,
    options: ProfileOptions = {},
  ) => {
    const stack = testStack();
    const profile = Profile.production({ databaseInstanceType, ...options });
    const address = { domainNames: ['shop.example.com'], hostedZone: zone(stack) };
    return application({ profile, ...address, ...props }, stack).made;
  };

  test('may be as many as the instance class allows', () => {
    expect(() => application({ web: { ...web, maxCapacity: 4 } })).not.toThrow();
  });

  test('fails when they are more, and says how they add up', () => {
    expect(errorOf(() => application({ web: { ...web, maxCapacity: 5 } }))).toBe(
      'Shop/App: `web.maxCapacity` must add up to at most 71 database connections while all services roll out, old and new tasks side by side (Web 10 × 8, Release 1 × 1), got 81. ' +
        "Give `databaseOptions.instanceType` a class that allows 91 connections, such as new InstanceType('t4g.small'), or lower `maxCapacity`, `processes` or `connectionsPerProcess` of `web` and `asgi`, or `maxCapacity` or `processes` of `workers`.",
    );
  });

  test('leave the rest to the workers whose ceiling nobody chose, in equal parts', () => {
    const queues = { default: {}, mail: {}, fixed: {} };
    const made = inProduction(InstanceType.of(InstanceClass.T4G, InstanceSize.MICRO), {
      queues,
      web: { ...web, maxCapacity: 2 },
      beat: {},
      workers: {
        all: { queueNames: ['default'] },
        mail: { queueNames: ['mail'] },
        fixed: { queueNames: ['fixed'], maxCapacity: 3 },
      },
    });
    // 71, less 2 × 2 × 8 for web, 2 × 3 for the fixed worker, 1 each for beat and the release: 31 for 2 × 2.
    expect(Object.values(made.workers).map(({ maxCapacity }) => maxCapacity)).toEqual([7, 7, 3]);
  });

  test('leave at most fifty tasks to a worker, and what the profile says where it says something', () => {
    const large = InstanceType.of(InstanceClass.M7G, InstanceSize.XLARGE2);
    const ceilingOf = (options: ProfileOptions) =>
      inProduction(large, { queues: { default: {} } }, options).workers.worker.maxCapacity;
    expect(ceilingOf({})).toBe(50);
    expect(ceilingOf({ workerMaxCapacity: 2 })).toBe(2);
  });

  test('are printed, a line for each', () => {
    const { stack } = application({ queues: { default: {} } });
    const [info] = Annotations.fromStack(stack).findInfo('*', Match.stringLikeRegexp('Database connections at most'));
    expect(info.entry.data).toMatch(
      /^Database connections at most: \d+ of 71, .*\n {2}Web +2 × 8\n {2}worker +2 × 1\n {2}Release +1 × 1/,
    );
  });

  test('are not judged where the limit of the database is unknown', () => {
    const stack = testStack();
    const vpc = new Vpc(stack, 'Vpc', { maxAzs: 2, restrictDefaultSecurityGroup: false });
    const made = new PostgresDatabase(stack, 'Made', { vpc, profile: Profile.development() });
    const database = PostgresDatabase.fromPostgresDatabaseAttributes(stack, 'Brought', {
      instance: made.instance as IDatabaseInstance,
      applicationSecret: made.applicationSecret,
    });
    expect(() => application({ vpc, database, web: { ...web, maxCapacity: 500 } }, stack)).not.toThrow();
  });
});
