import { join } from 'node:path';
import { App, type Stack } from 'aws-cdk-lib';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { HostedZone } from 'aws-cdk-lib/aws-route53';
import { DjangoApplication } from '../../constructs/application/django-application';
import type { DjangoApplicationProps } from '../../constructs/application/django-application-props';
import { Profile } from '../../constructs/core/profile';
import { HttpsLoadBalancer, type HttpsLoadBalancerProps } from '../../constructs/edge/https-load-balancer';
import { DjangoStack } from '../../lib/django-stack';
import { EdgeStack } from '../../lib/edge-stack';
import { errorOf, only, type Template, templateOf, testStack, testVpc } from '../support';

const GLOBAL = 'arn:aws:acm:us-east-1:111122223333:certificate/11111111-2222-3333-4444-555555555555';
const FRANKFURT = { account: '111122223333', region: 'eu-central-1' };

const zoneIn = (stack: Stack) =>
  HostedZone.fromHostedZoneAttributes(stack, 'Zone', {
    hostedZoneId: 'Z0123456789ABCDEFGHIJ',
    zoneName: 'example.com',
  });

function balancer(props: Partial<HttpsLoadBalancerProps>): Template {
  const stack = testStack();
  new HttpsLoadBalancer(stack, 'Balancer', {
    vpc: testVpc(stack),
    domainNames: ['example.com'],
    hostedZone: zoneIn(stack),
    ...props,
  });
  return templateOf(stack);
}

function applicationIn(stack: Stack, props: Partial<DjangoApplicationProps>): DjangoApplication {
  return new DjangoApplication(stack, 'App', {
    image: ContainerImage.fromAsset(join(__dirname, '..', 'fixtures', 'image')),
    settingsModule: 'config.settings',
    profile: Profile.development(),
    domainNames: ['example.com'],
    hostedZone: zoneIn(stack),
    ...props,
  });
}

function application(props: Partial<DjangoApplicationProps>): Template {
  const stack = testStack({ env: FRANKFURT });
  applicationIn(stack, props);
  return templateOf(stack);
}

function distributed(props: Partial<DjangoApplicationProps> = {}): Template {
  const stack = testStack({ env: FRANKFURT });
  const certificate = Certificate.fromCertificateArn(stack, 'Global', GLOBAL);
  applicationIn(stack, { cdn: { certificate }, redirectedDomainNames: ['www.example.com'], ...props });
  return templateOf(stack);
}

/** Rules of a listener by priority: host names, other conditions, where they lead. */
function rulesOn(template: Template, port: number) {
  const [listener] = Object.entries(template.findResources('AWS::ElasticLoadBalancingV2::Listener')).find(
    ([, { Properties }]) => Properties.Port === port,
  ) ?? [''];
  return Object.values(template.findResources('AWS::ElasticLoadBalancingV2::ListenerRule'))
    .map(({ Properties }) => Properties)
    .filter(({ ListenerArn }) => ListenerArn.Ref === listener)
    .sort((a, b) => a.Priority - b.Priority)
    .map(({ Priority, Conditions, Actions: [action] }) => ({
      priority: Priority,
      hosts: Conditions.find(({ Field }: { Field: string }) => Field === 'host-header')?.HostHeaderConfig.Values,
      others: Conditions.filter(({ Field }: { Field: string }) => Field !== 'host-header'),
      redirect: action.RedirectConfig,
    }));
}

const TO_MAIN = { Protocol: 'HTTPS', Host: 'example.com', Port: '443', StatusCode: 'HTTP_301' };

function recordsOf(template: Template): { [id: string]: string } {
  const records = Object.entries(template.findResources('AWS::Route53::RecordSet'));
  return Object.fromEntries(records.map(([id, { Properties }]) => [id, `${Properties.Name} ${Properties.Type}`]));
}

function certificateOf(template: Template) {
  return only(template, 'AWS::CertificateManager::Certificate').resource.Properties;
}

