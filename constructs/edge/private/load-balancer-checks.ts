import { Annotations, Arn, ArnFormat, type Duration, Stack } from 'aws-cdk-lib';
import { type IVpc, SubnetType } from 'aws-cdk-lib/aws-ec2';
import type { Construct } from 'constructs';
import { Checks, isUnknown, selectedSubnets } from '../../core/checks';
import { checkEffects, type Effects, type NoEffect, voidBeside, warnOfNoEffect } from '../../core/effects';
import { checkFitIntoOne, checkInZone, checkOnce, checkRedirected } from '../certified-names';
import { HOST_NAME, HOST_NAME_IN_ANY_CASE } from '../host-names';
import type { HttpsLoadBalancerAttributes, HttpsLoadBalancerProps } from '../https-load-balancer';
import { isPrivateZone } from '../zone';
import { hasVpcOrigins, knowsCloudFront } from './cloudfront-regions';
import { checkHeaders } from './hsts';

const OWN_BUCKET = 'it is for the bucket that is made where none is brought';
const SET_BY_DISTRIBUTION: NoEffect<HttpsLoadBalancerProps> = {
  when: ({ behindDistribution }) => behindDistribution === true,
  must: 'be left out behind a distribution',
  remedy: 'The distribution sets this header: give its value to the Cdn.',
};
const EFFECTS: Effects<HttpsLoadBalancerProps> = {
  strictTransportSecurity: [SET_BY_DISTRIBUTION],
  contentSecurityPolicy: [SET_BY_DISTRIBUTION],
  framePolicy: [SET_BY_DISTRIBUTION],
  additionalHostNames: [
    {
      when: ({ behindDistribution }) => behindDistribution === true,
      must: 'be left out behind a distribution',
      remedy: 'It would have no effect: the distribution redirects to HTTPS, and nothing listens on port 80.',
    },
  ],
  redirectedDomainNames: [
    {
      when: ({ domainNames = [] }) => domainNames.length === 0,
      must: 'come with `domainNames`',
      remedy: 'Add the name that they are redirected to.',
    },
  ],
  originKeys: [
    {
      when: ({ behindDistribution }) => behindDistribution !== true,
      must: 'be left out where no distribution stands before the load balancer',
      remedy: 'It would have no effect: the secrets are for what a distribution sends.',
    },
  ],
  logRetention: [voidBeside('accessLogsBucket', OWN_BUCKET)],
  removalPolicy: [voidBeside('accessLogsBucket', OWN_BUCKET)],
};

/** Rules of a security group in one direction, unless AWS raised the quota. */
const MOST_RULES = 60;
/** Certificates of a load balancer beside the default one. */
const MOST_CERTIFICATES = 25;

/** Refuses what a load balancer cannot be made of. */
export function checkLoadBalancer(scope: Construct, props: HttpsLoadBalancerProps): void {
  const checks = new Checks(scope);
  const region = Stack.of(scope).region;
  const { allowFrom = [], additionalCertificates = [] } = props;
  checkEffects(checks, props, EFFECTS);
  checkSubnets(checks, props);
  checkDistribution(checks, props, region);
  const closed = props.internetFacing === false && props.allowFrom === undefined && !props.behindDistribution;
  checks.that('vpc', props.vpc, !closed || knowsCidr(props.vpc), {
    must: 'know its CIDR block, to which an internal load balancer is open',
    remedy: 'Give `vpcCidrBlock` to Vpc.fromVpcAttributes, or say in `allowFrom` who may connect.',
  });
  checkDomainNames(checks, props.domainNames);
  checkRedirected(checks, namesOf(props));
  checkAdditionalNames(checks, props);
  checkCertificate(checks, props);
  checkHostedZone(checks, props);
  const certificates = [props.certificate, ...(props.additionalCertificates ?? [])];
  for (const [index, certificate] of certificates.entries()) {
    const prop = index === 0 ? 'certificate' : `additionalCertificates[${index - 1}]`;
    checkArn(checks, prop, certificate?.certificateArn, { service: 'acm', region });
  }
  checkHeaders(checks, props);
  checkIdleTimeout(checks, props.idleTimeout)
    .integer('minimumCapacityUnit', props.minimumCapacityUnit, {
      min: 100,
      max: 15_000,
      remedy: 'Elastic Load Balancing reserves no fewer, and grows by itself: leave it out unless you expect a rush.',
    })
    .optional('sslPolicy', props.sslPolicy, () => /-1-[23](-|$)/.test(props.sslPolicy as string), {
      must: 'be a policy that starts at TLS 1.2 or 1.3',
      remedy: 'Use SslPolicy.TLS13_12_RES_PQ; every browser since 2014 speaks TLS 1.2.',
    })
    .optional('allowFrom', props.allowFrom, () => (props.allowFrom ?? []).length > 0, {
      must: 'name at least one peer',
      remedy: 'Leave it out to let everybody in.',
    })
    .that('allowFrom', `${allowFrom.length} peers`, allowFrom.length <= mostPeers(props), {
      must: `name at most ${mostPeers(props)} peers, since a security group holds ${MOST_RULES} inbound rules and each port takes one`,
      remedy:
        'Take wider blocks of addresses; with a raised quota, put all of them into one managed prefix list, which is only warned of.',
    })
    .that(
      'additionalCertificates',
      `${additionalCertificates.length}`,
      additionalCertificates.length <= MOST_CERTIFICATES,
      {
        must: `be at most ${MOST_CERTIFICATES}, beside the first one`,
        remedy: 'Put several names into one certificate.',
      },
    )
    .that('accessLogsBucket', props.accessLogsBucket, props.accessLogsBucket?.encryptionKey === undefined, {
      must: 'be encrypted by S3 itself',
      remedy: 'Load balancers cannot write to a bucket with a KMS key; give one with BucketEncryption.S3_MANAGED.',
    })
    .integer('logRetention', props.logRetention, { min: 1, remedy: 'Choose a value of RetentionDays.' })
    .throwIfAny();
  warnOfUnredirected(scope, props);
  warnOfPrefixLists(scope, props);
  if ((props.domainNames ?? []).length === 0) {
    const reason = 'without `domainNames` the load balancer speaks plain HTTP';
    warnOfNoEffect(scope, 'sslPolicy', props.sslPolicy, reason);
    warnOfNoEffect(scope, 'strictTransportSecurity', props.strictTransportSecurity, reason);
    warnOfNoEffect(scope, 'additionalHostNames', props.additionalHostNames, reason);
  }
}

