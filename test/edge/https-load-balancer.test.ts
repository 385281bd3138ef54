import { Annotations as Acknowledged, Duration, Lazy, RemovalPolicy, type Stack } from 'aws-cdk-lib';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { Peer } from 'aws-cdk-lib/aws-ec2';
import {
  ApplicationListenerRule,
  DesyncMitigationMode,
  HttpCodeElb,
  HttpCodeTarget,
  ListenerAction,
  ListenerCondition,
  SslPolicy,
} from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { HostedZone } from 'aws-cdk-lib/aws-route53';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { Profile } from '../../constructs/core/profile';
import { FramePolicy, HttpsLoadBalancer, type HttpsLoadBalancerProps } from '../../constructs/edge/https-load-balancer';
import { Network } from '../../constructs/network/network';
import { Annotations, errorOf, Match, only, type Template, templateOf, testStack, testVpc } from '../support';

const DOMAIN_NAMES = ['shop.example.com', 'example.com'];
const CERTIFICATE_ARN = 'arn:aws:acm:eu-west-1:111111111111:certificate/12345678-1234-1234-1234-123456789012';
const development = Profile.development();

function zoneIn(stack: Stack) {
  return HostedZone.fromHostedZoneAttributes(stack, 'Zone', { hostedZoneId: 'Z0123456789', zoneName: 'example.com' });
}

function balancerIn(stack: Stack, props: Partial<HttpsLoadBalancerProps> = {}) {
  return new HttpsLoadBalancer(stack, 'Balancer', { vpc: testVpc(stack), ...props });
}

function secureBalancerIn(stack: Stack, props: Partial<HttpsLoadBalancerProps> = {}) {
  return balancerIn(stack, { domainNames: DOMAIN_NAMES, hostedZone: zoneIn(stack), ...props });
}

/** Attributes of a load balancer or listener as a map. */
function attributes(list: { Key: string; Value: unknown }[]) {
  return Object.fromEntries(list.map(({ Key, Value }) => [Key, Value]));
}

function balancerAttributes(template: Template) {
  const { resource } = only(template, 'AWS::ElasticLoadBalancingV2::LoadBalancer');
  return attributes(resource.Properties.LoadBalancerAttributes);
}

function listenerOn(template: Template, port: number) {
  const listeners = Object.values(template.findResources('AWS::ElasticLoadBalancingV2::Listener'));
  const properties = listeners.map((listener) => listener.Properties).find(({ Port }) => Port === port);
  return { ...properties, attributes: attributes(properties?.ListenerAttributes ?? []) };
}

/** The host names of each rule that redirects to HTTPS, by priority. */
function redirectedBy(template: Template): unknown[] {
  return Object.values(template.findResources('AWS::ElasticLoadBalancingV2::ListenerRule'))
    .map(({ Properties }) => Properties)
    .sort((a, b) => a.Priority - b.Priority)
    .map(({ Conditions, Actions }) => {
      expect(Actions).toEqual([
        { Type: 'redirect', RedirectConfig: { Protocol: 'HTTPS', Port: '443', StatusCode: 'HTTP_301' } },
      ]);
      expect(Conditions).toHaveLength(1);
      return Conditions[0].HostHeaderConfig.Values;
    });
}

const NOT_FOUND = [
  {
    Type: 'fixed-response',
    FixedResponseConfig: { StatusCode: '404', ContentType: 'text/plain', MessageBody: 'Not found' },
  },
];

