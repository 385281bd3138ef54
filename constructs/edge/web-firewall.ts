import { ArnFormat, Aws, Duration, Fn, Names, type RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Metric, type MetricOptions, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { IApplicationLoadBalancer } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { ILogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { CfnLoggingConfiguration, CfnWebACL, CfnWebACLAssociation } from 'aws-cdk-lib/aws-wafv2';
import { Construct } from 'constructs';
import { Checks, secondsOf } from '../core/checks';
import { logGroup } from '../core/log-group';
import type { Profile } from '../core/profile';
import { MANAGED_GROUPS } from './private/managed-rules';

/** What can be tuned in a firewall. */
export interface WebFirewallOptions {
  /**
   * Requests that one IP address may send within `rateLimitWindow`, 10 to 2,000,000,000.
   *
   * The firewall answers 429 to the rest. Offices share one address: allow what all of their people send.
   *
   * @default 2000
   */
  readonly rateLimit?: number;
  /**
   * Window in which requests are counted: 1, 2, 5 or 10 minutes.
   *
   * @default Duration.minutes(5)
   */
  readonly rateLimitWindow?: Duration;
  /**
   * Managed rules to run in count mode because they would block legitimate requests.
   *
   * The list replaces the default. Name `SizeRestrictions_BODY` too where your users upload files.
   *
   * @default ['SizeRestrictions_BODY']
   * @see https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-list.html
   */
  readonly countedRules?: string[];
  /**
   * How long blocked and counted requests are kept.
   *
   * @default - by profile: production one year, development one month
   */
  readonly logRetention?: RetentionDays;
  /**
   * What happens to the log group when it leaves the stack.
   *
   * @default - by profile: production RETAIN, development DESTROY
   */
  readonly removalPolicy?: RemovalPolicy;
}

/** Properties of `WebFirewall`. */
export interface WebFirewallProps extends WebFirewallOptions {
  /**
   * Load balancer to protect.
   *
   * @default - none yet; associate `webAclArn` yourself
   */
  readonly loadBalancer?: IApplicationLoadBalancer;
  /**
   * Environment whose defaults apply.
   *
   * @default Profile.production()
   */
  readonly profile?: Profile;
  /**
   * Key of the log group.
   *
   * @default - encryption by CloudWatch Logs
   */
  readonly encryptionKey?: IKey;
}

/**
 * AWS WAF before a load balancer: a rate limit for each IP address, and the AWS managed rules without the one
 * that blocks uploads.
 *
 * It logs the requests that it blocked or counted, without credentials. The access logs of the load balancer
 * have the rest.
 *
 * @example
 * declare const balancer: HttpsLoadBalancer;
 * new WebFirewall(this, 'Firewall', { loadBalancer: balancer.loadBalancer, rateLimit: 1000 });
 *
 * @see https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-list.html
 */
export class WebFirewall extends Construct {
  /** The web ACL. */
  public readonly webAcl: CfnWebACL;
  /** ARN of the web ACL, for associations of your own. */
  public readonly webAclArn: string;
  /** Log group of blocked and counted requests. */
  public readonly logGroup: ILogGroup;
  private readonly aclMetricName: string;

  constructor(scope: Construct, id: string, props: WebFirewallProps = {}) {
    super(scope, id);
    validate(this, props);
    const countedRules = props.countedRules ?? ['SizeRestrictions_BODY'];
    this.aclMetricName = Names.uniqueResourceName(this, { maxLength: 128, separator: '-' });

    this.webAcl = new CfnWebACL(this, 'WebAcl', {
      scope: 'REGIONAL',
      description: 'Limit per address and AWS managed rules',
      defaultAction: { allow: {} },
      visibilityConfig: visibility(this.aclMetricName),
      rules: [
        rateRule(props.rateLimit ?? 2000, props.rateLimitWindow ?? Duration.minutes(5)),
        ...Object.keys(MANAGED_GROUPS).map((group, index) => managedRule(group, index + 1, countedRules)),
      ],
    });
    this.webAclArn = this.webAcl.attrArn;

    this.logGroup = logGroup(this, 'LogGroup', { ...props, logGroupName: logGroupName(this) });
    this.writeLogs(this.logGroup);

    if (props.loadBalancer) {
      new CfnWebACLAssociation(this, 'Association', {
        webAclArn: this.webAclArn,
        resourceArn: props.loadBalancer.loadBalancerArn,
      });
    }
  }

  /**
   * A metric of the web ACL over all its rules.
   *
   * @default - sum over 5 minutes
   */
  public metric(metricName: string, props?: MetricOptions): Metric {
    return new Metric({
      namespace: 'AWS/WAFV2',
      metricName,
      dimensionsMap: { WebACL: this.aclMetricName, Rule: 'ALL', Region: Stack.of(this).region },
      statistic: Stats.SUM,
      ...props,
    }).attachTo(this);
  }

  /**
   * Requests that were blocked.
   *
   * @default - sum over 5 minutes
   */
  public metricBlockedRequests(props?: MetricOptions): Metric {
    return this.metric('BlockedRequests', props);
  }

  /**
   * Requests that were let through.
   *
   * @default - sum over 5 minutes
   */
  public metricAllowedRequests(props?: MetricOptions): Metric {
    return this.metric('AllowedRequests', props);
  }

  /**
   * Requests that a rule only counted.
   *
   * @default - sum over 5 minutes
   */
  public metricCountedRequests(props?: MetricOptions): Metric {
    return this.metric('CountedRequests', props);
  }

  private writeLogs(logGroup: ILogGroup) {
    const stack = Stack.of(this);
    const delivery = logGroup.addToResourcePolicy(
      new PolicyStatement({
        sid: 'AllowFirewallLogs',
        principals: [new ServicePrincipal('delivery.logs.amazonaws.com')],
        actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        resources: [logGroup.logGroupArn],
        conditions: {
          StringEquals: { 'aws:SourceAccount': stack.account },
          ArnLike: { 'aws:SourceArn': stack.formatArn({ service: 'logs', resource: '*' }) },
        },
      }),
    );
    const logging = new CfnLoggingConfiguration(this, 'Logging', {
      resourceArn: this.webAclArn,
      // WAF wants the ARN without the `:*` that a log group's own attribute ends with.
      logDestinationConfigs: [
        stack.formatArn({
          service: 'logs',
          resource: 'log-group',
          resourceName: logGroup.logGroupName,
          arnFormat: ArnFormat.COLON_RESOURCE_NAME,
        }),
      ],
      redactedFields: ['authorization', 'cookie', 'x-csrftoken'].map((Name) => ({ singleHeader: { Name } })),
      loggingFilter: {
        DefaultBehavior: 'DROP',
        Filters: [
          {
            Behavior: 'KEEP',
            Requirement: 'MEETS_ANY',
            Conditions: ['BLOCK', 'COUNT', 'EXCLUDED_AS_COUNT'].map((Action) => ({ ActionCondition: { Action } })),
          },
        ],
      },
    });
    if (delivery.policyDependable) {
      logging.node.addDependency(delivery.policyDependable);
    }
  }
}

/**
 * WAF insists on the prefix; the end of the stack's id lets a new stack live beside what an old one has
 * retained.
 */
function logGroupName(scope: Construct): string {
  const stackUuid = Fn.select(2, Fn.split('/', Aws.STACK_ID));
  const unique = Fn.select(4, Fn.split('-', stackUuid));
  return `aws-waf-logs-${Names.uniqueResourceName(scope, { maxLength: 128, separator: '-' })}-${unique}`;
}

function visibility(metricName: string): CfnWebACL.VisibilityConfigProperty {
  return { metricName, cloudWatchMetricsEnabled: true, sampledRequestsEnabled: true };
}

function rateRule(limit: number, window: Duration): CfnWebACL.RuleProperty {
  return {
    name: 'RateLimit',
    priority: 0,
    action: { block: { customResponse: { responseCode: 429 } } },
    statement: {
      rateBasedStatement: { aggregateKeyType: 'IP', limit, evaluationWindowSec: window.toSeconds() },
    },
    visibilityConfig: visibility('RateLimit'),
  };
}

function managedRule(name: string, priority: number, countedRules: string[]): CfnWebACL.RuleProperty {
  const counted = MANAGED_GROUPS[name].filter((rule) => countedRules.includes(rule));
  return {
    name,
    priority,
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

function validate(scope: Construct, props: WebFirewallProps) {
  const known = Object.values(MANAGED_GROUPS).flat();
  const checks = new Checks(scope)
    .integer('rateLimit', props.rateLimit, {
      min: 10,
      max: 2_000_000_000,
      remedy: 'Offices share one address: allow what all of their people send.',
    })
    .optional(
      'rateLimitWindow',
      props.rateLimitWindow,
      () => [60, 120, 300, 600].includes(secondsOf(props.rateLimitWindow as Duration)),
      { must: 'be 1, 2, 5 or 10 minutes', remedy: 'WAF counts in no other windows.' },
    )
    .integer('logRetention', props.logRetention, { min: 1, remedy: 'Choose a value of RetentionDays.' });
  for (const [index, rule] of (props.countedRules ?? []).entries()) {
    checks.that(`countedRules[${index}]`, rule, known.includes(rule), {
      must: 'be a rule of the AWS managed groups in use',
      remedy: `Their names are case-sensitive, as in ${known.filter((name) => name.endsWith('_BODY')).join(', ')}.`,
    });
  }
  checks.throwIfAny();
}
