import { createVerify } from 'node:crypto';
import { matchesPattern } from '../listener-rules';
import type { Requested } from '../redirection';
import type { ViewerAnswer } from '../viewer-function';

/** What is known about who asks. */
export interface Asking {
  /** Scheme, host without a port, path and query: what the browser asked for. */
  readonly url: string;
  /** Address of the viewer. */
  readonly viewer: string;
  /** Seconds since 1970. */
  readonly now: number;
}

/** A policy that says who may ask for what, and when. */
interface Policy {
  /** As it was signed. */
  readonly text: string;
  readonly resource?: string;
  readonly before: number;
  readonly after?: number;
  readonly source?: string;
}

/** Parameters that are CloudFront's own, and reach no origin. */
const OWN = ['Expires', 'Policy', 'Signature', 'Key-Pair-Id', 'Hash-Algorithm'];

/** The query of a request without what CloudFront takes out. */
export function withoutSignature(query: string): string {
  return query
    .split('&')
    .filter((pair) => pair !== '' && !OWN.includes(pair.split('=')[0]))
    .join('&');
}

/** The address that was signed, as CloudFront puts it together from a request. */
export function signedUrl({ host, path, query }: Requested, isSecure: boolean): string {
  const rest = withoutSignature(query);
  return `${isSecure ? 'https' : 'http'}://${host.replace(/:\d*$/, '')}${path}${rest === '' ? '' : `?${rest}`}`;
}

/**
 * Undefined for an address that is signed for what is asked for, and has not expired; otherwise what
 * CloudFront answers, in its words.
 *
 * `keyOf` gives a public key in PEM that the behavior trusts. Signed cookies are not looked at.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-signed-urls.html
 */
export function refusalOf(
  query: string,
  asking: Asking,
  keyOf: (keyId: string) => string | undefined,
): ViewerAnswer | undefined {
  const given = new URLSearchParams(query);
  const keyId = given.get('Key-Pair-Id') ?? '';
  if (keyId === '') {
    return refusal('MissingKey', 'Missing Key-Pair-Id query parameter or cookie value');
  }
  const key = keyOf(keyId);
  if (key === undefined) {
    return refusal('InvalidKey', 'Unknown Key');
  }
  const policy = policyOf(given, asking.url);
  if (policy === undefined) {
    return refusal('MalformedPolicy', 'Malformed Policy');
  }
  const signature = Buffer.from(plain(given.get('Signature') ?? ''), 'base64');
  const algorithm = given.get('Hash-Algorithm') === 'SHA256' ? 'RSA-SHA256' : 'RSA-SHA1';
  const isSigned = createVerify(algorithm).update(policy.text).verify(key, signature);
  return isSigned && allows(policy, asking) ? undefined : refusal('AccessDenied', 'Access denied');
}

function policyOf(given: URLSearchParams, url: string): Policy | undefined {
  const custom = given.get('Policy');
  if (custom !== null) {
    return parsed(Buffer.from(plain(custom), 'base64').toString('utf8'));
  }
  const expires = given.get('Expires') ?? '';
  const text = `{"Statement":[{"Resource":"${url}","Condition":{"DateLessThan":{"AWS:EpochTime":${expires}}}}]}`;
  return /^\d+$/.test(expires) ? { text, before: Number(expires) } : undefined;
}

function parsed(text: string): Policy | undefined {
  try {
    const [{ Resource: resource, Condition = {} }] = JSON.parse(text).Statement;
    const { DateLessThan, DateGreaterThan, IpAddress } = Condition;
    const before = Number(DateLessThan?.['AWS:EpochTime']);
    const after = DateGreaterThan && Number(DateGreaterThan['AWS:EpochTime']);
    return Number.isNaN(before) ? undefined : { text, resource, before, after, source: IpAddress?.['AWS:SourceIp'] };
  } catch {
    return undefined;
  }
}

function allows({ resource, before, after, source }: Policy, { url, viewer, now }: Asking): boolean {
  return (
    (resource === undefined || matchesPattern(resource, url)) &&
    now < before &&
    (after === undefined || now > after) &&
    (source === undefined || isWithin(source, viewer))
  );
}

/** Whether an IPv4 address is in a network such as `192.0.2.0/24`. */
function isWithin(network: string, viewer: string): boolean {
  const [base, length = '32'] = network.split('/');
  const mask = Number(length) === 0 ? 0 : (-1 << (32 - Number(length))) >>> 0;
  const [one, other] = [numberOf(base), numberOf(viewer.replace(/^::ffff:/, ''))];
  return one !== undefined && other !== undefined && (one & mask) === (other & mask);
}

function numberOf(address: string): number | undefined {
  const parts = address.split('.').map(Number);
  const isAddress = parts.length === 4 && parts.every((part) => part >= 0 && part <= 255);
  return isAddress ? parts.reduce((all, part) => all * 256 + part, 0) : undefined;
}

/** Base64 from the alphabet that CloudFront takes in an address. */
function plain(text: string): string {
  return text.replaceAll('-', '+').replaceAll('_', '=').replaceAll('~', '/');
}

function refusal(code: string, message: string): ViewerAnswer {
  const body = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`;
  return { status: 403, headers: { 'content-type': 'text/xml' }, body };
}
