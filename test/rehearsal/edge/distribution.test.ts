import { createSign, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import WebSocket, { WebSocketServer } from 'ws';
import type { AskingService } from '../../../rehearsal/aws/signed/resource-policies';
import type { Incoming } from '../../../rehearsal/aws/signed/signature';
import { type Certificate, CertificateAuthority } from '../../../rehearsal/edge/certificates';
import { Distribution } from '../../../rehearsal/edge/distribution';
import { LocalSite } from '../../../rehearsal/edge/local-site';
import type { CacheBehavior } from '../../../rehearsal/template/distribution';

const NAME = 'rehearsal.cloudfront.net';
const VIEWER = `function handler(event) {
  event.request.headers['x-viewer-address'] = { value: event.viewer.ip };
  return event.request;
}`;
const CLOSED = `function handler() {
  return { statusCode: 503, headers: { 'retry-after': { value: '300' } }, body: { encoding: 'text', data: 'closed' } };
}`;
const EVERYTHING: CacheBehavior = {
  pathPattern: '*',
  allowedMethods: ['GET', 'HEAD', 'OPTIONS', 'PUT', 'PATCH', 'POST', 'DELETE'],
  viewerProtocolPolicy: 'redirect-to-https',
  responseHeaders: [
    { name: 'strict-transport-security', value: 'max-age=31536000', override: true },
    { name: 'x-frame-options', value: 'DENY', override: true },
    { name: 'referrer-policy', value: 'no-referrer', override: false },
    { name: 'x-powered-by', override: true },
  ],
  viewerFunction: VIEWER,
  tellsProtocol: true,
};
const BUCKET = { name: 'media', path: '', signs: true, forwarded: { headers: [], query: [] } };
const FILES: CacheBehavior = {
  pathPattern: '',
  allowedMethods: ['GET', 'HEAD'],
  viewerProtocolPolicy: 'redirect-to-https',
  responseHeaders: [
    { name: 'content-security-policy', value: "default-src 'none'", override: true },
    { name: 'x-powered-by', override: true },
  ],
  tellsProtocol: false,
  bucket: BUCKET,
};
const LONG = 'body { color: red }\n'.repeat(100);
const KEPT: Partial<CacheBehavior> = {
  compress: true,
  cachePolicy: {
    ...{ minTtl: 0, defaultTtl: 0, maxTtl: 3600, headers: ['host'], cookies: [], parameters: [] },
    encodings: ['gzip'],
  },
};
const BEHAVIORS: CacheBehavior[] = [
  { ...EVERYTHING, pathPattern: '/static/*', allowedMethods: ['GET', 'HEAD', 'OPTIONS'], tellsProtocol: false },
  { ...EVERYTHING, pathPattern: '/closed', viewerFunction: CLOSED },
  { ...FILES, pathPattern: '/media/*', trustedKeyGroups: ['group'] },
  { ...FILES, pathPattern: '/public/*' },
  { ...FILES, pathPattern: '/thumbs/*', bucket: { ...BUCKET, forwarded: { headers: ['origin'], query: ['size'] } } },
  { ...FILES, pathPattern: '/open/*', bucket: { ...BUCKET, signs: false, path: '/folder' } },
  { ...EVERYTHING, ...KEPT, pathPattern: '/kept/*' },
  { ...FILES, ...KEPT, pathPattern: '/kept-files/*' },
  { ...EVERYTHING, pathPattern: '/shop/*', elsewhere: 'shop.example.org' },
  { ...EVERYTHING, pathPattern: '/broken', viewerFunction: 'function handler() { nobody(); }' },
  EVERYTHING,
];
const { privateKey, publicKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});
/** What S3 was asked, and by whom. */
let files: { request: Incoming; service?: AskingService }[] = [];
const s3 = {
  answerService: async (request: Incoming, service: AskingService | undefined) => {
    files.push({ request, service });
    if (request.url.pathname.endsWith('/breaks')) {
      throw new Error('the double is away');
    }
    const isKnown = request.headers['if-none-match'] === '"e"';
    const headers = {
      'cache-control': 'max-age=60',
      etag: '"e"',
      'content-length': '6',
      server: 'moto',
      'x-powered-by': 'x',
    };
    return { status: isKnown ? 304 : 200, headers, body: isKnown || request.method === 'HEAD' ? '' : 'a file' };
  },
};
const keyGroups = {
  publicKey: (ids: readonly string[], id: string) => (ids[0] === 'group' && id === 'K1' ? publicKey : undefined),
};
const said: string[] = [];
const announce = {
  progress: () => undefined,
  substitution: () => undefined,
  event: (text: string) => void said.push(text),
};

