import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { ApplicationLoadBalancer } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { Key } from 'aws-cdk-lib/aws-kms';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Profile } from '../../constructs/core/profile';
import { WebFirewall, type WebFirewallProps } from '../../constructs/edge/web-firewall';
import { Annotations, errorOf, Match, only, templateOf, testStack, testVpc } from '../support';

/** What the common rule set writes on a request whose body is larger than 8 KB. */
const LARGE = 'awswaf:managed:aws:core-rule-set:SizeRestrictions_Body';

interface Rule {
  readonly Name: string;
  readonly Statement: Statement;
  readonly VisibilityConfig: { readonly MetricName: string };
}

interface Statement {
  readonly AndStatement?: { readonly Statements: Statement[] };
  readonly OrStatement?: { readonly Statements: Statement[] };
  readonly NotStatement?: { readonly Statement: Statement };
  readonly LabelMatchStatement?: { readonly Scope: string; readonly Key: string };
  readonly ByteMatchStatement?: Transformed & { readonly SearchString: string; readonly FieldToMatch: object };
  readonly RegexMatchStatement?: Transformed & { readonly RegexString: string };
  readonly RateBasedStatement?: { readonly Limit: number; readonly ScopeDownStatement?: Statement };
  readonly ManagedRuleGroupStatement?: { readonly Name: string };
}

interface Transformed {
  readonly TextTransformations: { readonly Type: string }[];
}

interface Request {
  readonly path: string;
  readonly method?: string;
  readonly labels?: string[];
}

/** Whether WAF finds that a statement matches, as far as our own rules go. */
function matches(statement: Statement, request: Request): boolean {
  const { AndStatement, OrStatement, NotStatement, LabelMatchStatement, ByteMatchStatement, RegexMatchStatement } =
    statement;
  if (AndStatement) {
    return AndStatement.Statements.every((each) => matches(each, request));
  }
  if (OrStatement) {
    return OrStatement.Statements.some((each) => matches(each, request));
  }
  if (NotStatement) {
    return !matches(NotStatement.Statement, request);
  }
  if (LabelMatchStatement) {
    return LabelMatchStatement.Scope === 'LABEL' && (request.labels ?? []).includes(LabelMatchStatement.Key);
  }
  if (ByteMatchStatement) {
    expect(ByteMatchStatement.FieldToMatch).toEqual({ Method: {} });
    return ByteMatchStatement.SearchString === (request.method ?? 'POST');
  }
  const { RegexString, TextTransformations } = RegexMatchStatement as NonNullable<typeof RegexMatchStatement>;
  expect(TextTransformations).toEqual([{ Priority: 0, Type: 'URL_DECODE' }]);
  return new RegExp(RegexString).test(decodeURIComponent(request.path));
}

function limited({ Statement: { RateBasedStatement } }: Rule, request: Request): boolean {
  return matches(RateBasedStatement?.ScopeDownStatement as Statement, request);
}

/** @see https://docs.aws.amazon.com/waf/latest/developerguide/waf-rule-statements-match.html */
const GROUP_UNITS: { [name: string]: number } = {
  AWSManagedRulesAmazonIpReputationList: 25,
  AWSManagedRulesCommonRuleSet: 700,
  AWSManagedRulesKnownBadInputsRuleSet: 200,
  AWSManagedRulesSQLiRuleSet: 200,
};

