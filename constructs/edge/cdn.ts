import { Annotations, type RemovalPolicy, Stack } from 'aws-cdk-lib';
import type { ICertificate } from 'aws-cdk-lib/aws-certificatemanager';
import {
  AllowedMethods,
  type BehaviorOptions,
  CachePolicy,
  Distribution,
  type GeoRestriction,
  HttpVersion,
  type PriceClass,
  SecurityPolicyProtocol,
  ViewerProtocolPolicy,
} from 'aws-cdk-lib/aws-cloudfront';
import type { Metric, MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { HttpsRecord, type IHostedZone, RecordTarget } from 'aws-cdk-lib/aws-route53';
import { CloudFrontTarget } from 'aws-cdk-lib/aws-route53-targets';
import { type IBucket, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { acknowledge } from '../core/acknowledge';
import { checkKinds } from '../core/kinds';
import { type Profile, profileValues } from '../core/profile';
import { type IMediaStorage, servedMediaStorage } from '../storage/media-storage';
import { type IStaticFiles, servedStaticFiles } from '../storage/static-files';
import type { IUrlSigningKeys } from '../storage/url-signing-keys';
import { certifiedNames } from './host-names';
import { type FramePolicy, HttpsLoadBalancer, type IHttpsLoadBalancer } from './https-load-balancer';
import { AccessLogBucket } from './private/access-log-bucket';
import { aliasRecords } from './private/alias-records';
import { BucketOrigin } from './private/bucket-origin';
import { certificateOf, checkCdn, mediaPathsOf } from './private/cdn-checks';
import { isInternal, originOf, warnOfWait } from './private/cdn-origin';
import {
  cachedPages,
  filesOfBucket,
  filesOfImage,
  MEDIA_CONTENT_SECURITY_POLICY,
  responseHeaders,
  STATIC_PATHS,
  toOrigin,
} from './private/cdn-policies';
import { errorResponses, viewerFunction } from './private/cdn-responses';
import { zoneWithoutVpcOrigins } from './private/cloudfront-regions';

/** What can be tuned in a distribution before a load balancer. */
export interface CdnOptions {
  /**
   * Certificate for the domain names, from us-east-1: CloudFront takes no other.
   *
   * @default - that of the load balancer, where the stack is in us-east-1
   */
  readonly certificate?: ICertificate;
  /**
   * ARN of a web ACL of scope CLOUDFRONT, which is made in us-east-1.
   *
   * @default - none at the edge
   */
  readonly webAclArn?: string;
  /**
   * Paths of static files, which the distribution keeps for as long as their headers say, and compresses.
   *
   * No cookie reaches the key of the cache there: **never name a path whose answer depends on who asks.**
   * With a bucket of static files, name paths below STATIC_URL alone: nothing else is in it.
   *
   * @default ['/static/*']
   */
  readonly staticPaths?: string[];
  /**
   * Paths of pages that the distribution may keep for as long as their headers say.
   *
   * A page is kept for each value of `cachedCookies`, of the language that the browser asks for, of the
   * Authorization header, of the host and of the query. No other header may make a difference there, such as
   * HX-Request: CloudFront does not look at Vary. A page without Cache-Control or Expires is not kept.
   * **CloudFront keeps an answer that sets a cookie, and hands the cookie to everybody with the same key**,
   * unless the answer says private, as `HealthCheckMiddleware` of `django-fargate` makes it say.
   *
   * @default - none: every page comes from the application
   */
  readonly cachedPaths?: string[];
  /**
   * Names of the cookies that make a difference in `cachedPaths`. Of cookies that are not named the
   * application still sees the values, and must not depend on them there.
   *
   * @default ['sessionid', 'csrftoken', 'django_language'], Django's names for session, CSRF and language
   */
  readonly cachedCookies?: string[];
  /**
   * Paths of uploaded files that everybody may read, straight from their bucket and without the application:
   * `/public/*` has those whose names begin with `public/`.
   *
   * S3 gives the headers that a file was stored with. Without Cache-Control there, CloudFront asks S3 each
   * time whether the file changed, and a deleted one is gone at once.
   *
   * @default - none
   */
  readonly publicMediaPaths?: string[];
  /**
   * The same for files that only those may read who have an address that the application signed with
   * `UrlSigningKeys`: everybody else meets 403.
   *
   * No file may be in one of `publicMediaPaths` as well: use a folder beside theirs.
   *
   * @default - none
   */
  readonly signedMediaPaths?: string[];
  /**
   * Value of the Content-Security-Policy header of uploaded files, which are on the host name of the site:
   * what they may do when a browser opens one.
   *
   * @default - they are shown, run no script and send no form
   */
  readonly mediaContentSecurityPolicy?: string;
  /**
   * Value of the Strict-Transport-Security header, in place of the application's own.
   *
   * @default 'max-age=31536000'
   */
  readonly strictTransportSecurity?: string;
  /**
   * Value of the Content-Security-Policy header, in place of the application's own.
   *
   * @default - the application sets it, or nobody does
   */
  readonly contentSecurityPolicy?: string;
  /**
   * Which sites may show pages in a frame (X-Frame-Options), in place of the application's own header.
   *
   * @default FramePolicy.DENY
   */
  readonly framePolicy?: FramePolicy;
  /**
   * Countries that may, or may not, see the site.
   *
   * @default - all may
   */
  readonly geoRestriction?: GeoRestriction;
  /**
   * Page to answer with in place of an error, by status code, such as `{ '503': '/static/busy.html' }`.
   *
   * The status stays. The distribution asks for the page like a browser: let it be one that it keeps, so that
   * it is there while the application is away.
   *
   * @default - none: the answer of the application or of CloudFront
   */
  readonly errorPages?: { [statusCode: string]: string };
  /**
   * HTML to answer every request with, and status 503, for as long as it is given.
   *
   * The application, its workers and its schedules run on.
   *
   * @default - none: the site is open
   */
  readonly maintenancePage?: string;
  /**
   * Which places of CloudFront answer; fewer cost less.
   *
   * @default - by profile: production all, development North America, Europe and Israel
   */
  readonly priceClass?: PriceClass;
  /**
   * Bucket for access logs.
   *
   * CloudFront writes with an ACL, below `cloudfront/`, so it must allow these, and it must not be encrypted
   * with a KMS key.
   *
   * @default - a new one; `DjangoApplication`: one for load balancer and distribution
   */
  readonly accessLogsBucket?: IBucket;
  /**
   * How long the bucket that is made here keeps access logs. `DjangoApplication` takes it in
   * `loadBalancerOptions`, unless one of the two is brought a bucket.
   *
   * @default - by profile: production one year, development one month
   */
  readonly logRetention?: RetentionDays;
  /**
   * What happens to the bucket that is made here when it leaves the stack. `DjangoApplication` takes it in
   * `loadBalancerOptions`, unless one of the two is brought a bucket.
   *
   * **RemovalPolicy.DESTROY empties the bucket first: its access logs are gone.**
   *
   * @default - by profile: production RETAIN, development DESTROY
   */
  readonly removalPolicy?: RemovalPolicy;
}

/** Properties of `Cdn`. */
export interface CdnProps extends CdnOptions {
  /**
   * Load balancer to stand before, made with `behindDistribution`.
   *
   * Its domain names are those of the distribution, and so are those that it redirects.
   */
  readonly loadBalancer: IHttpsLoadBalancer;
  /**
   * Hosted zone of the domain names, which gets alias records.
   *
   * @default - no records
   */
  readonly hostedZone?: IHostedZone;
  /**
   * Storage that `publicMediaPaths` and `signedMediaPaths` are of: one of this stack, or an imported one,
   * whose policy you write.
   *
   * @default - none
   */
  readonly mediaStorage?: IMediaStorage;
  /**
   * Keys by which `signedMediaPaths` are opened.
   *
   * @default - none
   */
  readonly urlSigningKeys?: IUrlSigningKeys;
  /**
   * Bucket that the files of `staticPaths` come from, in place of the application: one of this stack, or an
   * imported one, whose policy you write.
   *
   * Let the distribution wait for the release that fills it:
   * `cdn.distribution.node.addDependency(release.ready)`.
   *
   * @default - none: the application serves them
   */
  readonly staticFiles?: IStaticFiles;
  /**
   * Environment whose defaults apply.
   *
   * @default Profile.production()
   */
  readonly profile?: Profile;
}

/**
 * A CloudFront distribution before the load balancer of an application: static files from its cache, a load
 * balancer without a public address, and in development HTTPS also without a domain. Production refuses to
 * be without one.
 *
 * Pages are not kept unless their paths are named, and are never compressed here: a page that holds a secret
 * and a word of the client's would give the secret away by its length. Static files are kept and compressed.
 * WebSockets pass. Every request carries a secret without which the load balancer answers 403.
 *
 * Without domain names it serves under its own name, for which CloudFront accepts TLS from 1.0 on; with them
 * it asks for TLS 1.2 at least. Processes behind it are told the names they are reached under by
 * `allowedHosts` and `csrfTrustedOrigins`; `DjangoApplication` does so.
 *
 * @example
 * declare const vpc: ec2.IVpc;
 * const loadBalancer = new HttpsLoadBalancer(this, 'Balancer', {
 *   vpc,
 *   behindDistribution: true,
 *   profile: Profile.development(),
 * });
 * const cdn = new Cdn(this, 'Cdn', { loadBalancer, profile: Profile.development() });
 * cdn.url; // https://d111111abcdef8.cloudfront.net
 *
 * @see https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-vpc-origins.html
 */
export class Cdn extends Construct {
  /** The distribution. */
  public readonly distribution: Distribution;
  /** Host names that it answers to: those of the load balancer, or its own one where that has none. */
  public readonly hostNames: string[];
  /** Its address: the first host name over HTTPS. */
  public readonly url: string;
  /** Bucket of the access logs. */
  public readonly accessLogsBucket: IBucket;
  /**
   * The storage as processes take it, with AWS_S3_CUSTOM_DOMAIN: the name under which its files are served.
   *
   * @default - none: no path of media files is named
   */
  public readonly mediaStorage?: IMediaStorage;
  /**
   * The bucket of static files as a release takes it, with STATIC_FILES_PATHS: the paths that come from it.
   *
   * @default - none: the application serves them
   */
  public readonly staticFiles?: IStaticFiles;

  constructor(scope: Construct, id: string, props: CdnProps) {
    super(scope, id);
    checkKinds(this, 'CdnProps', props);
    checkCdn(this, props);
    warnOfZones(this, props.loadBalancer);
    warnOfWait(this, props.loadBalancer);
    const { loadBalancer } = props;
    const profile = profileValues(props.profile);
    const certificate = certificateOf(this, props);

    this.accessLogsBucket =
      props.accessLogsBucket ??
      new AccessLogBucket(this, 'AccessLogs', {
        retention: props.logRetention ?? profile.logRetention,
        removalPolicy: props.removalPolicy ?? profile.removalPolicy,
        objectOwnership: ObjectOwnership.BUCKET_OWNER_PREFERRED, // CloudFront grants the owner by an ACL.
      });
    const behaviors = this.behaviors(props);
    this.distribution = new Distribution(this, 'Distribution', {
      comment: this.node.path.slice(0, 128),
      ...behaviors,
      domainNames: certificate && certifiedNames(loadBalancer),
      certificate,
      minimumProtocolVersion: certificate && SecurityPolicyProtocol.TLS_V1_2_2025,
      httpVersion: HttpVersion.HTTP2_AND_3,
      enableIpv6: true,
      priceClass: props.priceClass ?? profile.priceClass,
      geoRestriction: props.geoRestriction,
      webAclId: props.webAclArn,
      errorResponses: errorResponses(props.errorPages),
      enableLogging: true,
      logBucket: this.accessLogsBucket,
      logFilePrefix: 'cloudfront/', // One that is brought may hold other logs, too.
      logIncludesCookies: false,
    });
    acknowledgeFindings(this.distribution, props);

    this.hostNames = certificate ? loadBalancer.domainNames : [this.distribution.distributionDomainName];
    this.url = `https://${this.hostNames[0]}`;
    const { staticFiles, staticPaths = STATIC_PATHS } = props;
    this.mediaStorage = mediaPathsOf(props).length === 0 ? undefined : this.servedStorage(props);
    this.staticFiles = staticFiles && servedStaticFiles(this, 'StaticFiles', staticFiles, staticPaths);
    if (props.hostedZone) {
      this.makeRecords(props.hostedZone, loadBalancer);
    }
  }

  /**
   * Answers with a status of 500 or more, in percent of all; CloudWatch has it in us-east-1.
   *
   * @default - average over 5 minutes
   */
  public metric5xxErrorRate(props?: MetricOptions): Metric {
    return this.distribution.metric5xxErrorRate(props);
  }

  private behaviors(props: CdnProps) {
    const functionAssociations = viewerFunction(this, 'ViewerRequest', props);
    const shared = {
      origin: originOf(this, props.loadBalancer),
      viewerProtocolPolicy: ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
      originRequestPolicy: toOrigin(this, 'ToOrigin'),
      responseHeadersPolicy: responseHeaders(this, 'Headers', props),
      functionAssociations,
    };
    const defaultBehavior: BehaviorOptions = {
      ...shared,
      allowedMethods: AllowedMethods.ALLOW_ALL,
      cachePolicy: CachePolicy.CACHING_DISABLED,
      compress: false,
    };
    const { staticPaths = STATIC_PATHS, cachedPaths = [], publicMediaPaths = [], signedMediaPaths = [] } = props;
    const pages: BehaviorOptions | undefined =
      cachedPaths.length > 0 ? { ...defaultBehavior, cachePolicy: cachedPages(this, 'Pages', props) } : undefined;
    const files = staticPaths.length > 0 ? this.staticBehavior(props, shared) : undefined;
    const media = this.mediaBehavior(props, shared);
    const signed: BehaviorOptions | undefined = media && {
      ...media,
      trustedKeyGroups: props.urlSigningKeys && [props.urlSigningKeys.keyGroup],
    };
    const additionalBehaviors = Object.fromEntries([
      ...signedMediaPaths.map((path) => [path, signed]),
      ...publicMediaPaths.map((path) => [path, media]),
      ...staticPaths.map((path) => [path, files]),
      ...cachedPaths.map((path) => [path, pages]),
    ]);
    return { defaultBehavior, additionalBehaviors };
  }

  private staticBehavior(props: CdnProps, shared: BehaviorOptions): BehaviorOptions {
    const { staticFiles, staticPaths = STATIC_PATHS } = props;
    return staticFiles === undefined
      ? {
          ...shared,
          allowedMethods: AllowedMethods.ALLOW_GET_HEAD_OPTIONS,
          cachePolicy: filesOfImage(this, 'Static'),
          compress: true,
        }
      : {
          ...inBucket(props, shared),
          origin: new BucketOrigin(staticFiles.bucket, staticPaths, 'Static files in a bucket'),
          cachePolicy: filesOfBucket(this, 'StaticFilesPolicy', 'Static files in a bucket'),
          responseHeadersPolicy: shared.responseHeadersPolicy,
        };
  }

  private mediaBehavior(props: CdnProps, shared: BehaviorOptions): BehaviorOptions | undefined {
    const { mediaStorage, framePolicy, strictTransportSecurity } = props;
    const paths = mediaPathsOf(props);
    if (mediaStorage === undefined || paths.length === 0) {
      return undefined;
    }
    const contentSecurityPolicy = props.mediaContentSecurityPolicy ?? MEDIA_CONTENT_SECURITY_POLICY;
    return {
      ...inBucket(props, shared),
      origin: new BucketOrigin(mediaStorage.bucket, paths, 'Media files by way of the distribution'),
      cachePolicy: filesOfBucket(this, 'MediaFiles', 'Media files'),
      responseHeadersPolicy: responseHeaders(this, 'MediaHeaders', {
        framePolicy,
        strictTransportSecurity,
        contentSecurityPolicy,
      }),
    };
  }

  private servedStorage({ mediaStorage }: CdnProps): IMediaStorage | undefined {
    return mediaStorage && servedMediaStorage(this, 'Media', mediaStorage, this.hostNames[0]);
  }

  private makeRecords(hostedZone: IHostedZone, loadBalancer: IHttpsLoadBalancer) {
    const target = new CloudFrontTarget(this.distribution);
    if (loadBalancer instanceof HttpsLoadBalancer && Stack.of(loadBalancer) === Stack.of(this)) {
      loadBalancer._pointTo(target, hostedZone);
    } else {
      aliasRecords(this, hostedZone, certifiedNames(loadBalancer), target);
    }
    // A browser that finds one speaks HTTP/3 from its first request on; load balancers have none.
    const https = new Construct(this, 'HttpsRecords');
    for (const name of certifiedNames(loadBalancer)) {
      new HttpsRecord(https, name, {
        zone: hostedZone,
        recordName: `${name}.`,
        target: RecordTarget.fromAlias(target),
      });
    }
  }
}

/** Nothing of the viewer's reaches a bucket but the path. */
function inBucket(
  { maintenancePage }: CdnProps,
  { viewerProtocolPolicy, functionAssociations }: BehaviorOptions,
): Omit<BehaviorOptions, 'origin'> {
  return {
    viewerProtocolPolicy,
    allowedMethods: AllowedMethods.ALLOW_GET_HEAD,
    functionAssociations: maintenancePage === undefined ? undefined : functionAssociations,
    compress: true,
  };
}

/** Names of zones differ between accounts, ids do not: which is which only the account can say. */
function warnOfZones(scope: Construct, { loadBalancer }: IHttpsLoadBalancer) {
  const zone = zoneWithoutVpcOrigins(Stack.of(scope).region);
  if (zone !== undefined && isInternal(loadBalancer)) {
    Annotations.of(scope).addWarningV2(
      'cdk-django-fargate:zoneWithoutVpcOrigins',
      `CloudFront reaches no load balancer with a subnet in zone ${zone}. Find its name in your account with \`aws ec2 describe-availability-zones\`, and if the VPC uses it, give \`vpcSubnets\` of other zones to the load balancer, or set \`internetFacing\`.`,
    );
  }
}

function acknowledgeFindings(distribution: Distribution, { webAclArn, loadBalancer, geoRestriction }: CdnProps) {
  if (geoRestriction === undefined) {
    acknowledge(
      distribution,
      'CFR1',
      'A site is for everybody unless its owner names countries, for which there is `geoRestriction`.',
    );
  }
  if (webAclArn !== undefined) {
    acknowledge(
      loadBalancer.loadBalancer,
      'ALBWAFEnabled',
      'The web ACL stands at the distribution, and the load balancer answers 403 to all that did not come through it.',
    );
  }
  if (loadBalancer.domainNames.length === 0) {
    acknowledge(
      distribution,
      'CFR4',
      'CloudFront fixes the TLS versions for its own name and does not let them be chosen; a name of your own gets TLS 1.2 at least.',
    );
  }
}
