import type { App, Stack } from 'aws-cdk-lib';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import type { DjangoApplicationProps } from '../../constructs/application/django-application-props';
import { Profile } from '../../constructs/core/profile';
import type { CdnOptions } from '../../constructs/edge/cdn';
import { HttpsLoadBalancer } from '../../constructs/edge/https-load-balancer';
import { complianceOf, pairsOf } from '../../scripts/compliance';
import { Annotations, errorOf, Match, only, templateOf, testStack, testVpc } from '../support';
import { Graph } from '../wiring/graph';
import { unmet } from '../wiring/order';
import { PROCESSES, told, wholeApplication, wholeProduction } from '../wiring/whole-application';

const CERTIFICATE_ARN = 'arn:aws:acm:us-east-1:111122223333:certificate/12345678-1234-1234-1234-123456789012';
const LOCAL_ARN = CERTIFICATE_ARN.replace('us-east-1', 'eu-central-1');
const WEB_ACL_ARN = 'arn:aws:wafv2:us-east-1:111122223333:global/webacl/Shop/12345678-1234-1234-1234-123456789012';

/** The whole application in production, with a distribution that has a certificate. */
function production(
  options: CdnOptions = {},
  appProps: object = {},
  more: Partial<DjangoApplicationProps> = {},
): Stack {
  const holder = testStack();
  const certificate = Certificate.fromCertificateArn(holder, 'Global', CERTIFICATE_ARN);
  return wholeProduction({ cdn: { certificate, ...options }, ...more }, appProps);
}

describe('a development application with `cdn`', () => {
  const stack = testStack();
  const made = wholeApplication(stack, { cdn: {} });
  const template = templateOf(stack);
  const domainName = stack.resolve(made.cdn?.distribution.distributionDomainName);

  test('has HTTPS under the name of the distribution, and no public address', () => {
    expect(made.url).toBe(made.cdn?.url);
    expect(stack.resolve(made.url)).toEqual({ 'Fn::Join': ['', ['https://', domainName]] });
    expect(only(template, 'AWS::ElasticLoadBalancingV2::LoadBalancer').resource.Properties.Scheme).toBe('internal');
    Annotations.fromStack(stack).hasNoWarning('*', Match.stringLikeRegexp('plain HTTP'));
  });

  test('tells every process the name that it is reached under', () => {
    const found = told(stack, ['DJANGO_ALLOWED_HOSTS', 'DJANGO_CSRF_TRUSTED_ORIGINS']);
    expect(Object.keys(found).sort()).toEqual(PROCESSES);
    for (const variables of Object.values(found)) {
      expect(variables).toEqual({
        DJANGO_ALLOWED_HOSTS: domainName,
        DJANGO_CSRF_TRUSTED_ORIGINS: { 'Fn::Join': ['', ['https://', domainName]] },
      });
    }
  });

  test('tells web and ASGI how to know HTTPS', () => {
    const found = told(stack, ['SECURE_PROXY_SSL_HEADER']);
    const process = Object.keys(found).filter((name) => Object.keys(found[name]).length > 0);
    expect(process.sort()).toEqual(['asgi', 'web']);
  });

  test('lets nobody past the distribution: every rule asks for its secret, and none for a name', () => {
    const rules = Object.values(template.findResources('AWS::ElasticLoadBalancingV2::ListenerRule'));
    expect(rules).toHaveLength(2);
    for (const { Properties } of rules) {
      const fields = Properties.Conditions.map(({ Field }: { Field: string }) => Field);
      expect(fields).toContain('http-header');
      expect(fields).not.toContain('host-header');
    }
  });

  test('has a secret that the key of the application encrypts', () => {
    const [secret] = Object.entries(template.findResources('AWS::SecretsManager::Secret')).filter(([id]) =>
      id.includes('OriginKeys'),
    );
    expect(secret[1].Properties.KmsKeyId).toEqual(stack.resolve(made.encryptionKey.keyArn));
  });

  test('waits for everything that it needs', () => {
    expect(unmet(new Graph(template.toJSON().Resources))).toEqual([]);
  });
});

