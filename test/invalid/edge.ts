import { Duration, Fn, Lazy, type Stack } from 'aws-cdk-lib';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { InterfaceVpcEndpointAwsService, IpAddresses, Vpc } from 'aws-cdk-lib/aws-ec2';
import { SslPolicy } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { HostedZone } from 'aws-cdk-lib/aws-route53';
import { Bucket, BucketEncryption } from 'aws-cdk-lib/aws-s3';
import { Profile } from '../../constructs/core/profile';
import { Cdn, type CdnProps } from '../../constructs/edge/cdn';
import {
  HttpsLoadBalancer,
  type HttpsLoadBalancerAttributes,
  type HttpsLoadBalancerProps,
} from '../../constructs/edge/https-load-balancer';
import { WebFirewall, type WebFirewallProps } from '../../constructs/edge/web-firewall';
import { Network, type NetworkProps } from '../../constructs/network/network';
import { MediaStorage } from '../../constructs/storage/media-storage';
import { StaticFiles } from '../../constructs/storage/static-files';
import { UrlSigningKeys } from '../../constructs/storage/url-signing-keys';
import { testVpc } from '../support';
import type { InvalidCase } from './case';

type Make<T> = (stack: Stack) => T;

const network = (name: string, prop: string, props: NetworkProps): InvalidCase => ({
  name: `Network: ${name}`,
  prop,
  make: (stack) => new Network(stack, 'Network', props),
});

const balancer = (name: string, prop: string, props: Make<Partial<HttpsLoadBalancerProps>>): InvalidCase => ({
  name: `HttpsLoadBalancer: ${name}`,
  prop,
  make: (stack) =>
    new HttpsLoadBalancer(stack, 'Balancer', {
      vpc: testVpc(stack),
      domainNames: ['shop.example.com'],
      hostedZone: zone(stack),
      ...props(stack),
    }),
});

const imported = (name: string, prop: string, attrs: Partial<HttpsLoadBalancerAttributes>): InvalidCase => ({
  name: `HttpsLoadBalancer.fromHttpsLoadBalancerAttributes: ${name}`,
  prop,
  make: (stack) =>
    HttpsLoadBalancer.fromHttpsLoadBalancerAttributes(stack, 'Balancer', {
      vpc: testVpc(stack),
      loadBalancerArn: 'arn:aws:elasticloadbalancing:eu-west-1:111111111111:loadbalancer/app/shared/50dc6c495c0c9188',
      listenerArn: 'arn:aws:elasticloadbalancing:eu-west-1:111111111111:listener/app/shared/50dc6c495c0c9188/f2f7dc8e',
      loadBalancerDnsName: 'shared-1.eu-west-1.elb.amazonaws.com',
      securityGroupId: 'sg-0123456789abcdef0',
      ...attrs,
    }),
});

const firewall = (name: string, prop: string, props: WebFirewallProps): InvalidCase => ({
  name: `WebFirewall: ${name}`,
  prop,
  make: (stack) => new WebFirewall(stack, 'Firewall', props),
});

function cdnWith(stack: Stack, props: Partial<CdnProps>, given: Partial<HttpsLoadBalancerProps> = {}): Cdn {
  const profile = Profile.development();
  const shared = { vpc: testVpc(stack), behindDistribution: true, profile };
  return new Cdn(stack, 'Cdn', {
    profile,
    loadBalancer: new HttpsLoadBalancer(stack, 'Balancer', { ...shared, ...given }),
    ...props,
  });
}

const cdn = (name: string, prop: string, props: Partial<CdnProps>, given: Partial<HttpsLoadBalancerProps> = {}) => ({
  name: `Cdn: ${name}`,
  prop,
  make: (stack: Stack) => cdnWith(stack, props, given),
});

const media = (name: string, prop: string, props: Partial<CdnProps>) => ({
  name: `Cdn with media files: ${name}`,
  prop,
  make: (stack: Stack) => cdnWith(stack, { mediaStorage: new MediaStorage(stack, 'Media'), ...props }),
});

function zone(stack: Stack, zoneName = 'example.com') {
  return HostedZone.fromHostedZoneAttributes(stack, `Zone-${zoneName}`, { hostedZoneId: 'Z0123456789', zoneName });
}

