import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import {
  compressed,
  EdgeCache,
  encodingsFor,
  secondsToKeep,
  tellEncodings,
} from '../../../../rehearsal/edge/cdn/edge-cache';
import { type CachePolicy, readCachePolicy } from '../../../../rehearsal/template/cache-policy';

const PAGES: CachePolicy = {
  minTtl: 0,
  defaultTtl: 0,
  maxTtl: 3600,
  headers: ['accept-language', 'host'],
  cookies: ['sessionid'],
  parameters: 'all',
  encodings: [],
};
const FILES: CachePolicy = { ...PAGES, headers: ['host'], cookies: [], parameters: [], encodings: ['br', 'gzip'] };
const BODY = Buffer.from('body { color: red }\n'.repeat(100));
const answer = (headers: object = {}, status = 200, body = BODY) => ({
  status,
  headers: { 'content-type': 'text/css', 'cache-control': 'max-age=60', ...headers },
  body,
});
const get = (url: string, headers: object = {}) => ({ method: 'GET', url, headers: { host: 'shop', ...headers } });

function kept(first: ReturnType<typeof get>, second: ReturnType<typeof get>, policy = PAGES) {
  const cache = new EdgeCache();
  cache.keep(first, { cachePolicy: policy }, answer());
  return cache.find(second, { cachePolicy: policy }) !== undefined;
}

describe('what is the same request', () => {
  test.each([
    ['the same', get('/a'), get('/a'), true],
    ['HEAD in place of GET', get('/a'), { ...get('/a'), method: 'HEAD' }, true],
    ['another path', get('/a'), get('/b'), false],
    ['another query', get('/a?x=1'), get('/a?x=2'), false],
    ['another session', get('/a', { cookie: 'sessionid=1' }), get('/a', { cookie: 'sessionid=2' }), false],
    ['no session', get('/a', { cookie: 'sessionid=1' }), get('/a'), false],
    ['another cookie that makes no difference', get('/a', { cookie: 'x=1' }), get('/a', { cookie: 'x=2' }), true],
    ['another language', get('/a'), get('/a', { 'accept-language': 'de' }), false],
    ['another header that makes no difference', get('/a'), get('/a', { 'user-agent': 'x' }), true],
    ['another host', get('/a'), get('/a', { host: 'blog' }), false],
    ['a part of it', get('/a'), get('/a', { range: 'bytes=0-9' }), false],
  ])('%s', (_, first, second, isSame) => {
    expect(kept(first, second)).toBe(isSame);
  });

  test('of a file no query and no cookie counts, but how it may be compressed', () => {
    expect(kept(get('/a?x=1', { cookie: 'sessionid=1' }), get('/a?x=2'), FILES)).toBe(true);
    expect(kept(get('/a', { 'accept-encoding': 'gzip' }), get('/a'), FILES)).toBe(false);
    expect(kept(get('/a', { 'accept-encoding': 'gzip' }), get('/a', { 'accept-encoding': 'gzip, x' }), FILES)).toBe(
      true,
    );
  });

  test('a form is never answered from what is kept, and never kept', () => {
    const cache = new EdgeCache();
    cache.keep({ ...get('/a'), method: 'POST' }, { cachePolicy: PAGES }, answer());
    expect(cache.find(get('/a'), { cachePolicy: PAGES })).toBeUndefined();
    cache.keep(get('/a'), { cachePolicy: PAGES }, answer());
    expect(cache.find({ ...get('/a'), method: 'POST' }, { cachePolicy: PAGES })).toBeUndefined();
  });
});

describe('how long an answer is kept', () => {
  const NOW = Date.parse('2026-11-29T00:00:00Z');

  test.each([
    ['as its headers say', { 'cache-control': 'public, max-age=60' }, 60],
    ['as they say to caches that are shared', { 'cache-control': 's-maxage=30, max-age=60' }, 30],
    ['as the policy allows at most', { 'cache-control': 'max-age=99999' }, 3600],
    ['until it expires', { 'cache-control': undefined, expires: 'Sun, 29 Nov 2026 00:01:00 GMT' }, 60],
    ['not at all when it is private', { 'cache-control': 'private, max-age=60' }, 0],
    ['not at all without a word', { 'cache-control': undefined }, 0],
    ['not at all when it may not be', { 'cache-control': 'no-store' }, 0],
  ])('%s', (_, headers, seconds) => {
    expect(secondsToKeep(answer(headers), PAGES, NOW)).toBe(seconds);
  });

  test('by default, or at least, as the policy says', () => {
    expect(secondsToKeep(answer({ 'cache-control': undefined }), { ...PAGES, defaultTtl: 86 }, NOW)).toBe(86);
    expect(secondsToKeep(answer({ 'cache-control': 'private' }), { ...PAGES, minTtl: 5 }, NOW)).toBe(5);
  });

  test('no error is kept', () => {
    expect([403, 404, 500, 503].map((status) => secondsToKeep(answer({}, status), PAGES, NOW))).toEqual([0, 0, 0, 0]);
  });

  test('what is too old is asked for again, and what is not says its age', () => {
    let now = NOW;
    const cache = new EdgeCache(() => now);
    cache.keep(get('/a'), { cachePolicy: PAGES }, answer({ 'set-cookie': ['sessionid=1'] }));
    now += 59_000;
    expect(cache.find(get('/a'), { cachePolicy: PAGES })).toMatchObject({
      headers: { age: '59', 'set-cookie': ['sessionid=1'] },
    });
    now += 1_000;
    expect(cache.find(get('/a'), { cachePolicy: PAGES })).toBeUndefined();
  });
});

