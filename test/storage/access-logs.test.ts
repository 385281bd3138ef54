import { App, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Bucket, BucketEncryption, type CfnBucket, type IBucket } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import type { DjangoApplicationProps } from '../../constructs/application/django-application-props';
import { Profile } from '../../constructs/core/profile';
import { HttpsLoadBalancer } from '../../constructs/edge/https-load-balancer';
import { MediaStorage } from '../../constructs/storage/media-storage';
import { StaticFiles } from '../../constructs/storage/static-files';
import { attribute } from '../controls/control';
import { errorOf, only, templateOf, testStack, testVpc } from '../support';
import { Graph } from '../wiring/graph';
import { wholeApplication } from '../wiring/whole-application';

const env = { account: '111122223333', region: 'eu-central-1' };
const BOTH = { media: {}, staticFiles: {}, cdn: {} };

/** Both kinds of buckets of files, by what the names of their logs begin with. */
const PARTS: [prefix: string, make: (scope: Construct, accessLogsBucket?: IBucket) => IBucket][] = [
  ['media/', (scope, accessLogsBucket) => new MediaStorage(scope, 'Files', { accessLogsBucket }).bucket],
  ['static-files/', (scope, accessLogsBucket) => new StaticFiles(scope, 'Files', { accessLogsBucket }).bucket],
];

/** What S3 may do in a bucket to write server access logs. */
function statementsFor(stack: Stack, logs: IBucket) {
  const policies = Object.values(templateOf(stack).findResources('AWS::S3::BucketPolicy'));
  return policies
    .filter(({ Properties }) => JSON.stringify(Properties.Bucket) === JSON.stringify(stack.resolve(logs.bucketName)))
    .flatMap(({ Properties }) => Properties.PolicyDocument.Statement)
    .filter(({ Principal }) => Principal?.Service === 'logging.s3.amazonaws.com');
}

/** Where server access logs and those of load balancer and distribution go in an application. */
function placesOf(props: Partial<DjangoApplicationProps> | ((stack: Stack) => Partial<DjangoApplicationProps>)) {
  const stack = testStack();
  const made = wholeApplication(stack, typeof props === 'function' ? props(stack) : props);
  const graph = new Graph(templateOf(stack).toJSON().Resources);
  const propertiesOf = (type: string) => graph.ofType(type).map((id) => graph.properties(id));
  const [balancer] = propertiesOf('AWS::ElasticLoadBalancingV2::LoadBalancer');
  const [distribution] = propertiesOf('AWS::CloudFront::Distribution');
  return {
    stack,
    made,
    resources: graph.resources,
    buckets: graph.ofType('AWS::S3::Bucket'),
    balancer: attribute(balancer.LoadBalancerAttributes, 'access_logs.s3.bucket'),
    distribution: distribution?.DistributionConfig.Logging,
    files: propertiesOf('AWS::S3::Bucket').flatMap(
      ({ LoggingConfiguration }) => LoggingConfiguration?.DestinationBucketName ?? [],
    ),
  };
}

describe.each(PARTS)('server access logs with the prefix %s', (prefix, make) => {
  test('go into the bucket that is given, and S3 may write them for this bucket of this account alone', () => {
    const stack = testStack();
    const logs = new Bucket(stack, 'Logs');
    const bucket = make(stack, logs);
    const { Properties } =
      templateOf(stack).findResources('AWS::S3::Bucket')[stack.getLogicalId(bucket.node.defaultChild as CfnBucket)];
    expect(Properties.LoggingConfiguration).toEqual({
      DestinationBucketName: stack.resolve(logs.bucketName),
      LogFilePrefix: prefix,
    });
    expect(statementsFor(stack, logs)).toEqual([
      {
        Effect: 'Allow',
        Principal: { Service: 'logging.s3.amazonaws.com' },
        Action: 's3:PutObject',
        Resource: stack.resolve(logs.arnForObjects(`${prefix}*`)),
        Condition: {
          StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } },
          ArnEquals: { 'aws:SourceArn': stack.resolve(bucket.bucketArn) },
        },
      },
    ]);
  });

  test('are written nowhere unless a bucket is given', () => {
    const stack = testStack();
    make(stack);
    expect(only(templateOf(stack), 'AWS::S3::Bucket').resource.Properties).not.toHaveProperty('LoggingConfiguration');
  });

  test('go into a bucket of another stack, which then names the account alone', () => {
    const app = new App();
    const logs = new Bucket(new Stack(app, 'Logs', { env }), 'Logs');
    make(new Stack(app, 'Files', { env }), logs);
    expect(statementsFor(Stack.of(logs), logs).map(({ Condition }) => Condition)).toEqual([
      { StringEquals: { 'aws:SourceAccount': env.account } },
    ]);
  });

  test('fails when the bucket is in another Region', () => {
    const app = new App();
    const logs = new Bucket(new Stack(app, 'Logs', { env: { ...env, region: 'us-east-1' } }), 'Logs', {
      bucketName: 'company-logs',
    });
    expect(errorOf(() => make(new Stack(app, 'Shop', { env }), logs))).toBe(
      'Shop/Files: `accessLogsBucket` must be in eu-central-1, the Region of the bucket that is logged, got "us-east-1". S3 writes access logs to no other Region: give a bucket of this one.',
    );
  });

  test('fails when the bucket has a KMS key', () => {
    const stack = testStack();
    const logs = new Bucket(stack, 'Logs', { encryption: BucketEncryption.KMS });
    expect(errorOf(() => make(stack, logs))).toMatch(/`accessLogsBucket` must be encrypted by S3 itself, got /);
  });
});