test('without `cdn` there is no distribution', () => {
  const stack = testStack();
  expect(wholeApplication(stack).cdn).toBeUndefined();
  templateOf(stack).resourceCountIs('AWS::CloudFront::Distribution', 0);
});

test('the firewall at the load balancer counts viewers, unless one stands at the distribution', () => {
  const { Rules } = only(templateOf(production()), 'AWS::WAFv2::WebACL').resource.Properties;
  expect(Rules[0].Statement.RateBasedStatement.AggregateKeyType).toBe('CUSTOM_KEYS');
  templateOf(production({ webAclArn: WEB_ACL_ARN })).resourceCountIs('AWS::WAFv2::WebACL', 0);
});

test('fails when a certificate is missing, a load balancer is brought, or a firewall is tuned that is brought', () => {
  expect(errorOf(() => production({ certificate: undefined }))).toContain(
    'Shop/App: `cdn.certificate` must be given beside `domainNames`, from us-east-1, got undefined. ',
  );
  expect(errorOf(() => production({ certificate: undefined }))).toContain(
    'A `DjangoStack` with a hosted zone and `env: { account, region }` makes one there',
  );
  expect(errorOf(() => wholeApplication(testStack(), { staticFiles: {} }))).toContain(
    'Add `cdn: {}`, or take `staticFiles` out: without a distribution',
  );
  const stack = testStack();
  const loadBalancer = new HttpsLoadBalancer(stack, 'Shared', {
    vpc: testVpc(stack),
    domainNames: ['shop.example.com'],
    certificate: Certificate.fromCertificateArn(stack, 'Certificate', LOCAL_ARN),
  });
  expect(errorOf(() => wholeApplication(stack, { cdn: {}, loadBalancer }))).toContain(
    'Shop/App: `cdn` must be left out with `loadBalancer`, got ',
  );
  const firewallOptions = { rateLimit: 500 };
  expect(errorOf(() => production({ webAclArn: WEB_ACL_ARN }, {}, { firewallOptions }))).toContain(
    'Shop/App: `firewallOptions` must be left out with `cdn.webAclArn`, got ',
  );
  expect(errorOf(() => wholeApplication(testStack(), { cdn: {}, web: { hostNames: ['shop.example.com'] } }))).toContain(
    'Shop/App/Web: `hostNames` must be left out behind a distribution without domain names, got ',
  );
});

test('production with it, and with files and a cache, has at most 320 resources, of 500', () => {
  const stack = production({ cachedPaths: ['/news/*'] }, {}, { media: {}, cache: {} });
  expect(Object.keys(templateOf(stack).toJSON().Resources).length).toBeLessThanOrEqual(320);
});

test('that no firewall is in front is a finding, where there is none behind it either', () => {
  const profile = Profile.production({ webFirewall: false });
  const found = complianceOf((props) => production({}, props, { profile }).node.root as App);
  const rules = found.flatMap(({ findings, acknowledgements }) => [
    ...findings.map(({ rule }) => rule),
    ...acknowledgements.map(({ rule }) => `${rule}, acknowledged`),
  ]);
  expect(rules.filter((rule) => rule.startsWith('CFR2'))).toEqual(['CFR2']);
});

describe.each([
  ['a firewall at the load balancer', {}],
  ['a firewall at the edge', { webAclArn: WEB_ACL_ARN, cachedPaths: ['/news/*'] }],
])('production with %s', (_, options) => {
  const packs = complianceOf((props) => production(options, props).node.root as App);

  test.each(packs)('has no finding of $pack that is not acknowledged', ({ findings }) => {
    expect(findings).toEqual([]);
  });

  test('acknowledges few rules more than without it, each with a reason of a sentence', () => {
    const acknowledged = packs.flatMap(({ acknowledgements }) => acknowledgements);
    const pairs = pairsOf(acknowledged).filter((pair) => /Cdn|OriginKeys/.test(pair));
    expect(pairs.length).toBeLessThanOrEqual(8);
    expect(acknowledged.filter(({ reason = '' }) => !/^[A-Z0-9].{40,}\.$/.test(reason))).toEqual([]);
  });
});
