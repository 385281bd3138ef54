import { createHmac } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Wish } from '../../../../rehearsal/aws/signed/policy';
import type { AskingService } from '../../../../rehearsal/aws/signed/resource-policies';
import type { Roles } from '../../../../rehearsal/aws/signed/roles';
import { type CorsRule, S3 } from '../../../../rehearsal/aws/signed/s3';
import type { Incoming } from '../../../../rehearsal/aws/signed/signature';

const CORS: CorsRule = {
  AllowedOrigins: ['https://club.example.com'],
  AllowedMethods: ['POST', 'PUT'],
  AllowedHeaders: ['*'],
};

/** S3 before a double that answers with what it was asked, for a role that may do all but some actions. */
async function s3(denied: string[] = [], rule = CORS, keys: object = {}, sent: http.IncomingHttpHeaders[] = []) {
  const double = http.createServer((request, response) => {
    sent.push(request.headers);
    response.statusCode = request.url?.endsWith('/missing') ? 404 : 200;
    response.end(JSON.stringify({ method: request.method, url: request.url, origin: request.headers.origin ?? null }));
  });
  await new Promise<void>((resolve) => double.listen(0, '127.0.0.1', resolve));
  const behind = `http://127.0.0.1:${(double.address() as AddressInfo).port}/token`;
  const wishes: Wish[] = [];
  const allows = (_: string, wish: Wish) => wishes.push(wish) > 0 && !denied.includes(wish.action);
  const roles = { allows, ...keys } as unknown as Roles;
  const ofBucket = { allow: ({ sourceArn }: AskingService, _: string, wish: Wish) => allows(sourceArn, wish) };
  const made = new S3({ behind, region: 'eu-central-1' }, roles, new Map([['media', [rule]]]), ofBucket);
  const end = () => {
    double.close();
    double.closeAllConnections();
  };
  return { s3: made, wishes, end };
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function request(method: string, path: string, headers: Record<string, string> = {}): Incoming {
  return { method, url: new URL(`http://127.0.0.1${path}`), headers, body: Buffer.alloc(0) };
}

test.each([
  ['GET', '/media?list-type=2', 's3:ListBucket', 'media'],
  ['GET', '/media/a/b%20c.png', 's3:GetObject', 'media/a/b c.png'],
  ['HEAD', '/media/a', 's3:GetObject', 'media/a'],
  ['PUT', '/media/a', 's3:PutObject', 'media/a'],
  ['POST', '/media/a?uploads', 's3:PutObject', 'media/a'],
  ['DELETE', '/media/a?uploadId=1', 's3:AbortMultipartUpload', 'media/a'],
  ['GET', '/media/a?uploadId=1', 's3:ListMultipartUploadParts', 'media/a'],
  ['PUT', '/media/a?acl', 's3:PutObjectAcl', 'media/a'],
  ['DELETE', '/media/a', 's3:DeleteObject', 'media/a'],
  ['POST', '/media?delete', 's3:DeleteObject', 'media/*'],
  ['GET', '/media?location', 's3:GetBucketLocation', 'media'],
  ['PUT', '/media?lifecycle', 's3:PutLifecycleConfiguration', 'media'],
  ['DELETE', '/media?encryption', 's3:PutEncryptionConfiguration', 'media'],
  ['DELETE', '/media?policy', 's3:DeleteBucketPolicy', 'media'],
  ['PUT', '/media', 's3:CreateBucket', 'media'],
])('%s %s needs %s', async (method, path, action, resource) => {
  const { s3: double, wishes, end } = await s3([action]);
  try {
    await expect(double.answer(request(method, path), 'Web')).rejects.toThrow(`not authorized to perform: ${action}`);
    expect(wishes[0].resource).toBe(`arn:aws:s3:::${resource}`);
  } finally {
    end();
  }
});

test('who lists a bucket says which part of it', async () => {
  const { s3: double, wishes, end } = await s3();
  try {
    await double.answer(request('GET', '/media?list-type=2&prefix=dumps%2F'), 'Web');
    await double.answer(request('GET', '/media?list-type=2'), 'Web');
    expect(wishes.map(({ context }) => context)).toEqual([{ 's3:prefix': 'dumps/' }, { 's3:prefix': '' }]);
  } finally {
    end();
  }
});

test('a copy needs to read what it copies', async () => {
  const { s3: double, wishes, end } = await s3();
  try {
    await double.answer(request('PUT', '/media/b', { 'x-amz-copy-source': '/other/a?versionId=1' }), 'Web');
    expect(wishes.map(({ action, resource }) => `${action} ${resource}`)).toEqual([
      's3:PutObject arn:aws:s3:::media/b',
      's3:GetObject arn:aws:s3:::other/a',
    ]);
  } finally {
    end();
  }
});

test('a request that deletes several files needs to delete each', async () => {
  const { s3: double, wishes, end } = await s3();
  const body = Buffer.from(
    '<Delete><Object><Key>a/b.png</Key></Object><Object><Key>a &amp; b&#13;&#xe4;</Key></Object><Quiet>true</Quiet></Delete>',
  );
  try {
    await double.answer({ ...request('POST', '/media?delete'), body }, 'Web');
    expect(wishes.map(({ action, resource }) => `${action} ${resource}`)).toEqual([
      's3:DeleteObject arn:aws:s3:::media/a/b.png',
      's3:DeleteObject arn:aws:s3:::media/a & b\rä',
    ]);
  } finally {
    end();
  }
});

test('what is allowed reaches the double without signature and origin', async () => {
  const { s3: double, end } = await s3();
  try {
    const path = '/media/a%20b?X-Amz-Signature=1&X-Amz-Expires=9&response-content-type=image%2Fpng';
    const answer = await double.answer(request('GET', path, { origin: 'https://x.example' }), 'Web');
    expect(JSON.parse(String(answer.body))).toEqual({
      method: 'GET',
      url: '/token/media/a%20b?response-content-type=image%2Fpng',
      origin: null,
    });
  } finally {
    end();
  }
});

describe('a service of AWS', () => {
  const service = { principal: 'cloudfront.amazonaws.com', sourceArn: 'arn:one', sourceAccount: '1' };

  test('reads what the policy of the bucket lets it read', async () => {
    const { s3: double, wishes, end } = await s3();
    try {
      const answer = await double.answerService(request('GET', '/media/a'), service);
      expect(JSON.parse(String(answer.body))).toMatchObject({ method: 'GET', url: '/token/media/a' });
      expect(wishes[0]).toEqual({ action: 's3:GetObject', resource: 'arn:aws:s3:::media/a' });
    } finally {
      end();
    }
  });

  test.each([
    {
      name: 'without a statement',
      denied: ['s3:GetObject'],
      asking: service,
      path: '/media/a',
      says: '403 AccessDenied',
    },
    { name: 'without a signature', denied: [], asking: undefined, path: '/media/a', says: '403 AccessDenied' },
    { name: 'that may list', denied: [], asking: service, path: '/media/missing', says: '404 ' },
    {
      name: 'that may not list',
      denied: ['s3:ListBucket'],
      asking: service,
      path: '/media/missing',
      says: '403 AccessDenied',
    },
  ])('$name is answered for $path: $says', async ({ denied, asking, path, says }) => {
    const { s3: double, end } = await s3(denied);
    try {
      const { status, body } = await double.answerService(request('GET', path), asking);
      expect(`${status} ${/<Code>(\w+)/.exec(String(body))?.[1] ?? ''}`).toBe(says);
    } finally {
      end();
    }
  });
});

test('a form stores headers with the file', async () => {
  const sent: http.IncomingHttpHeaders[] = [];
  const key = { id: 'ASIA', secret: 'secret' };
  const { s3: double, end } = await s3([], CORS, { secretOf: () => key.secret, roleOf: () => 'Web' }, sent);
  const later = new Date(Date.now() + 60_000).toISOString();
  const conditions = [{ key: 'a' }, { 'Cache-Control': 'max-age=60' }, { 'Content-Type': 'image/png' }];
  const scope = ['ASIA', '20260101', 'eu-central-1', 's3', 'aws4_request'];
  const policy = Buffer.from(
    JSON.stringify({ expiration: later, conditions: [...conditions, { 'x-amz-credential': scope.join('/') }] }),
  ).toString('base64');
  const derived = scope.slice(1).reduce<string | Buffer>((from, part) => hmac(from, part), `AWS4${key.secret}`);
  const form = new FormData();
  const fields = { key: 'a', 'Cache-Control': 'max-age=60', 'Content-Type': 'image/png', policy };
  const signature = { 'x-amz-credential': scope.join('/'), 'x-amz-signature': hmac(derived, policy).toString('hex') };
  for (const [name, value] of Object.entries({ ...fields, ...signature })) {
    form.append(name, value);
  }
  form.append('file', new Blob(['dot']), 'dot.png');
  const encoded = new Response(form);
  const headers = { 'content-type': encoded.headers.get('content-type') ?? '' };
  const body = Buffer.from(await encoded.arrayBuffer());
  try {
    expect(await double.answerUnsigned({ ...request('POST', '/media', headers), body })).toEqual({ status: 204 });
    expect(sent[0]).toMatchObject({ 'cache-control': 'max-age=60', 'content-type': 'image/png' });
  } finally {
    end();
  }
});

test('pages of the origins of the bucket may ask, and others not', async () => {
  const { s3: double, end } = await s3();
  try {
    const asked = (origin: string, method = 'POST') =>
      request('OPTIONS', '/media', { origin, 'access-control-request-method': method });
    const ours = asked('https://club.example.com');
    expect(await double.answerUnsigned(ours)).toEqual({ status: 200 });
    expect(double.headersFor(ours)).toMatchObject({ 'access-control-allow-origin': 'https://club.example.com' });
    for (const stranger of [asked('https://evil.example'), asked('https://club.example.com', 'GET')]) {
      expect(await double.answerUnsigned(stranger)).toEqual({ status: 403 });
      expect(double.headersFor(stranger)).toEqual({});
    }
    expect(await double.answerUnsigned(request('GET', '/media/a'))).toBeUndefined();
  } finally {
    end();
  }
});

test.each([
  ['https://*.example.com', 'https://club.example.com', 'https://club.example.com'],
  ['*', 'https://club.example.com', '*'],
  ['https://*.example.com', 'https://example.com', undefined],
  ['https://*.example.com', 'http://club.example.com', undefined],
])('a rule for %s tells a page of %s: %s', async (allowed, origin, told) => {
  const { s3: double, end } = await s3([], { ...CORS, AllowedOrigins: [allowed] });
  const asked = request('OPTIONS', '/media', { origin, 'access-control-request-method': 'PUT' });
  try {
    expect(double.headersFor(asked)['access-control-allow-origin']).toBe(told);
    expect(await double.answerUnsigned(asked)).toEqual({ status: told === undefined ? 403 : 200 });
  } finally {
    end();
  }
});

test.each([
  [['*'], 'content-type, x-amz-acl', 200],
  [['Content-Type', 'x-amz-*'], 'content-type,x-amz-acl', 200],
  [['Content-Type'], 'content-type, x-amz-acl', 403],
  [undefined, 'content-type', 403],
  [undefined, '', 200],
])('where the headers %j are allowed, a question for "%s" is answered %d', async (AllowedHeaders, headers, status) => {
  const { s3: double, end } = await s3([], { ...CORS, AllowedHeaders });
  const asked = request('OPTIONS', '/media', {
    origin: CORS.AllowedOrigins[0],
    'access-control-request-method': 'PUT',
    'access-control-request-headers': headers,
  });
  try {
    expect(await double.answerUnsigned(asked)).toEqual({ status });
  } finally {
    end();
  }
});
