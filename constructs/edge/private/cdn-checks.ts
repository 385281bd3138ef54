import { Stack } from 'aws-cdk-lib';
import { CfnCertificate, type ICertificate } from 'aws-cdk-lib/aws-certificatemanager';
import { Bucket, type IBucket } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { Checks, isUnknown } from '../../core/checks';
import { checkEffects, type Effects, type NoEffect, needsOneOf, voidBeside } from '../../core/effects';
import type { CdnProps } from '../cdn';
import { EDGE_REGION } from '../edge-region';
import { isPrivateZone } from '../zone';
import { STATIC_PATHS } from './cdn-policies';
import { closed, ERRORS } from './cdn-responses';
import { takesLogs } from './cloudfront-regions';
import { checkHeaders, POLICY, POLICY_MUST } from './hsts';
import { covers, isEveryPath, overlap } from './path-patterns';

const OWN_BUCKET = 'it is for the bucket that is made where none is brought';
const EFFECTS: Effects<CdnProps> = {
  logRetention: [voidBeside('accessLogsBucket', OWN_BUCKET)],
  removalPolicy: [voidBeside('accessLogsBucket', OWN_BUCKET)],
  cachedCookies: [needsOneOf(['cachedPaths'], 'Name the paths of the pages that they make a difference in.')],
  mediaStorage: [needsOneOf(['publicMediaPaths', 'signedMediaPaths'], 'Name the paths of the files that it holds.')],
  mediaContentSecurityPolicy: [needsOneOf(['publicMediaPaths', 'signedMediaPaths'], 'Name the paths of the files.')],
  publicMediaPaths: [needsOneOf(['mediaStorage'], 'Give the storage that the files are in.')],
  signedMediaPaths: [
    needsOneOf(['mediaStorage'], 'Give the storage that the files are in.'),
    needsOneOf(['urlSigningKeys'], 'Give the keys by which the application signs: `new UrlSigningKeys()`.'),
  ],
  urlSigningKeys: [needsOneOf(['signedMediaPaths'], 'Name the paths that they open.')],
  staticFiles: [
    {
      when: ({ staticPaths = STATIC_PATHS }) => staticPaths.length === 0,
      must: 'come with `staticPaths`',
      remedy: 'Name the paths of the files that it holds, or leave `staticPaths` out for "/static/*".',
    },
  ],
  certificate: [withoutNames('CloudFront has a certificate for its own name')],
  hostedZone: [withoutNames('the name of the distribution has its record')],
};

/** ARN of a web ACL that CloudFront takes. */
const WEB_ACL_ARN = new RegExp(`^arn:aws:wafv2:${EDGE_REGION}:\\d{12}:global/webacl/[\\w-]+/[\\w-]+$`);
/** Bytes of the code of a function, of which CloudFront takes 10 KB. */
const LONGEST_FUNCTION = 10_000;
/** Paths of 75 cache behaviors, unless AWS raised the quota; one is that of all other paths. */
const MOST_PATHS = 74;
/** Cookies in the key of a cache. */
const MOST_COOKIES = 10;

function withoutNames(why: string): NoEffect<CdnProps> {
  return {
    when: ({ loadBalancer }) => loadBalancer.domainNames.length === 0,
    must: 'be left out where the load balancer has no `domainNames`',
    remedy: `It would have no effect: ${why}.`,
  };
}

/** The certificate of the domain names: the one that is given, or in us-east-1 that of the load balancer. */
export function certificateOf(scope: Construct, { certificate, loadBalancer }: CdnProps): ICertificate | undefined {
  if (loadBalancer.domainNames.length === 0) {
    return undefined;
  }
  return certificate ?? (Stack.of(scope).region === EDGE_REGION ? loadBalancer.certificate : undefined);
}

