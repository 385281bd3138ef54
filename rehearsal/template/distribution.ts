import type { ListenerRule, RuleCondition } from '../edge/listener-rules';
import type { ListenerSettings } from '../edge/load-balancer';
import { TO_HTTPS } from '../edge/redirection';
import type { Template } from './assembly';
import type { Intrinsics } from './intrinsics';
import { readListeners } from './listeners';

/** Name that a distribution has on this machine in the place of CloudFront's own. */
const LOCAL_NAME = 'rehearsal.cloudfront.net';
/** Seconds that an origin may take to answer when the template does not say. */
const DEFAULT_READ_TIMEOUT = 30;

/** A header of answers that a distribution sets; without a value it is taken away. */
export interface ResponseHeader {
  readonly name: string;
  readonly value?: string;
  /** Whether it takes the place of the application's own. */
  readonly override: boolean;
}

/** How a distribution treats the requests of a path. */
export interface CacheBehavior {
  readonly pathPattern: string;
  readonly allowedMethods: readonly string[];
  /** `redirect-to-https`, `https-only` or `allow-all`. */
  readonly viewerProtocolPolicy: string;
  readonly responseHeaders: readonly ResponseHeader[];
  /** Code of the function that sees each request first. */
  readonly viewerFunction?: string;
  /** Whether the origin is told by which protocol the viewer came. */
  readonly tellsProtocol: boolean;
}

/** A distribution before a load balancer that answers to nobody else. */
export interface DistributionSettings {
  /** Host names that it answers to: those of its certificate, then its own. */
  readonly names: readonly string[];
  /** Headers that it adds to what it sends to the load balancer. */
  readonly originHeaders: Readonly<Record<string, string>>;
  /** Seconds that the load balancer may take to answer. */
  readonly readTimeout: number;
  /** In the order of the template. The last one takes every path. */
  readonly behaviors: readonly CacheBehavior[];
}

// biome-ignore lint/suspicious/noExplicitAny: as CloudFormation has it
type Properties = Record<string, any>;

/** Says what the name of the distribution is here; undefined where the template has none. */
export function registerDistribution(intrinsics: Intrinsics): string | undefined {
  const found = find(intrinsics);
  if (found === undefined) {
    return undefined;
  }
  intrinsics.register(found.id, { ref: found.id, attributes: { Id: found.id, DomainName: LOCAL_NAME } });
  return LOCAL_NAME;
}

/** The header with a secret that every way into the template asks for, though nothing in it adds that. */
export function unreachableFor(intrinsics: Intrinsics): string | undefined {
  const forwarding = readListeners(intrinsics)
    .flatMap(({ rules, defaultActions }) => [...rules, { conditions: [], actions: defaultActions }])
    .filter(({ actions }) => actions.some(({ Type }) => Type === 'forward'));
  const headers = forwarding.map(({ conditions }) => conditions.find(asksForSecret)?.HttpHeaderConfig?.HttpHeaderName);
  return find(intrinsics) === undefined && headers.every((name) => name !== undefined) ? headers[0] : undefined;
}

/** The distribution whose header the listener rules of the template ask for, if it has one. */
export function readDistribution(intrinsics: Intrinsics, template: Template): DistributionSettings | undefined {
  const found = find(intrinsics);
  if (found === undefined) {
    return undefined;
  }
  const { config, origin } = found;
  const { OriginReadTimeout = DEFAULT_READ_TIMEOUT } = origin.VpcOriginConfig ?? origin.CustomOriginConfig ?? {};
  // Resolved, references to policies and functions would no longer say which ones are meant.
  const raw = template.Resources[found.id].Properties?.DistributionConfig ?? {};
  const read = (behavior: Properties) => readBehavior(behavior, intrinsics, template);
  return {
    names: [...(config.Aliases ?? []), LOCAL_NAME],
    originHeaders: Object.fromEntries(customHeaders(origin)),
    readTimeout: Number(OriginReadTimeout),
    behaviors: [...(raw.CacheBehaviors ?? []).map(read), read({ ...raw.DefaultCacheBehavior, PathPattern: '*' })],
  };
}

/**
 * The listeners that visitors meet at a distribution before `origin`: its rules without the headers that the
 * distribution adds, and a redirect to them.
 */
export function viewerListeners(
  { names, originHeaders, behaviors }: DistributionSettings,
  origin: ListenerSettings,
): ListenerSettings[] {
  const added = Object.keys(originHeaders).map((name) => name.toLowerCase());
  const rules = origin.rules.map((rule): ListenerRule => {
    const conditions = rule.conditions.filter(
      ({ HttpHeaderConfig }) => !added.includes((HttpHeaderConfig?.HttpHeaderName ?? '').toLowerCase()),
    );
    const hasNames = conditions.some(({ Field }) => Field === 'host-header');
    // Without names in its rules the load balancer has every host that the distribution lets through.
    return {
      ...rule,
      conditions: hasNames ? conditions : [...conditions, { Field: 'host-header', Values: [...names] }],
    };
  });
  const { defaultActions } = origin;
  const redirects = behaviors.at(-1)?.viewerProtocolPolicy === 'redirect-to-https';
  return [
    { port: 443, secure: true, rules, defaultActions, attributes: {} },
    { port: 80, secure: false, rules: [], defaultActions: redirects ? [TO_HTTPS] : defaultActions, attributes: {} },
  ];
}

