/** A condition of a listener rule, as the template has it. */
export interface RuleCondition {
  readonly Field?: string;
  readonly Values?: string[];
  readonly HostHeaderConfig?: { readonly Values?: string[] };
  readonly PathPatternConfig?: { readonly Values?: string[] };
  readonly HttpRequestMethodConfig?: { readonly Values?: string[] };
  readonly HttpHeaderConfig?: { readonly HttpHeaderName?: string; readonly Values?: string[] };
  readonly SourceIpConfig?: { readonly Values?: string[] };
}

export interface RuleAction {
  readonly Type: string;
  readonly TargetGroupArn?: string;
  readonly ForwardConfig?: { readonly TargetGroups?: { readonly TargetGroupArn?: string; readonly Weight?: number }[] };
  readonly FixedResponseConfig?: { StatusCode: string; ContentType?: string; MessageBody?: string };
  readonly RedirectConfig?: {
    StatusCode: string;
    Protocol?: string;
    Host?: string;
    Port?: string;
    Path?: string;
    Query?: string;
  };
}

export interface ListenerRule {
  readonly priority: number;
  readonly conditions: RuleCondition[];
  readonly actions: RuleAction[];
}

/** What of a request a rule can look at. */
export interface RoutedRequest {
  readonly host: string;
  readonly path: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** The action of the first rule, by priority, whose conditions all hold; otherwise the listener's default. */
export function chooseAction(rules: ListenerRule[], fallback: RuleAction[], request: RoutedRequest): RuleAction {
  const rule = [...rules]
    .sort((a, b) => a.priority - b.priority)
    .find(({ conditions }) => conditions.every((condition) => holds(condition, request)));
  const actions = rule?.actions ?? fallback;
  return actions[actions.length - 1];
}

/** Matches as the load balancer does: `*` for any run of characters, `?` for exactly one. */
export function matchesPattern(pattern: string, text: string, ignoreCase = false): boolean {
  const expression = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*/g, '.*')
    .replace(/\?/g, '.');
  return new RegExp(`^${expression}$`, ignoreCase ? 'is' : 's').test(text);
}

/** The target group that an action forwards to, if it does. */
export function forwardsTo(action: RuleAction | undefined): string | undefined {
  return action?.Type === 'forward'
    ? (action.TargetGroupArn ?? action.ForwardConfig?.TargetGroups?.[0]?.TargetGroupArn)
    : undefined;
}

/** The host name patterns of a rule. */
export function hostPatterns({ conditions }: ListenerRule): string[] {
  return conditions
    .filter(({ Field }) => Field === 'host-header')
    .flatMap(({ HostHeaderConfig, Values }) => HostHeaderConfig?.Values ?? Values ?? []);
}

/** The path patterns of a rule; every path when it has none. */
export function pathPatterns({ conditions }: ListenerRule): string[] {
  const patterns = conditions
    .filter(({ Field }) => Field === 'path-pattern')
    .flatMap(({ PathPatternConfig, Values }) => PathPatternConfig?.Values ?? Values ?? []);
  return patterns.length > 0 ? patterns : ['/'];
}

/** A text that a pattern matches. */
export function concrete(pattern: string): string {
  return pattern.replace(/\*/g, 'rehearsal').replace(/\?/g, 'x');
}

function holds(condition: RuleCondition, request: RoutedRequest): boolean {
  const values = (config?: { readonly Values?: string[] }) => config?.Values ?? condition.Values ?? [];
  switch (condition.Field) {
    case 'host-header': {
      const host = request.host.replace(/:\d+$/, '');
      return values(condition.HostHeaderConfig).some((pattern) => matchesPattern(pattern, host, true));
    }
    case 'path-pattern':
      return values(condition.PathPatternConfig).some((pattern) => matchesPattern(pattern, request.path));
    case 'http-request-method':
      return values(condition.HttpRequestMethodConfig).includes(request.method);
    case 'http-header': {
      const sent = request.headers[(condition.HttpHeaderConfig?.HttpHeaderName ?? '').toLowerCase()];
      const list = sent === undefined ? [] : [sent].flat();
      return values(condition.HttpHeaderConfig).some((pattern) =>
        list.some((value) => matchesPattern(pattern, value, true)),
      );
    }
    default:
      return false;
  }
}
