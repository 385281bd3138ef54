import type http from 'node:http';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import type { CachePolicy, Encoding, Names } from '../../template/cache-policy';

/** An answer of the origin, whole. */
export interface WholeAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
}

type Asked = Pick<http.IncomingMessage, 'method' | 'url' | 'headers'>;

/** What a behavior says about keeping. */
interface Keeping {
  readonly cachePolicy?: CachePolicy;
  readonly compress?: boolean;
}

/** What CloudFront compresses, in bytes and by type. */
const SMALLEST = 1_000;
const LARGEST = 10_000_000;
const COMPRESSIBLE =
  /^(text\/|application\/(javascript|x-javascript|json|[\w.-]+\+json|xml|[\w.-]+\+xml|wasm|vnd\.ms-fontobject|x-font-\w+)|image\/svg\+xml|font\/(eot|opentype|otf|ttf))/;
/** Statuses that are kept for as long as their headers say. */
const KEPT = [200, 203, 204, 300, 301, 302, 307, 308, 410];

/**
 * What a distribution keeps for the requests of others, by its cache policies.
 *
 * It keeps an answer with its cookies, as CloudFront does, and forgets nothing but what is too old.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/Expiration.html
 */
export class EdgeCache {
  private readonly kept = new Map<
    string,
    { readonly answer: WholeAnswer; readonly since: number; readonly ttl: number }
  >();

  constructor(private readonly now: () => number = Date.now) {}

  /** The answer that is there for a request, with its age; undefined where the origin must be asked. */
  find(request: Asked, { cachePolicy }: Keeping): WholeAnswer | undefined {
    const found = cachePolicy && this.kept.get(keyOf(request, cachePolicy));
    if (found === undefined || !isKeepable(request, { cachePolicy })) {
      return undefined;
    }
    const age = Math.floor((this.now() - found.since) / 1000);
    if (age >= found.ttl) {
      return undefined;
    }
    return { ...found.answer, headers: { ...found.answer.headers, age: String(age) } };
  }

  /** Keeps an answer of the origin, if its headers and the policy say so. */
  keep(request: Asked, { cachePolicy }: Keeping, answer: WholeAnswer): void {
    const ttl = cachePolicy === undefined ? 0 : secondsToKeep(answer, cachePolicy, this.now());
    if (cachePolicy !== undefined && isKeepable(request, { cachePolicy }) && request.method === 'GET' && ttl > 0) {
      this.kept.set(keyOf(request, cachePolicy), { answer, since: this.now(), ttl });
    }
  }
}

/** Whether a request can be answered from what is kept: parts of a file come from the origin here. */
export function isKeepable({ method, headers }: Asked, { cachePolicy }: Keeping): boolean {
  return cachePolicy !== undefined && (method === 'GET' || method === 'HEAD') && headers.range === undefined;
}

/** The encodings that the origin is told of: those of the policy that the browser takes. */
export function encodingsFor({ headers }: Asked, { encodings }: CachePolicy): readonly Encoding[] {
  const taken = String(headers['accept-encoding'] ?? '')
    .split(',')
    .map((each) => each.trim().toLowerCase())
    .filter((each) => !/;\s*q=0(\.0*)?$/.test(each))
    .map((each) => each.split(';')[0]);
  return encodings.filter((encoding) => taken.includes(encoding));
}

/** Tells the origin the encodings that the policy and the browser have in common, if the policy names any. */
export function tellEncodings(request: Asked, { cachePolicy }: Keeping): void {
  if (cachePolicy !== undefined && cachePolicy.encodings.length > 0) {
    const encodings = encodingsFor(request, cachePolicy).join(', ');
    delete request.headers['accept-encoding'];
    Object.assign(request.headers, encodings !== '' && { 'accept-encoding': encodings });
  }
}

/** The answer as CloudFront compresses it for a browser, or as it is. */
export function compressed(answer: WholeAnswer, request: Asked, { cachePolicy, compress }: Keeping): WholeAnswer {
  const { status, headers, body } = answer;
  const encodings = cachePolicy === undefined || !compress ? [] : encodingsFor(request, cachePolicy);
  const type = String(headers['content-type'] ?? '').toLowerCase();
  const fits = body.length >= SMALLEST && body.length <= LARGEST && COMPRESSIBLE.test(type);
  const [encoding] = encodings;
  if (encoding === undefined || !fits || status !== 200 || headers['content-encoding'] !== undefined) {
    return answer;
  }
  const small = encoding === 'br' ? brotliCompressSync(body) : gzipSync(body);
  const etag = headers.etag?.replace(/^(?!W\/)/, 'W/');
  const changed = { 'content-encoding': encoding, 'content-length': String(small.length), ...(etag && { etag }) };
  return { status, headers: { ...headers, ...changed, vary: varyOf(headers) }, body: small };
}

/** Seconds that an answer may be given to others. */
export function secondsToKeep(
  { status, headers }: Omit<WholeAnswer, 'body'>,
  { minTtl, defaultTtl, maxTtl }: CachePolicy,
  now: number,
): number {
  if (!KEPT.includes(status)) {
    return 0;
  }
  const control = String(headers['cache-control'] ?? '').toLowerCase();
  const within = (seconds: number) => Math.min(Math.max(seconds, minTtl), maxTtl);
  if (/\b(no-store|no-cache|private)\b/.test(control)) {
    return minTtl;
  }
  const [, shared] = /\bs-maxage=(\d+)/.exec(control) ?? [];
  const [, longest] = /\bmax-age=(\d+)/.exec(control) ?? [];
  if (shared !== undefined || longest !== undefined) {
    return within(Number(shared ?? longest));
  }
  const expires = Date.parse(headers.expires ?? '');
  return Number.isNaN(expires) ? within(defaultTtl) : within(Math.floor((expires - now) / 1000));
}

function keyOf(request: Asked, policy: CachePolicy): string {
  const { url = '/', headers } = request;
  const [path, query = ''] = url.split('?');
  const parameters = [...new URLSearchParams(query)].filter(([name]) => isAmong(policy.parameters, name));
  const cookies = cookiesOf(headers).filter(([name]) => isAmong(policy.cookies, name));
  const values = policy.headers.map((name) => [name, headers[name]]);
  return JSON.stringify([path, parameters, cookies.sort(), values, encodingsFor(request, policy)]);
}

function isAmong(names: Names, name: string): boolean {
  return names === 'all' || names.includes(name);
}

function cookiesOf({ cookie = '' }: http.IncomingHttpHeaders): string[][] {
  const pairs = cookie.split(';').map((pair) => pair.trim());
  return pairs.filter(Boolean).map((pair) => {
    const [name, ...value] = pair.split('=');
    return [name, value.join('=')];
  });
}

function varyOf({ vary }: http.IncomingHttpHeaders): string {
  return vary === undefined || /accept-encoding/i.test(vary) ? (vary ?? 'Accept-Encoding') : `${vary}, Accept-Encoding`;
}
