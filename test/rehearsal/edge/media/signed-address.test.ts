import { createSign, generateKeyPairSync } from 'node:crypto';
import { refusalOf, signedUrl, withoutSignature } from '../../../../rehearsal/edge/media/signed-address';

const pair = () =>
  generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
const { privateKey, publicKey } = pair();
const URL = 'https://club.example.com/media/a%20b.png?size=large';
const NOW = 1_800_000_000;

const encoded = (bytes: Buffer) =>
  bytes.toString('base64').replaceAll('+', '-').replaceAll('=', '_').replaceAll('/', '~');
const canned = (url: string, expires: number) =>
  `{"Statement":[{"Resource":"${url}","Condition":{"DateLessThan":{"AWS:EpochTime":${expires}}}}]}`;

/** The query of an address that is signed as CloudFront documents it. */
function signed({ url = URL, expires = NOW + 60, policy = '', keyId = 'KONE', hash = 'SHA1', key = privateKey } = {}) {
  const signature = encoded(
    createSign(`RSA-${hash}`)
      .update(policy || canned(url, expires))
      .sign(key),
  );
  const terms = policy === '' ? `Expires=${expires}` : `Policy=${encoded(Buffer.from(policy))}`;
  return `size=large&${terms}&Signature=${signature}&Key-Pair-Id=${keyId}${hash === 'SHA1' ? '' : `&Hash-Algorithm=${hash}`}`;
}

function codeOf(query: string, { url = URL, viewer = '192.0.2.7', now = NOW } = {}): string | undefined {
  const refused = refusalOf(query, { url, viewer, now }, (id) => (id === 'KONE' ? publicKey : undefined));
  expect(refused?.status ?? 403).toBe(403);
  return refused && /<Code>(\w+)<\/Code>/.exec(refused.body ?? '')?.[1];
}

test('an address is valid for what it was signed for, until it expires', () => {
  expect(codeOf(signed())).toBeUndefined();
  expect(codeOf(signed(), { now: NOW + 59.9 })).toBeUndefined();
  expect(codeOf(signed(), { now: NOW + 60 })).toBe('AccessDenied');
  expect(codeOf(signed(), { url: URL.replace('a%20b', 'c') })).toBe('AccessDenied');
  expect(codeOf(signed(), { url: URL.replace('large', 'small') })).toBe('AccessDenied');
  expect(codeOf(signed(), { url: URL.replace('https', 'http') })).toBe('AccessDenied');
  expect(codeOf(signed({ hash: 'SHA256' }))).toBeUndefined();
});

test.each([
  ['nothing', 'size=large', 'MissingKey'],
  ['an empty key', signed({ keyId: '' }), 'MissingKey'],
  ['a key that no group has', signed({ keyId: 'KTWO' }), 'InvalidKey'],
  ['no end', signed().replace(/Expires=\d+/, ''), 'MalformedPolicy'],
  ['another end', signed().replace(/Expires=\d+/, `Expires=${NOW + 600}`), 'AccessDenied'],
  ['a later end in words', signed().replace(/Expires=\d+/, 'Expires=never'), 'MalformedPolicy'],
  ['no signature', signed().replace(/Signature=[^&]+/, ''), 'AccessDenied'],
  ['the signature of another key', signed({ key: pair().privateKey }), 'AccessDenied'],
  ['a policy that is none', signed({ policy: 'anything' }), 'MalformedPolicy'],
])('an address with %s is refused: %s → %s', (_, query, code) => {
  expect(codeOf(query)).toBe(code);
});

describe('a policy of its own', () => {
  const policy = (Resource: string | undefined, more: object = {}) =>
    JSON.stringify({ Statement: [{ Resource, Condition: { DateLessThan: { 'AWS:EpochTime': NOW + 60 }, ...more } }] });

  test.each([
    ['a folder', policy('https://club.example.com/media/*'), undefined],
    ['another folder', policy('https://club.example.com/other/*'), 'AccessDenied'],
    ['everything', policy(undefined), undefined],
    ['later', policy('*', { DateGreaterThan: { 'AWS:EpochTime': NOW + 10 } }), 'AccessDenied'],
    ['a network', policy('*', { IpAddress: { 'AWS:SourceIp': '192.0.2.0/24' } }), undefined],
    ['every network', policy('*', { IpAddress: { 'AWS:SourceIp': '0.0.0.0/0' } }), undefined],
    ['another network', policy('*', { IpAddress: { 'AWS:SourceIp': '192.0.3.0/24' } }), 'AccessDenied'],
    ['no end', JSON.stringify({ Statement: [{ Resource: '*', Condition: {} }] }), 'MalformedPolicy'],
  ])('is for %s', (_, text, code) => {
    expect(codeOf(signed({ policy: text }))).toBe(code);
  });

  test('holds as it was signed', () => {
    const query = signed({ policy: policy('https://club.example.com/media/*') });
    const wider = encoded(Buffer.from(policy('*')));
    expect(codeOf(query.replace(/Policy=[^&]+/, `Policy=${wider}`))).toBe('AccessDenied');
  });
});

test('what was signed is what the browser asked for, without a port and without what CloudFront takes out', () => {
  const asked = { host: 'club.example.com:8443', path: '/media/a%20b.png', query: signed() };
  expect(signedUrl(asked, true)).toBe(URL);
  expect(signedUrl({ ...asked, query: 'Expires=1&Signature=x&Key-Pair-Id=K' }, false)).toBe(
    'http://club.example.com/media/a%20b.png',
  );
  expect(withoutSignature('b=2&Expires=1&a=1&Policy=x')).toBe('b=2&a=1');
});
