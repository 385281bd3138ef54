import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** A request as it came, with its body. */
export interface Incoming {
  readonly method: string;
  /** Path and query as they were sent. */
  readonly url: URL;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** An access key and its secret. */
export interface Key {
  readonly id: string;
  readonly secret: string;
}

/** What AWS answers to a request that it does not take. */
export class Refusal extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly status = 403,
  ) {
    super(message);
  }
}

const ALGORITHM = 'AWS4-HMAC-SHA256';
const UNSIGNED = 'UNSIGNED-PAYLOAD';
/** AWS takes no request whose clock is further off, in milliseconds. */
const MOST_SKEW = 15 * 60 * 1000;
/** The longest time that an address may be valid, in seconds. */
const LONGEST = 7 * 24 * 60 * 60;

/** `date/region/service/aws4_request` with the id of the key before it. */
interface Scope {
  readonly keyId: string;
  readonly date: string;
  readonly region: string;
  readonly service: string;
}

/**
 * Verifies the signature of a request, version 4, in its headers or in its address; gives the id of the key.
 *
 * Throws a `Refusal` for one that has none, an expired or an altered one, or a body other than was signed.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
export function verify(request: Incoming, secretOf: (keyId: string) => string | undefined, now = Date.now()): string {
  const { url, headers } = request;
  if (url.searchParams.has('X-Amz-Signature')) {
    return verifyAddress(request, secretOf, now);
  }
  const [, credential = '', names = '', signature = ''] =
    /^AWS4-HMAC-SHA256 Credential=([^,\s]+),\s*SignedHeaders=([^,\s]+),\s*Signature=([0-9a-f]+)$/.exec(
      headers.authorization ?? '',
    ) ?? [];
  if (signature === '') {
    throw new Refusal('AccessDenied', 'Access Denied: the request is not signed with version 4');
  }
  const scope = scopeOf(credential);
  const time = headers['x-amz-date'] ?? '';
  if (!(Math.abs(timeOf(time) - now) < MOST_SKEW)) {
    throw new Refusal(
      'RequestTimeTooSkewed',
      'The difference between the request time and the current time is too large.',
    );
  }
  const hash = headers['x-amz-content-sha256'] ?? sha256(request.body);
  if (/^[0-9a-f]{64}$/.test(hash) && hash !== sha256(request.body)) {
    throw new Refusal('XAmzContentSHA256Mismatch', 'The body is not the one that was signed.', 400);
  }
  expectSignature({ request, scope, time, names: names.split(';'), hash, signature }, secretOf);
  return scope.keyId;
}

function verifyAddress(request: Incoming, secretOf: (keyId: string) => string | undefined, now: number): string {
  const given = (name: string) => request.url.searchParams.get(`X-Amz-${name}`) ?? '';
  const scope = scopeOf(given('Credential'));
  const [time, expires] = [given('Date'), Number(given('Expires'))];
  if (given('Algorithm') !== ALGORITHM || !(expires > 0 && expires <= LONGEST)) {
    throw new Refusal('AuthorizationQueryParametersError', 'The address is not signed with version 4.', 400);
  }
  if (!(now <= timeOf(time) + expires * 1000)) {
    throw new Refusal('AccessDenied', 'Request has expired');
  }
  const hash = request.headers['x-amz-content-sha256'] ?? UNSIGNED;
  const names = given('SignedHeaders').split(';');
  expectSignature({ request, scope, time, names, hash, signature: given('Signature') }, secretOf);
  return scope.keyId;
}

/** What was signed, and with what result. */
interface Signed {
  readonly request: Incoming;
  readonly scope: Scope;
  readonly time: string;
  readonly names: readonly string[];
  readonly hash: string;
  readonly signature: string;
}

function expectSignature(signed: Signed, secretOf: (keyId: string) => string | undefined): void {
  const { request, scope, time, names, hash, signature } = signed;
  const { method, url, headers } = request;
  if (!names.includes('host')) {
    throw new Refusal('AccessDenied', 'The header host must be signed.');
  }
  const canonical = [
    method,
    url.pathname.split('/').map(encoded).join('/'),
    queryOf(url),
    ...names.map((name) => `${name}:${(headers[name] ?? '').trim().replace(/\s+/g, ' ')}`),
    '',
    names.join(';'),
    hash,
  ].join('\n');
  const { date, region, service } = scope;
  const text = [ALGORITHM, time, `${date}/${region}/${service}/aws4_request`, sha256(Buffer.from(canonical))].join(
    '\n',
  );
  expectSame(signature, sign(secret(scope, secretOf), scope, text));
}

/**
 * Verifies the signature of the policy of a form, and gives the id of the key; throws a `Refusal` for another
 * one.
 */
export function verifyPolicy(
  {
    policy,
    credential,
    signature,
  }: { readonly policy: string; readonly credential: string; readonly signature: string },
  secretOf: (keyId: string) => string | undefined,
): string {
  const scope = scopeOf(credential);
  expectSame(signature, sign(secret(scope, secretOf), scope, policy));
  return scope.keyId;
}

function secret({ keyId }: Scope, secretOf: (keyId: string) => string | undefined): string {
  const found = secretOf(keyId);
  if (found === undefined) {
    throw new Refusal('InvalidAccessKeyId', 'The AWS access key Id you provided does not exist in our records.');
  }
  return found;
}

function expectSame(given: string, right: string): void {
  const [one, other] = [Buffer.from(given), Buffer.from(right)];
  if (one.length !== other.length || !timingSafeEqual(one, other)) {
    throw new Refusal(
      'SignatureDoesNotMatch',
      'The request signature we calculated does not match the signature you provided.',
    );
  }
}

function sign(key: string, { date, region, service }: Scope, text: string): string {
  const derived = [date, region, service, 'aws4_request'].reduce<string | Buffer>(hmac, `AWS4${key}`);
  return hmac(derived, text).toString('hex');
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function scopeOf(credential: string): Scope {
  const [keyId = '', date = '', region = '', service = ''] = credential.split('/');
  return { keyId, date, region, service };
}

/** `20261128T231846Z` in milliseconds since 1970; NaN for anything else. */
function timeOf(text: string): number {
  return Date.parse(text.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
}

function queryOf({ searchParams }: URL): string {
  return [...searchParams]
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map((pair) => pair.map((part) => encoded(encodeURIComponent(part))))
    .sort(([name, value], [other, another]) => compare(name, other) || compare(value, another))
    .map((pair) => pair.join('='))
    .join('&');
}

function compare(one: string, other: string): number {
  return one < other ? -1 : Number(one > other);
}

/** As AWS encodes a part of a path, whatever its sender has encoded. */
function encoded(part: string): string {
  return encodeURIComponent(decodeURIComponent(part)).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