function find(intrinsics: Intrinsics): { id: string; config: Properties; origin: Properties } | undefined {
  const asked = new Set<string>(
    intrinsics
      .created('AWS::ElasticLoadBalancingV2::ListenerRule')
      .flatMap(({ resource }) => intrinsics.properties(resource).Conditions ?? [])
      .map((condition) => String(condition.HttpHeaderConfig?.HttpHeaderName ?? '').toLowerCase())
      .filter((name) => name !== ''),
  );
  for (const { id, resource } of intrinsics.created('AWS::CloudFront::Distribution')) {
    const config = intrinsics.properties(resource).DistributionConfig ?? {};
    const origin = (config.Origins ?? []).find((one: Properties) =>
      customHeaders(one).some(([name]) => asked.has(name.toLowerCase())),
    );
    if (origin !== undefined) {
      return { id, config, origin };
    }
  }
  return undefined;
}

function asksForSecret({ HttpHeaderConfig }: RuleCondition): boolean {
  return (HttpHeaderConfig?.Values ?? []).some((value) => value.includes('{{resolve:secretsmanager:'));
}

function customHeaders({ OriginCustomHeaders = [] }: Properties): [string, string][] {
  return OriginCustomHeaders.map((one: Properties) => [String(one.HeaderName), String(one.HeaderValue)]);
}

function readBehavior(behavior: Properties, intrinsics: Intrinsics, { Resources }: Template): CacheBehavior {
  const propertiesOf = (reference: unknown): Properties => {
    const resource = Resources[idOf(reference) ?? ''];
    return resource === undefined ? {} : intrinsics.properties(resource);
  };
  const { ResponseHeadersPolicyConfig = {} } = propertiesOf(behavior.ResponseHeadersPolicyId);
  const { OriginRequestPolicyConfig = {} } = propertiesOf(behavior.OriginRequestPolicyId);
  const viewer = (behavior.FunctionAssociations ?? []).find((one: Properties) => one.EventType === 'viewer-request');
  const told: unknown[] = OriginRequestPolicyConfig.HeadersConfig?.Headers ?? [];
  return {
    pathPattern: String(behavior.PathPattern),
    allowedMethods: behavior.AllowedMethods ?? ['GET', 'HEAD'],
    viewerProtocolPolicy: behavior.ViewerProtocolPolicy ?? 'allow-all',
    responseHeaders: responseHeaders(ResponseHeadersPolicyConfig),
    viewerFunction: propertiesOf(viewer?.FunctionARN).FunctionCode,
    tellsProtocol: told.some((name) => String(name).toLowerCase() === 'cloudfront-forwarded-proto'),
  };
}

function idOf(reference: unknown): string | undefined {
  const { Ref, 'Fn::GetAtt': attribute } = (reference ?? {}) as { Ref?: string; 'Fn::GetAtt'?: string[] };
  return Ref ?? attribute?.[0];
}

function responseHeaders({ SecurityHeadersConfig = {}, CustomHeadersConfig, RemoveHeadersConfig }: Properties) {
  const {
    StrictTransportSecurity: hsts,
    ContentTypeOptions: type,
    FrameOptions: frame,
    ContentSecurityPolicy: csp,
    ReferrerPolicy: referrer,
  } = SecurityHeadersConfig;
  const header = (name: string, from: Properties | undefined, value: unknown): ResponseHeader[] =>
    from === undefined ? [] : [{ name, value: String(value), override: from.Override === true }];
  return [
    ...header('strict-transport-security', hsts, hstsOf(hsts ?? {})),
    ...header('x-content-type-options', type, 'nosniff'),
    ...header('x-frame-options', frame, frame?.FrameOption),
    ...header('content-security-policy', csp, csp?.ContentSecurityPolicy),
    ...header('referrer-policy', referrer, referrer?.ReferrerPolicy),
    ...(CustomHeadersConfig?.Items ?? []).flatMap((one: Properties) =>
      header(String(one.Header).toLowerCase(), one, one.Value),
    ),
    ...(RemoveHeadersConfig?.Items ?? []).map(
      (one: Properties): ResponseHeader => ({ name: String(one.Header).toLowerCase(), override: true }),
    ),
  ];
}

function hstsOf({ AccessControlMaxAgeSec, IncludeSubdomains, Preload }: Properties): string {
  const directives = [
    `max-age=${AccessControlMaxAgeSec}`,
    ...(IncludeSubdomains ? ['includeSubDomains'] : []),
    ...(Preload ? ['preload'] : []),
  ];
  return directives.join('; ');
}
