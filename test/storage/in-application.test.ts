import { type App, NestedStack } from 'aws-cdk-lib';
import { Cluster, ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { BeatService } from '../../constructs/processes/beat-service';
import { WorkerService } from '../../constructs/processes/worker-service';
import { CeleryBroker } from '../../constructs/queues/celery-broker';
import { MediaStorage } from '../../constructs/storage/media-storage';
import { complianceOf, pairsOf } from '../../scripts/compliance';
import { templateOf, testStack, testVpc } from '../support';
import { Graph } from '../wiring/graph';
import { keyNeedsOf, unkeyed } from '../wiring/keys';
import { unmet } from '../wiring/order';
import { refused, refusedRoles } from '../wiring/senders';
import { PROCESSES, told, wholeApplication, wholeProduction } from '../wiring/whole-application';

const VARIABLES = ['AWS_STORAGE_BUCKET_NAME', 'AWS_S3_REGION_NAME'];

test('every process is told of the bucket that `media` makes, and its role may use it', () => {
  const stack = testStack();
  const made = wholeApplication(stack, { media: { corsAllowedOrigins: ['https://shop.example.com'] } });
  const bucket = stack.resolve(made.mediaStorage?.bucket.bucketName);
  const each = { AWS_STORAGE_BUCKET_NAME: bucket, AWS_S3_REGION_NAME: { Ref: 'AWS::Region' } };
  const found = told(stack, VARIABLES);
  expect(Object.keys(found).sort()).toEqual(PROCESSES);
  expect(Object.values(found)).toEqual(PROCESSES.map(() => each));

  const resources: { [id: string]: { Type: string; Properties: object } } = templateOf(stack).toJSON().Resources;
  const policies = Object.entries(resources).filter(
    ([, { Type, Properties }]) =>
      Type === 'AWS::IAM::ManagedPolicy' && JSON.stringify(Properties).includes('s3:PutObject'),
  );
  expect(policies.map(([id]) => id)).toEqual([expect.stringMatching(/^AppMediaAccess/)]);
  const roles = Object.values(resources).filter(({ Type, Properties }) => {
    const { ManagedPolicyArns = [] } = Properties as { ManagedPolicyArns?: { Ref?: string }[] };
    return Type === 'AWS::IAM::Role' && ManagedPolicyArns.some(({ Ref }) => Ref === policies[0][0]);
  });
  expect(roles).toHaveLength(PROCESSES.length);
  const { Properties } = templateOf(stack).findResources('AWS::S3::Bucket')[bucket.Ref];
  expect(Properties.BucketEncryption.ServerSideEncryptionConfiguration[0].ServerSideEncryptionByDefault).toEqual({
    SSEAlgorithm: 'aws:kms',
    KMSMasterKeyID: stack.resolve(made.encryptionKey.keyArn),
  });
  expect(Properties.CorsConfiguration.CorsRules).toHaveLength(1);
});

test('without it no process is told anything, and there is no further bucket', () => {
  const stack = testStack();
  expect(wholeApplication(stack).mediaStorage).toBeUndefined();
  expect(Object.values(told(stack, VARIABLES))).toEqual(PROCESSES.map(() => ({})));
  templateOf(stack).resourceCountIs('AWS::S3::Bucket', 1); // The access logs of the load balancer.
});

test('every process is told of a bucket that is brought', () => {
  const stack = testStack();
  const mediaStorage = MediaStorage.fromBucket(stack, 'Media', Bucket.fromBucketName(stack, 'Company', 'company'));
  expect(wholeApplication(stack, { mediaStorage }).mediaStorage).toBe(mediaStorage);
  expect(Object.values(told(stack, VARIABLES)).map((each) => each.AWS_STORAGE_BUCKET_NAME)).toEqual(
    PROCESSES.map(() => 'company'),
  );
  templateOf(stack).resourceCountIs('AWS::S3::Bucket', 1);
});

test('a process with as many queues as there may be has a policy that IAM takes', () => {
  const stack = testStack({ env: { account: '111122223333', region: 'ap-southeast-1' } });
  const cluster = new Cluster(stack, 'Cluster', { vpc: testVpc(stack) });
  const mediaStorage = new MediaStorage(stack, 'Media', { encryptionKey: new Key(stack, 'Key') });
  const names = Array.from({ length: 39 }, (_, index) => `q${index}`.padEnd(60, 'x'));
  const broker = new CeleryBroker(stack, 'Broker', {
    queues: Object.fromEntries(names.map((name) => [name, {}])),
    defaultQueueName: names[0],
  });
  const image = ContainerImage.fromRegistry('shop:1');
  new WorkerService(stack, 'Worker', {
    cluster,
    image,
    settingsModule: 'config.settings',
    broker,
    mediaStorage,
    queueNames: names.slice(0, 4),
  });
  const queue = `"arn:aws:sqs:ap-southeast-1:111122223333:${'x'.repeat(80)}"`;
  const lengths = Object.values(templateOf(stack).findResources('AWS::IAM::ManagedPolicy')).map(
    ({ Properties }) =>
      JSON.stringify(Properties.PolicyDocument).replace(/\{"Fn::GetAtt":\["Broker\w+","Arn"\]\}/g, queue).length,
  );
  expect(Math.max(...lengths)).toBeGreaterThan(5000);
  expect(Math.max(...lengths)).toBeLessThanOrEqual(6144);
});

test('a worker in a nested stack uses the policy of the stack that holds the bucket', () => {
  const stack = testStack();
  const nested = new NestedStack(stack, 'Nested');
  const mediaStorage = new MediaStorage(stack, 'Media');
  const cluster = new Cluster(stack, 'Cluster', { vpc: testVpc(stack) });
  const image = ContainerImage.fromRegistry('shop:1');
  new BeatService(nested, 'Beat', {
    cluster,
    image,
    settingsModule: 'config.settings',
    broker: new CeleryBroker(stack, 'Broker'),
    mediaStorage,
  });
  expect(JSON.stringify(templateOf(nested).toJSON())).toMatch(
    /"ManagedPolicyArns":\[\{"Ref":"referencetoShopMediaAccess/,
  );
  templateOf(stack).resourcePropertiesCountIs(
    'AWS::IAM::ManagedPolicy',
    { Description: 'Media files in Shop/Media' },
    1,
  );
});

describe('production with it', () => {
  const parts = { media: { corsAllowedOrigins: ['https://shop.example.com'] } };
  const graph = new Graph(templateOf(wholeProduction(parts)).toJSON().Resources);

  const packs = complianceOf((props) => wholeProduction(parts, props).node.root as App);

  test.each(packs)('has no finding of $pack that is not acknowledged', ({ findings, acknowledgements }) => {
    expect(findings).toEqual([]);
    expect(acknowledgements.length).toBeGreaterThan(0);
  });

  test('acknowledges two pairs more, files without a name and no copy of the bucket, and two less', () => {
    const pairs = pairsOf(packs.flatMap(({ acknowledgements }) => acknowledgements));
    expect(pairs.filter((pair) => pair.includes('/Media/'))).toEqual([
      'IAM5 Shop/App/Media/Access/Resource',
      'S3BucketReplicationEnabled Shop/App/Media/Bucket/Resource',
    ]);
    // A bucket that others write their access logs into needs none of its own.
    expect(pairs.filter((pair) => /^(S1|S3BucketLoggingEnabled) /.test(pair))).toEqual([]);
  });

  test('may use the key of the bucket, and the walk notices where it may not', () => {
    const needs = keyNeedsOf(graph).filter(({ service }) => service === 's3');
    expect(needs.map(({ target }) => target)).toEqual(Array(2).fill(expect.stringMatching(/^AppMediaBucket/)));
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
