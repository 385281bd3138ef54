import { type App, Stack } from 'aws-cdk-lib';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { type Grant, type IGrantable, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import type { DjangoApplicationProps } from '../../constructs/application/django-application-props';
import { Profile } from '../../constructs/core/profile';
import { Cdn, type CdnProps } from '../../constructs/edge/cdn';
import { HttpsLoadBalancer } from '../../constructs/edge/https-load-balancer';
import { MediaStorage } from '../../constructs/storage/media-storage';
import { type IStaticFiles, StaticFiles } from '../../constructs/storage/static-files';
import { complianceOf, pairsOf } from '../../scripts/compliance';
import { Annotations, errorOf, Match, only, templateOf, testStack, testVpc } from '../support';
import { Graph } from '../wiring/graph';
import { unkeyed } from '../wiring/keys';
import { unmet } from '../wiring/order';
import { refused, refusedRoles } from '../wiring/senders';
import { told, wholeApplication, wholeProduction } from '../wiring/whole-application';

const profile = Profile.development();
const VARIABLES = ['STATIC_FILES_BUCKET_NAME', 'STATIC_FILES_REGION_NAME', 'STATIC_FILES_PATHS'];

function cdnIn(stack: Stack, props: Partial<CdnProps>) {
  const vpc = testVpc(stack);
  const loadBalancer = new HttpsLoadBalancer(stack, 'Balancer', { vpc, behindDistribution: true, profile });
  return new Cdn(stack, 'Cdn', { loadBalancer, profile, ...props });
}

function made(props: (stack: Stack) => Partial<CdnProps>) {
  const stack = testStack();
  const cdn = cdnIn(stack, props(stack));
  const template = templateOf(stack);
  const { Origins: origins, ...config } = only(template, 'AWS::CloudFront::Distribution').resource.Properties
    .DistributionConfig;
  return { stack, cdn, template, origins, behaviors: config.CacheBehaviors, pages: config.DefaultCacheBehavior };
}

const withBucket = (props: Partial<CdnProps> = {}) => {
  return made((stack) => ({ staticFiles: new StaticFiles(stack, 'StaticFiles', { profile }), ...props }));
};

describe('static files in a bucket', () => {
  const paths = ['/static/*', '/assets/*.css'];
  const { stack, cdn, template, origins, behaviors, pages } = withBucket({
    staticPaths: paths,
    contentSecurityPolicy: "default-src 'self'",
  });
  const bucketId = Object.keys(template.findResources('AWS::S3::Bucket')).find((id) => id.startsWith('StaticFiles'));

  test('come from the bucket itself, compressed, with the headers of the site', () => {
    expect(origins).toHaveLength(2);
    const [, origin] = origins;
    expect(origin).toMatchObject({
      DomainName: { 'Fn::GetAtt': [bucketId, 'RegionalDomainName'] },
      OriginAccessControlId: { 'Fn::GetAtt': [only(template, 'AWS::CloudFront::OriginAccessControl').id, 'Id'] },
    });
    expect(origin.OriginCustomHeaders).toBeUndefined(); // The secret is for the load balancer.
    expect(behaviors.map(({ PathPattern }: { PathPattern: string }) => PathPattern)).toEqual(paths);
    for (const behavior of behaviors) {
      expect(behavior).toMatchObject({
        TargetOriginId: origin.Id,
        AllowedMethods: ['GET', 'HEAD'],
        Compress: true,
        ViewerProtocolPolicy: 'redirect-to-https',
        ResponseHeadersPolicyId: pages.ResponseHeadersPolicyId,
      });
      expect(behavior.OriginRequestPolicyId).toBeUndefined(); // Neither cookies nor the Host of the site.
      expect(behavior.FunctionAssociations).toBeUndefined();
    }
  });

  test('are kept by path alone: S3 knows no other host name than its own', () => {
    const [{ CachePolicyId }] = behaviors;
    const { CachePolicyConfig } = template.findResources('AWS::CloudFront::CachePolicy')[CachePolicyId.Ref].Properties;
    expect(CachePolicyConfig).toMatchObject({
      MinTTL: 0,
      DefaultTTL: 0,
      MaxTTL: 31_536_000,
      ParametersInCacheKeyAndForwardedToOrigin: {
        CookiesConfig: { CookieBehavior: 'none' },
        HeadersConfig: { HeaderBehavior: 'none' },
        QueryStringsConfig: { QueryStringBehavior: 'none' },
        EnableAcceptEncodingBrotli: true,
        EnableAcceptEncodingGzip: true,
      },
    });
  });

  test('have another policy than those of the image, so that no change of it reaches the other origin', () => {
    const ids = (each: ReturnType<typeof made>) => each.behaviors.map(({ CachePolicyId }: never) => CachePolicyId);
    expect(ids(made(() => ({})))).not.toContainEqual(behaviors[0].CachePolicyId);
  });

  test('this distribution alone may read, of these paths alone', () => {
    const policies = Object.values(template.findResources('AWS::S3::BucketPolicy'));
    const { Statement } = policies.find(({ Properties }) => Properties.Bucket.Ref === bucketId)?.Properties
      .PolicyDocument ?? { Statement: [] };
    const [read] = Statement.filter(({ Action }: { Action: string }) => Action === 's3:GetObject');
    const arn = { 'Fn::GetAtt': [bucketId, 'Arn'] };
    expect(read).toMatchObject({
      Principal: { Service: 'cloudfront.amazonaws.com' },
      Resource: ['/static/*', '/assets/*.css'].map((path) => ({ 'Fn::Join': ['', [arn, path]] })),
    });
    expect(JSON.stringify(read.Condition)).toContain(only(template, 'AWS::CloudFront::Distribution').id);
  });

  test('are of paths that the release is told', () => {
    expect(stack.resolve(cdn.staticFiles?.containerEnvironment)).toEqual({
      STATIC_FILES_BUCKET_NAME: { Ref: bucketId },
      STATIC_FILES_REGION_NAME: { Ref: 'AWS::Region' },
      STATIC_FILES_PATHS: '/static/*,/assets/*.css',
    });
  });
});

test('without it they come from the application, and a release is told nothing', () => {
  const { cdn, origins } = made(() => ({}));
  expect(origins).toHaveLength(1);
  expect(cdn.staticFiles).toBeUndefined();
});

test('a closed site closes its static files, too', () => {
  expect(withBucket({ maintenancePage: '<p>Back soon' }).behaviors[0].FunctionAssociations).toHaveLength(1);
});

test('of an imported bucket it says what its policy must have', () => {
  const { stack } = made((scope) => ({
    staticFiles: StaticFiles.fromBucket(scope, 'StaticFiles', Bucket.fromBucketName(scope, 'Company', 'company')),
  }));
  const text = 'This bucket is imported.*under "Static files in a bucket"';
  Annotations.fromStack(stack).hasWarning('*', Match.stringLikeRegexp(text));
});

test('a bucket of another stack is refused, since each would need the other', () => {
  const stack = testStack();
  const staticFiles = new StaticFiles(new Stack(stack.node.root as never, 'Other'), 'StaticFiles');
  expect(errorOf(() => cdnIn(stack, { staticFiles }))).toContain(
    'Shop/Cdn: `staticFiles` must be in the stack of the distribution, or be imported',
  );
});

test('the bucket of media files is refused: a release would write over what users have sent', () => {
  const stack = testStack();
  const mediaStorage = MediaStorage.fromBucket(stack, 'Media', Bucket.fromBucketName(stack, 'One', 'company'));
  const staticFiles = StaticFiles.fromBucket(stack, 'StaticFiles', Bucket.fromBucketName(stack, 'Same', 'company'));
  expect(errorOf(() => cdnIn(stack, { mediaStorage, publicMediaPaths: ['/media/*'], staticFiles }))).toContain(
    'Shop/Cdn: `staticFiles` must have another bucket than `mediaStorage`',
  );
});

describe('in an application', () => {
  const commandOfRelease = (stack: Stack) => {
    const tasks = Object.values(templateOf(stack).findResources('AWS::ECS::TaskDefinition'));
    const containers = tasks.flatMap(({ Properties }) => Properties.ContainerDefinitions);
    return containers.find(({ Name }) => Name === 'release').Command;
  };

  test('the release alone is told of the bucket, and fills it before it migrates', () => {
    const stack = testStack();
    const application = wholeApplication(stack, { cdn: {}, staticFiles: {} });
    expect(application.staticFilesStorage?.node.path).toBe('Shop/App/StaticFiles');
    const { release: ofRelease, ...others } = told(stack, VARIABLES);
    expect(Object.keys(ofRelease).sort()).toEqual([...VARIABLES].sort());
    expect(ofRelease.STATIC_FILES_PATHS).toBe('/static/*');
    expect(Object.values(others).flatMap((each) => Object.keys(each))).toEqual([]);
    expect(commandOfRelease(stack)).toEqual([
      'sh',
      '-c',
      'python manage.py uploadstatic && exec python manage.py migrate --noinput',
    ]);
  });

  test('a command of one’s own is used as it is', () => {
    const stack = testStack();
    wholeApplication(stack, { cdn: {}, staticFiles: {}, releaseOptions: { command: ['./release.sh'] } });
    expect(commandOfRelease(stack)).toEqual(['./release.sh']);
  });

  test('a bucket that is brought is used, and none is made', () => {
    const stack = testStack();
    const bucket = Bucket.fromBucketName(stack, 'Company', 'company-static');
    const staticFilesStorage = StaticFiles.fromBucket(stack, 'StaticFiles', bucket);
    const application = wholeApplication(stack, { cdn: {}, staticFilesStorage });
    expect(application.staticFilesStorage).toBe(staticFilesStorage);
    expect(told(stack, VARIABLES).release.STATIC_FILES_BUCKET_NAME).toBe('company-static');
    expect(application.node.tryFindChild('StaticFiles')).toBeUndefined();
  });

  test('a bucket of another stack is refused in words of the application', () => {
    const stack = testStack();
    const staticFilesStorage = new StaticFiles(new Stack(stack.node.root, 'Other'), 'StaticFiles', { profile });
    expect(errorOf(() => wholeApplication(stack, { cdn: {}, staticFilesStorage }))).toContain(
      'Shop/App/Cdn: `staticFilesStorage` must be in the stack of the distribution, or be imported, got Other/StaticFiles',
    );
  });

  test('variables of the contract cannot be replaced', () => {
    const props = { cdn: {}, staticFiles: {}, environment: { STATIC_FILES_BUCKET_NAME: 'other' } };
    expect(errorOf(() => wholeApplication(testStack(), props))).toContain('`environment.STATIC_FILES_BUCKET_NAME`');
  });

  test('without a domain the distribution does not wait: the release is told its name', () => {
    const stack = testStack();
    wholeApplication(stack, { cdn: {}, staticFiles: {} });
    const { DependsOn = [] } = only(templateOf(stack), 'AWS::CloudFront::Distribution').resource;
    expect([DependsOn].flat().filter((id: string) => id.includes('Release'))).toEqual([]);
  });
});

test('a release may write what the bucket that is given lets it write, which may be less', () => {
  const stack = testStack();
  class OneFolder extends Construct implements IStaticFiles {
    public readonly bucket = new Bucket(this, 'Bucket');
    public readonly containerEnvironment = { STATIC_FILES_BUCKET_NAME: this.bucket.bucketName };

    public grantWrite(grantee: IGrantable): Grant {
      return this.bucket.grantPut(grantee, 'static/*');
    }
  }
  const role = new Role(stack, 'Role', { assumedBy: new ServicePrincipal('ecs-tasks.amazonaws.com') });
  cdnIn(stack, { staticFiles: new OneFolder(stack, 'Folder') }).staticFiles?.grantWrite(role);
  const { PolicyDocument } = only(templateOf(stack), 'AWS::IAM::Policy').resource.Properties;
  expect(JSON.stringify(PolicyDocument)).toContain('/static/*');
  expect(JSON.stringify(PolicyDocument)).not.toContain('s3:ListBucket');
});

describe('production with it', () => {
  const arn = 'arn:aws:acm:us-east-1:111122223333:certificate/12345678-1234-1234-1234-123456789012';
  const production = (props: Partial<DjangoApplicationProps>, appProps?: object) => {
    const certificate = Certificate.fromCertificateArn(new Stack(undefined, 'Global'), 'Certificate', arn);
    return wholeProduction({ cdn: { certificate }, ...props }, appProps);
  };
  const withFiles = (appProps?: object) => {
    return production({ staticFiles: {}, image: ContainerImage.fromRegistry('shop:1') }, appProps);
  };
  const packs = complianceOf((props) => withFiles(props).node.root as App);
  const graph = new Graph(templateOf(withFiles()).toJSON().Resources);

  test.each(packs)('has no finding of $pack that is not acknowledged', ({ findings, acknowledgements }) => {
    expect(findings).toEqual([]);
    expect(acknowledgements.length).toBeGreaterThan(0);
  });

  test('acknowledges three pairs more: copies and key of the bucket, and files without a name', () => {
    const pairs = pairsOf(packs.flatMap(({ acknowledgements }) => acknowledgements));
    expect(pairs.filter((pair) => /StaticFiles|IAM5.*Release\/Task/.test(pair))).toEqual([
      'IAM5 Shop/App/Release/Task/TaskRole/Policy/Resource',
      'S3BucketReplicationEnabled Shop/App/StaticFiles/Bucket/Resource',
      'S3DefaultEncryptionKMS Shop/App/StaticFiles/Bucket/Resource',
    ]);
  });

  test('serves from the bucket only when the release has filled it', () => {
    const waits = (stack: Stack) => {
      const { DependsOn = [] } = only(templateOf(stack), 'AWS::CloudFront::Distribution').resource;
      return [DependsOn].flat().filter((id: string) => id.startsWith('AppReleaseRun')).length;
    };
    expect(waits(withFiles())).toBe(1);
    expect(waits(production({}))).toBe(0);
  });

  test('waits for what it needs, may send where it sends, and use the keys of what it uses', () => {
    expect([...unmet(graph), ...refused(graph), ...refusedRoles(graph), ...unkeyed(graph)]).toEqual([]);
  });

  test('lets the release alone write, who can neither read nor delete', () => {
    const [bucket] = graph.ofType('AWS::S3::Bucket').filter((id) => id.startsWith('AppStaticFiles'));
    const found = graph
      .ofType('AWS::IAM::ManagedPolicy', 'AWS::IAM::Policy')
      .flatMap((id) => graph.properties(id).PolicyDocument.Statement.map((each: object) => ({ id, ...each })))
      .filter(({ Resource }) => graph.mentions(Resource).includes(bucket))
      .map(({ id, Action }) => [id.replace(/[0-9A-F]{8}$/, ''), Action]);
    expect(found).toEqual([
      ['AppReleaseTaskTaskRolePolicy', 's3:ListBucket'],
      ['AppReleaseTaskTaskRolePolicy', 's3:PutObject'],
    ]);
  });
});