describe('in production, with names and their hosted zone', () => {
  const stack = testStack();
  const balancer = secureBalancerIn(stack);
  const template = templateOf(stack);

  test('a certificate for all names is validated in the hosted zone', () => {
    template.hasResourceProperties('AWS::CertificateManager::Certificate', {
      DomainName: 'shop.example.com',
      SubjectAlternativeNames: ['example.com'],
      ValidationMethod: 'DNS',
      DomainValidationOptions: DOMAIN_NAMES.map((DomainName) => ({ DomainName, HostedZoneId: 'Z0123456789' })),
    });
  });

  test('every name has an A and an AAAA alias record', () => {
    template.resourceCountIs('AWS::Route53::RecordSet', 4);
    for (const name of DOMAIN_NAMES) {
      for (const Type of ['A', 'AAAA']) {
        template.hasResourceProperties('AWS::Route53::RecordSet', {
          Name: `${name}.`,
          Type,
          AliasTarget: Match.anyValue(),
        });
      }
    }
  });

  test('port 443 accepts TLS 1.2 and 1.3 with post-quantum key exchange, without a feature flag', () => {
    expect(listenerOn(template, 443)).toMatchObject({
      Protocol: 'HTTPS',
      SslPolicy: 'ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09',
      Certificates: [{ CertificateArn: stack.resolve(balancer.certificate?.certificateArn) }],
    });
  });

  test('hosts that nobody serves get 404 from the load balancer', () => {
    expect(listenerOn(template, 443).DefaultActions).toEqual(NOT_FOUND);
  });

  test('port 80 redirects its own names to HTTPS, and answers 404 to any other', () => {
    expect(listenerOn(template, 80).DefaultActions).toEqual(NOT_FOUND);
    expect(redirectedBy(template)).toEqual([DOMAIN_NAMES]);
    template.resourceCountIs('AWS::ElasticLoadBalancingV2::ListenerRule', 1);
  });

  test('answers carry security headers and no server header', () => {
    expect(listenerOn(template, 443).attributes).toEqual({
      'routing.http.response.strict_transport_security.header_value': 'max-age=31536000',
      'routing.http.response.x_content_type_options.header_value': 'nosniff',
      'routing.http.response.x_frame_options.header_value': 'DENY',
      'routing.http.response.server.enabled': 'false',
    });
    expect(listenerOn(template, 80).attributes).toEqual({ 'routing.http.response.server.enabled': 'false' });
  });

  test('requests that could smuggle another are refused, and it cannot be deleted by accident', () => {
    expect(balancerAttributes(template)).toMatchObject({
      'routing.http.drop_invalid_header_fields.enabled': 'true',
      'routing.http.desync_mitigation_mode': 'strictest',
      'deletion_protection.enabled': 'true',
      'idle_timeout.timeout_seconds': '60',
    });
    expect(balancer.idleTimeout.toSeconds()).toBe(60);
  });

  test('it stands in public subnets', () => {
    template.hasResourceProperties('AWS::ElasticLoadBalancingV2::LoadBalancer', { Scheme: 'internet-facing' });
  });

  test('everybody may connect on ports 443 and 80, and it may connect nowhere by itself', () => {
    const group = Object.values(template.findResources('AWS::EC2::SecurityGroup'))[0].Properties;
    expect(group.SecurityGroupIngress).toEqual([
      expect.objectContaining({ CidrIp: '0.0.0.0/0', FromPort: 443, ToPort: 443 }),
      expect.objectContaining({ CidrIp: '0.0.0.0/0', FromPort: 80, ToPort: 80 }),
    ]);
    expect(group.SecurityGroupEgress).toEqual([expect.objectContaining({ CidrIp: '255.255.255.255/32' })]);
  });

  test('access logs go to a closed bucket that S3 encrypts and versions', () => {
    template.hasResource('AWS::S3::Bucket', {
      DeletionPolicy: 'Retain',
      Properties: {
        BucketEncryption: {
          ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
        },
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true,
          BlockPublicPolicy: true,
          IgnorePublicAcls: true,
          RestrictPublicBuckets: true,
        },
        OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
        VersioningConfiguration: { Status: 'Enabled' },
        LifecycleConfiguration: { Rules: [Match.objectLike({ ExpirationInDays: 365, Status: 'Enabled' })] },
      },
    });
    expect(balancerAttributes(template)).toMatchObject({
      'access_logs.s3.enabled': 'true',
      'access_logs.s3.bucket': stack.resolve(balancer.accessLogsBucket.bucketName),
    });
  });

  test('only log delivery for this account may write to the bucket, and nobody without TLS', () => {
    const { resource } = only(template, 'AWS::S3::BucketPolicy');
    const bucketArn = stack.resolve(balancer.accessLogsBucket.bucketArn);
    expect(resource.Properties.PolicyDocument.Statement).toEqual([
      expect.objectContaining({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
      {
        Sid: 'AllowLoadBalancerLogs',
        Effect: 'Allow',
        Principal: { Service: 'logdelivery.elasticloadbalancing.amazonaws.com' },
        Action: 's3:PutObject',
        Resource: { 'Fn::Join': ['', [bucketArn, '/AWSLogs/', { Ref: 'AWS::AccountId' }, '/*']] },
      },
    ]);
  });

  test('the load balancer waits for the bucket policy', () => {
    const { id } = only(template, 'AWS::S3::BucketPolicy');
    expect(only(template, 'AWS::ElasticLoadBalancingV2::LoadBalancer').resource.DependsOn).toContain(id);
  });

  test('its address is the first name', () => {
    expect(balancer.secure).toBe(true);
    expect(balancer.url).toBe('https://shop.example.com');
    expect(balancer.domainNames).toEqual(DOMAIN_NAMES);
  });

  test('nothing is warned about', () => {
    Annotations.fromStack(stack).hasNoWarning('*', Match.anyValue());
  });
});

describe('in development, without a name', () => {
  const stack = testStack();
  const balancer = balancerIn(stack, { profile: development });
  const template = templateOf(stack);

  test('it speaks plain HTTP on its own name, and says so', () => {
    template.resourceCountIs('AWS::ElasticLoadBalancingV2::Listener', 1);
    expect(listenerOn(template, 80)).toMatchObject({ Protocol: 'HTTP', DefaultActions: NOT_FOUND });
    expect(balancer.secure).toBe(false);
    expect(balancer.url).toBe(`http://${balancer.loadBalancer.loadBalancerDnsName}`);
    expect(balancer.domainNames).toEqual([]);
    expect(balancer.certificate).toBeUndefined();
    Annotations.fromStack(stack).hasWarning('/Shop/Balancer', Match.stringLikeRegexp('plain HTTP'));
  });

  test('answers carry the security headers that make sense without TLS', () => {
    expect(listenerOn(template, 80).attributes).toEqual({
      'routing.http.response.x_content_type_options.header_value': 'nosniff',
      'routing.http.response.x_frame_options.header_value': 'DENY',
      'routing.http.response.server.enabled': 'false',
    });
  });

  test('only port 80 is open', () => {
    const group = Object.values(template.findResources('AWS::EC2::SecurityGroup'))[0].Properties;
    expect(group.SecurityGroupIngress).toEqual([expect.objectContaining({ CidrIp: '0.0.0.0/0', FromPort: 80 })]);
  });

  test('it can be deleted, and defends itself less strictly', () => {
    expect(balancerAttributes(template)).toMatchObject({
      'routing.http.desync_mitigation_mode': 'defensive',
    });
    expect(balancerAttributes(template)['deletion_protection.enabled']).toBeUndefined();
  });

  test('access logs are kept for a month and go with the stack, after the load balancer', () => {
    template.hasResource('AWS::S3::Bucket', {
      DeletionPolicy: 'Delete',
      Properties: { LifecycleConfiguration: { Rules: [Match.objectLike({ ExpirationInDays: 30 })] } },
    });
    const { id } = only(template, 'Custom::S3AutoDeleteObjects');
    expect(only(template, 'AWS::ElasticLoadBalancingV2::LoadBalancer').resource.DependsOn).toContain(id);
  });
});

describe('with everything given', () => {
  const stack = testStack({ env: { account: '111111111111', region: 'eu-west-1' } });
  const network = new Network(stack, 'Network');
  const certificate = Certificate.fromCertificateArn(stack, 'Certificate', CERTIFICATE_ARN);
  const additional = Certificate.fromCertificateArn(stack, 'Additional', `${CERTIFICATE_ARN.slice(0, -1)}3`);
  const accessLogsBucket = new Bucket(stack, 'Logs');
  const balancer = new HttpsLoadBalancer(stack, 'Balancer', {
    vpc: network.vpc,
    vpcSubnets: { subnets: network.vpc.privateSubnets },
    internetFacing: false,
    domainNames: ['intern.example.com'],
    hostedZone: zoneIn(stack),
    certificate,
    additionalCertificates: [additional],
    additionalHostNames: ['*.example.org'],
    sslPolicy: SslPolicy.TLS13_13_PQ,
    allowFrom: [Peer.ipv4('10.1.0.0/16')],
    idleTimeout: Duration.minutes(5),
    desyncMitigationMode: DesyncMitigationMode.DEFENSIVE,
    strictTransportSecurity: 'max-age=63072000; includeSubDomains; preload',
    contentSecurityPolicy: "default-src 'self'",
    framePolicy: FramePolicy.APPLICATION,
    accessLogsBucket,
    deletionProtection: false,
  });
  const template = templateOf(stack);

  test('the given certificates are used and none is made', () => {
    template.resourceCountIs('AWS::CertificateManager::Certificate', 0);
    expect(listenerOn(template, 443)).toMatchObject({
      SslPolicy: 'ELBSecurityPolicy-TLS13-1-3-PQ-2025-09',
      Certificates: [{ CertificateArn: CERTIFICATE_ARN }],
    });
    template.hasResourceProperties('AWS::ElasticLoadBalancingV2::ListenerCertificate', {
      Certificates: [{ CertificateArn: additional.certificateArn }],
    });
    expect(balancer.certificate).toBe(certificate);
  });

  test('records are made in the hosted zone all the same', () => {
    template.resourceCountIs('AWS::Route53::RecordSet', 2);
  });

  test('port 80 redirects the names of all certificates, and nothing is warned about', () => {
    expect(redirectedBy(template)).toEqual([['intern.example.com'], ['*.example.org']]);
    Annotations.fromStack(stack).hasNoWarning('*', Match.anyValue());
  });

  test('it is internal and open to the given peers only', () => {
    template.hasResourceProperties('AWS::ElasticLoadBalancingV2::LoadBalancer', {
      Scheme: 'internal',
      Subnets: network.vpc.privateSubnets.map((subnet) => stack.resolve(subnet.subnetId)),
    });
    template.hasResourceProperties('AWS::EC2::SecurityGroup', {
      GroupDescription: 'Load balancer',
      SecurityGroupIngress: [443, 80].map((port) => Match.objectLike({ CidrIp: '10.1.0.0/16', FromPort: port })),
    });
  });

  test('the given headers and attributes are used', () => {
    expect(listenerOn(template, 443).attributes).toEqual({
      'routing.http.response.strict_transport_security.header_value': 'max-age=63072000; includeSubDomains; preload',
      'routing.http.response.x_content_type_options.header_value': 'nosniff',
      'routing.http.response.content_security_policy.header_value': "default-src 'self'",
      'routing.http.response.server.enabled': 'false',
    });
    expect(balancerAttributes(template)).toMatchObject({
      'idle_timeout.timeout_seconds': '300',
      'routing.http.desync_mitigation_mode': 'defensive',
      'access_logs.s3.bucket': stack.resolve(accessLogsBucket.bucketName),
    });
  });

  test('log delivery may write to the given bucket, and no other is made', () => {
    template.resourceCountIs('AWS::S3::Bucket', 1);
    template.hasResourceProperties('AWS::S3::BucketPolicy', {
      Bucket: stack.resolve(accessLogsBucket.bucketName),
      PolicyDocument: { Statement: [Match.objectLike({ Sid: 'AllowLoadBalancerLogs' })] },
    });
  });
});

test('an internal load balancer is open to its VPC', () => {
  const stack = testStack();
  const vpc = testVpc(stack);
  new HttpsLoadBalancer(stack, 'Balancer', { vpc, internetFacing: false, profile: development });
  templateOf(stack).hasResourceProperties('AWS::EC2::SecurityGroup', {
    SecurityGroupIngress: [Match.objectLike({ CidrIp: stack.resolve(vpc.vpcCidrBlock), FromPort: 80 })],
  });
});

describe('redirects for many names', () => {
  const names = Array.from({ length: 12 }, (_, index) => `shop-${index}.example.com`);
  const rulesFor = (domainNames: string[]) => {
    const stack = testStack();
    const certificate = Certificate.fromCertificateArn(stack, 'Certificate', CERTIFICATE_ARN);
    secureBalancerIn(stack, { domainNames, certificate, hostedZone: undefined });
    return templateOf(stack);
  };

  test('take as many rules as they need, of five names each', () => {
    expect(redirectedBy(rulesFor(names))).toEqual([names.slice(0, 5), names.slice(5, 10), names.slice(10)]);
  });

  test('keep ids and priorities when a name is put before the others', () => {
    const places = (template: Template) =>
      Object.entries(template.findResources('AWS::ElasticLoadBalancingV2::ListenerRule')).map(
        ([id, { Properties }]) => [id, Properties.Priority],
      );
    expect(places(rulesFor(['a.example.com', ...names]))).toEqual(places(rulesFor(names)));
  });

  test('may be known only at deployment, but not how many they are', () => {
    const unknown = Lazy.string({ produce: () => 'a.example.com' });
    expect(redirectedBy(rulesFor([unknown]))).toEqual([['a.example.com']]);
    expect(() => rulesFor(Lazy.list({ produce: () => ['a.example.com'] }))).toThrow('be written out as a list');
  });
});

test('names of further certificates that port 80 does not know are warned of, until somebody decides', () => {
  const warned = (additionalHostNames?: string[]) => {
    const stack = testStack();
    const additional = Certificate.fromCertificateArn(stack, 'Additional', CERTIFICATE_ARN);
    secureBalancerIn(stack, { additionalCertificates: [additional], additionalHostNames });
    return Annotations.fromStack(stack).findWarning('*', Match.stringLikeRegexp('additionalHostNames')).length;
  };
  expect([warned(), warned([]), warned(['blog.example.com'])]).toEqual([1, 0, 0]);
});

test('its own bucket keeps logs as long and as safely as asked', () => {
  const stack = testStack();
  secureBalancerIn(stack, { logRetention: RetentionDays.INFINITE, removalPolicy: RemovalPolicy.DESTROY });
  const { resource } = only(templateOf(stack), 'AWS::S3::Bucket');
  expect(resource.DeletionPolicy).toBe('Delete');
  expect(resource.Properties.LifecycleConfiguration.Rules[0].ExpirationInDays).toBeUndefined();
});

test('metrics are those of the load balancer', () => {
  const balancer = balancerIn(testStack(), { profile: development });
  const metrics = {
    RequestCount: balancer.metricRequestCount(),
    TargetResponseTime: balancer.metricTargetResponseTime(),
    HTTPCode_ELB_5XX_Count: balancer.metricHttpCodeElb(HttpCodeElb.ELB_5XX_COUNT),
    HTTPCode_Target_5XX_Count: balancer.metricHttpCodeTarget(HttpCodeTarget.TARGET_5XX_COUNT),
    RejectedConnectionCount: balancer.metricRejectedConnectionCount(),
  };
  for (const [name, metric] of Object.entries(metrics)) {
    expect(metric).toMatchObject({ namespace: 'AWS/ApplicationELB', metricName: name });
    expect(metric.period.toMinutes()).toBe(5);
  }
});

describe('imported', () => {
  const loadBalancerArn =
    'arn:aws:elasticloadbalancing:eu-west-1:111111111111:loadbalancer/app/shared/50dc6c495c0c9188';
  const listenerArn =
    'arn:aws:elasticloadbalancing:eu-west-1:111111111111:listener/app/shared/50dc6c495c0c9188/f2f7dc8efc522ab2';
  const importIn = (stack: Stack, domainNames?: string[], dropInvalidHeaderFields?: boolean) =>
    HttpsLoadBalancer.fromHttpsLoadBalancerAttributes(stack, 'Shared', {
      vpc: testVpc(stack),
      loadBalancerArn,
      listenerArn,
      loadBalancerDnsName: 'shared-1.eu-west-1.elb.amazonaws.com',
      securityGroupId: 'sg-0123456789abcdef0',
      domainNames,
      dropInvalidHeaderFields,
    });

  test('malformed headers are warned of, unless it drops them', () => {
    const warned = (drops?: boolean) => {
      const stack = testStack();
      importIn(stack, ['shop.example.com'], drops);
      const text = Match.stringLikeRegexp(
        'routing.http.drop_invalid_header_fields.enabled to true.*`dropInvalidHeader',
      );
      return Annotations.fromStack(stack).findWarning('/Shop/Shared', text).length;
    };
    expect([warned(), warned(false), warned(true)]).toEqual([1, 1, 0]);
  });

  test('the warning about malformed headers can be acknowledged', () => {
    const stack = testStack();
    const shared = importIn(stack, ['shop.example.com']);
    Acknowledged.of(shared).acknowledgeWarning('cdk-django-fargate:dropInvalidHeaderFields');
    Annotations.fromStack(stack).hasNoWarning('*', Match.anyValue());
  });

  test('it makes nothing and takes rules and paths of its consumers', () => {
    const stack = testStack();
    const shared = importIn(stack, ['shop.example.com']);
    new ApplicationListenerRule(stack, 'Rule', {
      listener: shared.listener,
      priority: 1,
      conditions: [ListenerCondition.hostHeaders(['shop.example.com'])],
      action: ListenerAction.fixedResponse(200),
    });
    shared.connections.allowToDefaultPort(shared.listener);
    const template = templateOf(stack);
    template.resourceCountIs('AWS::ElasticLoadBalancingV2::LoadBalancer', 0);
    template.hasResourceProperties('AWS::ElasticLoadBalancingV2::ListenerRule', { ListenerArn: listenerArn });
    expect(shared.loadBalancer.loadBalancerArn).toBe(loadBalancerArn);
    expect(shared.url).toBe('https://shop.example.com');
    expect(shared.secure).toBe(true);
    expect(shared.idleTimeout.toSeconds()).toBe(60);
  });

  test('without names it is taken for plain HTTP on its own name', () => {
    const shared = importIn(testStack());
    expect(shared.secure).toBe(false);
    expect(shared.url).toBe('http://shared-1.eu-west-1.elb.amazonaws.com');
  });

  test('its metrics are known too', () => {
    const metric = importIn(testStack()).metricRequestCount();
    expect(metric.dimensions).toEqual({ LoadBalancer: 'app/shared/50dc6c495c0c9188' });
  });
});

test('a certificate that is only known at deployment is accepted in any region', () => {
  const stack = testStack({ env: { account: '111111111111', region: 'eu-west-1' } });
  const certificate = new Certificate(stack, 'Certificate', { domainName: 'shop.example.com' });
  expect(() => balancerIn(stack, { domainNames: ['shop.example.com'], certificate })).not.toThrow();
});

test('fails when there is no name in production, and says what development serves without one', () => {
  expect(errorOf(() => balancerIn(testStack()))).toMatch(
    /^Shop\/Balancer: `domainNames` must hold at least one name in production, .*, got undefined\. .* Profile\.development\(\) serves plain HTTP on the name of the load balancer\.$/,
  );
  expect(errorOf(() => balancerIn(testStack(), { behindDistribution: true }))).toMatch(
    /Profile\.development\(\) serves HTTPS on the name of the distribution, to which the load balancer speaks plain HTTP\.$/,
  );
});

test('fails when a certificate is in another region, naming both', () => {
  const stack = testStack({ env: { account: '111111111111', region: 'us-east-1' } });
  const certificate = Certificate.fromCertificateArn(stack, 'Certificate', CERTIFICATE_ARN);
  expect(errorOf(() => balancerIn(stack, { domainNames: ['shop.example.com'], certificate }))).toBe(
    `Shop/Balancer: \`certificate\` must be in the region of the stack, us-east-1, got "${CERTIFICATE_ARN}". A load balancer can only use what is in its own region.`,
  );
});

test('fails with every problem at once', () => {
  const message = errorOf(() =>
    secureBalancerIn(testStack(), {
      domainNames: ['shop.example.org', '*.example.com'],
      idleTimeout: Duration.hours(2),
    }),
  );
  expect(message.split('\n')).toHaveLength(3);
});

describe('who may write the access logs', () => {
  const writer = (region: string) => {
    const stack = testStack({ env: { account: '111122223333', region } });
    new HttpsLoadBalancer(stack, 'Balancer', { vpc: testVpc(stack), profile: Profile.development() });
    const { resource } = only(templateOf(stack), 'AWS::S3::BucketPolicy');
    return resource.Properties.PolicyDocument.Statement.find(
      ({ Sid }: { Sid?: string }) => Sid === 'AllowLoadBalancerLogs',
    ).Principal;
  };

  test.each(['eu-central-1', 'mx-central-1', 'ap-southeast-7'])('in %s it is the service', (region) => {
    expect(writer(region)).toEqual({ Service: 'logdelivery.elasticloadbalancing.amazonaws.com' });
  });

  test.each([
    ['us-gov-west-1', '048591011584'],
    ['cn-north-1', '638102146993'],
  ])('in %s it is the account of the load balancers', (region, account) => {
    expect(writer(region)).toEqual({
      AWS: { 'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, `:iam::${account}:root`]] },
    });
  });
});
