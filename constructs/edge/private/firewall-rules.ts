import type { Duration } from 'aws-cdk-lib';
import type { CfnWebACL } from 'aws-cdk-lib/aws-wafv2';
import { VIEWER_ADDRESS_HEADER } from '../origin-header';
import { MANAGED_GROUPS } from './managed-rules';

/** What the managed rule on large bodies writes on a request, also where it only counts. */
const LARGE_BODY_LABEL = 'awswaf:managed:aws:core-rule-set:SizeRestrictions_Body';

/** The managed rule on bodies of more than 8 KB: beyond them WAF reads nothing. */
export const LARGE_BODY_RULE = 'SizeRestrictions_BODY';

type Rule = CfnWebACL.RuleProperty;
type Statement = CfnWebACL.StatementProperty;

/** Everything that the rules of a web ACL depend on, with every default filled in. */
export interface FirewallPlan {
  readonly rateLimit: number;
  readonly loginRateLimit: number;
  readonly loginPaths: string[];
  readonly rateLimitWindow: Duration;
  readonly uploadPaths: string[];
  readonly countedRules: string[];
  /** Whether every request comes from a distribution, which says who the viewer is. */
  readonly behindDistribution: boolean;
}

/** The rules of a web ACL, in the order in which WAF looks at them. */
export function firewallRules(plan: FirewallPlan): Rule[] {
  const rules = [
    rateRule(plan),
    ...(plan.loginPaths.length > 0 ? [loginRule(plan)] : []),
    ...Object.keys(MANAGED_GROUPS).map((group) => managedRule(group, plan.countedRules)),
    // Where the managed rule is not counted it blocks by itself, on every path.
    ...(plan.countedRules.includes(LARGE_BODY_RULE) ? [largeBodyRule(plan)] : []),
  ];
  return rules.map((rule, priority) => ({ ...rule, priority }));
}

/** Metrics and samples of a rule or of a whole web ACL. */
export function visibility(metricName: string): CfnWebACL.VisibilityConfigProperty {
  return { metricName, cloudWatchMetricsEnabled: true, sampledRequestsEnabled: true };
}

/** Length of the expression that WAF gets for path patterns; it takes 512 characters. */
export function lengthOfPaths(patterns: string[]): number {
  return expressionOf(patterns).length;
}

type RuleWithoutPriority = Omit<Rule, 'priority'>;

/**
 * By what requests are counted: the address that they come from, or that which the distribution has written
 * over whatever a client sent. X-Forwarded-For would not do: WAF takes its first address, the client's word.
 */
function countedBy({ behindDistribution }: FirewallPlan) {
  if (!behindDistribution) {
    return { aggregateKeyType: 'IP' };
  }
  const textTransformations = [{ priority: 0, type: 'NONE' }];
  return {
    aggregateKeyType: 'CUSTOM_KEYS',
    customKeys: [{ header: { name: VIEWER_ADDRESS_HEADER, textTransformations } }],
  };
}

function rateRule(plan: FirewallPlan): RuleWithoutPriority {
  const { rateLimit, rateLimitWindow } = plan;
  return {
    name: 'RateLimit',
    action: { block: { customResponse: { responseCode: 429 } } },
    statement: {
      rateBasedStatement: {
        ...countedBy(plan),
        limit: rateLimit,
        evaluationWindowSec: rateLimitWindow.toSeconds(),
      },
    },
    visibilityConfig: visibility('RateLimit'),
  };
}

/** Guesses of passwords, and mails that somebody has sent to others. */
function loginRule(plan: FirewallPlan): RuleWithoutPriority {
  const { loginRateLimit, loginPaths, rateLimitWindow } = plan;
  const posted: Statement = {
    byteMatchStatement: {
      fieldToMatch: { method: {} },
      positionalConstraint: 'EXACTLY',
      searchString: 'POST',
      textTransformations: [{ priority: 0, type: 'NONE' }],
    },
  };
  return {
    name: 'LoginRateLimit',
    action: { block: { customResponse: { responseCode: 429 } } },
    statement: {
      rateBasedStatement: {
        ...countedBy(plan),
        limit: loginRateLimit,
        evaluationWindowSec: rateLimitWindow.toSeconds(),
        scopeDownStatement: { andStatement: { statements: [posted, pathsMatch(loginPaths)] } },
      },
    },
    visibilityConfig: visibility('LoginRateLimit'),
  };
}

function managedRule(name: string, countedRules: string[]): RuleWithoutPriority {
  const counted = MANAGED_GROUPS[name].filter((rule) => countedRules.includes(rule));
  return {
    name,
    overrideAction: { none: {} },
    statement: {
      managedRuleGroupStatement: {
        vendorName: 'AWS',
        name,
        ruleActionOverrides:
          counted.length > 0 ? counted.map((rule) => ({ name: rule, actionToUse: { count: {} } })) : undefined,
      },
    },
    visibilityConfig: visibility(name),
  };
}

/**
 * Refuses a large body unless it goes to a path for uploads: what stands after the first 8 KB meets no rule.
 *
 * A page to log in is no such path, although `/admin/*` covers that of the admin: nobody uploads before.
 */
function largeBodyRule({ uploadPaths, loginPaths }: FirewallPlan): RuleWithoutPriority {
  const large: Statement = { labelMatchStatement: { scope: 'LABEL', key: LARGE_BODY_LABEL } };
  return {
    name: 'LargeBodies',
    action: { block: { customResponse: { responseCode: 413 } } },
    statement:
      uploadPaths.length === 0 ? large : { andStatement: { statements: [large, outsideOf(uploadPaths, loginPaths)] } },
    visibilityConfig: visibility('LargeBodies'),
  };
}

function outsideOf(uploadPaths: string[], loginPaths: string[]): Statement {
  const elsewhere: Statement = { notStatement: { statement: pathsMatch(uploadPaths) } };
  return loginPaths.length === 0 ? elsewhere : { orStatement: { statements: [elsewhere, pathsMatch(loginPaths)] } };
}

/** The path as Django sees it: a server decodes it once before. */
function pathsMatch(patterns: string[]): Statement {
  return {
    regexMatchStatement: {
      fieldToMatch: { uriPath: {} },
      regexString: expressionOf(patterns),
      textTransformations: [{ priority: 0, type: 'URL_DECODE' }],
    },
  };
}

/** Path patterns as the load balancer writes them, in which `*` stands for any run of characters. */
function expressionOf(patterns: string[]): string {
  const alternatives = patterns.map((pattern) => pattern.replace(/\./g, '\\.').replace(/\*/g, '.*'));
  return `^(?:${alternatives.join('|')})$`;
}
