import type { Stack } from 'aws-cdk-lib';
import { Profile } from '../../constructs/core/profile';
import { Cdn } from '../../constructs/edge/cdn';
import type { HttpsLoadBalancerProps } from '../../constructs/edge/https-load-balancer';
import { AsgiService } from '../../constructs/processes/asgi-service';
import type { WebServiceOptions } from '../../constructs/processes/web-service';
import { WebService } from '../../constructs/processes/web-service';
import { errorOf, only, type Template, templateOf, testStack } from '../support';
import { loadBalancerFor, processProps } from './support';

/** A service behind a distribution, with domain names. */
function webIn(stack: Stack, balancer: Partial<HttpsLoadBalancerProps> = {}, options: WebServiceOptions = {}) {
  const process = processProps(stack);
  const loadBalancer = loadBalancerFor(stack, process, { behindDistribution: true, ...balancer });
  return { process, loadBalancer, web: new WebService(stack, 'Web', { ...process, loadBalancer, ...options }) };
}

/** The same without, under the name of the distribution. */
function webWithoutDomain(stack: Stack, told = true) {
  const process = processProps(stack);
  const profile = Profile.development();
  const loadBalancer = loadBalancerFor(stack, process, {
    behindDistribution: true,
    domainNames: undefined,
    hostedZone: undefined,
    profile,
  });
  const cdn = new Cdn(stack, 'Cdn', { loadBalancer, profile });
  const address = told ? { allowedHosts: cdn.hostNames, csrfTrustedOrigins: [cdn.url] } : {};
  const web = new WebService(stack, 'Web', { ...process, loadBalancer, profile, ...address });
  return { cdn, web, process, loadBalancer, profile, address };
}

function rule(template: Template) {
  return only(template, 'AWS::ElasticLoadBalancingV2::ListenerRule').resource.Properties;
}

function environment(template: Template) {
  const { ContainerDefinitions } = only(template, 'AWS::ECS::TaskDefinition').resource.Properties;
  return Object.fromEntries(
    ContainerDefinitions[0].Environment.map(({ Name, Value }: { Name: string; Value: unknown }) => [Name, Value]),
  );
}

test('a rule asks for the secret beside the host, and the process hears how to know HTTPS', () => {
  const stack = testStack();
  const { loadBalancer } = webIn(stack);
  const template = templateOf(stack);
  expect(rule(template).Conditions).toEqual([
    { Field: 'host-header', HostHeaderConfig: { Values: ['shop.example.com'] } },
    {
      Field: 'http-header',
      HttpHeaderConfig: { HttpHeaderName: 'X-Origin-Key', Values: stack.resolve(loadBalancer.originHeader?.values) },
    },
  ]);
  expect(environment(template)).toMatchObject({
    SECURE_PROXY_SSL_HEADER: 'CloudFront-Forwarded-Proto',
    DJANGO_ALLOWED_HOSTS: 'shop.example.com',
    DJANGO_CSRF_TRUSTED_ORIGINS: 'https://shop.example.com',
  });
});

test('without a distribution there is neither', () => {
  const stack = testStack();
  webIn(stack, { behindDistribution: false });
  const template = templateOf(stack);
  const rules = Object.values(template.findResources('AWS::ElasticLoadBalancingV2::ListenerRule'));
  expect(JSON.stringify(rules)).not.toContain('http-header');
  expect(Object.keys(environment(template))).not.toContain('SECURE_PROXY_SSL_HEADER');
});

test('both secrets are accepted while one is replaced', () => {
  const stack = testStack();
  webIn(stack, { originKeys: ['1', '2'] });
  const [, { HttpHeaderConfig }] = rule(templateOf(stack)).Conditions;
  expect(HttpHeaderConfig.Values).toHaveLength(2);
});

test('without a domain the rule asks for the secret alone, and Django knows the name of the distribution', () => {
  const stack = testStack();
  const { cdn } = webWithoutDomain(stack);
  const template = templateOf(stack);
  expect(rule(template).Conditions.map(({ Field }: { Field: string }) => Field)).toEqual(['http-header']);
  const [domainName] = stack.resolve(cdn.hostNames);
  expect(environment(template)).toMatchObject({
    DJANGO_ALLOWED_HOSTS: domainName,
    DJANGO_CSRF_TRUSTED_ORIGINS: { 'Fn::Join': ['', ['https://', domainName]] },
  });
});

test('paths of a second service stand beside the secret', () => {
  const stack = testStack();
  const { web: _, cdn: __, process, address, ...shared } = webWithoutDomain(stack);
  new AsgiService(stack, 'Asgi', { ...process, ...address, ...shared });
  const rules = Object.values(templateOf(stack).findResources('AWS::ElasticLoadBalancingV2::ListenerRule'));
  const fields = rules.map(({ Properties }) => Properties.Conditions.map(({ Field }: { Field: string }) => Field));
  expect(fields.sort()).toEqual([['http-header'], ['path-pattern', 'http-header']]);
});

test('fails when Django would refuse every request, or a rule would hold too many values', () => {
  expect(errorOf(() => webWithoutDomain(testStack(), false))).toContain(
    'Shop/Web: `allowedHosts` must be given behind a distribution without domain names, with `csrfTrustedOrigins`, got undefined. Give `hostNames` of the Cdn',
  );
  const hostNames = ['a', 'b', 'c', 'd', 'e'].map((name) => `${name}.example.com`);
  expect(errorOf(() => webIn(testStack(), {}, { hostNames }))).toContain(
    'Shop/Web: `hostNames` must be at most 4, since a rule of the load balancer holds 5 values and 1 is of the distribution, got ',
  );
  expect(errorOf(() => webIn(testStack(), { originKeys: ['1', '2'] }, { hostNames: hostNames.slice(1) }))).toContain(
    '`hostNames` must be at most 3, since a rule of the load balancer holds 5 values and 2 are of the distribution, got ',
  );
});