/** What a load balancer behind a distribution needs of its Region, and of the secrets it is known by. */
function checkDistribution(checks: Checks, props: HttpsLoadBalancerProps, region: string): void {
  const { behindDistribution, internetFacing, allowFrom, originKeys } = props;
  if (!behindDistribution) {
    return;
  }
  const name = /^[A-Za-z0-9]{1,20}$/;
  const { domainNames = [] } = props;
  checks
    .that('internetFacing', internetFacing, internetFacing !== true || domainNames.length > 0, {
      must: 'be left out behind a distribution without `domainNames`',
      remedy:
        'What CloudFront sends would cross the internet in plain, cookies and passwords too: give `domainNames`, for which the load balancer has a certificate.',
    })
    .that('internetFacing', internetFacing ?? false, internetFacing === true || hasVpcOrigins(region), {
      must: `be true in ${region}, where CloudFront has no VPC origins`,
      remedy: 'Set it: the load balancer still answers the distribution alone.',
    })
    .that('allowFrom', allowFrom, allowFrom !== undefined || knowsCloudFront(region), {
      must: `be given in ${region}, whose list of CloudFront's addresses is not known here`,
      remedy:
        'Give Peer.prefixList() with the id that `aws ec2 describe-managed-prefix-lists` shows for com.amazonaws.global.cloudfront.origin-facing.',
    })
    .optional('originKeys', originKeys, () => isSet(originKeys as string[], name), {
      must: 'be one or two different names of 1 to 20 letters and digits',
      remedy: "Use ['1'], and two of them only while you replace the secret.",
    });
}

/** One name or two, each once. */
function isSet(names: string[], form: RegExp): boolean {
  const few = names.length === 1 || names.length === 2;
  return few && new Set(names).size === names.length && names.every((name) => form.test(name));
}

/** How many peers fit: HTTPS listens on two ports, and a rule opens one. */
function mostPeers({ domainNames = [], behindDistribution }: HttpsLoadBalancerProps): number {
  return domainNames.length > 0 && !behindDistribution ? MOST_RULES / 2 : MOST_RULES;
}

/** What a prefix list weighs is known to AWS alone. */
function warnOfPrefixLists(scope: Construct, { allowFrom = [] }: HttpsLoadBalancerProps): void {
  if (allowFrom.some((peer) => 'sourcePrefixListId' in peer.toIngressRuleConfig())) {
    Annotations.of(scope).addWarningV2(
      'cdk-django-fargate:prefixListWeight',
      `A prefix list in \`allowFrom\` counts with its maximum size, on every port, towards the ${MOST_RULES} rules of the security group. Raise the quota "Inbound or outbound rules per security group" before you deploy one that is larger: CloudFront's weighs 55.`,
    );
  }
}