let folder: string;
let authority: CertificateAuthority;
let certificate: Certificate;
let origin: http.Server;
let sockets: WebSocketServer;
let door: Distribution;
/** What reached the origin. */
let arrived: { url?: string; headers: http.IncomingHttpHeaders; body: string }[] = [];

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'distribution-'));
  authority = await CertificateAuthority.create(folder);
  certificate = await authority.issue('server', [NAME]);
  origin = http.createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      arrived.push({ url: request.url, headers: request.headers, body });
      if (request.url === '/hangs-up') {
        request.socket.destroy();
      } else if (request.url !== '/hangs') {
        const isLong = request.url?.startsWith('/kept/');
        const length = isLong ? { 'content-type': 'text/css', 'cache-control': 'max-age=60' } : {};
        const cookies = ['a=1; Path=/', 'b=2; Path=/'];
        const own = { 'x-frame-options': 'SAMEORIGIN', 'referrer-policy': 'same-origin', 'x-powered-by': 'a server' };
        response.writeHead(request.url === '/missing' ? 404 : 200, { 'set-cookie': cookies, ...own, ...length });
        response.end(isLong ? LONG : 'a page');
      }
    });
  });
  sockets = new WebSocketServer({ server: origin, path: '/ws/echo' });
  sockets.on('connection', (socket, request) => {
    arrived.push({ url: request.url, headers: request.headers, body: '' });
    socket.on('message', (text) => socket.send(`echo ${text}`));
  });
  await new Promise<void>((resolve) => origin.listen(0, '127.0.0.1', resolve));
  door = await opened({ secure: false, port: () => (origin.address() as AddressInfo).port });
});
afterAll(() => {
  door.close();
  sockets.close();
  origin.close();
  origin.closeAllConnections();
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  arrived = [];
  files = [];
});

async function opened(behind: { secure: boolean; port: () => number | undefined }): Promise<Distribution> {
  const distribution = new Distribution({
    arn: 'arn:aws:cloudfront::1:distribution/Site',
    account: '1',
    files: s3,
    keyGroups,
    names: ['*.shop.example.com', NAME],
    originHeaders: { 'X-Origin-Key': 'the secret' },
    readTimeout: 1,
    behaviors: BEHAVIORS,
    origin: behind,
    certificate,
    ca: authority.certificate.cert,
    announce,
  });
  await distribution.listen({ port: 443, secure: true }, 0);
  await distribution.listen({ port: 80, secure: false }, 0);
  return distribution;
}

interface Asked {
  readonly method?: string;
  readonly host?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
  readonly isPlain?: boolean;
  readonly at?: Distribution;
}

function ask(
  where: string,
  { method = 'GET', host = NAME, headers = {}, body, isPlain = false, at = door }: Asked = {},
): Promise<{ status?: number; headers: http.IncomingHttpHeaders; body: string }> {
  const options = { host: '127.0.0.1', path: where, method, headers: { host, ...headers }, agent: false };
  const settings = { ca: authority.certificate.cert, servername: NAME };
  return new Promise((resolve, reject) => {
    const request = isPlain
      ? http.request({ ...options, port: at.portOf(80) })
      : https.request({ ...options, ...settings, port: at.portOf(443) });
    request.on('response', (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body: text }));
    });
    request.on('error', reject);
    request.end(body);
  });
}

test('it passes a request on with its secret, and answers what the origin answers', async () => {
  const reply = await ask('/form?a=b', { method: 'POST', body: 'c=d' });
  expect(reply).toMatchObject({ status: 200, body: 'a page' });
  expect(reply.headers['set-cookie']).toEqual(['a=1; Path=/', 'b=2; Path=/']);
  expect(arrived).toHaveLength(1);
  expect(arrived[0]).toMatchObject({ url: '/form?a=b', body: 'c=d' });
  expect(arrived[0].headers).toMatchObject({ host: NAME, 'x-origin-key': 'the secret' });
  expect((await ask('/missing')).status).toBe(404);
});