describe('a redirected name', () => {
  const template = balancer({ redirectedDomainNames: ['WWW.example.com'] });

  test('leads to the first domain name for good, over HTTPS, with path and query', () => {
    // What a redirect does not name, Elastic Load Balancing keeps: here path and query.
    expect(rulesOn(template, 443)).toEqual([
      { priority: 1, hosts: ['www.example.com'], others: [], redirect: TO_MAIN },
    ]);
  });

  test('is redirected to HTTPS under its own name first, as lists of hosts with HSTS ask for', () => {
    const { Host, ...toHttps } = TO_MAIN;
    expect(rulesOn(template, 80).map(({ hosts, redirect }) => ({ hosts, redirect }))).toEqual([
      { hosts: [Host], redirect: toHttps },
      { hosts: ['www.example.com'], redirect: toHttps },
    ]);
  });

  test('is on the certificate, and has records', () => {
    expect(certificateOf(template)).toMatchObject({
      DomainName: 'example.com',
      SubjectAlternativeNames: ['www.example.com'],
    });
    expect(Object.values(recordsOf(template))).toEqual([
      'example.com. A',
      'example.com. AAAA',
      'www.example.com. A',
      'www.example.com. AAAA',
    ]);
  });

  test('has the certificate and the records that it had as a domain name', () => {
    const served = balancer({ domainNames: ['example.com', 'www.example.com'] });
    expect(recordsOf(template)).toEqual(recordsOf(served));
    expect(certificateOf(template)).toEqual(certificateOf(served));
  });

  test('has the HSTS header of the listener', () => {
    const secure = Object.values(template.findResources('AWS::ElasticLoadBalancingV2::Listener')).find(
      ({ Properties }) => Properties.Port === 443,
    );
    expect(secure?.Properties.ListenerAttributes).toContainEqual({
      Key: 'routing.http.response.strict_transport_security.header_value',
      Value: 'max-age=31536000',
    });
  });
});

describe('many redirected names', () => {
  const names = [...'abcdefg'].map((label) => `${label}.example.com`);

  test('take five in a rule, from the first priority on', () => {
    const template = balancer({ redirectedDomainNames: names });
    expect(rulesOn(template, 443).map(({ priority, hosts }) => ({ priority, hosts }))).toEqual([
      { priority: 1, hosts: names.slice(0, 5) },
      { priority: 2, hosts: names.slice(5) },
    ]);
  });

  test('keep ids and priorities of rules when one is put before the others', () => {
    const places = (redirectedDomainNames: string[]) =>
      Object.entries(
        balancer({ redirectedDomainNames }).findResources('AWS::ElasticLoadBalancingV2::ListenerRule'),
      ).map(([id, { Properties }]) => [id, Properties.Priority]);
    expect(places(['www.example.com', ...names])).toEqual(places([...names, 'www.example.com']));
  });

  test('go after all services where they are wildcards, and are on the certificate with the name that they hold', () => {
    const redirectedDomainNames = ['*.shop.example.com', 'www.example.com', '*.blog.example.com'];
    const template = application({ redirectedDomainNames, web: { hostNames: ['a.shop.example.com'] } });
    expect(rulesOn(template, 443).map(({ priority, hosts }) => ({ priority, hosts }))).toEqual([
      { priority: 1, hosts: ['www.example.com'] },
      { priority: 200, hosts: ['a.shop.example.com'] },
      { priority: 50_000, hosts: ['*.shop.example.com', '*.blog.example.com'] },
    ]);
    expect(certificateOf(template).SubjectAlternativeNames).toEqual(redirectedDomainNames);
    expect(Object.values(recordsOf(template))).toContain('*.shop.example.com. AAAA');
  });
});

describe('the processes of an application', () => {
  const told = (template: Template) =>
    Object.values(template.findResources('AWS::ECS::TaskDefinition')).flatMap(({ Properties }) =>
      Properties.ContainerDefinitions[0].Environment.filter(({ Name }: { Name: string }) => /HOSTS|ORIGINS/.test(Name)),
    );

  test('know nothing of redirected names, and get no request for them', () => {
    const without = application({});
    const template = application({ redirectedDomainNames: ['www.example.com'] });
    expect(told(template).length).toBeGreaterThan(0);
    expect(told(template)).toEqual(told(without));
    const served = (given: Template) => rulesOn(given, 443).filter(({ redirect }) => redirect === undefined);
    expect(served(template)).toEqual(served(without));
  });

  test('may not have the priority of a redirect', () => {
    expect(errorOf(() => application({ redirectedDomainNames: ['www.example.com'], web: { priority: 1 } }))).toMatch(
      /^Shop\/App\/Web: `priority` must be used once on a load balancer, got 1\./,
    );
  });
});

describe('a service', () => {
  test.each(['www.example.com', '*.old.example.com'])('cannot have a name that is redirected: %s', (name) => {
    const redirectedDomainNames = ['www.example.com', '*.old.example.com'];
    expect(errorOf(() => application({ redirectedDomainNames, web: { hostNames: ['a.example.com', name] } }))).toMatch(
      /^Shop\/App\/Web: `hostNames` must hold none of `redirectedDomainNames` of the load balancer, got /,
    );
  });
});

