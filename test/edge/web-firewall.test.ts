import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { ApplicationLoadBalancer } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { Key } from 'aws-cdk-lib/aws-kms';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Profile } from '../../constructs/core/profile';
import { WebFirewall } from '../../constructs/edge/web-firewall';
import { errorOf, Match, only, templateOf, testStack, testVpc } from '../support';

describe('with nothing given', () => {
  const stack = testStack();
  const firewall = new WebFirewall(stack, 'Firewall');
  const template = templateOf(stack);
  const rules = only(template, 'AWS::WAFv2::WebACL').resource.Properties.Rules;

  test('requests that no rule blocks are let through', () => {
    template.hasResourceProperties('AWS::WAFv2::WebACL', { Scope: 'REGIONAL', DefaultAction: { Allow: {} } });
  });

  test('an address that sends more than 2000 requests in five minutes is told so', () => {
    expect(rules[0]).toMatchObject({
      Priority: 0,
      Action: { Block: { CustomResponse: { ResponseCode: 429 } } },
      Statement: { RateBasedStatement: { AggregateKeyType: 'IP', Limit: 2000, EvaluationWindowSec: 300 } },
    });
  });

  test('the managed groups follow, each with a priority of its own', () => {
    expect(rules.map((rule: { Name: string }) => rule.Name)).toEqual([
      'RateLimit',
      'AWSManagedRulesAmazonIpReputationList',
      'AWSManagedRulesCommonRuleSet',
      'AWSManagedRulesKnownBadInputsRuleSet',
      'AWSManagedRulesSQLiRuleSet',
    ]);
    expect(new Set(rules.map((rule: { Priority: number }) => rule.Priority)).size).toBe(5);
  });

  test('large bodies are counted, so that uploads pass, and nothing else is', () => {
    const overrides = rules.flatMap(
      (rule: { Statement: { ManagedRuleGroupStatement?: { RuleActionOverrides?: unknown[] } } }) =>
        rule.Statement.ManagedRuleGroupStatement?.RuleActionOverrides ?? [],
    );
    expect(overrides).toEqual([{ Name: 'SizeRestrictions_BODY', ActionToUse: { Count: {} } }]);
  });

  test('it stands before nothing yet', () => {
    template.resourceCountIs('AWS::WAFv2::WebACLAssociation', 0);
    expect(stack.resolve(firewall.webAclArn)).toEqual(stack.resolve(firewall.webAcl.attrArn));
  });

  test('its log group has the prefix that WAF demands and a name of its own per stack', () => {
    const { resource } = only(template, 'AWS::Logs::LogGroup');
    expect(resource.DeletionPolicy).toBe('RetainExceptOnCreate');
    expect(resource.Properties.RetentionInDays).toBe(365);
    expect(resource.Properties.KmsKeyId).toBeUndefined();
    const [prefix, stackPart] = resource.Properties.LogGroupName['Fn::Join'][1];
    expect(prefix).toMatch(/^aws-waf-logs-Shop-Firewall-/);
    expect(JSON.stringify(stackPart)).toContain('AWS::StackId');
  });

  test('only blocked and counted requests are logged, without credentials', () => {
    template.hasResourceProperties('AWS::WAFv2::LoggingConfiguration', {
      ResourceArn: stack.resolve(firewall.webAclArn),
      RedactedFields: ['authorization', 'cookie', 'x-csrftoken'].map((Name) => ({ SingleHeader: { Name } })),
      LoggingFilter: { DefaultBehavior: 'DROP' },
    });
  });

  test('the log destination does not end with the star of the log group attribute', () => {
    const { resource } = only(template, 'AWS::WAFv2::LoggingConfiguration');
    const [destination] = resource.Properties.LogDestinationConfigs;
    const parts = destination['Fn::Join'][1];
    expect(parts[parts.length - 1]).toEqual(stack.resolve(firewall.logGroup.logGroupName));
  });

  test('logging waits for the permission of log delivery, which is for this account only', () => {
    const { id, resource } = only(template, 'AWS::Logs::ResourcePolicy');
    expect(only(template, 'AWS::WAFv2::LoggingConfiguration').resource.DependsOn).toEqual([id]);
    const document = JSON.stringify(resource.Properties.PolicyDocument);
    expect(document).toContain('delivery.logs.amazonaws.com');
    expect(document).toContain('aws:SourceAccount');
  });

  test('metrics are those of the web ACL over all rules, summed over five minutes', () => {
    const { MetricName } = only(template, 'AWS::WAFv2::WebACL').resource.Properties.VisibilityConfig;
    const metrics = {
      BlockedRequests: firewall.metricBlockedRequests(),
      AllowedRequests: firewall.metricAllowedRequests(),
      CountedRequests: firewall.metricCountedRequests(),
    };
    for (const [name, metric] of Object.entries(metrics)) {
      expect(metric).toMatchObject({ namespace: 'AWS/WAFV2', metricName: name, statistic: 'Sum' });
      expect(metric.dimensions).toMatchObject({ WebACL: MetricName, Rule: 'ALL' });
      expect(metric.period.toMinutes()).toBe(5);
    }
    expect(firewall.metricBlockedRequests({ period: Duration.minutes(1) }).period.toSeconds()).toBe(60);
  });
});

