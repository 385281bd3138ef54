/** Names of headers, cookies or parameters: all of them, or these. */
export type Names = 'all' | readonly string[];

/** What a distribution keeps of a path, and for which requests it is the same. */
export interface CachePolicy {
  /** Seconds. */
  readonly minTtl: number;
  readonly defaultTtl: number;
  readonly maxTtl: number;
  /** Headers, in lower case, and cookies and parameters of the query that make a difference. */
  readonly headers: readonly string[];
  readonly cookies: Names;
  readonly parameters: Names;
  /** Encodings that the distribution compresses with, and tells apart. */
  readonly encodings: readonly Encoding[];
}

export type Encoding = 'br' | 'gzip';

// biome-ignore lint/suspicious/noExplicitAny: as CloudFormation has it
type Properties = Record<string, any>;

/** Seconds by default where a policy of a template leaves them out. */
const DEFAULT_TTL = 86_400;
const MAX_TTL = 31_536_000;

/** The policy of a template; undefined where nothing is kept, as by CachingDisabled of AWS. */
export function readCachePolicy({ CachePolicyConfig: config }: Properties): CachePolicy | undefined {
  if (config === undefined || Number(config.MaxTTL ?? MAX_TTL) === 0) {
    return undefined;
  }
  const { ParametersInCacheKeyAndForwardedToOrigin: key = {} } = config;
  return {
    minTtl: Number(config.MinTTL ?? 0),
    defaultTtl: Number(config.DefaultTTL ?? DEFAULT_TTL),
    maxTtl: Number(config.MaxTTL ?? MAX_TTL),
    headers: (key.HeadersConfig?.Headers ?? []).map((name: string) => name.toLowerCase()),
    cookies: namesOf(key.CookiesConfig?.CookieBehavior, key.CookiesConfig?.Cookies),
    parameters: namesOf(key.QueryStringsConfig?.QueryStringBehavior, key.QueryStringsConfig?.QueryStrings),
    encodings: [
      ...(key.EnableAcceptEncodingBrotli === true ? (['br'] as const) : []),
      ...(key.EnableAcceptEncodingGzip === true ? (['gzip'] as const) : []),
    ],
  };
}

function namesOf(behavior: string | undefined, names: readonly string[] | undefined): Names {
  switch (behavior) {
    case 'all':
      return 'all';
    case 'whitelist':
      return names ?? [];
    case undefined:
    case 'none':
      return [];
    default:
      throw new Error(`The rehearsal does not know what "${behavior}" keeps apart: use none, whitelist or all.`);
  }
}
