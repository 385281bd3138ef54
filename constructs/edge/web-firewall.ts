import { Annotations, ArnFormat, Duration, Names, type RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Metric, type MetricOptions, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { IApplicationLoadBalancer } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { type ILogGroup, ResourcePolicy, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { CfnLoggingConfiguration, CfnWebACL, CfnWebACLAssociation } from 'aws-cdk-lib/aws-wafv2';
import { Construct } from 'constructs';
import { Checks, isUnknown, secondsOf } from '../core/checks';
import { checkEffects, type Effects, voidWith } from '../core/effects';
import { checkKinds } from '../core/kinds';
import { logGroup } from '../core/log-group';
import type { Profile } from '../core/profile';
import { endOfStackId } from '../core/removal';
import { EDGE_REGION } from './edge-region';
import { type FirewallPlan, firewallRules, LARGE_BODY_RULE, lengthOfPaths, visibility } from './private/firewall-rules';
import { MANAGED_GROUPS } from './private/managed-rules';

/** The largest limit of requests that WAF takes. */
const MOST_REQUESTS = 2_000_000_000;

/** What a firewall stands before. */
export enum FirewallScope {
  /** A load balancer, in its own Region. */
  REGIONAL = 'REGIONAL',
  /**
   * A CloudFront distribution.
   *
   * Such a firewall exists in us-east-1 alone, whatever the Region of the application.
   */
  CLOUDFRONT = 'CLOUDFRONT',
}

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
   * Paths whose pages ask for a password or send a link to reset one: requests that post to them have a limit
   * of their own, `loginRateLimit`.
   *
   * An asterisk stands for any run of characters. An empty list switches this limit off. Add the paths of an
   * API that takes passwords.
   *
   * @default - every path that ends with `/login/`, `/login`, `/password_reset/` or `/password/reset/`
   */
  readonly loginPaths?: string[];
  /**
   * Requests that one IP address may post to `loginPaths` within `rateLimitWindow`, from 10 up to
   * `rateLimit`.
   *
   * The firewall answers 429 to the rest. Schools and offices share one address: allow as many as log in
   * there at the same time. **Guesses from many addresses stay below every limit of this kind**; an
   * application that locks accounts, such as with django-axes, stops those, and
   * `loginFingerprintRateLimit` slows them down.
   *
   * @default 50
   */
  readonly loginRateLimit?: number;
  /**
   * Requests that clients with one TLS fingerprint (JA4) may post to `loginPaths` within `rateLimitWindow`,
   * from all addresses together, 10 to 2,000,000,000.
   *
   * The firewall answers 429 to the rest. A program that guesses passwords from thousands of addresses has
   * one fingerprint; **so has everybody with the same browser**: allow what all of your users send at the
   * busiest time. It counts clients that speak TLS with what the firewall stands before, so behind CloudFront
   * it belongs to the firewall of scope CLOUDFRONT.
   *
   * @default - none: no number is right for every site
   * @see https://docs.aws.amazon.com/waf/latest/developerguide/waf-rule-statement-type-rate-based-aggregation-options.html
   */
  readonly loginFingerprintRateLimit?: number;
  /**
   * Paths to which bodies of more than 8 KB may be sent: uploads, long texts, large JSON.
   *
   * WAF reads the first 8 KB of a body and no more, so that an attack behind them meets no rule. Elsewhere
   * the firewall answers 413 to a larger body. An asterisk stands for any run of characters; `['/*']` allows
   * large bodies everywhere. `loginPaths` are never among them.
   *
   * @default ['/admin/*'], with a warning that asks for a decision
   */
  readonly uploadPaths?: string[];
  /**
   * Managed rules to run in count mode because they would block legitimate requests.
   *
   * The list replaces the default. With `SizeRestrictions_BODY` in it `uploadPaths` decides about large
   * bodies; without it the firewall blocks them on every path.
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
   * @default - by profile: production RETAIN_ON_UPDATE_OR_DELETE, development DESTROY
   */
  readonly removalPolicy?: RemovalPolicy;
}

/** Properties of `WebFirewall`. */
export interface WebFirewallProps extends WebFirewallOptions {
  /**
   * What the firewall stands before.
   *
   * The address that its limits count is that of the connection: with CLOUDFRONT the viewer's own.
   *
   * @default FirewallScope.REGIONAL
   */
  readonly scope?: FirewallScope;
  /**
   * Load balancer to protect.
   *
   * @default - none yet; associate `webAclArn` yourself
   */
  readonly loadBalancer?: IApplicationLoadBalancer;
  /**
   * Whether a `Cdn` without a web ACL of its own stands before the load balancer.
   *
   * Every request then comes from CloudFront, and is counted by the address that the distribution saw. The
   * managed list of bad addresses sees CloudFront's alone.
   *
   * @default false
   */
  readonly behindDistribution?: boolean;
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
 * AWS WAF before a load balancer or a CloudFront distribution: a limit of requests for each IP address, a
 * lower one for log-in pages, the AWS managed rules, and a limit of 8 KB for bodies outside the paths that
 * are meant for uploads.
 *
 * It logs the requests that it blocked or counted, without credentials. The access logs of what it stands
 * before have the rest.
 *
 * @example
 * declare const balancer: HttpsLoadBalancer;
 * new WebFirewall(this, 'Firewall', {
 *   loadBalancer: balancer.loadBalancer,
 *   uploadPaths: ['/admin/*', '/files/*'],
 * });
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
  private readonly isRegional: boolean;

  constructor(scope: Construct, id: string, props: WebFirewallProps = {}) {
    super(scope, id);
    checkKinds(this, 'WebFirewallProps', props);
    const plan = planOf(props);
    validate(this, props, plan);
    const aclScope = props.scope ?? FirewallScope.REGIONAL;
    this.isRegional = aclScope === FirewallScope.REGIONAL;
    this.aclMetricName = Names.uniqueResourceName(this, { maxLength: 128, separator: '-' });
    warnOfLargeBodies(this, props, plan);

    this.webAcl = new CfnWebACL(this, 'WebAcl', {
      scope: aclScope,
      description: 'Limits per address and AWS managed rules',
      defaultAction: { allow: {} },
      visibilityConfig: visibility(this.aclMetricName),
      rules: firewallRules(plan),
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
   * That of a firewall of scope CLOUDFRONT is in us-east-1, where alone an alarm can be on it.
   *
   * @default - sum over 5 minutes
   */
  public metric(metricName: string, props?: MetricOptions): Metric {
    return new Metric({
      namespace: 'AWS/WAFV2',
      metricName,
      dimensionsMap: {
        WebACL: this.aclMetricName,
        Rule: 'ALL',
        ...(this.isRegional && { Region: Stack.of(this).region }),
      },
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
    // By the stack's name: the name that CDK makes up is the same in every stack with this construct id.
    const delivery = new ResourcePolicy(this, 'LogDelivery', {
      resourcePolicyName: Names.uniqueResourceName(this, { maxLength: 128 }),
      policyStatements: [
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
      ],
    });
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
    logging.node.addDependency(delivery);
  }
}

/** WAF insists on the prefix. */
function logGroupName(scope: Construct): string {
  return `aws-waf-logs-${Names.uniqueResourceName(scope, { maxLength: 128, separator: '-' })}-${endOfStackId()}`;
}

const NO_LOGINS = voidWith<WebFirewallProps>(
  'loginPaths: []',
  ({ loginPaths }) => loginPaths?.length === 0,
  'it is for the paths of that list',
);
const EFFECTS: Effects<WebFirewallProps> = {
  loginRateLimit: [NO_LOGINS],
  loginFingerprintRateLimit: [NO_LOGINS],
  loadBalancer: [
    {
      when: ({ scope }) => scope === FirewallScope.CLOUDFRONT,
      must: 'be left out with `scope: FirewallScope.CLOUDFRONT`',
      remedy: 'Such a web ACL stands before a distribution: give `webAclArn` to it.',
    },
  ],
  behindDistribution: [
    {
      when: ({ scope, behindDistribution }) => scope === FirewallScope.CLOUDFRONT && behindDistribution === true,
      must: 'be left out with `scope: FirewallScope.CLOUDFRONT`',
      remedy: "Before a distribution the address of the connection is the viewer's own.",
    },
  ],
  uploadPaths: [
    {
      when: ({ countedRules }) => countedRules !== undefined && !countedRules.includes(LARGE_BODY_RULE),
      must: `be left out where \`countedRules\` does not hold ${LARGE_BODY_RULE}`,
      remedy: 'It would have no effect: the managed rule blocks large bodies on every path.',
    },
  ],
};

function planOf(props: WebFirewallProps): FirewallPlan {
  const rateLimit = props.rateLimit ?? 2000;
  return {
    rateLimit,
    loginRateLimit: props.loginRateLimit ?? Math.min(50, rateLimit),
    loginFingerprintRateLimit: props.loginFingerprintRateLimit,
    loginPaths: props.loginPaths ?? ['*/login/', '*/login', '*/password_reset/', '*/password/reset/'],
    rateLimitWindow: props.rateLimitWindow ?? Duration.minutes(5),
    uploadPaths: props.uploadPaths ?? ['/admin/*'],
    countedRules: props.countedRules ?? [LARGE_BODY_RULE],
    behindDistribution: props.behindDistribution ?? false,
  };
}

/** A site on which people upload files elsewhere must learn of it before its users do. */
function warnOfLargeBodies(scope: Construct, props: WebFirewallProps, plan: FirewallPlan) {
  if (props.uploadPaths === undefined && plan.countedRules.includes(LARGE_BODY_RULE)) {
    Annotations.of(scope).addWarningV2(
      'cdk-django-fargate:uploadPaths',
      "The firewall answers 413 to bodies of more than 8 KB outside of /admin/. Name in `uploadPaths` where users upload files or send long texts, or ['/admin/*'] if they do so nowhere else.",
    );
  }
}

function validate(scope: Construct, props: WebFirewallProps, plan: FirewallPlan) {
  const known = Object.values(MANAGED_GROUPS).flat();
  const { region } = Stack.of(scope);
  const checks = new Checks(scope)
    .that(
      'scope',
      props.scope,
      props.scope !== FirewallScope.CLOUDFRONT || isUnknown(region) || region === EDGE_REGION,
      {
        must: `be REGIONAL in ${region}`,
        remedy: `A web ACL for CloudFront exists in ${EDGE_REGION} alone: make it in a stack of that Region, and give its ARN to the distribution.`,
      },
    )
    .integer('rateLimit', props.rateLimit, {
      min: 10,
      max: MOST_REQUESTS,
      remedy: 'Offices share one address: allow what all of their people send.',
    })
    .optional(
      'rateLimitWindow',
      props.rateLimitWindow,
      () => [60, 120, 300, 600].includes(secondsOf(props.rateLimitWindow as Duration)),
      { must: 'be 1, 2, 5 or 10 minutes', remedy: 'WAF counts in no other windows.' },
    )
    .integer('loginRateLimit', props.loginRateLimit, {
      min: 10,
      max: isUnknown(plan.rateLimit) ? MOST_REQUESTS : plan.rateLimit,
      remedy: 'Above `rateLimit` it would have no effect; WAF counts from 10.',
    })
    .integer('loginFingerprintRateLimit', props.loginFingerprintRateLimit, {
      min: 10,
      max: MOST_REQUESTS,
      remedy: 'Everybody with the same browser has one fingerprint: allow what all of them send.',
    })
    .integer('logRetention', props.logRetention, { min: 1, remedy: 'Choose a value of RetentionDays.' });
  checkEffects(checks, props, EFFECTS);
  checkPaths(checks, 'loginPaths', props.loginPaths);
  checkPaths(checks, 'uploadPaths', props.uploadPaths);
  for (const [index, rule] of (props.countedRules ?? []).entries()) {
    checks.that(`countedRules[${index}]`, rule, known.includes(rule), {
      must: 'be a rule of the AWS managed groups in use',
      remedy: `Their names are case-sensitive, as in ${known.filter((name) => name.endsWith('_BODY')).join(', ')}.`,
    });
  }
  checks.throwIfAny();
}

function checkPaths(checks: Checks, prop: 'loginPaths' | 'uploadPaths', paths: string[] = []) {
  for (const [index, path] of paths.entries()) {
    checks.matches(`${prop}[${index}]`, path, /^[/*][A-Za-z0-9/_.~*-]*$/, {
      must: 'start with a slash or an asterisk and hold letters, digits, and / _ . ~ - * alone',
      remedy: 'Write it as Django sees the path, for example "/files/*".',
    });
  }
  checks.that(prop, 'a value only known at deployment', !isUnknown(paths), {
    must: 'be known at synthesis, since an expression is made of it',
    remedy: 'Write the paths out.',
  });
  const length = lengthOfPaths(paths);
  checks.that(prop, `${length} characters`, length <= 512, {
    must: 'be at most 512 characters as one expression',
    remedy: 'Use wider patterns.',
  });
}
