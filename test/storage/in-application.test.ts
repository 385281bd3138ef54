import { type App, Duration, NestedStack, type Stack } from 'aws-cdk-lib';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { InstanceType } from 'aws-cdk-lib/aws-ec2';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import { DjangoApplication } from '../../constructs/application/django-application';
import type { DjangoApplicationProps } from '../../constructs/application/django-application-props';
import { Profile } from '../../constructs/core/profile';
import { MediaStorage } from '../../constructs/storage/media-storage';
import { complianceOf } from '../../scripts/compliance';
import { templateOf, testStack } from '../support';
import { Graph } from '../wiring/graph';
import { keyNeedsOf, unkeyed } from '../wiring/keys';
import { unmet } from '../wiring/order';
import { refused, refusedRoles } from '../wiring/senders';

const VARIABLES = ['AWS_STORAGE_BUCKET_NAME', 'AWS_S3_REGION_NAME'];

/** An application with every kind of process. */
function application(stack: Stack, props: Partial<DjangoApplicationProps> = {}): DjangoApplication {
  return new DjangoApplication(stack, 'App', {
    image: ContainerImage.fromRegistry('shop:1'),
    settingsModule: 'config.settings',
    profile: Profile.development(),
    asgi: { paths: ['/ws/*'] },
    queues: { default: {} },
    beat: {},
    scheduledCommands: {
      nightly: { command: ['python', 'manage.py', 'prune'], schedule: ScheduleExpression.rate(Duration.days(1)) },
    },
    ...props,
  });
}

interface TaskDefinition {
  readonly Properties: {
    readonly ContainerDefinitions: {
      readonly Name: string;
      readonly Environment: { Name: string; Value: unknown }[];
    }[];
  };
}

/** What each process is told of media files, by process. */
function told(stack: Stack): { [process: string]: { [name: string]: unknown } } {
  const tasks: TaskDefinition[] = Object.values(templateOf(stack).findResources('AWS::ECS::TaskDefinition')) as never;
  return Object.fromEntries(
    tasks.map(
      ({
        Properties: {
          ContainerDefinitions: [{ Name, Environment }],
        },
      }) => [
        Name,
        Object.fromEntries(
          Environment.filter((each) => VARIABLES.includes(each.Name)).map((each) => [each.Name, each.Value]),
        ),
      ],
    ),
  );
}

const PROCESSES = ['asgi', 'beat', 'release', 'scheduled', 'web', 'worker'];

test('every process is told of the bucket that `media` makes, and its role may use it', () => {
  const stack = testStack();
  const made = application(stack, { media: { corsAllowedOrigins: ['https://shop.example.com'] } });
  const bucket = stack.resolve(made.mediaStorage?.bucket.bucketName);
  const each = { AWS_STORAGE_BUCKET_NAME: bucket, AWS_S3_REGION_NAME: { Ref: 'AWS::Region' } };
  const found = told(stack);
  expect(Object.keys(found).sort()).toEqual(PROCESSES);
  expect(Object.values(found)).toEqual(PROCESSES.map(() => each));

  const policies = Object.values(templateOf(stack).findResources('AWS::IAM::ManagedPolicy')).filter((policy) =>
    JSON.stringify(policy).includes('s3:PutObject'),
  );
  expect(policies).toHaveLength(PROCESSES.length);
  const { Properties } = templateOf(stack).findResources('AWS::S3::Bucket')[bucket.Ref];
  expect(Properties.BucketEncryption.ServerSideEncryptionConfiguration[0].ServerSideEncryptionByDefault).toEqual({
    SSEAlgorithm: 'aws:kms',
    KMSMasterKeyID: stack.resolve(made.encryptionKey.keyArn),
  });
  expect(Properties.CorsConfiguration.CorsRules).toHaveLength(1);
});

test('without it no process is told anything, and there is no further bucket', () => {
  const stack = testStack();
  expect(application(stack).mediaStorage).toBeUndefined();
  expect(Object.values(told(stack))).toEqual(PROCESSES.map(() => ({})));
  templateOf(stack).resourceCountIs('AWS::S3::Bucket', 1); // The access logs of the load balancer.
});

test('every process is told of a bucket that is brought', () => {
  const stack = testStack();
  const mediaStorage = MediaStorage.fromBucket(stack, 'Media', Bucket.fromBucketName(stack, 'Company', 'company'));
  expect(application(stack, { mediaStorage }).mediaStorage).toBe(mediaStorage);
  expect(Object.values(told(stack)).map((each) => each.AWS_STORAGE_BUCKET_NAME)).toEqual(
    PROCESSES.map(() => 'company'),
  );
  templateOf(stack).resourceCountIs('AWS::S3::Bucket', 1);
});

