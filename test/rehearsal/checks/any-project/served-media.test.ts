import { MARK } from '../../../../rehearsal/checks/any-project/answer';
import { runsScripts, servedMediaChecks } from '../../../../rehearsal/checks/any-project/served-media';
import type { CheckContext } from '../../../../rehearsal/checks/check';
import { MEDIA_HARMLESS, MEDIA_PUBLIC, MEDIA_SERVED, MEDIA_SIGNED } from '../../../../rehearsal/checks/names';
import { fakePage } from './fake-page';

const PAGE = '<!doctype html><script>document.cookie</script>';
const SITE = 'https://shop.example.com';
const SIGNED = `${SITE}/media/a.html?Expires=2000000000&Signature=abc&Key-Pair-Id=K1`;

interface Fake {
  readonly status?: (path: string) => number;
  readonly headers?: object;
  readonly saved?: readonly { alias: string; url: string; short: string | null }[];
  readonly isSigned?: boolean;
}

const USUAL = { 'content-security-policy': "default-src 'none'", 'x-content-type-options': 'nosniff' };

/** A stack whose distribution has a public and a signed path, and answers as it is told. */
async function fake({ status = () => 200, headers = {}, saved = [], isSigned = true }: Fake): Promise<CheckContext> {
  const context = await fakePage({
    environment: { AWS_STORAGE_BUCKET_NAME: 'media' },
    signed: { s3: { endpoint: 'http://127.0.0.1:1' }, buckets: ['media'] },
    run: async () => [`${MARK}${JSON.stringify(saved)}`],
  });
  const bucket = { name: 'media', path: '' };
  const behaviors = [
    { pathPattern: '/media/*', bucket, trustedKeyGroups: isSigned ? ['group'] : [] },
    { pathPattern: '/public/*.html', bucket, trustedKeyGroups: [] },
    { pathPattern: '*' },
  ];
  const behaviorAt = (path: string) => behaviors.find(({ pathPattern }) => path.startsWith(pathPattern.split('*')[0]));
  const [{ definition }] = context.rehearsal.services;
  Object.assign(definition, { secrets: { AWS_CLOUDFRONT_KEY_ID: 'arn' } });
  Object.assign(context.rehearsal, {
    distribution: { behaviors, behaviorAt, answersTo: (host: string) => host === 'shop.example.com' },
    doubles: { putObject: async (place: string) => void put.push(place) },
  });
  const stored = { 'cache-control': 'public, max-age=3600' };
  const request = async (path: string) => ({
    ...{ status: status(path), body: status(path) === 200 ? PAGE : '<Code>AccessDenied</Code>' },
    headers: { ...stored, ...USUAL, ...headers },
  });
  Object.assign(context.front, { request });
  return context;
}

let put: string[] = [];
beforeEach(() => {
  put = [];
});

function run(name: string, context: CheckContext) {
  const check = servedMediaChecks.find((one) => one.name === name);
  expect(check?.applies?.(context)).toBe(true);
  return check?.run(context);
}

const isValid = (path: string) => (path.startsWith('/public/') || path === SIGNED.slice(SITE.length) ? 200 : 403);

test('a public path is asked for a page that lies below it', async () => {
  expect(await run(MEDIA_PUBLIC, await fake({}))).toBe('/public/*.html');
  expect(put).toEqual([expect.stringMatching(/^media\/public\/rehearsal-\w+\.html\.html$/)]);
});

test.each([
  ['does not let it read', { status: () => 403 }, /the policy of the bucket, or of its key, does not let/],
  ['does not have it', { status: () => 404 }, /answered 404/],
  ['loses its headers', { headers: { 'cache-control': undefined } }, /came with "undefined"/],
  ['sets a cookie', { headers: { 'set-cookie': ['a=1'] } }, /sets a cookie/],
])('a public path that %s is found', async (_, how: Fake, message) => {
  await expect(run(MEDIA_PUBLIC, await fake(how))).rejects.toThrow(message);
});

test.each([
  ['', true],
  ["default-src 'none'", false],
  ["default-src 'self'", false],
  ["default-src 'self' 'unsafe-inline'", true],
  ["default-src 'none'; script-src 'unsafe-inline'", true],
  ["script-src 'unsafe-inline'; sandbox", false],
  ["script-src 'unsafe-inline'; sandbox allow-scripts", true],
  ["img-src 'self'", true],
])('whether a page with the policy "%s" runs its scripts: %s', (policy, runs) => {
  expect(runsScripts(policy)).toBe(runs);
});

test('an uploaded page that may run scripts is found', async () => {
  expect(await run(MEDIA_HARMLESS, await fake({}))).toBe("default-src 'none'");
  const context = await fake({ headers: { 'content-security-policy': undefined } });
  await expect(run(MEDIA_HARMLESS, context)).rejects.toThrow('may run scripts: its Content-Security-Policy is ""');
});

test('an address that leads to the application, or is not signed, is told what to set', async () => {
  const at = (url: string) => [{ alias: 'default', url, short: null }];
  expect(await run(MEDIA_SERVED, await fake({ saved: at(SIGNED) }))).toBe('default');
  expect(await run(MEDIA_SERVED, await fake({ saved: at('http://127.0.0.1:1/media/a') }))).toMatch(
    /read AWS_S3_CUSTOM_DOMAIN/,
  );
  await expect(run(MEDIA_SERVED, await fake({ saved: at(`${SITE}/uploads/a`) }))).rejects.toThrow(
    /its `location` must/,
  );
  const unsigned = await fake({ saved: at(`${SITE}/media/a`), status: isValid });
  await expect(run(MEDIA_SERVED, unsigned)).rejects.toThrow(/403 AccessDenied: it is not signed.*AWS_CLOUDFRONT_KEY/);
});

test('an address that is signed is valid as it stands alone', async () => {
  const saved = [{ alias: 'default', url: SIGNED, short: null }];
  expect(await run(MEDIA_SIGNED, await fake({ saved, status: isValid }))).toBe('a storage that takes no expiry');
  const forEverybody = await fake({ saved, isSigned: false });
  await expect(run(MEDIA_SIGNED, forEverybody)).rejects.toThrow('is served without a signature: 200');
  const unseen = await fake({ saved, status: (path) => (path.includes('Signature=') ? 200 : 403) });
  await expect(run(MEDIA_SIGNED, unseen)).rejects.toThrow('is served with an altered signature: 200');
});

test('a stack whose distribution hands out no files is not asked', async () => {
  const context = await fake({});
  Object.assign(context.rehearsal, { distribution: undefined });
  expect(servedMediaChecks.map(({ applies }) => applies?.(context))).toEqual([false, false, false, false]);
});
