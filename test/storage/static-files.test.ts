import { RemovalPolicy, type Stack } from 'aws-cdk-lib';
import { ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { CONTRACT } from '../../constructs/core/contract';
import { Profile } from '../../constructs/core/profile';
import { WorkloadRole } from '../../constructs/core/workload-role';
import { type IStaticFiles, StaticFiles, type StaticFilesProps } from '../../constructs/storage/static-files';
import { only, templateOf, testStack } from '../support';

function bucketOf(props: StaticFilesProps = {}, stack: Stack = testStack()) {
  new StaticFiles(stack, 'StaticFiles', props);
  return only(templateOf(stack), 'AWS::S3::Bucket').resource;
}

/** The statements that a role gets, with every reference resolved. */
function granted(stack: Stack, staticFiles: IStaticFiles) {
  const role = new WorkloadRole(stack, 'Role', { assumedBy: new ServicePrincipal('ecs-tasks.amazonaws.com') });
  staticFiles.grantWrite(role);
  const { resource } = only(templateOf(stack), 'AWS::IAM::ManagedPolicy');
  return resource.Properties.PolicyDocument.Statement;
}

const env = { account: '111122223333', region: 'eu-central-1' };

describe('a bucket without anything chosen', () => {
  const { Properties, ...policies } = bucketOf();

  test('is closed to the public, and encrypted by S3, so that an ETag is the MD5 sum of a file', () => {
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
    });
    expect(Properties).not.toHaveProperty('BucketName');
  });

  test('never lets a file expire, whose page somebody may still have open, but its older versions do', () => {
    expect(Properties.VersioningConfiguration).toEqual({ Status: 'Enabled' });
    expect(Properties.LifecycleConfiguration.Rules).toEqual([
      {
        AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 },
        ExpiredObjectDeleteMarker: true,
        NoncurrentVersionExpiration: { NoncurrentDays: 1 },
        Status: 'Enabled',
      },
    ]);
  });

  test('stays when the stack goes, and when its creation is rolled back, because it may hold files by then', () => {
    expect(policies).toMatchObject({ DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' });
  });
});

test.each([
  [{ removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE }, 'Retain', 0],
  [{ removalPolicy: RemovalPolicy.DESTROY }, 'Delete', 1],
  [{ profile: Profile.development() }, 'Delete', 1],
  [{ profile: Profile.development(), removalPolicy: RemovalPolicy.RETAIN }, 'Retain', 0],
])('of %j comes %s, and the bucket is emptied only where it is deleted', (props, policy, emptied) => {
  const stack = testStack();
  expect(bucketOf(props, stack)).toMatchObject({ DeletionPolicy: policy, UpdateReplacePolicy: policy });
  templateOf(stack).resourceCountIs('Custom::S3AutoDeleteObjects', emptied);
});

describe('a release that is given it', () => {
  test('may list this bucket and write files, and can neither read nor delete one', () => {
    const stack = testStack({ env });
    const staticFiles = new StaticFiles(stack, 'StaticFiles');
    const arn = stack.resolve(staticFiles.bucket.bucketArn);
    expect(granted(stack, staticFiles)).toEqual([
      { Effect: 'Allow', Action: 's3:ListBucket', Resource: arn },
      { Effect: 'Allow', Action: 's3:PutObject', Resource: { 'Fn::Join': ['', [arn, '/*']] } },
    ]);
  });

  test('gets the name and the region of the bucket in the words of the contract', () => {
    const stack = testStack({ env });
    const { bucket, containerEnvironment } = new StaticFiles(stack, 'StaticFiles');
    expect(stack.resolve(containerEnvironment)).toEqual({
      STATIC_FILES_BUCKET_NAME: stack.resolve(bucket.bucketName),
      STATIC_FILES_REGION_NAME: 'eu-central-1',
    });
    expect(Object.keys(CONTRACT)).toEqual(expect.arrayContaining(Object.keys(containerEnvironment)));
  });

  test('writes to a bucket that is brought, in its region and with its key, through S3 alone', () => {
    const stack = testStack({ env });
    const keyArn = 'arn:aws:kms:us-east-1:111122223333:key/11111111-2222-3333-4444-555555555555';
    const bucket = Bucket.fromBucketAttributes(stack, 'Company', {
      bucketArn: 'arn:aws:s3:::company-static',
      region: 'us-east-1',
      encryptionKey: Key.fromKeyArn(stack, 'Key', keyArn),
    });
    const staticFiles = StaticFiles.fromBucket(stack, 'StaticFiles', bucket);
    expect(staticFiles.bucket).toBe(bucket);
    expect(staticFiles.containerEnvironment.STATIC_FILES_REGION_NAME).toBe('us-east-1');
    expect(granted(stack, staticFiles).at(-1)).toEqual({
      Effect: 'Allow',
      Action: 'kms:GenerateDataKey',
      Resource: keyArn,
      Condition: { StringEquals: { 'kms:ViaService': 's3.us-east-1.amazonaws.com' } },
    });
    templateOf(stack).resourceCountIs('AWS::S3::Bucket', 0);
  });
});
