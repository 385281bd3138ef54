import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { CheckContext } from '../../../rehearsal/checks/check';
import { type Edge, edgeOf, headerOwnerCheck, overruled } from '../../../rehearsal/checks/header-owners';
import type { ListenerSettings } from '../../../rehearsal/edge/load-balancer';
import type { CacheBehavior } from '../../../rehearsal/template/distribution';

const YEAR = 'max-age=31536000';

function edge(headers: Record<string, string>, name = 'load balancer'): Edge {
  return { name, headers: new Map(Object.entries(headers)) };
}

function listener(headers: Record<string, string>): ListenerSettings {
  const attributes = Object.entries(headers).map(([name, value]) => [
    `routing.http.response.${name}.header_value`,
    value,
  ]);
  return { port: 443, secure: true, rules: [], defaultActions: [], attributes: Object.fromEntries(attributes) };
}

function behavior(pathPattern: string, headers: CacheBehavior['responseHeaders']): CacheBehavior {
  return {
    pathPattern,
    allowedMethods: ['GET'],
    viewerProtocolPolicy: 'allow-all',
    responseHeaders: headers,
    tellsProtocol: true,
  };
}

test.each([
  ['the same value', { 'x-frame-options': 'DENY' }, { 'x-frame-options': 'DENY' }],
  ['another case', { 'x-frame-options': 'deny' }, { 'x-frame-options': 'DENY' }],
  [
    'directives in another order',
    { 'strict-transport-security': 'max-age=60; preload; includeSubDomains' },
    { 'strict-transport-security': 'max-age=60;includeSubdomains;preload' },
  ],
  [
    'other blanks',
    { 'content-security-policy': "default-src  'self';" },
    { 'content-security-policy': "default-src 'self'" },
  ],
  ['a header of the application alone', { 'content-security-policy': "default-src 'nonce-a'" }, {}],
  ['a header of the edge alone', {}, { 'strict-transport-security': YEAR }],
])('%s has one owner', (_, own, set: Record<string, string>) => {
  expect(overruled(own, edge(set))).toEqual([]);
});

test('each value that is replaced is named, with both sides that can set it', () => {
  const own = {
    'strict-transport-security': 'max-age=3600',
    'x-frame-options': 'SAMEORIGIN',
    'content-security-policy': "script-src 'nonce-A'",
    'referrer-policy': 'same-origin',
  };
  const set = {
    'strict-transport-security': YEAR,
    'x-frame-options': 'DENY',
    'content-security-policy': "script-src 'nonce-a'",
    'referrer-policy': 'no-referrer',
  };
  const [hsts, frame, csp, referrer] = overruled(own, edge(set));
  expect(hsts).toMatch(
    /max-age=3600.*load balancer replaces it by "max-age=31536000": take SECURE_HSTS_SECONDS .* out/,
  );
  expect(hsts).toContain('give `loadBalancerOptions.strictTransportSecurity`');
  expect(frame).toMatch(/X_FRAME_OPTIONS.*`loadBalancerOptions.framePolicy`.*FramePolicy\.APPLICATION/);
  expect(csp).toMatch(/SECURE_CSP.*django-csp.*`loadBalancerOptions.contentSecurityPolicy`.*leave the prop out/);
  expect(referrer).toContain('let one of them set it');
  expect(overruled(own, edge(set, 'distribution'))[1]).toMatch(/the distribution replaces it.*`cdn\.framePolicy`/);
});

test('the edge is the listener, or the behavior of a distribution that takes the path', () => {
  const plain = listener({ x_frame_options: 'DENY', content_security_policy: '' });
  expect(edgeOf({ listeners: [plain] }, '/', 443)).toEqual(edge({ 'x-frame-options': 'DENY' }));
  expect(edgeOf({ listeners: [plain] }, '/', 80)).toEqual(edge({}));
  const behaviors = [
    behavior('/static/*', [{ name: 'x-frame-options', value: 'DENY', override: true }]),
    behavior('*', [
      { name: 'strict-transport-security', value: YEAR, override: true },
      { name: 'referrer-policy', value: 'no-referrer', override: false },
      { name: 'server', override: true },
    ]),
  ];
  const behind = { listeners: [listener({})], origin: listener({}), behaviors };
  expect(edgeOf(behind, '/page/?a=/static/', 443)).toEqual(edge({ 'strict-transport-security': YEAR }, 'distribution'));
  expect(edgeOf(behind, '/static/a.css', 443)).toEqual(edge({ 'x-frame-options': 'DENY' }, 'distribution'));
});

describe('the check', () => {
  const servers: http.Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.close();
    }
  });

  /** A task that sends HSTS to whom the load balancer says to have come by HTTPS, as Django does. */
  async function stack(set: Record<string, string>, isDescribed = true): Promise<CheckContext> {
    const server = http.createServer(({ headers }, response) => {
      const hsts = { 'strict-transport-security': 'max-age=3600' };
      response.writeHead(200, headers['x-forwarded-proto'] === 'https' ? hsts : {}).end();
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const front = {
      ...{ isDescribed, secure: true, listener: 443, calls: { last: { port } } },
      hostFor: () => 'shop.example.com',
      request: async () => ({ status: 200, headers: {}, body: '' }),
    };
    return { front, pages: ['/'], rehearsal: { listeners: [listener(set)] } } as unknown as CheckContext;
  }

  test('passes where both say the same, or one alone', async () => {
    const both = await stack({ strict_transport_security: 'max-age=3600' });
    expect(await headerOwnerCheck.run(both)).toBe('set by both to the same: strict-transport-security');
    expect(await headerOwnerCheck.run(await stack({}))).toBe('no header is set by both');
  });

  test('fails where the load balancer replaces the value', async () => {
    const context = await stack({ strict_transport_security: YEAR });
    await expect(headerOwnerCheck.run(context)).rejects.toThrow('/: the application sends "strict-transport-security');
  });

  test('does not apply where no stack says what the load balancer does', async () => {
    expect(headerOwnerCheck.applies?.(await stack({}))).toBe(true);
    expect(headerOwnerCheck.applies?.(await stack({}, false))).toBe(false);
  });
});