describe('with everything given', () => {
  const stack = testStack();
  const encryptionKey = new Key(stack, 'Key');
  const loadBalancer = new ApplicationLoadBalancer(stack, 'Balancer', { vpc: testVpc(stack) });
  const firewall = new WebFirewall(stack, 'Firewall', {
    loadBalancer,
    rateLimit: 100,
    rateLimitWindow: Duration.minutes(1),
    countedRules: ['SizeRestrictions_BODY', 'NoUserAgent_HEADER', 'SQLi_BODY'],
    encryptionKey,
    logRetention: RetentionDays.ONE_WEEK,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  const template = templateOf(stack);

  test('it stands before the load balancer', () => {
    template.hasResourceProperties('AWS::WAFv2::WebACLAssociation', {
      WebACLArn: stack.resolve(firewall.webAclArn),
      ResourceArn: stack.resolve(loadBalancer.loadBalancerArn),
    });
  });

  test('the given limit, window and counted rules are used', () => {
    const rules = only(template, 'AWS::WAFv2::WebACL').resource.Properties.Rules;
    expect(rules[0].Statement.RateBasedStatement).toMatchObject({ Limit: 100, EvaluationWindowSec: 60 });
    expect(rules[2].Statement.ManagedRuleGroupStatement.RuleActionOverrides).toHaveLength(2);
    expect(rules[4].Statement.ManagedRuleGroupStatement.RuleActionOverrides).toEqual([
      { Name: 'SQLi_BODY', ActionToUse: { Count: {} } },
    ]);
  });

  test('the log group is encrypted with the key, and the key lets it', () => {
    template.hasResource('AWS::Logs::LogGroup', {
      DeletionPolicy: 'Delete',
      Properties: { RetentionInDays: 7, KmsKeyId: stack.resolve(encryptionKey.keyArn) },
    });
    template.hasResourceProperties('AWS::KMS::Key', {
      KeyPolicy: { Statement: Match.arrayWith([Match.objectLike({ Sid: 'AllowLogGroups' })]) },
    });
  });
});

test('in development logs are kept for a month and go with the stack', () => {
  const stack = testStack();
  new WebFirewall(stack, 'Firewall', { profile: Profile.development() });
  templateOf(stack).hasResource('AWS::Logs::LogGroup', {
    DeletionPolicy: 'Delete',
    Properties: { RetentionInDays: 30 },
  });
});

test('no rule is counted when the list is empty', () => {
  const stack = testStack();
  new WebFirewall(stack, 'Firewall', { countedRules: [] });
  expect(JSON.stringify(templateOf(stack).toJSON())).not.toContain('RuleActionOverrides');
});

test('fails when a rule is misspelled, since WAF would silently go on blocking', () => {
  const make = () => new WebFirewall(testStack(), 'Firewall', { countedRules: ['SizeRestriction_BODY'] });
  expect(errorOf(make)).toMatch(
    /^Shop\/Firewall: `countedRules\[0\]` must be a rule of the AWS managed groups in use, got "SizeRestriction_BODY"\. /,
  );
});
