import { Duration, type Stack, type StackProps } from 'aws-cdk-lib';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { GeoRestriction, PriceClass } from 'aws-cdk-lib/aws-cloudfront';
import { Peer } from 'aws-cdk-lib/aws-ec2';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { HostedZone } from 'aws-cdk-lib/aws-route53';
import { Bucket, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import { Profile } from '../../constructs/core/profile';
import { Cdn, type CdnProps } from '../../constructs/edge/cdn';
import { FramePolicy, HttpsLoadBalancer, type HttpsLoadBalancerProps } from '../../constructs/edge/https-load-balancer';
import { Annotations, errorOf, Match, only, type Template, templateOf, testStack, testVpc } from '../support';

const CERTIFICATE_ARN = 'arn:aws:acm:us-east-1:111111111111:certificate/12345678-1234-1234-1234-123456789012';
const WEB_ACL_ARN = 'arn:aws:wafv2:us-east-1:111111111111:global/webacl/Shop/12345678-1234-1234-1234-123456789012';
const development = Profile.development();

interface Given extends Partial<CdnProps> {
  readonly balancer?: Partial<HttpsLoadBalancerProps>;
  readonly env?: StackProps['env'];
}

/** A distribution under its own name, as a development stack has it. */
function cdnIn(stack: Stack, { balancer, env: _, ...props }: Given = {}) {
  const loadBalancer = new HttpsLoadBalancer(stack, 'Balancer', {
    vpc: testVpc(stack),
    behindDistribution: true,
    profile: development,
    ...balancer,
  });
  return { loadBalancer, cdn: new Cdn(stack, 'Cdn', { loadBalancer, profile: development, ...props }) };
}

/** The same in production, under two domain names. */
function namedCdnIn(stack: Stack, { balancer, ...props }: Given = {}) {
  const hostedZone = HostedZone.fromHostedZoneAttributes(stack, 'Zone', {
    hostedZoneId: 'Z0123456789ABCDEFGHIJ',
    zoneName: 'example.com',
  });
  return cdnIn(stack, {
    hostedZone,
    certificate: Certificate.fromCertificateArn(stack, 'Global', CERTIFICATE_ARN),
    profile: Profile.production(),
    ...props,
    balancer: {
      hostedZone,
      domainNames: ['shop.example.com', 'www.example.com'],
      profile: Profile.production(),
      ...balancer,
    },
  });
}

function made(given: Given = {}, make = cdnIn) {
  const stack = testStack({ env: given.env });
  const parts = make(stack, given);
  const template = templateOf(stack);
  const { DistributionConfig: distribution } = only(template, 'AWS::CloudFront::Distribution').resource.Properties;
  return { stack, template, distribution, ...parts };
}

/** The policies by their comment. */
function policies(template: Template, type: 'CachePolicy' | 'OriginRequestPolicy') {
  const found = Object.entries(template.findResources(`AWS::CloudFront::${type}`));
  return Object.fromEntries(
    found.map(([id, { Properties }]) => {
      const config = Properties[`${type}Config`];
      return [config.Comment, { id, ...config }];
    }),
  );
}

// biome-ignore lint/suspicious/noExplicitAny: a template is free-form JSON
function attributes(list: any[]) {
  return Object.fromEntries(list.map(({ Key, Value }) => [Key, Value]));
}

/** Who may connect to the load balancer. */
function ingress(template: Template) {
  expect(only(template, 'AWS::EC2::SecurityGroup').resource.Properties.SecurityGroupIngress).toBeUndefined();
  return Object.values(template.findResources('AWS::EC2::SecurityGroupIngress')).map(({ Properties }) => Properties);
}

function listener(template: Template) {
  return only(template, 'AWS::ElasticLoadBalancingV2::Listener').resource.Properties;
}

describe('a distribution without a domain', () => {
  const { stack, template, distribution, cdn, loadBalancer } = made();

  test('serves under its own name, over HTTPS, HTTP/3 and IPv6', () => {
    expect(stack.resolve(cdn.hostNames)).toEqual([
      { 'Fn::GetAtt': [only(template, 'AWS::CloudFront::Distribution').id, 'DomainName'] },
    ]);
    expect(cdn.url).toBe(`https://${cdn.hostNames[0]}`);
    expect(distribution).toMatchObject({ Enabled: true, HttpVersion: 'http2and3', IPV6Enabled: true });
    expect(distribution.Aliases).toBeUndefined();
    expect(distribution.DefaultCacheBehavior.ViewerProtocolPolicy).toBe('redirect-to-https');
  });

  test('reaches a load balancer without a public address, by HTTP inside the VPC', () => {
    expect(only(template, 'AWS::ElasticLoadBalancingV2::LoadBalancer').resource.Properties.Scheme).toBe('internal');
    const { id, resource } = only(template, 'AWS::CloudFront::VpcOrigin');
    expect(resource.Properties.VpcOriginEndpointConfig).toMatchObject({
      Arn: stack.resolve(loadBalancer.loadBalancer.loadBalancerArn),
      OriginProtocolPolicy: 'http-only',
    });
    expect(distribution.Origins).toHaveLength(1);
    expect(distribution.Origins[0]).toMatchObject({
      DomainName: stack.resolve(loadBalancer.loadBalancer.loadBalancerDnsName),
      VpcOriginConfig: { VpcOriginId: { 'Fn::GetAtt': [id, 'Id'] }, OriginReadTimeout: 60 },
    });
    expect(listener(template)).toMatchObject({ Port: 80, Protocol: 'HTTP' });
  });

  test('sends a secret that the template does not hold', () => {
    const secret = only(template, 'AWS::SecretsManager::Secret');
    expect(secret.resource.Properties.GenerateSecretString).toMatchObject({ PasswordLength: 40 });
    const value = {
      'Fn::Join': ['', ['{{resolve:secretsmanager:', { Ref: secret.id }, ':SecretString:::}}']],
    };
    expect(distribution.Origins[0].OriginCustomHeaders).toEqual([{ HeaderName: 'X-Origin-Key', HeaderValue: value }]);
    expect(stack.resolve(loadBalancer.originHeader)).toEqual({ name: 'X-Origin-Key', values: [value] });
  });

  test('is the only one that the load balancer answers: all else meets 403', () => {
    expect(listener(template).DefaultActions).toEqual([
      {
        Type: 'fixed-response',
        FixedResponseConfig: { StatusCode: '403', ContentType: 'text/plain', MessageBody: 'Forbidden' },
      },
    ]);
  });

  test('is let in by the addresses of CloudFront in whatever Region, and nobody else is', () => {
    const [rule, ...others] = ingress(template);
    expect(others).toEqual([]);
    expect(rule).toMatchObject({ FromPort: 80, ToPort: 80, IpProtocol: 'tcp' });
    expect(rule.CidrIp).toBeUndefined();
    const [mapping, key, list] = rule.SourcePrefixListId['Fn::FindInMap'];
    expect([key, list]).toEqual([{ Ref: 'AWS::Region' }, 'list']);
    expect(template.toJSON().Mappings[mapping]).toMatchObject({ 'eu-west-1': { list: 'pl-4fa04526' } });
  });

  test('has told who the viewer is: the load balancer adds no address of CloudFront to that', () => {
    const { Properties } = only(template, 'AWS::ElasticLoadBalancingV2::LoadBalancer').resource;
    expect(attributes(Properties.LoadBalancerAttributes)).toMatchObject({
      'routing.http.xff_header_processing.mode': 'preserve',
      'routing.http.drop_invalid_header_fields.enabled': 'true',
    });
  });

  test('passes on everything of the viewer’s request, its Host too, and by which protocol it came', () => {
    const { id, ...policy } = policies(template, 'OriginRequestPolicy')['What the viewer sent, and by which protocol'];
    expect(policy).toMatchObject({
      HeadersConfig: { HeaderBehavior: 'allViewerAndWhitelistCloudFront', Headers: ['CloudFront-Forwarded-Proto'] },
      CookiesConfig: { CookieBehavior: 'all' },
      QueryStringsConfig: { QueryStringBehavior: 'all' },
    });
    const behaviors = [distribution.DefaultCacheBehavior, ...distribution.CacheBehaviors];
    expect(behaviors.map(({ OriginRequestPolicyId }) => OriginRequestPolicyId)).toEqual([{ Ref: id }, { Ref: id }]);
  });

  test('keeps no page, compresses none, and lets every method through', () => {
    expect(distribution.DefaultCacheBehavior).toMatchObject({
      CachePolicyId: '4135ea2d-6df8-44a3-9df3-4b5a84be39ad', // CachingDisabled of AWS.
      Compress: false,
      AllowedMethods: ['GET', 'HEAD', 'OPTIONS', 'PUT', 'PATCH', 'POST', 'DELETE'],
    });
  });

  test('keeps static files for as long as their headers say, compressed, by no cookie', () => {
    const { id, ...policy } = policies(template, 'CachePolicy')['Static files'];
    expect(distribution.CacheBehaviors).toEqual([
      expect.objectContaining({ PathPattern: '/static/*', Compress: true, CachePolicyId: { Ref: id } }),
    ]);
    expect(policy).toMatchObject({
      MinTTL: 0,
      DefaultTTL: 0,
      MaxTTL: 31_536_000,
      ParametersInCacheKeyAndForwardedToOrigin: {
        CookiesConfig: { CookieBehavior: 'none' },
        HeadersConfig: { HeaderBehavior: 'whitelist', Headers: ['Host'] },
        QueryStringsConfig: { QueryStringBehavior: 'none' },
        EnableAcceptEncodingBrotli: true,
        EnableAcceptEncodingGzip: true,
      },
    });
  });

  test('keeps no error, which may be of one visitor alone', () => {
    expect(distribution.CustomErrorResponses).toEqual(
      [400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504].map((ErrorCode) => ({
        ErrorCode,
        ErrorCachingMinTTL: 0,
      })),
    );
  });

  test('sets the security headers, which the load balancer then leaves alone', () => {
    const { ResponseHeadersPolicyConfig: config } = only(template, 'AWS::CloudFront::ResponseHeadersPolicy').resource
      .Properties;
    expect(config.SecurityHeadersConfig).toEqual({
      StrictTransportSecurity: {
        AccessControlMaxAgeSec: 31_536_000,
        IncludeSubdomains: false,
        Preload: false,
        Override: true,
      },
      ContentTypeOptions: { Override: true },
      FrameOptions: { FrameOption: 'DENY', Override: true },
    });
    expect(attributes(listener(template).ListenerAttributes)).toEqual({
      'routing.http.response.server.enabled': 'false',
    });
  });

  test('writes access logs without cookies into a closed bucket', () => {
    const logs = Object.entries(template.findResources('AWS::S3::Bucket')).find(([id]) => id.startsWith('Cdn'));
    expect(distribution.Logging).toEqual({
      Bucket: { 'Fn::GetAtt': [logs?.[0], 'RegionalDomainName'] },
      IncludeCookies: false,
      Prefix: 'cloudfront/',
    });
    expect(logs?.[1].Properties).toMatchObject({
      OwnershipControls: { Rules: [{ ObjectOwnership: ObjectOwnership.BUCKET_OWNER_PREFERRED }] },
      PublicAccessBlockConfiguration: { BlockPublicAcls: true, RestrictPublicBuckets: true },
      LifecycleConfiguration: { Rules: [expect.objectContaining({ ExpirationInDays: RetentionDays.ONE_MONTH })] },
    });
  });

  test('tells a firewall at the load balancer who the viewer is, over what a client says', () => {
    const { FunctionCode } = only(template, 'AWS::CloudFront::Function').resource.Properties;
    const handler = new Function(`${FunctionCode}; return handler;`)();
    const request = { headers: { 'x-viewer-address': { value: '198.51.100.1' } } };
    expect(handler({ request, viewer: { ip: '203.0.113.9' } }).headers['x-viewer-address']).toEqual({
      value: '203.0.113.9',
    });
    const associated = [distribution.DefaultCacheBehavior, ...distribution.CacheBehaviors];
    expect(associated.map(({ FunctionAssociations }) => FunctionAssociations[0].EventType)).toEqual(
      associated.map(() => 'viewer-request'),
    );
  });

  test('answers from few places in development, from all in production', () => {
    expect(distribution.PriceClass).toBe('PriceClass_100');
    expect(made({}, namedCdnIn).distribution.PriceClass).toBe('PriceClass_All');
    expect(made({ priceClass: PriceClass.PRICE_CLASS_200 }).distribution.PriceClass).toBe('PriceClass_200');
  });

  test('is no plain HTTP that one would have to be warned of', () => {
    Annotations.fromStack(stack).hasNoWarning('*', Match.stringLikeRegexp('plain HTTP'));
  });
});

describe('a distribution with domain names', () => {
  const { stack, template, distribution, cdn, loadBalancer } = made({}, namedCdnIn);

  test('has their certificate from us-east-1, and asks for TLS 1.2', () => {
    expect(cdn.url).toBe('https://shop.example.com');
    expect(distribution.Aliases).toEqual(['shop.example.com', 'www.example.com']);
    expect(distribution.ViewerCertificate).toEqual({
      AcmCertificateArn: CERTIFICATE_ARN,
      MinimumProtocolVersion: 'TLSv1.2_2025',
      SslSupportMethod: 'sni-only',
    });
  });

  test('has their records, for IPv4 and IPv6, where they are without a distribution', () => {
    const all = Object.entries(template.findResources('AWS::Route53::RecordSet'));
    const records = Object.fromEntries(all.filter(([, { Properties }]) => Properties.Type !== 'HTTPS'));
    const plain = testStack();
    new HttpsLoadBalancer(plain, 'Balancer', {
      vpc: testVpc(plain),
      domainNames: ['shop.example.com', 'www.example.com'],
      hostedZone: HostedZone.fromHostedZoneAttributes(plain, 'Zone', {
        hostedZoneId: 'Z0123456789ABCDEFGHIJ',
        zoneName: 'example.com',
      }),
    });
    expect(Object.keys(records)).toEqual(Object.keys(templateOf(plain).findResources('AWS::Route53::RecordSet')));
    const domainName = stack.resolve(cdn.distribution.distributionDomainName);
    for (const { Properties } of Object.values(records)) {
      expect(Properties.AliasTarget.DNSName).toEqual(domainName);
    }
    expect(Object.values(records).map(({ Properties: { Name, Type } }) => `${Name} ${Type}`)).toEqual([
      'shop.example.com. A',
      'shop.example.com. AAAA',
      'www.example.com. A',
      'www.example.com. AAAA',
    ]);
  });

  test('has records that tell browsers of HTTP/3', () => {
    for (const name of ['shop.example.com.', 'www.example.com.']) {
      template.hasResourceProperties('AWS::Route53::RecordSet', {
        Name: name,
        Type: 'HTTPS',
        AliasTarget: { DNSName: stack.resolve(cdn.distribution.distributionDomainName) },
      });
    }
    expect(distribution.HttpVersion).toBe('http2and3');
  });

  test('speaks HTTPS with the load balancer, which has a certificate of its own Region and no port 80', () => {
    expect(only(template, 'AWS::CloudFront::VpcOrigin').resource.Properties.VpcOriginEndpointConfig).toMatchObject({
      OriginProtocolPolicy: 'https-only',
      OriginSSLProtocols: ['TLSv1.2'],
    });
    expect(listener(template)).toMatchObject({
      Port: 443,
      Certificates: [{ CertificateArn: stack.resolve(loadBalancer.certificate?.certificateArn) }],
    });
    const [rule, ...others] = ingress(template);
    expect([rule.FromPort, rule.ToPort, others]).toEqual([443, 443, []]);
  });

  test('has another VPC origin than one without, since CloudFront changes none that is used', () => {
    const ids = [made().template, template].map((each) => only(each, 'AWS::CloudFront::VpcOrigin').id);
    expect(new Set(ids).size).toBe(2);
  });

  test('takes the certificate of the load balancer in us-east-1', () => {
    const env = { region: 'us-east-1' };
    const there = made({ env, certificate: undefined }, namedCdnIn);
    expect(there.distribution.ViewerCertificate.AcmCertificateArn).toEqual(
      there.stack.resolve(there.loadBalancer.certificate?.certificateArn),
    );
  });

  test('fails when it has no certificate elsewhere, or one of another Region', () => {
    expect(errorOf(() => made({ certificate: undefined, env: { region: 'eu-west-1' } }, namedCdnIn))).toMatch(
      /^Shop\/Cdn: `certificate` must be given for the domain names, from us-east-1, got undefined\. /,
    );
    const stack = testStack();
    const arn = CERTIFICATE_ARN.replace('us-east-1', 'eu-west-1');
    const certificate = Certificate.fromCertificateArn(stack, 'Local', arn);
    expect(errorOf(() => namedCdnIn(stack, { certificate }))).toContain(
      'Shop/Cdn: `certificate` must be one of Certificate Manager in us-east-1, got "arn:aws:acm:eu-west-1:',
    );
  });
});

describe('a load balancer with a public address', () => {
  const { stack, template, distribution, loadBalancer } = made({ balancer: { internetFacing: true } }, namedCdnIn);

  test('is reached by its name, over HTTPS, with the secret', () => {
    template.resourceCountIs('AWS::CloudFront::VpcOrigin', 0);
    expect(distribution.Origins[0]).toMatchObject({
      DomainName: stack.resolve(loadBalancer.loadBalancer.loadBalancerDnsName),
      CustomOriginConfig: { OriginProtocolPolicy: 'https-only', OriginSSLProtocols: ['TLSv1.2'] },
      OriginCustomHeaders: [{ HeaderName: 'X-Origin-Key' }],
    });
  });

  test('lets CloudFront in alone, and knows the viewer', () => {
    const [rule, ...others] = ingress(template);
    expect([Object.keys(rule.SourcePrefixListId), others]).toEqual([['Fn::FindInMap'], []]);
    const { Properties } = only(template, 'AWS::ElasticLoadBalancingV2::LoadBalancer').resource;
    expect(Properties.Scheme).toBe('internet-facing');
    expect(attributes(Properties.LoadBalancerAttributes)).toMatchObject({
      'routing.http.xff_header_processing.mode': 'preserve',
    });
  });
});

test('a public load balancer without a domain fails: cookies would cross the internet in plain', () => {
  expect(errorOf(() => made({ balancer: { internetFacing: true } }))).toContain(
    'Shop/Balancer: `internetFacing` must be left out behind a distribution without `domainNames`, got true. ',
  );
});

describe('what the load balancer leaves to the distribution is refused', () => {
  test.each(['strictTransportSecurity', 'contentSecurityPolicy', 'framePolicy', 'additionalHostNames'])(
    '%s',
    (prop) => {
      const given = {
        strictTransportSecurity: 'max-age=1',
        framePolicy: FramePolicy.DENY,
        additionalHostNames: ['a.example.com'],
      };
      const value = Reflect.get({ contentSecurityPolicy: "default-src 'self'", ...given }, prop);
      expect(errorOf(() => made({ balancer: { [prop]: value } }, namedCdnIn))).toContain(
        `Shop/Balancer: \`${prop}\` must be left out behind a distribution, got `,
      );
    },
  );

  test('and a secret without one', () => {
    const stack = testStack();
    expect(errorOf(() => namedCdnIn(stack, { balancer: { behindDistribution: false, originKeys: ['1'] } }))).toContain(
      'Shop/Balancer: `originKeys` must be left out where no distribution stands before the load balancer, got ',
    );
    expect(errorOf(() => namedCdnIn(testStack(), { balancer: { behindDistribution: false } }))).toContain(
      'Shop/Cdn: `loadBalancer` must be made with `behindDistribution`, and not brought by its attributes, got ',
    );
  });
});

describe('with options', () => {
  test('keeps the pages that are named, by session, CSRF token, language, password or token, host and query', () => {
    const { template, distribution } = made({ cachedPaths: ['/', '/news/*'] });
    const { id, ...policy } = policies(template, 'CachePolicy')['Pages by session, CSRF token and language'];
    expect(policy).toMatchObject({
      MinTTL: 0,
      DefaultTTL: 0,
      ParametersInCacheKeyAndForwardedToOrigin: {
        CookiesConfig: { CookieBehavior: 'whitelist', Cookies: ['sessionid', 'csrftoken', 'django_language'] },
        HeadersConfig: {
          HeaderBehavior: 'whitelist',
          Headers: ['Accept-Encoding', 'Accept-Language', 'Authorization', 'Host'],
        },
        QueryStringsConfig: { QueryStringBehavior: 'all' },
        EnableAcceptEncodingBrotli: false,
        EnableAcceptEncodingGzip: false,
      },
    });
    const pages = distribution.CacheBehaviors.filter(({ PathPattern }: { PathPattern: string }) =>
      ['/', '/news/*'].includes(PathPattern),
    );
    expect(pages).toHaveLength(2);
    for (const page of pages) {
      expect(page).toMatchObject({ CachePolicyId: { Ref: id }, Compress: false });
      expect(page.AllowedMethods).toContain('POST');
    }
  });

  test('knows cookies by the names that the settings give them', () => {
    const { template } = made({ cachedPaths: ['/news/*'], cachedCookies: ['shop_session', 'shop_csrf'] });
    const { ParametersInCacheKeyAndForwardedToOrigin: key } = policies(template, 'CachePolicy')[
      'Pages by session, CSRF token and language'
    ];
    expect(key.CookiesConfig.Cookies).toEqual(['shop_session', 'shop_csrf']);
  });

  test('needs no function where the firewall stands at the edge', () => {
    const { template, distribution } = made({ webAclArn: WEB_ACL_ARN });
    expect(distribution.WebACLId).toBe(WEB_ACL_ARN);
    template.resourceCountIs('AWS::CloudFront::Function', 0);
  });

  test('closes the site with a page, by status 503, also where a word in it looks like code', () => {
    const maintenancePage = '<h1>Back at "noon"</h1>\n<p>`sorry` </script></p>\u2028';
    const { FunctionCode } = only(
      made({ maintenancePage, webAclArn: WEB_ACL_ARN }).template,
      'AWS::CloudFront::Function',
    ).resource.Properties;
    const answer = new Function(`${FunctionCode}; return handler();`)();
    expect(answer).toMatchObject({
      statusCode: 503,
      headers: { 'cache-control': { value: 'no-store' }, 'retry-after': { value: '300' } },
      body: { encoding: 'text', data: maintenancePage },
    });
  });

  test('shows pages in place of errors, which stay errors', () => {
    const { distribution } = made({ errorPages: { 503: '/static/busy.html' } });
    expect(distribution.CustomErrorResponses).toContainEqual({
      ErrorCode: 503,
      ErrorCachingMinTTL: 0,
      ResponseCode: 503,
      ResponsePagePath: '/static/busy.html',
    });
  });

  test('sets the headers that it is told, and only those', () => {
    const headers = (props: Given) =>
      only(made(props).template, 'AWS::CloudFront::ResponseHeadersPolicy').resource.Properties
        .ResponseHeadersPolicyConfig.SecurityHeadersConfig;
    expect(
      headers({
        strictTransportSecurity: 'max-age=63072000; includeSubDomains; preload',
        contentSecurityPolicy: "default-src 'self'",
        framePolicy: FramePolicy.SAMEORIGIN,
      }),
    ).toMatchObject({
      StrictTransportSecurity: { AccessControlMaxAgeSec: 63_072_000, IncludeSubdomains: true, Preload: true },
      ContentSecurityPolicy: { ContentSecurityPolicy: "default-src 'self'", Override: true },
      FrameOptions: { FrameOption: 'SAMEORIGIN' },
    });
    expect(headers({ framePolicy: FramePolicy.APPLICATION }).FrameOptions).toBeUndefined();
  });

  test('serves the countries that are named', () => {
    const { distribution } = made({ geoRestriction: GeoRestriction.allowlist('CH', 'DE') });
    expect(distribution.Restrictions.GeoRestriction).toEqual({ RestrictionType: 'whitelist', Locations: ['CH', 'DE'] });
  });

  test('writes into a bucket that is brought', () => {
    const stack = testStack();
    const accessLogsBucket = new Bucket(stack, 'Logs', { objectOwnership: ObjectOwnership.OBJECT_WRITER });
    cdnIn(stack, { accessLogsBucket });
    const { DistributionConfig } = only(templateOf(stack), 'AWS::CloudFront::Distribution').resource.Properties;
    expect(DistributionConfig.Logging.Bucket).toEqual(stack.resolve(accessLogsBucket.bucketRegionalDomainName));
  });

  test('accepts two secrets and sends the first, while one is replaced', () => {
    const { template, distribution, loadBalancer } = made({ balancer: { originKeys: ['2', '1'] } });
    template.resourceCountIs('AWS::SecretsManager::Secret', 2);
    const values = loadBalancer.originHeader?.values ?? [];
    expect(values).toHaveLength(2);
    const [sent] = distribution.Origins[0].OriginCustomHeaders;
    expect(JSON.stringify(sent.HeaderValue)).toContain('OriginKeys2');
  });

  test('lets in whom the load balancer is told to', () => {
    const { template } = made({ balancer: { allowFrom: [Peer.prefixList('pl-1234567890')] } });
    const [rule] = ingress(template);
    expect(rule.SourcePrefixListId).toBe('pl-1234567890');
  });

  test('waits no longer for an answer than the load balancer, and no longer than CloudFront does', () => {
    const timeout = (seconds: number) =>
      made({ balancer: { idleTimeout: Duration.seconds(seconds) } }).distribution.Origins[0].VpcOriginConfig
        .OriginReadTimeout;
    expect([timeout(20), timeout(90), timeout(300)]).toEqual([20, 90, 120]);
  });

  test('warns where the load balancer would wait longer than CloudFront does', () => {
    const warned = (seconds: number) => {
      const { stack } = made({ balancer: { idleTimeout: Duration.seconds(seconds) } });
      return Annotations.fromStack(stack)
        .findWarning('*', Match.stringLikeRegexp('must begin within 120 seconds'))
        .map(({ id, entry }) => `${id} ${/`idleTimeout` of the load balancer, \d+ seconds/.exec(String(entry.data))}`);
    };
    expect([warned(120), warned(300)]).toEqual([[], ['/Shop/Cdn `idleTimeout` of the load balancer, 300 seconds']]);
  });

  test('keeps as many paths as a distribution has cache behaviors, with that of all others', () => {
    const cachedPaths = Array.from({ length: 73 }, (_, index) => `/page-${index}/*`);
    expect(made({ cachedPaths }).distribution.CacheBehaviors).toHaveLength(74);
  });

  test('counts the page of a closed site in bytes, as CloudFront does', () => {
    expect(errorOf(() => made({ maintenancePage: 'ü'.repeat(5_000) }))).toContain(
      'Shop/Cdn: `maintenancePage` must be HTML of 1 to about 9500 bytes, got ',
    );
    expect(() => made({ maintenancePage: 'u'.repeat(9_500) })).not.toThrow();
  });
});

describe('where CloudFront is known', () => {
  test('a Region has its list of addresses written out', () => {
    const { template } = made({ env: { region: 'eu-north-1' } });
    const [rule] = ingress(template);
    expect(rule.SourcePrefixListId).toBe('pl-fab65393');
    expect(template.toJSON().Mappings).toBeUndefined();
  });

  test('a zone that VPC origins do not reach is warned of, where the load balancer is internal', () => {
    const warned = (given: Given) => {
      const { stack } = made({ ...given, env: { region: 'us-east-1' } }, namedCdnIn);
      return Annotations.fromStack(stack).findWarning('*', Match.stringLikeRegexp('in zone use1-az3')).length;
    };
    expect([warned({}), warned({ balancer: { internetFacing: true } })]).toEqual([1, 0]);
    Annotations.fromStack(made({ env: { region: 'eu-west-1' } }).stack).hasNoWarning(
      '*',
      Match.stringLikeRegexp('in zone'),
    );
  });

  test('fails when the Region has no VPC origins, no list that is known here, or no logs', () => {
    expect(errorOf(() => made({ env: { region: 'cn-north-1' } }))).toContain(
      'Shop/Balancer: `internetFacing` must be true in cn-north-1, where CloudFront has no VPC origins, got false. ',
    );
    expect(errorOf(() => made({ env: { region: 'eu-south-1' } }))).toContain(
      "Shop/Balancer: `allowFrom` must be given in eu-south-1, whose list of CloudFront's addresses is not known here, got undefined. ",
    );
    const allowFrom = [Peer.prefixList('pl-1234567890')];
    expect(errorOf(() => made({ env: { region: 'eu-south-1' }, balancer: { allowFrom } }))).toContain(
      'Shop/Cdn: `accessLogsBucket` must be given in eu-south-1, where CloudFront writes to no bucket, got undefined. ',
    );
  });
});

test('its metrics are those of the distribution', () => {
  const { cdn, stack } = made();
  const metric = cdn.metric5xxErrorRate();
  expect([metric.namespace, metric.metricName]).toEqual(['AWS/CloudFront', '5xxErrorRate']);
  expect(stack.resolve(metric.dimensions)).toMatchObject({ DistributionId: { Ref: expect.any(String) } });
});