describe('a path whose files are in a bucket', () => {
  test('is asked for by the distribution, with nothing of the browser but the path', async () => {
    const headers = { cookie: 'sessionid=1', origin: 'https://x.example', authorization: 'Basic eDp5', 'x-own': '1' };
    const reply = await ask('/public/a%20b.png?versionId=1', { headers: { ...headers, range: 'bytes=0-1' } });
    expect(reply).toMatchObject({ status: 200, body: 'a file' });
    expect(reply.headers).toMatchObject({
      'cache-control': 'max-age=60',
      etag: '"e"',
      'content-security-policy': "default-src 'none'",
    });
    expect(reply.headers).not.toHaveProperty('x-powered-by');
    expect(reply.headers).not.toHaveProperty('server');
    expect(files).toHaveLength(1);
    const [{ request, service }] = files;
    expect(request).toMatchObject({ method: 'GET', headers: { range: 'bytes=0-1' } });
    expect(Object.keys(request.headers)).toEqual(['range']);
    expect(request.url.href).toBe('http://s3/media/public/a%20b.png');
    expect(service).toEqual({
      principal: 'cloudfront.amazonaws.com',
      sourceArn: 'arn:aws:cloudfront::1:distribution/Site',
      sourceAccount: '1',
    });
    expect(arrived).toEqual([]);
  });

  test('answers HEAD, and 304 to who has the file', async () => {
    const head = await ask('/public/a', { method: 'HEAD' });
    expect(head).toMatchObject({ status: 200, body: '' });
    expect(head.headers['content-length']).toBe('6');
    expect((await ask('/public/a', { headers: { 'if-none-match': '"e"' } })).status).toBe(304);
  });

  test('is for GET and HEAD over HTTPS, and has no WebSockets', async () => {
    expect((await ask('/public/a', { method: 'DELETE' })).status).toBe(403);
    expect((await ask('/public/a', { isPlain: true })).status).toBe(301);
    const socket = new WebSocket(`wss://127.0.0.1:${door.portOf(443)}/public/a`, {
      ...({ ca: authority.certificate.cert, servername: NAME } as object),
      headers: { host: NAME },
    });
    const status = await new Promise((resolve) => {
      socket.on('unexpected-response', (_request, response) => resolve(response.statusCode));
    });
    expect(status).toBe(400);
    expect(files).toEqual([]);
  });

  test('sends on what policies name, from the folder of the origin, without a signature where nobody signs', async () => {
    await ask('/thumbs/a?size=1&other=2', { headers: { origin: 'https://x.example' } });
    expect(files[0].request.url.search).toBe('?size=1');
    expect(files[0].request.headers).toEqual({ origin: 'https://x.example' });
    await ask('/open/a');
    expect(files[1].request.url.pathname).toBe('/media/folder/open/a');
    expect(files[1].service).toBeUndefined();
  });

  test('is 502 where S3 does not answer', async () => {
    expect((await ask('/public/breaks')).status).toBe(502);
  });
});

describe('a path of a key group', () => {
  const signed = (where: string, expires = Math.floor(Date.now() / 1000) + 60) => {
    const policy = `{"Statement":[{"Resource":"https://${NAME}${where}","Condition":{"DateLessThan":{"AWS:EpochTime":${expires}}}}]}`;
    const signature = createSign('RSA-SHA1').update(policy).sign(privateKey, 'base64');
    const encoded = signature.replaceAll('+', '-').replaceAll('=', '_').replaceAll('/', '~');
    return `${where}?Expires=${expires}&Signature=${encoded}&Key-Pair-Id=K1`;
  };

  test('is served to who has a signed address, whose signature reaches nobody', async () => {
    expect(await ask(signed('/media/a.png'))).toMatchObject({ status: 200, body: 'a file' });
    expect(files[0].request.url.href).toBe('http://s3/media/media/a.png');
  });

  test.each([
    ['without a signature', '/media/a.png', 'MissingKey'],
    ['of another file', signed('/media/b.png').replace('b.png', 'a.png'), 'AccessDenied'],
    ['that has expired', signed('/media/a.png', Math.floor(Date.now() / 1000) - 1), 'AccessDenied'],
    ['of an unknown key', signed('/media/a.png').replace('=K1', '=K2'), 'InvalidKey'],
    ['by way of another path', '/public/../media/a.png', 'MissingKey'],
    ['with encoded letters', '/%6dedia/a.png', 'MissingKey'],
    ['by way of encoded dots', '/public/%2E%2e/media/a.png', 'MissingKey'],
  ])('is refused %s', async (_, where, code) => {
    const reply = await ask(where);
    expect(reply.status).toBe(403);
    expect(reply.body).toContain(`<Code>${code}</Code>`);
    expect(reply.headers['content-security-policy']).toBe("default-src 'none'");
    expect(files).toEqual([]);
  });
});

