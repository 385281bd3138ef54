import { X509Certificate } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CertificateAuthority } from '../../../rehearsal/edge/certificates';
import { LoadBalancer } from '../../../rehearsal/edge/load-balancer';
import { localCertificate } from '../../../rehearsal/edge/local-certificate';
import { LocalSite } from '../../../rehearsal/edge/local-site';
import { TargetGroup } from '../../../rehearsal/edge/target-group';

/** What the load balancer needs of the proxy, which Jest cannot load because it is a module of ECMAScript alone. */
jest.mock('httpxy', () => ({
  createProxyServer: () => {
    let onAnswer: (answer: http.IncomingMessage, request: http.IncomingMessage) => void;
    return {
      on: (_event: string, listener: typeof onAnswer) => {
        onAnswer = listener;
      },
      web: (request: http.IncomingMessage, response: http.ServerResponse, { target }: { target: string }) =>
        http.get(target + request.url, { headers: request.headers, agent: false }, (answer) => {
          onAnswer(answer, request);
          response.writeHead(answer.statusCode ?? 0, answer.headers);
          answer.pipe(response);
        }),
    };
  },
}));

const DAY = 24 * 60 * 60 * 1000;
const cache = mkdtempSync(path.join(tmpdir(), 'localhost-'));
afterAll(() => rmSync(cache, { recursive: true }));

test('the certificate stays, is yours alone, and no key of its authority is left', async () => {
  const [first, second] = await Promise.all([localCertificate(cache), localCertificate(cache)]);
  const third = await localCertificate(cache);
  expect(second.authority).toBe(first.authority);
  expect(third.key).toBe((await localCertificate(cache)).key);
  expect(readdirSync(cache)).toEqual(['localhost']);
  expect(readdirSync(third.folder).sort()).toEqual(['authority.crt', 'localhost.crt', 'localhost.key']);
  expect(statSync(third.folder).mode & 0o77).toBe(0);
  expect(statSync(path.join(third.folder, 'localhost.key')).mode & 0o77).toBe(0);
  const authority = new X509Certificate(readFileSync(third.authority));
  const leaf = new X509Certificate(third.cert);
  expect(leaf.verify(authority.publicKey)).toBe(true);
  expect(leaf.checkHost('localhost')).toBe('localhost');
  expect(leaf.checkHost('shop.example.com')).toBeUndefined();
  expect(leaf.ca).toBe(false);
  expect(third.name).toMatch(/^rehearsal-localhost-[0-9a-f]{8}$/);
});

test('it is made anew before it ends, and where it cannot be read', async () => {
  const before = await localCertificate(cache);
  expect((await localCertificate(cache, Date.now() + 300 * DAY)).name).toBe(before.name);
  const after = await localCertificate(cache, Date.now() + 340 * DAY);
  expect(after.name).not.toBe(before.name);
  rmSync(path.join(after.folder, 'localhost.crt'));
  expect(existsSync(path.join((await localCertificate(cache)).folder, 'localhost.crt'))).toBe(true);
});

describe('a load balancer whose rule has a host name', () => {
  const HOST = 'shop.example.com';
  const announce = { progress: () => undefined, substitution: () => undefined, event: () => undefined };
  const servers: http.Server[] = [];
  let balancer: LoadBalancer;
  let authority: CertificateAuthority;
  let local: string;
  let port = 0;
  const seen: http.IncomingHttpHeaders[] = [];

  beforeAll(async () => {
    const backend = http.createServer(({ headers }, response) => {
      seen.push(headers);
      response.writeHead(302, { location: `https://${HOST}/next`, 'set-cookie': `a=1; Domain=${HOST}` });
      response.end();
    });
    servers.push(backend);
    await new Promise<void>((resolve) => backend.listen(0, '127.0.0.1', resolve));
    const group = new TargetGroup({ arn: 'group', properties: {}, announce });
    group.register('web/1', (backend.address() as AddressInfo).port);
    authority = await CertificateAuthority.create(cache);
    const certificate = await authority.issue('server', [HOST]);
    const groups = new Map([['group', group]]);
    balancer = new LoadBalancer({ groups, certificate, idleTimeout: 60, dropInvalidHeaders: true, announce });
    const rule = {
      priority: 1,
      conditions: [{ Field: 'host-header', HostHeaderConfig: { Values: [HOST] } }],
      actions: [{ Type: 'forward', TargetGroupArn: 'group' }],
    };
    const defaultActions = [{ Type: 'fixed-response', FixedResponseConfig: { StatusCode: '404' } }];
    const attributes = { 'routing.http.response.strict_transport_security.header_value': 'max-age=1' };
    await balancer.listen({ port: 443, secure: true, rules: [rule], defaultActions, attributes }, 0);
    port = balancer.portOf(443) as number;
  });
  afterAll(() => {
    balancer.close();
    for (const server of servers) {
      server.close();
    }
  });

  function ask(host: string, ca: string) {
    const options = { host: '127.0.0.1', port, servername: host.split(':')[0], ca, headers: { host }, agent: false };
    return new Promise<http.IncomingMessage>((resolve, reject) => {
      const request = https.get(options, (response) => {
        response.resume();
        resolve(response);
      });
      request.on('error', reject);
    });
  }

  test('answers 404 to localhost, as on AWS, until the site is opened', async () => {
    expect((await ask(`localhost:${port}`, authority.certificate.cert)).statusCode).toBe(404);
  });

  test('opens the site to localhost with the certificate that stays', async () => {
    const certificate = await localCertificate(cache);
    local = readFileSync(certificate.authority, 'utf8');
    balancer.openSite(new LocalSite({ hostOf: () => HOST, address: () => `localhost:${port}` }), certificate);
    const { statusCode, headers } = await ask(`localhost:${port}`, local);
    expect({ statusCode, location: headers.location, cookies: headers['set-cookie'] }).toEqual({
      statusCode: 302,
      location: `https://localhost:${port}/next`,
      cookies: ['a=1'],
    });
    expect(headers['strict-transport-security']).toBeUndefined();
    expect(seen.at(-1)).toMatchObject({ host: HOST, 'x-forwarded-proto': 'https', 'x-forwarded-port': '443' });
  });

  test('stays as it was under the name of the template', async () => {
    const { headers } = await ask(HOST, authority.certificate.cert);
    expect(headers).toMatchObject({ location: `https://${HOST}/next`, 'strict-transport-security': 'max-age=1' });
    await expect(ask(HOST, local)).rejects.toThrow(/certificate|issuer/);
  });
});
