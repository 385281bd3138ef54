import { Duration } from 'aws-cdk-lib';
import {
  CacheCookieBehavior,
  CacheHeaderBehavior,
  CachePolicy,
  CacheQueryStringBehavior,
  HeadersFrameOption,
  OriginRequestCookieBehavior,
  OriginRequestHeaderBehavior,
  OriginRequestPolicy,
  OriginRequestQueryStringBehavior,
  ResponseHeadersPolicy,
} from 'aws-cdk-lib/aws-cloudfront';
import type { Construct } from 'constructs';
import { nameOfThisStack } from '../../core/removal';
import type { CdnOptions } from '../cdn';
import { FramePolicy } from '../https-load-balancer';
import { FORWARDED_PROTO } from '../origin-header';
import { directivesOf } from './hsts';

/** Paths of static files, unless they are named. */
export const STATIC_PATHS = ['/static/*'];
/**
 * What a file that somebody has uploaded may do, on the host name of the site, when a browser opens it: be
 * shown. It runs no script and sends no form.
 */
export const MEDIA_CONTENT_SECURITY_POLICY =
  "default-src 'none'; img-src 'self'; media-src 'self'; object-src 'self'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'";
/** Cookies of Django that pages differ by. */
const COOKIES = ['sessionid', 'csrftoken', 'django_language'];
const LONGEST = Duration.days(365);
/** Characters of the name of a policy. */
const LONGEST_NAME = 128;

/** Everything of a viewer's request, its Host too, and by which protocol it came. */
export function toOrigin(scope: Construct, id: string): OriginRequestPolicy {
  return new OriginRequestPolicy(scope, id, {
    originRequestPolicyName: nameOfThisStack(scope, LONGEST_NAME, id),
    comment: 'What the viewer sent, and by which protocol',
    headerBehavior: OriginRequestHeaderBehavior.all(FORWARDED_PROTO),
    cookieBehavior: OriginRequestCookieBehavior.all(),
    queryStringBehavior: OriginRequestQueryStringBehavior.all(),
  });
}

/** Static files of the application, for as long as their headers say, which may be not at all. */
export function filesOfImage(scope: Construct, id: string): CachePolicy {
  const byHost = CacheHeaderBehavior.allowList('Host'); // Several names may lead to several services.
  return cachedFiles(scope, id, 'Static files', byHost);
}

/** Files in a bucket, for as long as their headers say; without any, S3 is asked each time for a change. */
export function filesOfBucket(scope: Construct, id: string, comment: string): CachePolicy {
  return cachedFiles(scope, id, comment, CacheHeaderBehavior.none()); // S3 knows its own host name alone.
}

/** Files that are the same for everybody who may have them. */
function cachedFiles(scope: Construct, id: string, comment: string, headerBehavior: CacheHeaderBehavior): CachePolicy {
  return new CachePolicy(scope, id, {
    cachePolicyName: nameOfThisStack(scope, LONGEST_NAME, id),
    comment,
    minTtl: Duration.seconds(0),
    defaultTtl: Duration.seconds(0),
    maxTtl: LONGEST,
    cookieBehavior: CacheCookieBehavior.none(),
    headerBehavior,
    queryStringBehavior: CacheQueryStringBehavior.none(), // CloudFront takes the signature out itself.
    enableAcceptEncodingGzip: true,
    enableAcceptEncodingBrotli: true,
  });
}

/** Pages, for each of their visitors, for as long as their headers say, which may be not at all. */
export function cachedPages(scope: Construct, id: string, { cachedCookies = COOKIES }: CdnOptions): CachePolicy {
  return new CachePolicy(scope, id, {
    cachePolicyName: nameOfThisStack(scope, LONGEST_NAME, id),
    comment: 'Pages by session, CSRF token and language',
    minTtl: Duration.seconds(0),
    defaultTtl: Duration.seconds(0),
    maxTtl: LONGEST,
    cookieBehavior: CacheCookieBehavior.allowList(...cachedCookies),
    // An application may compress: a browser gets what it can read, not what another one could. What somebody
    // with a password or a token is told is not for others, and CloudFront hands the header on as part of a
    // key alone.
    headerBehavior: CacheHeaderBehavior.allowList('Accept-Encoding', 'Accept-Language', 'Authorization', 'Host'),
    queryStringBehavior: CacheQueryStringBehavior.all(),
    enableAcceptEncodingGzip: false,
    enableAcceptEncodingBrotli: false,
  });
}

/** Headers that are set here and nowhere else: a value of the application's is replaced. */
export function responseHeaders(
  scope: Construct,
  id: string,
  props: Pick<CdnOptions, 'framePolicy' | 'contentSecurityPolicy' | 'strictTransportSecurity'>,
): ResponseHeadersPolicy {
  const { framePolicy = FramePolicy.DENY, contentSecurityPolicy, strictTransportSecurity } = props;
  const frameOption = framePolicy === FramePolicy.DENY ? HeadersFrameOption.DENY : HeadersFrameOption.SAMEORIGIN;
  const override = true;
  return new ResponseHeadersPolicy(scope, id, {
    responseHeadersPolicyName: nameOfThisStack(scope, LONGEST_NAME, id),
    comment: 'Security headers',
    securityHeadersBehavior: {
      strictTransportSecurity: { ...directivesOf(strictTransportSecurity), override },
      contentTypeOptions: { override },
      frameOptions: framePolicy === FramePolicy.APPLICATION ? undefined : { frameOption, override },
      contentSecurityPolicy: contentSecurityPolicy === undefined ? undefined : { contentSecurityPolicy, override },
    },
  });
}