test('processes with as many queues as there may be have a second policy; stacks have room for them', () => {
  const stack = testStack({ env: { account: '111122223333', region: 'ap-southeast-1' } });
  const names = Array.from({ length: 39 }, (_, index) => `q${index}`.padEnd(60, 'x'));
  const made = application(stack, {
    profile: Profile.development({ databaseInstanceType: new InstanceType('m7g.4xlarge') }),
    media: {},
    queues: Object.fromEntries(names.map((name) => [name, { taskTimeLimit: Duration.hours(1) }])),
    defaultQueueName: names[0],
    workers: Object.fromEntries(names.map((name, index) => [`w${index}`, { queueNames: [name] }])),
  });
  const nested = made.node.children.filter((child): child is NestedStack => child instanceof NestedStack);
  expect(nested.length).toBeGreaterThan(1);
  for (const each of [stack, ...nested]) {
    const { Resources, Parameters = {} } = templateOf(each).toJSON();
    expect(Object.keys(Resources).length).toBeLessThanOrEqual(490);
    expect(Object.keys(Parameters).length).toBeLessThanOrEqual(200);
    const buckets = Object.values<{ Type: string }>(Resources).filter(({ Type }) => Type === 'AWS::S3::Bucket');
    expect(buckets).toHaveLength(each === stack ? 2 : 0);
  }
  const policies = Object.values(templateOf(stack).findResources('AWS::IAM::ManagedPolicy')).map(lengthened);
  expect(policies.filter((text) => text.includes('s3:PutObject')).length).toBeGreaterThanOrEqual(5);
  expect(policies.filter((text) => text.length > 6144)).toEqual([]);
  expect(Math.max(...policies.map(({ length }) => length))).toBeGreaterThan(5000);
});

/** A policy in which every reference is as long as what it stands for can be. */
function lengthened({ Properties }: { [key: string]: { PolicyDocument: unknown } }): string {
  const region = 'ap-southeast-1:111122223333';
  return JSON.stringify(Properties.PolicyDocument)
    .replace(/\{"Fn::GetAtt":\["\w*Key\w+","Arn"\]\}/g, `"arn:aws:kms:${region}:key/${'x'.repeat(36)}"`)
    .replace(/\{"Fn::GetAtt":\["AppMedia\w+","Arn"\]\}/g, `"arn:aws:s3:::${'x'.repeat(63)}"`)
    .replace(/\{"Fn::GetAtt":\["AppBroker\w+","Arn"\]\}/g, `"arn:aws:sqs:${region}:${'x'.repeat(80)}"`);
}

describe('production with it', () => {
  const production = (props: object) => {
    const stack = testStack({ env: { account: '111122223333', region: 'eu-central-1' } }, props);
    application(stack, {
      profile: Profile.production(),
      media: { corsAllowedOrigins: ['https://shop.example.com'] },
      domainNames: ['shop.example.com'],
      certificate: Certificate.fromCertificateArn(
        stack,
        'Certificate',
        'arn:aws:acm:eu-central-1:111122223333:certificate/11111111-2222-3333-4444-555555555555',
      ),
    });
    return stack;
  };
  const graph = new Graph(templateOf(production({})).toJSON().Resources);

  test.each(complianceOf((props) => production(props).node.root as App))(
    'has no finding of $pack that is not acknowledged',
    ({ findings, acknowledgements }) => {
      expect(findings).toEqual([]);
      expect(acknowledgements.length).toBeGreaterThan(0);
    },
  );

  test('may use the key of the bucket, and the walk notices where it may not', () => {
    const needs = keyNeedsOf(graph).filter(({ service }) => service === 's3');
    expect(needs.map(({ target }) => target.slice(0, 'AppMedia'.length))).toEqual(
      PROCESSES.flatMap(() => ['AppMedia', 'AppMedia']),
    );
    const without = JSON.parse(JSON.stringify(graph.resources).replaceAll('s3.eu-central-1', 'sqs.eu-central-1'));
    expect(unkeyed(new Graph(without)).length).toBeGreaterThan(0);
  });

  test('waits for what it needs, may send where it sends, and use the keys of what it uses', () => {
    expect([...unmet(graph), ...refused(graph), ...refusedRoles(graph), ...unkeyed(graph)]).toEqual([]);
  });

  test('lets nobody but its processes reach the files, who can neither read versions nor change the bucket', () => {
    const [bucket] = graph.ofType('AWS::S3::Bucket').filter((id) => id.startsWith('AppMedia'));
    const actions = graph
      .ofType('AWS::IAM::ManagedPolicy', 'AWS::IAM::Policy')
      .flatMap((id) => graph.properties(id).PolicyDocument.Statement)
      .filter(({ Resource }) => graph.mentions(Resource).includes(bucket))
      .flatMap(({ Action }) => [Action].flat());
    expect([...new Set(actions)].sort()).toEqual([
      's3:AbortMultipartUpload',
      's3:DeleteObject',
      's3:GetObject',
      's3:ListBucket',
      's3:PutObject',
    ]);
  });
});