describe('what is compressed', () => {
  const FILE = { cachePolicy: FILES, compress: true };
  const GZIP = get('/a', { 'accept-encoding': 'gzip' });

  test('with what browser and policy have in common, best first', () => {
    expect(encodingsFor(get('/a', { 'accept-encoding': 'gzip, br;q=0.5' }), FILES)).toEqual(['br', 'gzip']);
    expect(encodingsFor(get('/a', { 'accept-encoding': 'gzip, br;q=0' }), FILES)).toEqual(['gzip']);
    expect(encodingsFor(get('/a', { 'accept-encoding': 'gzip, br' }), PAGES)).toEqual([]);
    expect(encodingsFor(get('/a'), FILES)).toEqual([]);
  });

  test('a text that is worth it', () => {
    const small = compressed(
      answer({ etag: '"1"', vary: 'Cookie' }),
      get('/a', { 'accept-encoding': 'gzip, br' }),
      FILE,
    );
    expect(small.headers).toMatchObject({ 'content-encoding': 'br', etag: 'W/"1"', vary: 'Cookie, Accept-Encoding' });
    expect(small.headers['content-length']).toBe(String(small.body.length));
    expect(brotliDecompressSync(small.body)).toEqual(BODY);
    expect(gunzipSync(compressed(answer(), GZIP, FILE).body)).toEqual(BODY);
  });

  test.each([
    ['a short one', answer({}, 200, Buffer.from('x'))],
    ['a picture', answer({ 'content-type': 'image/png' })],
    ['what is compressed already', answer({ 'content-encoding': 'gzip' })],
    ['an error', answer({}, 500)],
  ])('not %s', (_, given) => {
    expect(compressed(given, GZIP, FILE)).toBe(given);
  });
});

test('without a policy nothing is kept, and nothing compressed unless the behavior says so', () => {
  const cache = new EdgeCache();
  cache.keep(get('/a'), {}, answer());
  expect(cache.find(get('/a'), {})).toBeUndefined();
  const asked = get('/a', { 'accept-encoding': 'gzip' });
  const given = answer();
  expect(compressed(given, asked, { cachePolicy: FILES })).toBe(given);
  expect(compressed(given, asked, { compress: true })).toBe(given);
});

test('the origin is told of the encodings that browser and policy have in common', () => {
  const asked = get('/a', { 'accept-encoding': 'zstd, gzip' });
  tellEncodings(asked, { cachePolicy: PAGES });
  expect(asked.headers).toMatchObject({ 'accept-encoding': 'zstd, gzip' });
  tellEncodings(asked, { cachePolicy: FILES });
  expect(asked.headers).toMatchObject({ 'accept-encoding': 'gzip' });
  const plain = get('/a', { 'accept-encoding': 'zstd' });
  tellEncodings(plain, { cachePolicy: FILES });
  expect(plain.headers).not.toHaveProperty('accept-encoding');
});

describe('a policy of a template', () => {
  test('is read with the defaults of CloudFront', () => {
    const key = {
      HeadersConfig: { HeaderBehavior: 'whitelist', Headers: ['Host'] },
      CookiesConfig: { CookieBehavior: 'whitelist', Cookies: ['sessionid'] },
      QueryStringsConfig: { QueryStringBehavior: 'all' },
      EnableAcceptEncodingGzip: true,
    };
    const config = { MinTTL: 0, ParametersInCacheKeyAndForwardedToOrigin: key };
    expect(readCachePolicy({ CachePolicyConfig: config })).toEqual({
      minTtl: 0,
      defaultTtl: 86_400,
      maxTtl: 31_536_000,
      headers: ['host'],
      cookies: ['sessionid'],
      parameters: 'all',
      encodings: ['gzip'],
    });
  });

  test('that keeps nothing is none, and one that the rehearsal cannot read is an error', () => {
    expect(readCachePolicy({})).toBeUndefined();
    expect(readCachePolicy({ CachePolicyConfig: { MaxTTL: 0 } })).toBeUndefined();
    const key = { CookiesConfig: { CookieBehavior: 'allExcept' } };
    expect(() => readCachePolicy({ CachePolicyConfig: { ParametersInCacheKeyAndForwardedToOrigin: key } })).toThrow(
      'does not know what "allExcept" keeps apart',
    );
  });
});