test('an origin that is not rehearsed is 502, and said', async () => {
  expect((await ask('/shop/')).status).toBe(502);
  expect(said.at(-1)).toBe('502 GET /shop/: shop.example.org is not rehearsed');
});

test('what its policy says is kept for others, whole and with the headers of the path, and compressed for each', async () => {
  const first = await ask('/kept/a', { headers: { cookie: 'x=1' } });
  expect(first).toMatchObject({ status: 200, body: LONG, headers: { 'x-cache': 'Miss from cloudfront' } });
  const second = await ask('/kept/a', { headers: { cookie: 'x=2' } });
  expect(second).toMatchObject({ body: LONG, headers: { 'x-cache': 'Hit from cloudfront', age: '0' } });
  expect(second.headers['x-frame-options']).toBe('DENY');
  const head = await ask('/kept/a', { method: 'HEAD' });
  expect(head).toMatchObject({ status: 200, body: '', headers: { 'x-cache': 'Hit from cloudfront' } });
  expect(arrived).toHaveLength(1);

  const small = await ask('/kept/a', { headers: { 'accept-encoding': 'gzip, zstd' } });
  expect(small.headers).toMatchObject({ 'content-encoding': 'gzip', 'x-cache': 'Miss from cloudfront' });
  expect(Number(small.headers['content-length'])).toBeLessThan(LONG.length);
  expect(arrived[1].headers['accept-encoding']).toBe('gzip');
  await ask('/kept/a', { headers: { range: 'bytes=0-9' } });
  expect(arrived).toHaveLength(3);
});

test('a file of a bucket is kept by its own headers', async () => {
  await ask('/kept-files/a');
  expect((await ask('/kept-files/a?x=1')).headers['x-cache']).toBe('Hit from cloudfront');
  expect(files).toHaveLength(1);
});

test('it keeps nothing without a policy: each request reaches the origin', async () => {
  await ask('/static/app.css');
  await ask('/static/app.css');
  expect(arrived).toHaveLength(2);
});

test('what a client claims is not believed', async () => {
  await ask('/', {
    headers: {
      'x-forwarded-for': '203.0.113.77',
      'cloudfront-forwarded-proto': 'http',
      'x-viewer-address': '203.0.113.77',
      'x-origin-key': 'guessed',
    },
  });
  expect(arrived[0].headers).toMatchObject({
    'x-forwarded-for': '203.0.113.77, 127.0.0.1',
    'cloudfront-forwarded-proto': 'https',
    'x-viewer-address': '127.0.0.1',
    'x-origin-key': 'the secret',
  });
});

test('a claimed protocol does not pass either where the distribution adds none', async () => {
  await ask('/static/app.css', { headers: { 'cloudfront-forwarded-proto': 'https' } });
  expect(arrived[0].headers).not.toHaveProperty('cloudfront-forwarded-proto');
});

test('it sets headers of answers, over those of the application where the template says so', async () => {
  const { headers } = await ask('/');
  expect(headers).toMatchObject({
    'strict-transport-security': 'max-age=31536000',
    'x-frame-options': 'DENY',
    'referrer-policy': 'same-origin',
  });
  expect(headers).not.toHaveProperty('x-powered-by');
});

