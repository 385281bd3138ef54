import { Aws, Stack } from 'aws-cdk-lib';
import { ApplicationLoadBalancer } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { FirewallScope, WebFirewall, type WebFirewallProps } from '../../constructs/edge/web-firewall';
import { errorOf, only, templateOf, testStack, testVpc } from '../support';

const EDGE = { account: '111122223333', region: 'us-east-1' };
const FRANKFURT = { account: '111122223333', region: 'eu-central-1' };

function edgeFirewall(props: WebFirewallProps = {}, stack = testStack({ env: EDGE })) {
  const firewall = new WebFirewall(stack, 'Firewall', { scope: FirewallScope.CLOUDFRONT, ...props });
  return { stack, firewall, template: templateOf(stack) };
}

function rulesOf(props: WebFirewallProps) {
  return only(edgeFirewall(props).template, 'AWS::WAFv2::WebACL').resource.Properties.Rules;
}

describe('before a distribution', () => {
  const { firewall, template } = edgeFirewall();

  test('a firewall has the rules of one before a load balancer, by the address of the connection', () => {
    const regional = testStack();
    new WebFirewall(regional, 'Firewall');
    const { Rules } = only(templateOf(regional), 'AWS::WAFv2::WebACL').resource.Properties;
    template.hasResourceProperties('AWS::WAFv2::WebACL', { Scope: 'CLOUDFRONT', Rules });
    expect(Rules[0].Statement.RateBasedStatement.AggregateKeyType).toBe('IP');
    template.resourceCountIs('AWS::WAFv2::WebACLAssociation', 0);
  });

  test('it writes its logs in the Region that its web ACL is in', () => {
    const { resource } = only(template, 'AWS::WAFv2::LoggingConfiguration');
    const [head] = resource.Properties.LogDestinationConfigs[0]['Fn::Join'][1].slice(-2);
    expect(JSON.stringify(resource.Properties.LogDestinationConfigs)).toContain('us-east-1:111122223333:log-group:');
    expect(head).toContain('log-group:');
    template.resourceCountIs('AWS::Logs::LogGroup', 1);
  });

  test('its metrics have no dimension for a Region', () => {
    const { MetricName } = only(template, 'AWS::WAFv2::WebACL').resource.Properties.VisibilityConfig;
    expect(firewall.metricBlockedRequests().dimensions).toEqual({ WebACL: MetricName, Rule: 'ALL' });
  });
});

test('a firewall can be made in a stack whose Region is known at deployment alone', () => {
  expect(() => edgeFirewall({}, testStack())).not.toThrow();
});

test('a firewall for CloudFront is refused in another Region', () => {
  expect(errorOf(() => edgeFirewall({}, testStack({ env: FRANKFURT })))).toBe(
    'Shop/Firewall: `scope` must be REGIONAL in eu-central-1, got "CLOUDFRONT". A web ACL for CloudFront exists in us-east-1 alone: make it in a stack of that Region, and give its ARN to the distribution.',
  );
});

test('a firewall for CloudFront is not put before a load balancer', () => {
  const stack = testStack({ env: EDGE });
  const loadBalancer = new ApplicationLoadBalancer(stack, 'Balancer', { vpc: testVpc(stack) });
  expect(errorOf(() => edgeFirewall({ loadBalancer }, stack))).toMatch(
    /^Shop\/Firewall: `loadBalancer` must be left out with `scope: FirewallScope.CLOUDFRONT`, got /,
  );
});

test('a firewall is before a distribution, or behind one', () => {
  expect(errorOf(() => edgeFirewall({ behindDistribution: true }))).toMatch(
    /^Shop\/Firewall: `behindDistribution` must be left out with `scope: FirewallScope.CLOUDFRONT`, got true\. /,
  );
});

describe('the limit for a TLS fingerprint', () => {
  test('is another rule on log-ins, with the fingerprint as its only key', () => {
    const rules = rulesOf({ loginFingerprintRateLimit: 5000 });
    const [byAddress, byFingerprint] = rules.slice(1);
    expect(byFingerprint.Name).toBe('LoginFingerprintRateLimit');
    expect(byFingerprint.VisibilityConfig.MetricName).toBe('LoginFingerprintRateLimit');
    expect(byFingerprint.Action).toEqual(byAddress.Action);
    expect(byFingerprint.Statement.RateBasedStatement).toEqual({
      ...byAddress.Statement.RateBasedStatement,
      AggregateKeyType: 'CUSTOM_KEYS',
      CustomKeys: [{ JA4Fingerprint: { FallbackBehavior: 'NO_MATCH' } }],
      Limit: 5000,
    });
    expect(rules.map(({ Priority }: { Priority: number }) => Priority)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  test('is left out unless it is asked for', () => {
    expect(JSON.stringify(rulesOf({}))).not.toContain('JA4Fingerprint');
  });

  test('is refused without paths that it is for', () => {
    expect(errorOf(() => rulesOf({ loginPaths: [], loginFingerprintRateLimit: 5000 }))).toContain(
      '`loginFingerprintRateLimit` must be left out with `loginPaths: []`',
    );
  });
});

test('a token of the Region stays one in the metrics of a firewall before a load balancer', () => {
  const stack = new Stack();
  const { dimensions } = new WebFirewall(stack, 'Firewall').metricBlockedRequests();
  expect(dimensions?.Region).toBe(Aws.REGION);
});