/** Refuses what a distribution cannot be made of. */
export function checkCdn(scope: Construct, props: CdnProps): void {
  const { loadBalancer, hostedZone, webAclArn, accessLogsBucket } = props;
  const { region } = Stack.of(scope);
  const checks = new Checks(scope);
  checkEffects(checks, props, EFFECTS);
  checkCertificate(checks, scope, props);
  checkPaths(checks, props);
  checkErrorPages(checks, props);
  checkBuckets(checks, scope, props);
  checks.known('strictTransportSecurity', props.strictTransportSecurity);
  checkHeaders(checks, props);
  checks
    .that('loadBalancer', loadBalancer, loadBalancer.originHeader !== undefined, {
      must: 'be made with `behindDistribution`, and not brought by its attributes',
      remedy: 'Only then it asks for the secret of the distribution, and everything else meets 403.',
    })
    .that('hostedZone', hostedZone, hostedZone === undefined || !isPrivateZone(hostedZone), {
      must: 'be a public one',
      remedy: 'A distribution is reached from the internet: give the public zone of the names.',
    })
    .matches('webAclArn', webAclArn, WEB_ACL_ARN, {
      must: `be the ARN of a web ACL of scope CLOUDFRONT, which is made in ${EDGE_REGION}`,
      remedy: `A web ACL of a load balancer does not fit: make another one in ${EDGE_REGION}.`,
    })
    .that('accessLogsBucket', accessLogsBucket, accessLogsBucket?.encryptionKey === undefined, {
      must: 'be encrypted by S3 itself',
      remedy: 'CloudFront cannot write to a bucket with a KMS key; give one with BucketEncryption.S3_MANAGED.',
    })
    .that('accessLogsBucket', accessLogsBucket, accessLogsBucket !== undefined || takesLogs(region), {
      must: `be given in ${region}, where CloudFront writes to no bucket`,
      remedy: 'Give a bucket of another region.',
    })
    .integer('logRetention', props.logRetention, { min: 1, remedy: 'Choose a value of RetentionDays.' })
    .matches('mediaContentSecurityPolicy', props.mediaContentSecurityPolicy, POLICY, {
      must: POLICY_MUST,
      remedy: 'Use "default-src \'none\'; sandbox" for files that nobody has to look at in a browser.',
    })
    .optional('maintenancePage', props.maintenancePage, () => isShort(props.maintenancePage as string), {
      must: `be HTML of 1 to about ${LONGEST_FUNCTION - 500} bytes`,
      remedy:
        'It becomes part of a function, of which CloudFront takes 10 KB: link pictures and styles of another site.',
    })
    .throwIfAny();
}

/** Of a bucket either this stack can write the policy, or nobody here can. */
function checkBuckets(checks: Checks, scope: Construct, { mediaStorage, staticFiles }: CdnProps): void {
  const isReachable = (bucket: IBucket) => !(bucket instanceof Bucket) || Stack.of(bucket) === Stack.of(scope);
  const brought = { mediaStorage: 'MediaStorage', staticFiles: 'StaticFiles' };
  for (const [prop, part] of Object.entries({ mediaStorage, staticFiles })) {
    checks.that(prop, part, part === undefined || isReachable(part.bucket), {
      must: 'be in the stack of the distribution, or be imported',
      remedy: `The bucket names the distribution in its policy, and the distribution the bucket, so CloudFormation makes both in one stack: use \`${brought[prop as keyof typeof brought]}.fromBucket()\` with an imported bucket, and write its policy where it is made.`,
    });
  }
  const isShared = staticFiles !== undefined && staticFiles.bucket.bucketName === mediaStorage?.bucket.bucketName;
  checks.that('staticFiles', staticFiles, !isShared, {
    must: 'have another bucket than `mediaStorage`',
    remedy: 'A release writes static files over whatever has their names: give them a bucket of their own.',
  });
}

function isShort(page: string): boolean {
  return page !== '' && Buffer.byteLength(closed(page)) <= LONGEST_FUNCTION;
}

function checkCertificate(checks: Checks, scope: Construct, props: CdnProps): void {
  const { certificate, loadBalancer } = props;
  const isNamed = loadBalancer.domainNames.length > 0;
  checks.that('certificate', certificate, !isNamed || certificateOf(scope, props) !== undefined, {
    must: `be given for the domain names, from ${EDGE_REGION}`,
    remedy:
      'CloudFront takes certificates of that region alone: request one there for the same names, or leave the domain names out.',
  });
  if (certificate === undefined) {
    return;
  }
  const { certificateArn } = certificate;
  const [, , service, region] = isUnknown(certificateArn) ? [] : certificateArn.split(':');
  checks.that('certificate', certificateArn, service === 'acm' && region === EDGE_REGION, {
    must: `be one of Certificate Manager in ${EDGE_REGION}`,
    remedy: 'CloudFront takes certificates of that region alone; the one of the load balancer is of its own.',
  });
  const madeIn = certificate.node.defaultChild instanceof CfnCertificate ? Stack.of(certificate).region : undefined;
  checks.optional('certificate', madeIn, () => madeIn === EDGE_REGION, {
    must: `be made in ${EDGE_REGION}`,
    remedy: 'CloudFront takes certificates of that region alone; the one of the load balancer is of its own.',
  });
}

/** All paths of media files. */
export function mediaPathsOf({ signedMediaPaths = [], publicMediaPaths = [] }: CdnProps): string[] {
  return [...signedMediaPaths, ...publicMediaPaths];
}

/** In the order in which CloudFront tries them. */
function pathsOf(props: CdnProps): [prop: string, paths: string[]][] {
  const { signedMediaPaths = [], publicMediaPaths = [], staticPaths = STATIC_PATHS, cachedPaths = [] } = props;
  return Object.entries({ signedMediaPaths, publicMediaPaths, staticPaths, cachedPaths });
}