test('it redirects HTTP to HTTPS', async () => {
  const reply = await ask('/cart?a=b', { isPlain: true });
  expect(reply.status).toBe(301);
  expect(reply.headers.location).toBe(`https://${NAME}:${door.portOf(443)}/cart?a=b`);
  expect(arrived).toEqual([]);
});

test.each([
  ['www.shop.example.com', 200],
  [`${NAME}:8443`, 200],
  ['attacker.example', 403],
])('the host %s is answered %d', async (host, status) => {
  expect((await ask('/', { host })).status).toBe(status);
  expect(arrived).toHaveLength(status === 200 ? 1 : 0);
});

test('it refuses methods that the path does not have', async () => {
  expect((await ask('/static/app.css', { method: 'POST', body: 'x' })).status).toBe(403);
  expect(arrived).toEqual([]);
});

test('its function may answer, and one that fails is 503', async () => {
  const closed = await ask('/closed');
  expect(closed).toMatchObject({ status: 503, body: 'closed' });
  expect(closed.headers['retry-after']).toBe('300');
  expect((await ask('/broken')).status).toBe(503);
  expect(said.at(-1)).toMatch(/^503 GET \/broken from a function of the distribution: nobody is not defined/);
  expect(arrived).toEqual([]);
});

test('an origin that hangs up is 502, one that is silent 504', async () => {
  expect((await ask('/hangs-up')).status).toBe(502);
  expect((await ask('/hangs')).status).toBe(504);
  expect(said.at(-1)).toBe('504 GET /hangs from the distribution');
});

test('an answer of 504 is not cut off by the end of the request to the origin', async () => {
  const destroyed = jest.spyOn(http.ServerResponse.prototype, 'destroy');
  try {
    expect((await ask('/hangs')).status).toBe(504);
    expect(destroyed).not.toHaveBeenCalled();
  } finally {
    destroyed.mockRestore();
  }
});

test('WebSockets pass, with the same headers', async () => {
  const socket = new WebSocket(`wss://127.0.0.1:${door.portOf(443)}/ws/echo`, {
    ...({ ca: authority.certificate.cert, servername: NAME } as object),
    headers: { host: NAME, 'cloudfront-forwarded-proto': 'http' },
  });
  const text = await new Promise((resolve, reject) => {
    socket.on('open', () => socket.send('hello'));
    socket.on('message', (message) => resolve(String(message)));
    socket.on('error', reject);
  });
  socket.terminate();
  expect(text).toBe('echo hello');
  expect(arrived[0].headers).toMatchObject({ 'x-origin-key': 'the secret', 'cloudfront-forwarded-proto': 'https' });
});

test('a WebSocket that the origin refuses is refused', async () => {
  const socket = new WebSocket(`wss://127.0.0.1:${door.portOf(443)}/ws/unknown`, {
    ...({ ca: authority.certificate.cert, servername: NAME } as object),
    headers: { host: NAME },
  });
  const status = await new Promise((resolve) => {
    socket.on('unexpected-response', (_request, response) => resolve(response.statusCode));
  });
  expect(status).toBe(400);
});

test('a browser of this machine opens it by localhost, and keeps no HSTS for that', async () => {
  const at = await opened({ secure: false, port: () => (origin.address() as AddressInfo).port });
  at.openSite(new LocalSite({ hostOf: () => NAME, address: () => 'localhost:1' }), certificate);
  const { status, headers } = await ask('/', { host: 'localhost:8443', at });
  at.close();
  expect(status).toBe(200);
  expect(arrived[0].headers.host).toBe(NAME);
  expect(headers).not.toHaveProperty('strict-transport-security');
});

test('it speaks HTTPS with an origin that has it, and compares the certificate with the host', async () => {
  const own = https.createServer({ cert: certificate.cert, key: certificate.key }, (_request, response) => {
    response.end('over TLS');
  });
  await new Promise<void>((resolve) => own.listen(0, '127.0.0.1', resolve));
  const at = await opened({ secure: true, port: () => (own.address() as AddressInfo).port });
  expect(await ask('/', { at })).toMatchObject({ status: 200, body: 'over TLS' });
  expect((await ask('/', { at, host: 'www.shop.example.com' })).status).toBe(502);
  at.close();
  own.close();
});