/** Refuses attributes that cannot belong to a load balancer of this region. */
export function checkAttributes(scope: Construct, attrs: HttpsLoadBalancerAttributes): void {
  const checks = checkIdleTimeout(new Checks(scope), attrs.idleTimeout);
  const expected = { service: 'elasticloadbalancing', region: Stack.of(scope).region };
  checkArn(checks, 'loadBalancerArn', attrs.loadBalancerArn, expected);
  checkArn(checks, 'listenerArn', attrs.listenerArn, expected);
  checkParts(checks, attrs);
  checkDomainNames(checks, attrs.domainNames);
  checks
    .matches('securityGroupId', attrs.securityGroupId, /^sg-[0-9a-f]+$/, {
      must: 'be the id of a security group',
      remedy: 'It starts with sg-.',
    })
    .throwIfAny();
}

/** The ARNs must be of an Application Load Balancer and of one of its listeners. */
function checkParts(checks: Checks, attrs: HttpsLoadBalancerAttributes): void {
  const { loadBalancerArn, listenerArn } = attrs;
  const [, own] = /:loadbalancer\/(app\/.+)$/.exec(loadBalancerArn) ?? [];
  const [, listens] = /:listener\/(app\/.+)\/[^/]+$/.exec(listenerArn) ?? [];
  checks
    .matches('loadBalancerArn', loadBalancerArn, /:loadbalancer\/app\//, {
      must: 'be the ARN of an Application Load Balancer',
      remedy: 'List them with `aws elbv2 describe-load-balancers`; its resource begins with loadbalancer/app/.',
    })
    .matches('listenerArn', listenerArn, /:listener\/app\//, {
      must: 'be the ARN of a listener of an Application Load Balancer',
      remedy: 'List them with `aws elbv2 describe-listeners`; its resource begins with listener/app/.',
    })
    .that('listenerArn', listenerArn, own === undefined || listens === undefined || isUnknown(own) || own === listens, {
      must: 'be of a listener of `loadBalancerArn`',
      remedy: 'Give both of one load balancer.',
    })
    .matches('loadBalancerDnsName', attrs.loadBalancerDnsName, HOST_NAME_IN_ANY_CASE, {
      must: 'be the DNS name of the load balancer, without scheme and port',
      remedy: 'Copy it from the console, or reference the resource.',
    })
    .matches('loadBalancerCanonicalHostedZoneId', attrs.loadBalancerCanonicalHostedZoneId, /^Z[A-Z0-9]{5,31}$/, {
      must: 'be the id of a hosted zone',
      remedy: 'Elastic Load Balancing has one for each Region; it starts with Z.',
    });
}

function checkIdleTimeout(checks: Checks, idleTimeout: Duration | undefined): Checks {
  return checks.duration('idleTimeout', idleTimeout, {
    whole: 'seconds',
    min: 1,
    max: 4000,
    remedy: 'Let WebSockets send a ping more often than that.',
  });
}

function checkSubnets(checks: Checks, props: HttpsLoadBalancerProps) {
  const { vpc, vpcSubnets, internetFacing, behindDistribution } = props;
  const needsPublic = vpcSubnets === undefined && (internetFacing ?? !behindDistribution);
  if (needsPublic && vpc.publicSubnets.length === 0) {
    checks.that('vpc', vpc, false, {
      must: 'have public subnets for a load balancer that faces the internet',
      remedy: 'Give `vpcSubnets`, or set `internetFacing` to false.',
    });
    return;
  }
  checks.selects('vpcSubnets', vpc, vpcSubnets);
  const selected = selectedSubnets(vpc, vpcSubnets ?? (needsPublic ? { subnetType: SubnetType.PUBLIC } : {}));
  if (selected === undefined || (vpcSubnets !== undefined && selected.subnetIds.length === 0)) {
    return; // Refused above.
  }
  const zones = new Set(selected.subnets.map((subnet) => subnet.availabilityZone)).size;
  const counted = selected.isPendingLookup !== true && !isUnknown(selected.availabilityZones);
  checks.that('vpcSubnets', zones, !counted || zones >= 2, {
    must: 'lie in at least two availability zones',
    remedy: 'A load balancer cannot be made in one; choose subnets in another zone too.',
  });
}

/** Whether a VPC tells its addresses; the CDK throws where `Vpc.fromVpcAttributes` was not told. */
function knowsCidr(vpc: IVpc): boolean {
  try {
    return vpc.vpcCidrBlock !== '';
  } catch {
    return false;
  }
}

function checkDomainNames(checks: Checks, domainNames: string[] | undefined) {
  if (domainNames === undefined || isUnknown(domainNames)) {
    return;
  }
  checkOnce(checks, domainNames);
  for (const [index, name] of domainNames.entries()) {
    checks.that(`domainNames[${index}]`, name, HOST_NAME.test(name), {
      must: 'be a host name in lower case, without scheme, port, path or wildcard',
      remedy: 'Write it as in shop.example.com.',
    });
  }
}

