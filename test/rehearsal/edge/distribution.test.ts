import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import WebSocket, { WebSocketServer } from 'ws';
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
const BEHAVIORS: CacheBehavior[] = [
  { ...EVERYTHING, pathPattern: '/static/*', allowedMethods: ['GET', 'HEAD', 'OPTIONS'], tellsProtocol: false },
  { ...EVERYTHING, pathPattern: '/closed', viewerFunction: CLOSED },
  { ...EVERYTHING, pathPattern: '/broken', viewerFunction: 'function handler() { nobody(); }' },
  EVERYTHING,
];
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
        const cookies = ['a=1; Path=/', 'b=2; Path=/'];
        const own = { 'x-frame-options': 'SAMEORIGIN', 'referrer-policy': 'same-origin', 'x-powered-by': 'a server' };
        response.writeHead(request.url === '/missing' ? 404 : 200, { 'set-cookie': cookies, ...own }).end('a page');
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
});

async function opened(behind: { secure: boolean; port: () => number | undefined }): Promise<Distribution> {
  const distribution = new Distribution({
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

test('it keeps nothing: each request reaches the origin', async () => {
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