describe('an application', () => {
  test('without a distribution writes them into the bucket of its load balancer', () => {
    const { stack, made, buckets, balancer, files } = placesOf({ media: {} });
    const logs = stack.resolve((made.loadBalancer as HttpsLoadBalancer).accessLogsBucket.bucketName);
    expect(buckets.sort()).toEqual([
      expect.stringMatching(/^AppLoadBalancerAccessLogs/),
      expect.stringMatching(/^AppMediaBucket/),
    ]);
    expect([balancer, ...files]).toEqual([logs, logs]);
  });

  test('with a distribution has one bucket for all access logs, each kind by a prefix of its own', () => {
    const { stack, made, buckets, balancer, files, distribution } = placesOf(BOTH);
    const logs = made.cdn?.accessLogsBucket as IBucket;
    expect(buckets.filter((id) => id.includes('AccessLogs'))).toEqual([expect.stringMatching(/^AppAccessLogs/)]);
    expect([balancer, ...files]).toEqual(Array(3).fill(stack.resolve(logs.bucketName)));
    expect(distribution).toEqual({
      Bucket: stack.resolve(logs.bucketRegionalDomainName),
      IncludeCookies: false,
      Prefix: 'cloudfront/',
    });
    expect(statementsFor(stack, logs).map(({ Resource }) => Resource)).toEqual(
      ['media/*', 'static-files/*'].map((names) => stack.resolve(logs.arnForObjects(names))),
    );
  });

  test('makes that one as CloudFront needs it, which writes by an ACL, and closed for everybody else', () => {
    const { resources, buckets } = placesOf({ ...BOTH, profile: Profile.development() });
    const [id] = buckets.filter((each) => each.startsWith('AppAccessLogs'));
    expect(resources[id].Properties).toMatchObject({
      OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerPreferred' }] },
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
      },
      LifecycleConfiguration: { Rules: [{ ExpirationInDays: 30 }] },
      PublicAccessBlockConfiguration: { BlockPublicAcls: true, RestrictPublicBuckets: true },
    });
  });

  test('keeps that one as is said of the load balancer, which is made without a bucket of its own', () => {
    const loadBalancerOptions = { logRetention: RetentionDays.ONE_WEEK, removalPolicy: RemovalPolicy.RETAIN };
    const { resources, buckets } = placesOf({ ...BOTH, profile: Profile.development(), loadBalancerOptions });
    const [id] = buckets.filter((each) => each.startsWith('AppAccessLogs'));
    expect(resources[id]).toMatchObject({
      DeletionPolicy: 'Retain',
      Properties: { LifecycleConfiguration: { Rules: [{ ExpirationInDays: 7 }] } },
    });
  });

  test('writes them into no bucket that is brought for the load balancer, unless it is brought for them, too', () => {
    const { stack, made, files, distribution } = placesOf((scope) => ({
      ...BOTH,
      loadBalancerOptions: { accessLogsBucket: new Bucket(scope, 'Company') },
    }));
    expect(files).toEqual([]);
    expect(distribution).toMatchObject({
      Bucket: stack.resolve(made.cdn?.accessLogsBucket.bucketRegionalDomainName),
    });
    const brought = placesOf((scope) => {
      const accessLogsBucket = new Bucket(scope, 'Company');
      const each = { accessLogsBucket };
      return { cdn: each, media: each, staticFiles: each, loadBalancerOptions: each };
    });
    expect(brought.buckets.filter((id) => id.includes('AccessLogs'))).toEqual([]);
    expect([brought.balancer, ...brought.files]).toEqual(Array(3).fill({ Ref: expect.stringMatching(/^Company/) }));
  });

  test('writes them nowhere beside a load balancer that is brought', () => {
    const { files } = placesOf((scope) => {
      const vpc = testVpc(scope);
      const loadBalancer = new HttpsLoadBalancer(scope, 'Other', { vpc, profile: Profile.development() });
      return { media: {}, vpc, loadBalancer };
    });
    expect(files).toEqual([]);
  });
});