function checkPaths(checks: Checks, props: CdnProps): void {
  const { cachedCookies } = props;
  const groups = pathsOf(props);
  const all = groups.flatMap(([, paths]) => paths);
  for (const [at, [prop, paths]] of groups.entries()) {
    const before = groups.slice(0, at).flatMap(([name, others]) => others.map((path) => ({ name, path })));
    for (const [index, path] of paths.entries()) {
      checks
        .matches(`${prop}[${index}]`, path, /^\/[A-Za-z0-9_\-.$/~"'@:+&*?]{0,254}$/, {
          must: 'be a pattern that starts with a slash, of at most 255 letters, digits and _-.$/~"\'@:+&*?',
          remedy: 'Write it as CloudFront matches it, for example "/static/*".',
        })
        .that(`${prop}[${index}]`, path, !isEveryPath(path), {
          must: 'not stand for every path',
          remedy: 'Name what may be kept: the rest comes from the application.',
        })
        .that(`${prop}[${index}]`, path, path !== '/' || !isInBucket(prop, props), {
          must: 'be the path of files, which "/" is not',
          remedy: 'S3 would answer there with the names of all files: let the application have the first page.',
        })
        .that(`${prop}[${index}]`, path, path === '/' || !path.endsWith('/') || !isInBucket(prop, props), {
          must: 'be the path of files, which a folder is not',
          remedy: `CloudFront compares whole paths: write "${path}*" for the files of that folder.`,
        })
        .that(`${prop}[${index}]`, path, all.indexOf(path) === all.lastIndexOf(path), {
          must: 'be named once, in one of `signedMediaPaths`, `publicMediaPaths`, `staticPaths` and `cachedPaths`',
          remedy: 'Remove it in one place: CloudFront treats a path in one way.',
        });
      const hiding = before.find((other) => other.path !== path && !isUnknown(other.path) && covers(other.path, path));
      checks.that(`${prop}[${index}]`, path, hiding === undefined, {
        must: `not lie within "${hiding?.path}" of \`${hiding?.name}\``,
        remedy: 'CloudFront would never come to it: give it a folder beside that one.',
      });
    }
  }
  checkOpened(checks, props);
  for (const prop of ['publicMediaPaths', 'signedMediaPaths'] as const) {
    checks.that(prop, props[prop], props[prop]?.length !== 0, {
      must: 'name at least one path',
      remedy: 'Leave it out where there are no such files.',
    });
  }
  checks
    .that('cachedPaths', `${all.length} paths`, all.length <= MOST_PATHS, {
      must: `be at most ${MOST_PATHS} together with all other paths`,
      remedy: 'Use wider patterns.',
    })
    .optional('cachedCookies', cachedCookies, () => areCookies(cachedCookies as string[]), {
      must: `be 1 to ${MOST_COOKIES} names of cookies, each once`,
      remedy: 'Name the cookies of your settings SESSION_COOKIE_NAME, CSRF_COOKIE_NAME and LANGUAGE_COOKIE_NAME.',
    });
}

/** Whether the files of a prop's paths come from a bucket. */
function isInBucket(prop: string, { staticFiles }: CdnProps): boolean {
  return prop.endsWith('MediaPaths') || (prop === 'staticPaths' && staticFiles !== undefined);
}

/** Refuses public paths that open files of signed ones. */
function checkOpened(checks: Checks, { signedMediaPaths = [], publicMediaPaths = [] }: CdnProps): void {
  const signed = signedMediaPaths.filter((path) => !isUnknown(path));
  for (const [index, path] of publicMediaPaths.entries()) {
    // One that lies within a signed path is closed, and refused as what is never used.
    const opened = signed.find((other) => other !== path && !covers(other, path) && overlap(other, path));
    checks.that(`publicMediaPaths[${index}]`, path, opened === undefined, {
      must: `have no file in common with "${opened}" of \`signedMediaPaths\``,
      remedy:
        'An address that writes a slash as %2F leads to the private file by way of the public path, without a signature: use folders beside each other, such as "/media/*" and "/public/*".',
    });
  }
}

function areCookies(names: string[]): boolean {
  const few = names.length >= 1 && names.length <= MOST_COOKIES && new Set(names).size === names.length;
  return few && names.every((name) => isUnknown(name) || /^[\w!#$%&'*+.^`|~-]+$/.test(name));
}

function checkErrorPages(checks: Checks, { errorPages = {} }: CdnProps): void {
  for (const [status, path] of Object.entries(errorPages)) {
    checks
      .that(
        `errorPages.${status}`,
        status,
        ERRORS.some((error) => String(error) === status),
        {
          must: `be of one of ${ERRORS.join(', ')}`,
          remedy: 'CloudFront has pages for these statuses alone.',
        },
      )
      .matches(`errorPages.${status}`, path, /^\/[\w\-.$/~"'@:+&]{0,4000}$/, {
        must: 'be a path that starts with a slash',
        remedy: 'Write it as in "/static/busy.html", a page that the distribution keeps.',
      });
  }
}
