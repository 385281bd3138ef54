import { App, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { CONTRACT } from '../../constructs/core/contract';
import { Profile } from '../../constructs/core/profile';
import { WorkloadRole } from '../../constructs/core/workload-role';
import { type IMediaStorage, MediaStorage, type MediaStorageProps } from '../../constructs/storage/media-storage';
import { Match, only, templateOf, testStack } from '../support';

const BUCKET = 'AWS::S3::Bucket';
const ARN = 'arn:aws:kms:eu-central-1:111122223333:key/11111111-2222-3333-4444-555555555555';

function bucketOf(props: MediaStorageProps = {}, stack: Stack = testStack()) {
  new MediaStorage(stack, 'Media', props);
  return only(templateOf(stack), BUCKET).resource;
}

/** The statements that a role gets, with every reference resolved. */
function granted(stack: Stack, storage: IMediaStorage) {
  const role = new WorkloadRole(stack, 'Role', { assumedBy: new ServicePrincipal('ecs-tasks.amazonaws.com') });
  storage.grantReadWrite(role);
  const { resource } = only(templateOf(stack), 'AWS::IAM::ManagedPolicy');
  return resource.Properties.PolicyDocument.Statement;
}

describe('a bucket without anything chosen', () => {
  const { Properties, ...policies } = bucketOf();

  test('is closed to the public, encrypted, and keeps versions', () => {
    expect(Properties).toMatchObject({
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
      OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
      },
      VersioningConfiguration: { Status: 'Enabled' },
    });
  });

  test('deletes for good what was deleted 30 days ago, and parts of uploads that never ended', () => {
    expect(Properties.LifecycleConfiguration.Rules).toEqual([
      {
        AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 },
        ExpiredObjectDeleteMarker: true,
        NoncurrentVersionExpiration: { NoncurrentDays: 30 },
        Status: 'Enabled',
      },
    ]);
  });

  test('takes no upload from the page of any site, and has a name that CloudFormation generates', () => {
    expect(Properties).not.toHaveProperty('CorsConfiguration');
    expect(Properties).not.toHaveProperty('BucketName');
  });

  test('stays when the stack goes, and when its creation is rolled back, because it may hold files by then', () => {
    expect(policies).toMatchObject({ DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' });
  });

  test('refuses plain HTTP from everybody', () => {
    const stack = testStack();
    new MediaStorage(stack, 'Media');
    const { resource } = only(templateOf(stack), 'AWS::S3::BucketPolicy');
    expect(resource.Properties.PolicyDocument.Statement).toEqual([
      expect.objectContaining({
        Effect: 'Deny',
        Action: 's3:*',
        Principal: { AWS: '*' },
        Condition: { Bool: { 'aws:SecureTransport': 'false' } },
      }),
    ]);
  });
});

describe('what is chosen', () => {
  test('a key encrypts the files, by way of a key of the bucket', () => {
    const stack = testStack();
    const encryptionKey = new Key(stack, 'Key');
    const { Properties } = bucketOf({ encryptionKey }, stack);
    expect(Properties.BucketEncryption.ServerSideEncryptionConfiguration).toEqual([
      {
        BucketKeyEnabled: true,
        ServerSideEncryptionByDefault: {
          SSEAlgorithm: 'aws:kms',
          KMSMasterKeyID: stack.resolve(encryptionKey.keyArn),
        },
      },
    ]);
  });

  test('origins may post forms and put files, and read what names each part', () => {
    const corsAllowedOrigins = ['https://shop.example.com', 'http://localhost:8000'];
    expect(bucketOf({ corsAllowedOrigins }).Properties.CorsConfiguration.CorsRules).toEqual([
      {
        AllowedHeaders: ['*'],
        AllowedMethods: ['POST', 'PUT'],
        AllowedOrigins: corsAllowedOrigins,
        ExposedHeaders: ['ETag'],
        MaxAge: 3600,
      },
    ]);
    expect(bucketOf({ corsAllowedOrigins: [] }).Properties).not.toHaveProperty('CorsConfiguration');
  });

  test('versions stay as long as is said', () => {
    const { Properties } = bucketOf({ noncurrentVersionExpiration: Duration.days(365) });
    const [rule] = Properties.LifecycleConfiguration.Rules;
    expect(rule.NoncurrentVersionExpiration).toEqual({ NoncurrentDays: 365 });
  });

  test.each([
    [RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE, 'Retain', 0],
    [RemovalPolicy.RETAIN, 'Retain', 0],
    [RemovalPolicy.DESTROY, 'Delete', 1],
  ])('%s becomes %s, and the bucket is emptied only where it is deleted', (removalPolicy, policy, emptied) => {
    const stack = testStack();
    expect(bucketOf({ removalPolicy }, stack)).toMatchObject({ DeletionPolicy: policy, UpdateReplacePolicy: policy });
    templateOf(stack).resourceCountIs('Custom::S3AutoDeleteObjects', emptied);
  });

  test('development deletes it, unless something else is said', () => {
    const profile = Profile.development();
    expect(bucketOf({ profile }).DeletionPolicy).toBe('Delete');
    expect(bucketOf({ profile, removalPolicy: RemovalPolicy.RETAIN }).DeletionPolicy).toBe('Retain');
  });
});

describe('a process that is given it', () => {
  const OBJECTS = ['s3:GetObject', 's3:PutObject', 's3:DeleteObject', 's3:AbortMultipartUpload'];

  test('may list this bucket, use its files, and its key through S3 alone', () => {
    const stack = testStack({ env: { account: '111122223333', region: 'eu-central-1' } });
    const encryptionKey = new Key(stack, 'Key');
    const storage = new MediaStorage(stack, 'Media', { encryptionKey });
    const arn = stack.resolve(storage.bucket.bucketArn);
    expect(granted(stack, storage)).toEqual([
      { Effect: 'Allow', Action: 's3:ListBucket', Resource: arn },
      { Effect: 'Allow', Action: OBJECTS, Resource: { 'Fn::Join': ['', [arn, '/*']] } },
      {
        Effect: 'Allow',
        Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
        Resource: stack.resolve(encryptionKey.keyArn),
        Condition: { StringEquals: { 'kms:ViaService': 's3.eu-central-1.amazonaws.com' } },
      },
    ]);
  });

  test('gets the name and the region of the bucket in the words of the contract', () => {
    const stack = testStack({ env: { account: '111122223333', region: 'eu-central-1' } });
    const { bucket, containerEnvironment } = new MediaStorage(stack, 'Media');
    expect(stack.resolve(containerEnvironment)).toEqual({
      AWS_STORAGE_BUCKET_NAME: stack.resolve(bucket.bucketName),
      AWS_S3_REGION_NAME: 'eu-central-1',
    });
    expect(Object.keys(CONTRACT)).toEqual(expect.arrayContaining(Object.keys(containerEnvironment)));
  });
});

describe('a bucket that exists', () => {
  const stack = () => testStack({ env: { account: '111122223333', region: 'eu-central-1' } });

  test('is used with its own region and key', () => {
    const shop = stack();
    const bucket = Bucket.fromBucketAttributes(shop, 'Company', {
      bucketArn: 'arn:aws:s3:::company-media',
      region: 'us-east-1',
      encryptionKey: Key.fromKeyArn(shop, 'Key', ARN.replace('eu-central-1', 'us-east-1')),
    });
    const storage = MediaStorage.fromBucket(shop, 'Media', bucket);
    expect(storage.bucket).toBe(bucket);
    expect(storage.containerEnvironment).toEqual({
      AWS_STORAGE_BUCKET_NAME: 'company-media',
      AWS_S3_REGION_NAME: 'us-east-1',
    });
    const [list, objects, key] = granted(shop, storage);
    expect(list.Resource).toBe('arn:aws:s3:::company-media');
    expect(objects.Resource).toBe('arn:aws:s3:::company-media/*');
    expect(key.Condition.StringEquals).toEqual({ 'kms:ViaService': 's3.us-east-1.amazonaws.com' });
    templateOf(shop).resourceCountIs(BUCKET, 0);
  });

  test('without a key of one’s own needs no KMS', () => {
    const shop = stack();
    const storage = MediaStorage.fromBucket(shop, 'Media', Bucket.fromBucketName(shop, 'Company', 'company-media'));
    expect(JSON.stringify(granted(shop, storage))).not.toContain('kms:');
  });

  test('of another stack is granted in the stack of the process, without a way back', () => {
    const app = new App();
    const storage = new MediaStorage(new Stack(app, 'Files'), 'Media');
    const site = new Stack(app, 'Site');
    expect(granted(site, storage)[0].Resource).toEqual({ 'Fn::ImportValue': expect.stringContaining('Files:') });
    templateOf(site).hasResource('AWS::IAM::ManagedPolicy', Match.anyValue());
  });
});
