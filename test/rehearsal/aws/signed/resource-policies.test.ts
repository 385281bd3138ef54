import { ResourcePolicies } from '../../../../rehearsal/aws/signed/resource-policies';
import type { Template } from '../../../../rehearsal/template/assembly';
import { Intrinsics } from '../../../../rehearsal/template/intrinsics';

const DISTRIBUTION = 'arn:aws:cloudfront::1:distribution/Site';
const ASKING = { principal: 'cloudfront.amazonaws.com', sourceArn: DISTRIBUTION, sourceAccount: '1' };
const BUCKET = { 'Fn::GetAtt': ['Media', 'Arn'] };
const LET_IN = {
  Effect: 'Allow',
  Principal: { Service: 'cloudfront.amazonaws.com' },
  Action: 's3:GetObject',
  Resource: { 'Fn::Join': ['', [BUCKET, '/public/*']] },
  Condition: { StringEquals: { 'aws:SourceArn': DISTRIBUTION } },
};
const TLS_ONLY = {
  Effect: 'Deny',
  Principal: { AWS: '*' },
  Action: 's3:*',
  Resource: [BUCKET, { 'Fn::Join': ['', [BUCKET, '/*']] }],
  Condition: { Bool: { 'aws:SecureTransport': 'false' } },
};

/** The policies of a bucket with these statements, and those of its key where it has one. */
function policies(statements: object[], ofKey?: object[]) {
  const encryption = {
    BucketEncryption: {
      ServerSideEncryptionConfiguration: [
        { ServerSideEncryptionByDefault: { KMSMasterKeyID: { 'Fn::GetAtt': ['Key', 'Arn'] } } },
      ],
    },
  };
  const template = {
    Resources: {
      Media: { Type: 'AWS::S3::Bucket', Properties: ofKey === undefined ? {} : encryption },
      Policy: {
        Type: 'AWS::S3::BucketPolicy',
        Properties: { Bucket: { Ref: 'Media' }, PolicyDocument: { Statement: statements } },
      },
      Key: { Type: 'AWS::KMS::Key', Properties: { KeyPolicy: { Statement: ofKey ?? [] } } },
    },
  } as unknown as Template;
  const intrinsics = new Intrinsics({ template, stackName: 'S', region: 'eu-central-1', account: '1' });
  intrinsics.register('Media', { ref: 'media', attributes: { Arn: 'arn:aws:s3:::media' } });
  return new ResourcePolicies(intrinsics);
}

const reads = (made: ResourcePolicies, file: string, asking = ASKING, bucket = 'media') =>
  made.allow(asking, bucket, { action: 's3:GetObject', resource: `arn:aws:s3:::${bucket}/${file}` });

test('the distribution that a statement names reads the paths that it names, and nobody else any', () => {
  const made = policies([TLS_ONLY, LET_IN]);
  expect(reads(made, 'public/a.png')).toBe(true);
  expect(reads(made, 'media/a.png')).toBe(false);
  expect(reads(made, 'public/a.png', { ...ASKING, sourceArn: `${DISTRIBUTION}2` })).toBe(false);
  expect(reads(made, 'public/a.png', { ...ASKING, principal: 'logging.s3.amazonaws.com' })).toBe(false);
  expect(reads(made, 'public/a.png', ASKING, 'another')).toBe(false);
  expect(made.allow(ASKING, 'media', { action: 's3:ListBucket', resource: 'arn:aws:s3:::media' })).toBe(false);
  expect(reads(policies([TLS_ONLY]), 'public/a.png')).toBe(false);
});

test('a statement that denies is stronger, and one that lets the whole account in is not about services', () => {
  expect(reads(policies([LET_IN, { ...LET_IN, Effect: 'Deny' }]), 'public/a.png')).toBe(false);
  const ofAccount = { ...LET_IN, Principal: { AWS: 'arn:aws:iam::1:root' }, Condition: {} };
  expect(reads(policies([ofAccount]), 'public/a.png')).toBe(false);
});

test('what a key of the template encrypts is read by whom its policy lets decrypt', () => {
  const decrypt = {
    ...{ Effect: 'Allow', Principal: { Service: 'cloudfront.amazonaws.com' }, Action: 'kms:Decrypt', Resource: '*' },
    Condition: { ArnLike: { 'aws:SourceArn': 'arn:aws:cloudfront::1:distribution/*' } },
  };
  const root = { Effect: 'Allow', Principal: { AWS: 'arn:aws:iam::1:root' }, Action: 'kms:*', Resource: '*' };
  expect(reads(policies([LET_IN], [root, decrypt]), 'public/a.png')).toBe(true);
  expect(reads(policies([LET_IN], [root]), 'public/a.png')).toBe(false);
  const ofOthers = { ...decrypt, Condition: { ArnLike: { 'aws:SourceArn': 'arn:aws:cloudfront::2:distribution/*' } } };
  expect(reads(policies([LET_IN], [root, ofOthers]), 'public/a.png')).toBe(false);
});
