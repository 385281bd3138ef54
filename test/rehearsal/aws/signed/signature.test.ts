import { createHmac } from 'node:crypto';
import { type Incoming, verify, verifyPolicy } from '../../../../rehearsal/aws/signed/signature';

/** The key, the requests and the signatures of the examples in Amazon's documentation of S3. */
const ID = 'AKIAIOSFODNN7EXAMPLE';
const SECRET = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const NOW = Date.parse('2013-05-24T00:00:30Z');
const HOST = 'examplebucket.s3.amazonaws.com';
const secretOf = (id: string) => (id === ID ? SECRET : undefined);

const IN_HEADERS: Incoming = {
  method: 'GET',
  url: new URL(`https://${HOST}/test.txt`),
  headers: {
    host: HOST,
    range: 'bytes=0-9',
    'x-amz-content-sha256': EMPTY,
    'x-amz-date': '20130524T000000Z',
    authorization: `AWS4-HMAC-SHA256 Credential=${ID}/20130524/us-east-1/s3/aws4_request,SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41`,
  },
  body: Buffer.alloc(0),
};

const QUERY = `X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${ID}%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404`;
const inAddress = (query = QUERY, changes: Partial<Incoming> = {}): Incoming => ({
  method: 'GET',
  url: new URL(`https://${HOST}/test.txt?${query}`),
  headers: { host: HOST },
  body: Buffer.alloc(0),
  ...changes,
});

test('a request that is signed as Amazon documents is taken, in its headers and in its address', () => {
  expect(verify(IN_HEADERS, secretOf, NOW)).toBe(ID);
  expect(verify(inAddress(), secretOf, NOW)).toBe(ID);
});

test.each([
  ['without a signature', { ...IN_HEADERS, headers: { host: HOST } }, /not signed/],
  ['with another method', { ...IN_HEADERS, method: 'DELETE' }, /does not match/],
  ['for another file', { ...IN_HEADERS, url: new URL(`https://${HOST}/other.txt`) }, /does not match/],
  ['with a further parameter', { ...IN_HEADERS, url: new URL(`https://${HOST}/test.txt?acl`) }, /does not match/],
  ['with another header', { ...IN_HEADERS, headers: { ...IN_HEADERS.headers, range: 'bytes=0-99' } }, /does not match/],
  ['with another body', { ...IN_HEADERS, body: Buffer.from('x') }, /not the one that was signed/],
  ['of another key', inAddress(QUERY.replace(ID, 'AKIAOTHER')), /does not exist/],
  ['with another expiry', inAddress(QUERY.replace('86400', '86401')), /does not match/],
  ['with another signature', inAddress(QUERY.replace('d404', 'd405')), /does not match/],
  ['for too long', inAddress(QUERY.replace('86400', '604801')), /not signed with version 4/],
  ['for ever', inAddress(QUERY.replace('X-Amz-Expires=86400&', '')), /not signed with version 4/],
  ['to another host', inAddress(QUERY, { headers: { host: 'evil.example' } }), /does not match/],
])('one %s is refused', (_, request, words) => {
  expect(() => verify(request, secretOf, NOW)).toThrow(words);
});

test('an address expires, and a clock that is far off is refused', () => {
  expect(() => verify(inAddress(), secretOf, NOW + 86_400_000)).toThrow('Request has expired');
  expect(() => verify(IN_HEADERS, secretOf, NOW + 16 * 60_000)).toThrow(/too large/);
  expect(() => verify(IN_HEADERS, secretOf, NOW - 16 * 60_000)).toThrow(/too large/);
});

test('the signature of a policy is that of its text', () => {
  const policy = Buffer.from('{"expiration":"2100-01-01T00:00:00Z","conditions":[]}').toString('base64');
  const key = ['20130524', 'us-east-1', 's3', 'aws4_request'].reduce<string | Buffer>(
    (secret, part) => createHmac('sha256', secret).update(part).digest(),
    `AWS4${SECRET}`,
  );
  const signature = createHmac('sha256', key).update(policy).digest('hex');
  const credential = `${ID}/20130524/us-east-1/s3/aws4_request`;
  expect(verifyPolicy({ policy, credential, signature }, secretOf)).toBe(ID);
  expect(() => verifyPolicy({ policy: `${policy}=`, credential, signature }, secretOf)).toThrow(/does not match/);
});
