import { type App, Stack } from 'aws-cdk-lib';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { type Grant, type IGrantable, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { Profile } from '../../constructs/core/profile';
import { Cdn, type CdnProps } from '../../constructs/edge/cdn';
import { HttpsLoadBalancer } from '../../constructs/edge/https-load-balancer';
import { type IMediaStorage, MediaStorage } from '../../constructs/storage/media-storage';
import { UrlSigningKeys } from '../../constructs/storage/url-signing-keys';
import { complianceOf, pairsOf } from '../../scripts/compliance';
import { Annotations, errorOf, Match, only, templateOf, testStack, testVpc } from '../support';
import { Graph } from '../wiring/graph';
import { unkeyed } from '../wiring/keys';
import { unmet } from '../wiring/order';
import { refused, refusedRoles } from '../wiring/senders';
import { told, wholeApplication, wholeProduction } from '../wiring/whole-application';

const profile = Profile.development();

function cdnIn(stack: Stack, props: Partial<CdnProps>) {
  const vpc = testVpc(stack);
  const loadBalancer = new HttpsLoadBalancer(stack, 'Balancer', { vpc, behindDistribution: true, profile });
  return new Cdn(stack, 'Cdn', { loadBalancer, profile, ...props });
}

function made(props: (stack: Stack) => Partial<CdnProps>) {
  const stack = testStack();
  const cdn = cdnIn(stack, props(stack));
  const template = templateOf(stack);
  const { id, resource } = only(template, 'AWS::CloudFront::Distribution');
  const { Origins: origins, CacheBehaviors: behaviors } = resource.Properties.DistributionConfig;
  return { stack, cdn, template, distributionId: id, origins, behaviors };
}

const withKey = (stack: Stack) => {
  const encryptionKey = new Key(stack, 'Key');
  return {
    mediaStorage: new MediaStorage(stack, 'Media', { profile, encryptionKey }),
    urlSigningKeys: new UrlSigningKeys(stack, 'Keys', { profile, encryptionKey }),
    publicMediaPaths: ['/public/*', '/avatars/*.jpg'],
    signedMediaPaths: ['/media/*'],
  };
};

describe('media files by way of the distribution', () => {
  const { stack, cdn, template, distributionId, origins, behaviors } = made(withKey);
  const bucketId = Object.keys(template.findResources('AWS::S3::Bucket')).find((id) => id.startsWith('Media'));
  const arn = (path = '') => {
    const bucket = { 'Fn::GetAtt': [bucketId, 'Arn'] };
    return path === '' ? bucket : { 'Fn::Join': ['', [bucket, path]] };
  };
  const distribution = {
    'Fn::Join': [
      '',
      [
        'arn:',
        { Ref: 'AWS::Partition' },
        ':cloudfront::',
        { Ref: 'AWS::AccountId' },
        ':distribution/',
        { Ref: distributionId },
      ],
    ],
  };
  const bucketStatements = Object.values(template.findResources('AWS::S3::BucketPolicy')).find(
    ({ Properties }) => Properties.Bucket.Ref === bucketId,
  )?.Properties.PolicyDocument.Statement;

  test('come from the bucket itself, signed ones first', () => {
    expect(behaviors.map(({ PathPattern }: { PathPattern: string }) => PathPattern)).toEqual([
      '/media/*',
      '/public/*',
      '/avatars/*.jpg',
      '/static/*',
    ]);
    expect(origins).toHaveLength(2);
    const [, origin] = origins;
    expect(origin).toMatchObject({
      DomainName: { 'Fn::GetAtt': [bucketId, 'RegionalDomainName'] },
      OriginAccessControlId: {
        'Fn::GetAtt': [only(template, 'AWS::CloudFront::OriginAccessControl').id, 'Id'],
      },
      S3OriginConfig: { OriginAccessIdentity: '' },
    });
    expect(origin.OriginCustomHeaders).toBeUndefined(); // The secret is for the load balancer.
    for (const behavior of behaviors.slice(0, 3)) {
      expect(behavior).toMatchObject({ TargetOriginId: origin.Id, AllowedMethods: ['GET', 'HEAD'], Compress: true });
      expect(behavior.OriginRequestPolicyId).toBeUndefined(); // Neither cookies nor the Host of the site.
      expect(behavior.FunctionAssociations).toBeUndefined();
    }
  });

  test('of signed paths only those get who have an address that a key of the group has signed', () => {
    const [signed, ...others] = behaviors;
    expect(signed.TrustedKeyGroups).toEqual([{ 'Fn::GetAtt': [expect.stringMatching(/^KeysGroup/), 'KeyGroupId'] }]);
    for (const each of others) {
      expect(each.TrustedKeyGroups).toBeUndefined();
    }
  });

  test('this distribution alone may read, of these paths alone, and learn that a file is not there', () => {
    const ofCloudFront = bucketStatements.filter(
      ({ Principal }: { Principal: { Service?: string } }) => Principal.Service === 'cloudfront.amazonaws.com',
    );
    const condition = { StringEquals: { 'aws:SourceArn': distribution } };
    expect(ofCloudFront).toEqual([
      {
        Effect: 'Allow',
        Principal: { Service: 'cloudfront.amazonaws.com' },
        Action: 's3:GetObject',
        Resource: [arn('/media/*'), arn('/public/*'), arn('/avatars/*.jpg')],
        Condition: condition,
      },
      {
        Effect: 'Allow',
        Principal: { Service: 'cloudfront.amazonaws.com' },
        Action: 's3:ListBucket',
        Resource: arn(),
        Condition: condition,
      },
    ]);
  });

  test('the key lets the distributions of this account decrypt, without a circle', () => {
    const { KeyPolicy } = only(template, 'AWS::KMS::Key').resource.Properties;
    expect(KeyPolicy.Statement).toContainEqual({
      Effect: 'Allow',
      Principal: { Service: 'cloudfront.amazonaws.com' },
      Action: 'kms:Decrypt',
      Resource: '*',
      Condition: {
        ArnLike: {
          'aws:SourceArn': {
            'Fn::Join': [
              '',
              ['arn:', { Ref: 'AWS::Partition' }, ':cloudfront::', { Ref: 'AWS::AccountId' }, ':distribution/*'],
            ],
          },
        },
      },
    });
    Annotations.fromStack(stack).hasNoWarning('*', Match.stringLikeRegexp('imported'));
  });

  test('are kept by their own headers alone, by path alone', () => {
    const policies = Object.values(template.findResources('AWS::CloudFront::CachePolicy'));
    const { CachePolicyConfig: media } = policies
      .map(({ Properties }) => Properties)
      .find(({ CachePolicyConfig }) => CachePolicyConfig.Comment === 'Media files');
    expect(media).toMatchObject({
      MinTTL: 0,
      DefaultTTL: 0,
      MaxTTL: 31_536_000,
      ParametersInCacheKeyAndForwardedToOrigin: {
        CookiesConfig: { CookieBehavior: 'none' },
        HeadersConfig: { HeaderBehavior: 'none' },
        QueryStringsConfig: { QueryStringBehavior: 'none' },
      },
    });
  });

  test('run no script on the host name of the site', () => {
    const headers = Object.values(template.findResources('AWS::CloudFront::ResponseHeadersPolicy')).map(
      ({ Properties }) => Properties.ResponseHeadersPolicyConfig.SecurityHeadersConfig,
    );
    expect(headers).toHaveLength(2);
    const [policy] = headers.flatMap(({ ContentSecurityPolicy }) => ContentSecurityPolicy ?? []);
    expect(policy.Override).toBe(true);
    const directives = policy.ContentSecurityPolicy.split('; ');
    expect(directives).toContain("default-src 'none'");
    expect(directives).toContain("form-action 'none'");
    expect(policy.ContentSecurityPolicy).not.toContain('script');
    expect(headers.every(({ ContentTypeOptions }) => ContentTypeOptions.Override)).toBe(true);
  });

  test('have addresses of the distribution, as processes are told', () => {
    expect(stack.resolve(cdn.mediaStorage?.containerEnvironment)).toEqual({
      AWS_STORAGE_BUCKET_NAME: { Ref: bucketId },
      AWS_S3_REGION_NAME: { Ref: 'AWS::Region' },
      AWS_S3_CUSTOM_DOMAIN: { 'Fn::GetAtt': [distributionId, 'DomainName'] },
    });
  });
});

test('without paths of media files there is one origin, and no storage for processes', () => {
  const { cdn, origins } = made(() => ({}));
  expect(origins).toHaveLength(1);
  expect(cdn.mediaStorage).toBeUndefined();
});

test('a policy of one’s own for uploaded files wins, and a closed site closes them, too', () => {
  const { template, behaviors } = made((stack) => ({
    mediaStorage: new MediaStorage(stack, 'Media', { profile }),
    publicMediaPaths: ['/public/*'],
    mediaContentSecurityPolicy: "default-src 'none'; sandbox",
    maintenancePage: '<p>Back soon',
  }));
  expect(JSON.stringify(template.findResources('AWS::CloudFront::ResponseHeadersPolicy'))).toContain(
    `"ContentSecurityPolicy":"default-src 'none'; sandbox"`,
  );
  expect(behaviors[0].FunctionAssociations).toHaveLength(1);
});

test('of an imported bucket it says what its policy must have', () => {
  const { stack } = made((scope) => ({
    mediaStorage: MediaStorage.fromBucket(scope, 'Media', Bucket.fromBucketName(scope, 'Company', 'company')),
    publicMediaPaths: ['/public/*'],
  }));
  Annotations.fromStack(stack).hasWarning('*', Match.stringLikeRegexp('This bucket is imported.*every file is a 403'));
});

test.each(['publicMediaPaths', 'signedMediaPaths'] as const)('%s without a path is refused', (prop) => {
  const stack = testStack();
  const keys = new UrlSigningKeys(stack, 'Keys');
  const props = {
    mediaStorage: new MediaStorage(stack, 'Media'),
    urlSigningKeys: keys,
    signedMediaPaths: ['/media/*'],
  };
  expect(errorOf(() => cdnIn(stack, { ...props, [prop]: [] }))).toContain(
    `Shop/Cdn: \`${prop}\` must name at least one path`,
  );
});

test('a bucket of another stack is refused, since each would need the other', () => {
  const stack = testStack();
  const other = new Stack(stack.node.root as never, 'Other');
  const props = { mediaStorage: new MediaStorage(other, 'Media'), publicMediaPaths: ['/public/*'] };
  expect(errorOf(() => cdnIn(stack, props))).toContain(
    'Shop/Cdn: `mediaStorage` must be in the stack of the distribution, or be imported',
  );
});

test('grants what the storage grants that it is given, which may be less than the whole bucket', () => {
  const stack = testStack();
  class OneFolder extends Construct implements IMediaStorage {
    public readonly bucket = new Bucket(this, 'Bucket');
    public readonly containerEnvironment = { AWS_STORAGE_BUCKET_NAME: this.bucket.bucketName };

    public grantReadWrite(grantee: IGrantable): Grant {
      return this.bucket.grantRead(grantee, 'shop/*');
    }
  }
  const cdn = cdnIn(stack, { mediaStorage: new OneFolder(stack, 'Folder'), publicMediaPaths: ['/shop/*'] });
  const role = new Role(stack, 'Role', { assumedBy: new ServicePrincipal('ecs-tasks.amazonaws.com') });
  cdn.mediaStorage?.grantReadWrite(role);
  const { PolicyDocument } = only(templateOf(stack), 'AWS::IAM::Policy').resource.Properties;
  expect(JSON.stringify(PolicyDocument)).toContain('/shop/*');
  expect(JSON.stringify(PolicyDocument)).not.toContain('s3:PutObject');
});

describe('a path that is hidden by one before it', () => {
  const storage = (stack: Stack) => ({
    mediaStorage: new MediaStorage(stack, 'Media', { profile }),
    urlSigningKeys: new UrlSigningKeys(stack, 'Keys', { profile }),
  });

  test.each([
    [{ signedMediaPaths: ['/media/*'], publicMediaPaths: ['/media/public/*'] }, 'publicMediaPaths[0]'],
    [{ signedMediaPaths: ['/m?dia/*'], publicMediaPaths: ['/media/public/*'] }, 'publicMediaPaths[0]'],
    [{ signedMediaPaths: ['/a.b/*'], staticPaths: ['/a.b/*.css'] }, 'staticPaths[0]'],
    [{ signedMediaPaths: ['/media/*'], cachedPaths: ['/static/news'] }, 'cachedPaths[0]'],
  ])('is refused: %j', (paths, prop) => {
    const stack = testStack();
    expect(errorOf(() => cdnIn(stack, { ...storage(stack), ...paths }))).toContain(
      `Shop/Cdn: \`${prop}\` must not lie within`,
    );
  });

  test.each([
    [{ signedMediaPaths: ['/media/*.png'], publicMediaPaths: ['/media/*.jpg'] }],
    [{ signedMediaPaths: ['/a.b/*'], staticPaths: ['/axb/*'] }],
    [{ signedMediaPaths: ['/media/*'], publicMediaPaths: ['/media-public/*', '/p?blic/*'] }],
  ])('is not: %j', (paths) => {
    const stack = testStack();
    expect(() => cdnIn(stack, { ...storage(stack), ...paths })).not.toThrow();
  });
});

describe('a public path', () => {
  // `/media/private%2Finvoice.pdf` is no `/media/private/*` for CloudFront, and the same file for S3.
  test.each([
    ['/media/private/*', '/media/*'],
    ['/media/*', '/*.jpg'],
    ['/media/?.png', '/media/*.png'],
    ['/media/?/*', '/media/???*'],
    ['/*/private/*', '/media/*'],
  ])('that opens files of a signed one is refused: %s by way of %s', (signed, path) => {
    const stack = testStack();
    const mediaStorage = new MediaStorage(stack, 'Media', { profile });
    const urlSigningKeys = new UrlSigningKeys(stack, 'Keys', { profile });
    const paths = { signedMediaPaths: [signed], publicMediaPaths: ['/avatars/*', path] };
    expect(errorOf(() => cdnIn(stack, { mediaStorage, urlSigningKeys, ...paths }))).toContain(
      `Shop/Cdn: \`publicMediaPaths[1]\` must have no file in common with "${signed}" of \`signedMediaPaths\`, got "${path}"`,
    );
  });
});

describe('in an application', () => {
  const cdn = { signedMediaPaths: ['/media/*'] };

  test('`signedMediaPaths` make the keys, for those that sign alone', () => {
    const stack = testStack();
    const application = wholeApplication(stack, { cdn, media: {} });
    expect(application.urlSigningKeys?.node.path).toBe('Shop/App/UrlSigningKeys');
    expect(application.mediaStorage?.node.path).toBe('Shop/App/Media');
    const found = told(stack, ['AWS_S3_CUSTOM_DOMAIN', 'AWS_CLOUDFRONT_KEY_ID']);
    const withKeys = Object.entries(found).filter(([, each]) => 'AWS_CLOUDFRONT_KEY_ID' in each);
    expect(Object.values(found).every((each) => 'AWS_S3_CUSTOM_DOMAIN' in each)).toBe(true);
    expect(withKeys.length).toBeGreaterThan(0);
    expect(withKeys.length).toBeLessThan(Object.keys(found).length);
  });

  test('keys that are brought are used, and none are made', () => {
    const stack = testStack();
    const urlSigningKeys = new UrlSigningKeys(stack, 'Keys', { profile });
    const application = wholeApplication(stack, { cdn, media: {}, urlSigningKeys });
    expect(application.urlSigningKeys).toBe(urlSigningKeys);
    expect(application.node.tryFindChild('UrlSigningKeys')).toBeUndefined();
  });

  test('paths without a storage are refused in words of the application', () => {
    expect(errorOf(() => wholeApplication(testStack(), { cdn }))).toContain(
      'Shop/App: `cdn` must name paths of media files beside `media` or `mediaStorage` alone',
    );
  });
});

describe('production with it', () => {
  const arn = 'arn:aws:acm:us-east-1:111122223333:certificate/12345678-1234-1234-1234-123456789012';
  const withMedia = (appProps?: object) => {
    const global = new Stack(undefined, 'Global');
    return wholeProduction(
      {
        cdn: {
          certificate: Certificate.fromCertificateArn(global, 'Certificate', arn),
          signedMediaPaths: ['/media/*'],
          publicMediaPaths: ['/public/*'],
        },
        media: {},
      },
      appProps,
    );
  };
  const packs = complianceOf((props) => withMedia(props).node.root as App);

  test.each(packs)('has no finding of $pack that is not acknowledged', ({ findings, acknowledgements }) => {
    expect(findings).toEqual([]);
    expect(acknowledgements.length).toBeGreaterThan(0);
  });

  test('acknowledges nothing for the files that it hands out', () => {
    const pairs = pairsOf(packs.flatMap(({ acknowledgements }) => acknowledgements));
    expect(pairs.filter((pair) => /AccessControl|MediaFiles|MediaHeaders/.test(pair))).toEqual([]);
  });

  test('waits for what it needs, may send where it sends, and use the keys of what it uses', () => {
    const graph = new Graph(templateOf(withMedia()).toJSON().Resources);
    expect([...unmet(graph), ...refused(graph), ...refusedRoles(graph), ...unkeyed(graph)]).toEqual([]);
  });
});