describe('behind a distribution', () => {
  const template = distributed();

  test('a redirect asks for the secret, too', () => {
    const [redirect, web] = rulesOn(template, 443);
    expect(redirect).toMatchObject({ priority: 1, hosts: ['www.example.com'], redirect: TO_MAIN });
    expect(redirect.others).toEqual(web.others);
    expect(redirect.others[0].HttpHeaderConfig.HttpHeaderName).toBe('X-Origin-Key');
  });

  test('the secrets count among the values of a rule', () => {
    const names = [...'abcd'].map((label) => `${label}.example.com`);
    const two = distributed({ redirectedDomainNames: names, loadBalancerOptions: { originKeys: ['1', '2'] } });
    const redirects = rulesOn(two, 443).filter(({ redirect }) => redirect !== undefined);
    expect(redirects.map(({ hosts }) => hosts)).toEqual([names.slice(0, 3), names.slice(3)]);
  });

  test('the distribution has it as an alias, and it has records for HTTP/3 as well', () => {
    const { DistributionConfig } = only(template, 'AWS::CloudFront::Distribution').resource.Properties;
    expect(DistributionConfig.Aliases).toEqual(['example.com', 'www.example.com']);
    const records = Object.values(recordsOf(template));
    expect(records.filter((each) => each.startsWith('www.'))).toEqual([
      'www.example.com. A',
      'www.example.com. AAAA',
      'www.example.com. HTTPS',
    ]);
  });

  test('has the records that it had as a domain name', () => {
    const served = distributed({ domainNames: ['example.com', 'www.example.com'], redirectedDomainNames: undefined });
    expect(recordsOf(template)).toEqual(recordsOf(served));
  });

  test('no answer for one host is that for another: the host is in every key of the load balancer', () => {
    const keys = Object.values(template.findResources('AWS::CloudFront::CachePolicy')).map(
      ({ Properties }) => Properties.CachePolicyConfig.ParametersInCacheKeyAndForwardedToOrigin.HeadersConfig.Headers,
    );
    expect(keys.length).toBeGreaterThan(0);
    expect(keys.every((headers) => headers.includes('Host'))).toBe(true);
  });
});

describe('the stack in us-east-1', () => {
  test('has the redirected names on its certificate, also a wildcard', () => {
    const stack = new DjangoStack(new App(), 'Shop', {
      env: FRANKFURT,
      image: ContainerImage.fromAsset(join(__dirname, '..', 'fixtures', 'image')),
      settingsModule: 'config.settings',
      domainName: 'shop.example.com',
      redirectedDomainNames: ['www.example.com', '*.old.example.com'],
      hostedZoneId: 'Z0123456789ABCDEFGHIJ',
      cdn: {},
    });
    const names = { DomainName: 'shop.example.com', SubjectAlternativeNames: ['www.example.com', '*.old.example.com'] };
    expect(certificateOf(templateOf(stack.edge as EdgeStack))).toMatchObject(names);
    expect(certificateOf(templateOf(stack))).toMatchObject(names);
  });

  const edge = (domainNames: string[] | undefined, redirectedDomainNames: string[]) =>
    errorOf(() => {
      const hostedZone = domainNames && zoneIn(testStack());
      new EdgeStack(new App(), 'Edge', { domainNames, redirectedDomainNames, hostedZone });
    });

  test.each<[string, string[] | undefined, string[], RegExp]>([
    ['without a name', undefined, ['www.example.com'], /`redirectedDomainNames` must come with `domainNames`/],
    [
      'of another zone',
      ['example.com'],
      ['www.example.org'],
      /`redirectedDomainNames\[0\]` must lie in the hosted zone/,
    ],
    ['served', ['example.com'], ['Example.com'], /`redirectedDomainNames\[0\]` must not be among `domainNames`/],
    ['too many', ['example.com'], [...'abcdefghij'].map((each) => `${each}.example.com`), /together with `redirected/],
  ])('refuses names that are %s', (_, domainNames, redirectedDomainNames, message) => {
    expect(edge(domainNames, redirectedDomainNames)).toMatch(message);
  });
});

test('DjangoStack calls the name by the prop that was written', () => {
  const stack = () =>
    new DjangoStack(new App(), 'Shop', {
      image: ContainerImage.fromAsset(join(__dirname, '..', 'fixtures', 'image')),
      settingsModule: 'config.settings',
      domainName: 'shop.example.com',
      redirectedDomainNames: ['shop.example.com'],
      hostedZoneId: 'Z0123456789ABCDEFGHIJ',
    });
  expect(errorOf(stack)).toMatch(
    /^Shop\/App\/LoadBalancer: `redirectedDomainNames\[0\]` must not be among `domainName`, got "shop\.example\.com"\./,
  );
});

test('what guards changes counts it among the names that keep their records', () => {
  const template = application({ redirectedDomainNames: ['www.example.com'] });
  expect(only(template, 'Custom::ChangeGuard').resource.Properties).toMatchObject({
    Names: ['example.com', 'www.example.com'],
    Records: ['example.com', 'www.example.com'],
  });
});