function namesOf({ domainNames = [], redirectedDomainNames = [] }: HttpsLoadBalancerProps) {
  return { domainNames, redirectedDomainNames };
}

function checkAdditionalNames(checks: Checks, props: HttpsLoadBalancerProps) {
  const { additionalHostNames = [], domainNames = [], redirectedDomainNames = [] } = props;
  for (const [index, name] of additionalHostNames.entries()) {
    const prop = `additionalHostNames[${index}]`;
    checks
      .matches(prop, name.replace(/^\*\./, ''), HOST_NAME, {
        must: 'be a host name in lower case, without scheme, port and path, a wildcard only as the first label',
        remedy: 'Write it as in blog.example.com or *.example.com.',
      })
      .that(prop, name, !domainNames.includes(name) && additionalHostNames.indexOf(name) === index, {
        must: 'be named once, and not be among `domainNames`',
        remedy: 'Remove it: port 80 redirects it already.',
      })
      .that(prop, name, !redirectedDomainNames.includes(name), {
        must: 'not be among `redirectedDomainNames`',
        remedy: 'Remove it: it is redirected already.',
      });
  }
}

/** Names of certificates cannot be read here. */
function warnOfUnredirected(
  scope: Construct,
  { additionalCertificates = [], additionalHostNames }: HttpsLoadBalancerProps,
) {
  if (additionalCertificates.length > 0 && additionalHostNames === undefined) {
    Annotations.of(scope).addWarningV2(
      'cdk-django-fargate:additionalHostNames',
      'Port 80 answers 404 to the names of `additionalCertificates`. Name in `additionalHostNames` those that it should redirect to HTTPS.',
    );
  }
}

function checkCertificate(checks: Checks, props: HttpsLoadBalancerProps) {
  const { domainNames = [], hostedZone, certificate, additionalCertificates = [] } = props;
  const named = domainNames.length > 0;
  const production = (props.profile?.name ?? 'production') === 'production';
  const needsNames =
    hostedZone !== undefined || certificate !== undefined || additionalCertificates.length > 0 || production;
  checks.that('domainNames', props.domainNames, named || !needsNames, {
    must: 'hold at least one name in production, or with a hosted zone or certificate',
    remedy: `Give the names to serve over HTTPS; without any, Profile.development() ${withoutNames(props)}.`,
  });
  checks.that('hostedZone', hostedZone, !named || hostedZone !== undefined || certificate !== undefined, {
    must: 'be given with `domainNames`, unless there is a certificate',
    remedy: 'Give the hosted zone of the names, or a certificate that was issued for them.',
  });
  if (named && certificate === undefined) {
    checkFitIntoOne(checks, namesOf(props));
  }
}

function withoutNames({ behindDistribution }: HttpsLoadBalancerProps): string {
  return behindDistribution
    ? 'serves HTTPS on the name of the distribution, to which the load balancer speaks plain HTTP'
    : 'serves plain HTTP on the name of the load balancer';
}

function checkHostedZone(checks: Checks, props: HttpsLoadBalancerProps) {
  const { domainNames = [], hostedZone, certificate, internetFacing } = props;
  if (hostedZone === undefined) {
    return;
  }
  const inside = internetFacing === false && certificate !== undefined;
  checks.that('hostedZone', hostedZone, inside || !isPrivateZone(hostedZone), {
    must: 'be a public one for a certificate to be validated in it, and for a load balancer that faces the internet',
    remedy:
      'Give the public zone of the name; a private one serves only with `internetFacing: false` and a `certificate`.',
  });
  checks.that('domainNames', 'a value only known at deployment', !isUnknown(domainNames), {
    must: 'be known at synthesis to get records in a hosted zone',
    remedy: 'Write the names out, or give a certificate and make the records yourself.',
  });
  checkInZone(checks, namesOf(props), hostedZone);
}

function checkArn(
  checks: Checks,
  prop: string,
  arn: string | undefined,
  { service, region }: { readonly service: string; readonly region: string },
): void {
  if (arn === undefined || isUnknown(arn)) {
    return;
  }
  const parts = arn.split(':').length >= 6 ? Arn.split(arn, ArnFormat.SLASH_RESOURCE_NAME) : undefined;
  checks.that(prop, arn, parts?.service === service, {
    must: `be an ARN of ${service}`,
    remedy: 'Copy it from the console, or reference the resource.',
  });
  if (parts?.service === service && !isUnknown(region) && !isUnknown(parts.region)) {
    checks.that(prop, arn, parts.region === region, {
      must: `be in the region of the stack, ${region}`,
      remedy: 'A load balancer can only use what is in its own region.',
    });
  }
}
