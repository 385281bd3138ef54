import { sign, verify } from 'node:crypto';

/** What an edge location does with a signed address: serves the file, or why it answers 403. */
export type Verdict = 'served' | 'unsigned' | 'unknown key' | 'altered' | 'expired';

/**
 * Signs an address as botocore's CloudFrontSigner does for django-storages: canned policy, RSA with SHA-1.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-creating-signed-url-canned-policy.html
 */
export function signedUrl(
  url: string,
  expires: number,
  signer: { readonly key: string; readonly keyId: string },
): string {
  const signature = forUrl(sign('RSA-SHA1', Buffer.from(cannedPolicy(url, expires)), signer.key));
  const separator = url.includes('?') ? '&' : '?';
  return `${url}${separator}Expires=${expires}&Signature=${signature}&Key-Pair-Id=${signer.keyId}`;
}

/** Looks at a signed address as an edge location does: `keys` are those of the key group, in PEM by id. */
export function verdictOn(address: string, keys: { readonly [id: string]: string }, now: number): Verdict {
  const found = /^(.*)[?&]Expires=(\d+)&Signature=([\w~-]+)&Key-Pair-Id=(\w+)$/.exec(address);
  if (found === null) {
    return 'unsigned';
  }
  const [, url, expires, signature, id] = found;
  if (!(id in keys)) {
    return 'unknown key';
  }
  const bytes = Buffer.from(signature.replace(/-/g, '+').replace(/_/g, '=').replace(/~/g, '/'), 'base64');
  if (!verify('RSA-SHA1', Buffer.from(cannedPolicy(url, Number(expires))), keys[id], bytes)) {
    return 'altered';
  }
  return Number(expires) > now ? 'served' : 'expired';
}

function cannedPolicy(Resource: string, expires: number): string {
  return JSON.stringify({ Statement: [{ Resource, Condition: { DateLessThan: { 'AWS:EpochTime': expires } } }] });
}

/** Base64 without the characters that have a meaning in a query. */
function forUrl(bytes: Buffer): string {
  return bytes.toString('base64').replace(/\+/g, '-').replace(/=/g, '_').replace(/\//g, '~');
}