/** Capacity units that AWS charges a web ACL for a statement. */
function unitsOf(statement: Statement): number {
  const { ManagedRuleGroupStatement: group, RateBasedStatement: rate } = statement;
  const nested = [
    ...(statement.AndStatement?.Statements ?? []),
    ...(statement.OrStatement?.Statements ?? []),
    ...(statement.NotStatement ? [statement.NotStatement.Statement] : []),
    ...(rate?.ScopeDownStatement ? [rate.ScopeDownStatement] : []),
  ];
  const match = statement.ByteMatchStatement ?? statement.RegexMatchStatement;
  return (
    (group ? GROUP_UNITS[group.Name] : 0) +
    (rate ? 2 : 0) +
    (statement.LabelMatchStatement ? 1 : 0) +
    (statement.ByteMatchStatement ? 2 : 0) +
    (statement.RegexMatchStatement ? 3 : 0) +
    10 * (match?.TextTransformations.length ?? 0) +
    nested.reduce((sum, each) => sum + unitsOf(each), 0)
  );
}

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
      'LoginRateLimit',
      'AWSManagedRulesAmazonIpReputationList',
      'AWSManagedRulesCommonRuleSet',
      'AWSManagedRulesKnownBadInputsRuleSet',
      'AWSManagedRulesSQLiRuleSet',
      'LargeBodies',
    ]);
    expect(rules.map((rule: { Priority: number }) => rule.Priority)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    const metrics = rules.map(({ VisibilityConfig }: Rule) => VisibilityConfig.MetricName);
    expect(metrics).toEqual(rules.map((rule: { Name: string }) => rule.Name));
  });

  test('an address that posts more than 50 times in five minutes to pages that take passwords is told so', () => {
    const verdict = (requests: Request[]) => requests.map((request) => limited(rules[1], request));
    expect(rules[1]).toMatchObject({
      Action: { Block: { CustomResponse: { ResponseCode: 429 } } },
      Statement: { RateBasedStatement: { AggregateKeyType: 'IP', Limit: 50, EvaluationWindowSec: 300 } },
    });
    const counted = ['/login/', '/admin/login/', '/de/accounts/login/', '/api/auth/login', '/accounts/password_reset/'];
    expect(verdict(counted.map((path) => ({ path })))).toEqual(counted.map(() => true));
    expect(verdict([{ path: '/accounts/password/reset/' }, { path: '/admin/%6cogin/' }])).toEqual([true, true]);
    const others = ['/', '/admin/', '/login/help/', '/accounts/login/x', '/accounts/password_reset/done/'];
    expect(verdict(others.map((path) => ({ path })))).toEqual(others.map(() => false));
    expect(verdict([{ path: '/admin/login/', method: 'GET' }])).toEqual([false]);
  });

  test('a body of more than 8 KB is refused outside of the admin, and on its log-in page', () => {
    const refused = (path: string, labels = [LARGE]) => matches(rules[6].Statement, { path, labels });
    expect(rules[6].Action).toEqual({ Block: { CustomResponse: { ResponseCode: 413 } } });
    expect(['/', '/upload/', '/x/admin/', '/admin', '/admin/login/', '/admin/login%2f'].map((p) => refused(p))).toEqual(
      Array(6).fill(true),
    );
    expect(['/admin/', '/admin/auth/user/1/change/', '/admin/a.b/'].map((path) => refused(path))).toEqual(
      Array(3).fill(false),
    );
    expect(refused('/upload/', [])).toBe(false);
    expect(refused('/upload/', [LARGE.replace('_Body', '_QueryString')])).toBe(false);
  });

  test('somebody has to say where large bodies may go', () => {
    Annotations.fromStack(stack).hasWarning('/Shop/Firewall', Match.stringLikeRegexp('413.*`uploadPaths`'));
  });

  test('its rules take fewer than the 1,500 capacity units that are included in its price', () => {
    const units = rules.map((rule: Rule) => unitsOf(rule.Statement));
    expect(units).toEqual([2, 27, 25, 700, 200, 200, 27]);
    expect(units.reduce((sum: number, each: number) => sum + each, 0)).toBeLessThan(1500);
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
    loginPaths: ['/sign-in/'],
    loginRateLimit: 10,
    uploadPaths: ['/files/*.pdf', '/api/documents/'],
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
    expect(rules[3].Statement.ManagedRuleGroupStatement.RuleActionOverrides).toHaveLength(2);
    expect(rules[5].Statement.ManagedRuleGroupStatement.RuleActionOverrides).toEqual([
      { Name: 'SQLi_BODY', ActionToUse: { Count: {} } },
    ]);
  });

  test('the given paths are used', () => {
    const rules = only(template, 'AWS::WAFv2::WebACL').resource.Properties.Rules;
    expect(rules[1].Statement.RateBasedStatement).toMatchObject({ Limit: 10, EvaluationWindowSec: 60 });
    expect(['/sign-in/', '/admin/login/'].map((path) => limited(rules[1], { path }))).toEqual([true, false]);
    const refused = (path: string) => matches(rules[6].Statement, { path, labels: [LARGE] });
    expect(['/files/a/b.pdf', '/api/documents/'].map(refused)).toEqual([false, false]);
    expect(['/files/a.pdfx', '/files/bxpdf', '/api/documents/1', '/sign-in/'].map(refused)).toEqual(
      Array(4).fill(true),
    );
    Annotations.fromStack(stack).hasNoWarning('*', Match.anyValue());
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

describe('what can be switched off', () => {
  const rulesOf = (props: WebFirewallProps) => {
    const stack = testStack();
    new WebFirewall(stack, 'Firewall', props);
    return { stack, rules: only(templateOf(stack), 'AWS::WAFv2::WebACL').resource.Properties.Rules as Rule[] };
  };
  const last = ({ rules }: { rules: Rule[] }) => rules[rules.length - 1];
  const refuses = (props: WebFirewallProps, path: string) =>
    matches(last(rulesOf(props)).Statement, { path, labels: [LARGE] });

  test('the limit for log-ins', () => {
    expect(rulesOf({ loginPaths: [] }).rules.map(({ Name }) => Name)).not.toContain('LoginRateLimit');
    expect(refuses({ loginPaths: [] }, '/admin/login/')).toBe(false);
    expect(refuses({ loginPaths: [] }, '/other/')).toBe(true);
  });

  test('large bodies altogether, and everywhere else than on log-in pages', () => {
    expect(refuses({ uploadPaths: [] }, '/admin/')).toBe(true);
    expect(refuses({ uploadPaths: [] }, '/')).toBe(true);
    expect(refuses({ uploadPaths: ['/*'] }, '/anything/')).toBe(false);
    expect(refuses({ uploadPaths: ['/*'] }, '/admin/login/')).toBe(true);
  });

  test('our rule on large bodies, where the managed one blocks them', () => {
    const made = rulesOf({ countedRules: ['NoUserAgent_HEADER'] });
    expect(last(made).Name).toBe('AWSManagedRulesSQLiRuleSet');
    Annotations.fromStack(made.stack).hasNoWarning('*', Match.anyValue());
  });

  test('a low limit for all requests lowers that for log-ins', () => {
    expect(rulesOf({ rateLimit: 20 }).rules[1].Statement.RateBasedStatement?.Limit).toBe(20);
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

test('behind a distribution it counts by the address that the distribution has written, which no client can', () => {
  const rated = (props: WebFirewallProps) => {
    const { Rules } = only(firewallTemplate(props), 'AWS::WAFv2::WebACL').resource.Properties;
    return Rules.slice(0, 2).map(({ Statement: { RateBasedStatement } }: Rated) => [
      RateBasedStatement.AggregateKeyType,
      RateBasedStatement.CustomKeys,
    ]);
  };
  const viewer = { Header: { Name: 'x-viewer-address', TextTransformations: [{ Priority: 0, Type: 'NONE' }] } };
  expect(rated({ behindDistribution: true })).toEqual([
    ['CUSTOM_KEYS', [viewer]],
    ['CUSTOM_KEYS', [viewer]],
  ]);
  expect(rated({})).toEqual([
    ['IP', undefined],
    ['IP', undefined],
  ]);
});

interface Rated {
  readonly Statement: { readonly RateBasedStatement: { AggregateKeyType: string; CustomKeys?: object[] } };
}

function firewallTemplate(props: WebFirewallProps) {
  const stack = testStack();
  new WebFirewall(stack, 'Firewall', props);
  return templateOf(stack);
}