function certificate(stack: Stack, arn: string) {
  return Certificate.fromCertificateArn(stack, 'Certificate', arn);
}

const domainNames =
  (...names: string[]) =>
  () => ({ domainNames: names });

const redirected =
  (...names: string[]) =>
  () => ({ redirectedDomainNames: names });

/** Wrong inputs of everything between the internet and the tasks. */
export const cases: InvalidCase[] = [
  network('one zone', 'maxAzs', { maxAzs: 1 }),
  network('one zone by name', 'availabilityZones', { availabilityZones: ['eu-central-1a'] }),
  network('one zone twice', 'availabilityZones', {
    availabilityZones: ['eu-central-1a', 'eu-central-1b', 'eu-central-1a'],
  }),
  network('a zone by its id', 'availabilityZones', { availabilityZones: ['euc1-az1', 'euc1-az2'] }),
  network('a local zone', 'availabilityZones', { availabilityZones: ['us-west-2a', 'us-west-2-lax-1a'] }),
  network('a number of zones beside their names', 'maxAzs', {
    maxAzs: 2,
    availabilityZones: ['eu-central-1a', 'eu-central-1b'],
  }),
  network('four zones', 'maxAzs', { maxAzs: 4 }),
  network('zones that are not a number', 'maxAzs', { maxAzs: Number.NaN }),
  network('half a zone', 'maxAzs', { maxAzs: 2.5 }),
  network('negative NAT gateways', 'natGateways', { natGateways: -1 }),
  network('more NAT gateways than zones', 'natGateways', { natGateways: 3 }),
  network('more NAT gateways than zones in the profile', 'profile.natGateways', {
    profile: Profile.production({ natGateways: 3 }),
  }),
  network('NAT gateways that are not a number', 'natGateways', { natGateways: Number.NaN }),
  network('a block too small to divide', 'ipAddresses', { ipAddresses: IpAddresses.cidr('10.0.0.0/24') }),
  network('a block larger than a VPC', 'ipAddresses', { ipAddresses: IpAddresses.cidr('10.0.0.0/8') }),
  network('the same endpoint twice', 'interfaceEndpoints', {
    interfaceEndpoints: [InterfaceVpcEndpointAwsService.SQS, InterfaceVpcEndpointAwsService.SQS],
  }),

  balancer('no name in production', 'domainNames', () => ({ domainNames: undefined, hostedZone: undefined })),
  balancer('an empty list of names in production', 'domainNames', () => ({ domainNames: [], hostedZone: undefined })),
  balancer('a hosted zone without names', 'domainNames', () => ({
    domainNames: undefined,
    profile: Profile.development(),
  })),
  balancer('names without hosted zone and certificate', 'hostedZone', () => ({ hostedZone: undefined })),
  balancer('a name outside the hosted zone', 'domainNames[0]', domainNames('shop.example.org')),
  balancer('a name that only ends like the hosted zone', 'domainNames[0]', domainNames('myexample.com')),
  balancer('a name with a scheme', 'domainNames[0]', domainNames('https://shop.example.com')),
  balancer('a name with a port', 'domainNames[1]', domainNames('shop.example.com', 'shop.example.com:443')),
  balancer('a wildcard', 'domainNames[0]', domainNames('*.example.com')),
  balancer('a name with an underscore', 'domainNames[0]', domainNames('my_shop.example.com')),
  balancer('an empty name', 'domainNames[0]', domainNames('')),
  balancer('the same name twice', 'domainNames', domainNames('shop.example.com', 'shop.example.com')),
  balancer('a first name too long for a certificate', 'domainNames[0]', domainNames(`${'s'.repeat(60)}.example.com`)),
  balancer('a name unknown at synthesis for a record', 'domainNames', () => ({
    domainNames: [Lazy.string({ produce: () => 'shop.example.com' })],
  })),
  balancer('a hosted zone that does not know its name', 'hostedZone', (stack) => ({
    hostedZone: HostedZone.fromHostedZoneId(stack, 'NamelessZone', 'Z0123456789'),
  })),
  balancer('a certificate ARN of another service', 'certificate', (stack) => ({
    certificate: certificate(stack, 'arn:aws:iam::111111111111:server-certificate/shop'),
  })),
  balancer('a certificate that is no ARN', 'certificate', (stack) => ({
    certificate: certificate(stack, 'shop.example.com'),
  })),
  balancer('no peer to let in', 'allowFrom', () => ({ allowFrom: [] })),
  balancer('an idle timeout of zero', 'idleTimeout', () => ({ idleTimeout: Duration.seconds(0) })),
  balancer('an idle timeout over 4000 seconds', 'idleTimeout', () => ({ idleTimeout: Duration.seconds(4001) })),
  balancer('fewer units of capacity than AWS reserves', 'minimumCapacityUnit', () => ({ minimumCapacityUnit: 99 })),
  balancer('half a unit of capacity', 'minimumCapacityUnit', () => ({ minimumCapacityUnit: 500.5 })),
  balancer('an idle timeout with a fraction', 'idleTimeout', () => ({ idleTimeout: Duration.millis(1500) })),
  balancer('a policy that starts at TLS 1.0', 'sslPolicy', () => ({ sslPolicy: SslPolicy.TLS13_10 })),
  balancer('the policy of 2016', 'sslPolicy', () => ({ sslPolicy: SslPolicy.RECOMMENDED })),
  balancer('HSTS without max-age', 'strictTransportSecurity', () => ({ strictTransportSecurity: 'includeSubDomains' })),
  balancer('a header of two lines', 'contentSecurityPolicy', () => ({
    contentSecurityPolicy: "default-src 'self';\n",
  })),
  balancer('a header too long for the load balancer', 'contentSecurityPolicy', () => ({
    contentSecurityPolicy: 'x'.repeat(1025),
  })),
  balancer('a bucket with a KMS key', 'accessLogsBucket', (stack) => ({
    accessLogsBucket: new Bucket(stack, 'Logs', { encryption: BucketEncryption.KMS }),
  })),
  balancer('an additional name with a path', 'additionalHostNames[0]', () => ({ additionalHostNames: ['a.org/x'] })),
  balancer('a wildcard inside an additional name', 'additionalHostNames[0]', () => ({
    additionalHostNames: ['shop-*.example.com'],
  })),
  balancer('an additional name twice', 'additionalHostNames[1]', () => ({ additionalHostNames: ['a.org', 'a.org'] })),
  balancer('an additional name that is a domain name', 'additionalHostNames[0]', () => ({
    additionalHostNames: ['shop.example.com'],
  })),
  balancer('redirected names that lead nowhere', 'redirectedDomainNames', () => ({
    profile: Profile.development(),
    domainNames: [],
    hostedZone: undefined,
    redirectedDomainNames: ['www.example.com'],
  })),
  balancer('a redirected name with a path', 'redirectedDomainNames[0]', redirected('www.example.com/x')),
  balancer('a wildcard inside a redirected name', 'redirectedDomainNames[0]', redirected('www.*.example.com')),
  balancer('a redirected name that is served', 'redirectedDomainNames[0]', redirected('shop.example.com')),
  balancer('a redirected name twice', 'redirectedDomainNames[1]', redirected('a.example.com', 'A.example.com')),
  balancer('a redirected wildcard that holds the main name', 'redirectedDomainNames[0]', redirected('*.example.com')),
  balancer('a redirected name of another zone', 'redirectedDomainNames[0]', redirected('www.example.org')),
  balancer('a redirected name that is not known', 'redirectedDomainNames', redirected(Fn.importValue('Name'))),
  balancer('a redirected name beside an unknown one', 'domainNames', (stack) => ({
    domainNames: [Fn.importValue('Name')],
    hostedZone: undefined,
    certificate: certificate(stack, 'arn:aws:acm:eu-west-1:111111111111:certificate/1234'),
    redirectedDomainNames: ['www.example.com'],
  })),
  balancer('ten names beside a redirected one', 'domainNames', () => ({
    domainNames: [...'abcdefghij'].map((label) => `${label}.example.com`),
    redirectedDomainNames: ['www.example.com'],
  })),
  balancer('an additional name that is redirected', 'additionalHostNames[0]', () => ({
    additionalHostNames: ['www.example.com'],
    redirectedDomainNames: ['www.example.com'],
  })),
  balancer('a negative retention', 'logRetention', () => ({ logRetention: -1 as RetentionDays })),
  balancer('a VPC without public subnets', 'vpc', (stack) => ({
    vpc: Vpc.fromVpcAttributes(stack, 'Closed', {
      vpcId: 'vpc-1',
      availabilityZones: ['eu-west-1a'],
      isolatedSubnetIds: ['subnet-1'],
    }),
  })),
  balancer('subnets in one zone', 'vpcSubnets', (stack) => ({
    vpc: Vpc.fromVpcAttributes(stack, 'Narrow', {
      vpcId: 'vpc-1',
      availabilityZones: ['eu-west-1a'],
      publicSubnetIds: ['subnet-1'],
    }),
  })),

  imported('a target group in place of a load balancer', 'loadBalancerArn', { loadBalancerArn: 'targetgroup/x' }),
  imported('a listener ARN of another service', 'listenerArn', {
    listenerArn: 'arn:aws:acm:eu-west-1:1:certificate/x',
  }),
  imported('a name in place of a security group id', 'securityGroupId', { securityGroupId: 'balancer' }),
  imported('a timeout out of range', 'idleTimeout', { idleTimeout: Duration.hours(2) }),
  imported('a name with a path', 'domainNames[0]', { domainNames: ['shop.example.com/'] }),

  firewall('a limit below ten', 'rateLimit', { rateLimit: 9 }),
  firewall('a limit that is not a number', 'rateLimit', { rateLimit: Number.NaN }),
  firewall('a limit with a fraction', 'rateLimit', { rateLimit: 100.5 }),
  firewall('a limit above two thousand million', 'rateLimit', { rateLimit: 2_000_000_001 }),
  firewall('a window of three minutes', 'rateLimitWindow', { rateLimitWindow: Duration.minutes(3) }),
  firewall('a limit for log-ins below ten', 'loginRateLimit', { loginRateLimit: 9 }),
  firewall('a limit for log-ins above that of all requests', 'loginRateLimit', { rateLimit: 100, loginRateLimit: 101 }),
  firewall('a limit for log-ins that have no path', 'loginRateLimit', { loginPaths: [], loginRateLimit: 20 }),
  firewall('a limit for a fingerprint below ten', 'loginFingerprintRateLimit', { loginFingerprintRateLimit: 9 }),
  firewall('a limit for fingerprints that have no path', 'loginFingerprintRateLimit', {
    loginPaths: [],
    loginFingerprintRateLimit: 500,
  }),
  firewall('a path without a slash', 'loginPaths[0]', { loginPaths: ['login/'] }),
  firewall('a path that is an expression', 'loginPaths[1]', { loginPaths: ['/a/', '/(login|reset)/'] }),
  firewall('a path that is only known at deployment', 'uploadPaths', {
    uploadPaths: [Lazy.string({ produce: () => '/files/*' })],
  }),
  firewall('an escaped path', 'uploadPaths[0]', { uploadPaths: ['/d%C3%A9p%C3%B4t/*'] }),
  firewall('more paths than an expression holds', 'uploadPaths', {
    uploadPaths: Array.from({ length: 60 }, (_, index) => `/upload-${index}/*`),
  }),
  firewall('paths for uploads that a managed rule blocks', 'uploadPaths', {
    countedRules: [],
    uploadPaths: ['/files/*'],
  }),
  firewall('a rule that does not exist', 'countedRules[1]', { countedRules: ['SQLi_BODY', 'SizeRestriction_BODY'] }),
  firewall('a negative retention', 'logRetention', { logRetention: -1 as RetentionDays }),

  cdn('a web ACL of a load balancer', 'webAclArn', {
    webAclArn: 'arn:aws:wafv2:eu-west-1:111111111111:regional/webacl/shop/12345678-1234-1234-1234-123456789012',
  }),
  cdn('a path without a slash', 'staticPaths[0]', { staticPaths: ['static/*'] }),
  cdn('a path with half a pair of parentheses', 'staticPaths[0]', {
    staticPaths: ['/static/(*'],
    cachedPaths: ['/news/*'],
  }),
  cdn('every path', 'cachedPaths[0]', { cachedPaths: ['/*'] }),
  cdn('a path that is kept in two ways', 'cachedPaths[1]', { cachedPaths: ['/news/*', '/static/*'] }),
  cdn('more paths than a distribution holds', 'cachedPaths', {
    cachedPaths: Array.from({ length: 75 }, (_, index) => `/page-${index}/*`),
  }),
  cdn('one path too many beside that of static files', 'cachedPaths', {
    cachedPaths: Array.from({ length: 74 }, (_, index) => `/page-${index}/*`),
  }),
  cdn('a path that is only known at deployment', 'cachedPaths[0]', {
    cachedPaths: [Lazy.string({ produce: () => '/news/*' })],
  }),
  cdn('media files without a storage', 'publicMediaPaths', { publicMediaPaths: ['/media/*'] }),
  media('a storage without paths', 'mediaStorage', {}),
  media('a policy of files without paths', 'mediaContentSecurityPolicy', {
    mediaStorage: undefined,
    mediaContentSecurityPolicy: "default-src 'none'",
  }),
  media('signed paths without keys', 'signedMediaPaths', { signedMediaPaths: ['/media/*'] }),
  media('a path without a slash', 'publicMediaPaths[0]', { publicMediaPaths: ['media/*'] }),
  media('every path', 'publicMediaPaths[0]', { publicMediaPaths: ['/*'] }),
  media('every path, in other words', 'publicMediaPaths[0]', { publicMediaPaths: ['/**'], staticPaths: [] }),
  media('every path but the first page', 'publicMediaPaths[0]', { publicMediaPaths: ['/?*'], staticPaths: [] }),
  media('the list of all files', 'publicMediaPaths[0]', { publicMediaPaths: ['/'] }),
  media('a folder without its files', 'publicMediaPaths[0]', { publicMediaPaths: ['/public/'] }),
  {
    name: 'Cdn: the list of all static files',
    prop: 'staticPaths[1]',
    make: (stack) =>
      cdnWith(stack, { staticFiles: new StaticFiles(stack, 'StaticFiles'), staticPaths: ['/static/*', '/'] }),
  },
  media('a policy of two lines', 'mediaContentSecurityPolicy', {
    publicMediaPaths: ['/media/*'],
    mediaContentSecurityPolicy: "default-src 'none';\nsandbox",
  }),
  {
    name: 'Cdn: a bucket of static files without paths',
    prop: 'staticFiles',
    make: (stack) => cdnWith(stack, { staticFiles: new StaticFiles(stack, 'StaticFiles'), staticPaths: [] }),
  },
  {
    name: 'Cdn: keys without paths that they open',
    prop: 'urlSigningKeys',
    make: (stack) => cdnWith(stack, { urlSigningKeys: new UrlSigningKeys(stack, 'Keys') }),
  },
  cdn('cookies that make a difference nowhere', 'cachedCookies', { cachedCookies: ['sessionid'] }),
  cdn('no cookie', 'cachedCookies', { cachedPaths: ['/news/*'], cachedCookies: [] }),
  cdn('a cookie with a space', 'cachedCookies', { cachedPaths: ['/news/*'], cachedCookies: ['session id'] }),
  cdn('a header that is none', 'strictTransportSecurity', { strictTransportSecurity: 'one year' }),
  cdn('a policy of two lines', 'contentSecurityPolicy', { contentSecurityPolicy: "default-src 'self';\nimg-src *" }),
  cdn('a page for a status that CloudFront has none for', 'errorPages.418', {
    errorPages: { 418: '/static/tea.html' },
  }),
  cdn('a page of another site', 'errorPages.503', { errorPages: { 503: 'https://example.com/busy.html' } }),
  cdn('an empty page', 'maintenancePage', { maintenancePage: '' }),
  cdn('a page that no function holds', 'maintenancePage', { maintenancePage: '<p>'.repeat(4_000) }),
  cdn('a negative retention', 'logRetention', { logRetention: -1 as RetentionDays }),
  cdn('three secrets', 'originKeys', {}, { originKeys: ['1', '2', '3'] }),
  cdn('one secret twice', 'originKeys', {}, { originKeys: ['1', '1'] }),
];
