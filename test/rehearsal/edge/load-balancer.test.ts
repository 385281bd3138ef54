import { mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CertificateAuthority } from '../../../rehearsal/edge/certificates';
import type { RuleAction } from '../../../rehearsal/edge/listener-rules';
import { LoadBalancer } from '../../../rehearsal/edge/load-balancer';
import { LocalSite } from '../../../rehearsal/edge/local-site';
import { TargetGroup } from '../../../rehearsal/edge/target-group';

/** Jest cannot load the proxy, which is a module of ECMAScript alone. Nothing is forwarded here. */
jest.mock('httpxy', () => ({ createProxyServer: () => ({ on: () => undefined }) }));

const REDIRECT: RuleAction = {
  Type: 'redirect',
  RedirectConfig: { StatusCode: 'HTTP_301', Protocol: 'HTTPS', Port: '443' },
};
const FORWARD: RuleAction = { Type: 'forward', TargetGroupArn: 'broken' };
const said: string[] = [];
const announce = {
  progress: () => undefined,
  substitution: () => undefined,
  event: (text: string) => void said.push(text),
};

let folder: string;
let balancer: LoadBalancer;
let port = 0;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'load-balancer-'));
  const certificate = await (await CertificateAuthority.create(folder)).issue('server', ['shop.example.com']);
  const broken = new TargetGroup({ arn: 'broken', properties: {}, announce });
  broken.choose = () => {
    throw new Error('nobody expected this');
  };
  const groups = new Map([['broken', broken]]);
  balancer = new LoadBalancer({ groups, certificate, idleTimeout: 60, dropInvalidHeaders: true, announce });
  const fails = {
    priority: 1,
    conditions: [{ Field: 'host-header', HostHeaderConfig: { Values: ['broken.example.com'] } }],
    actions: [FORWARD],
  };
  await balancer.listen({ port: 80, secure: false, rules: [fails], defaultActions: [REDIRECT], attributes: {} }, 0);
  port = balancer.portOf(80) as number;
});
afterAll(() => {
  balancer.close();
  rmSync(folder, { recursive: true });
});

/** What the load balancer answers to these first lines, as they are. */
function ask(...lines: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = net.connect(port, '127.0.0.1', () => socket.write(`${lines.join('\r\n')}\r\n\r\n`));
    socket.on('data', (chunk) => {
      answer += chunk;
    });
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
  });
}

const redirected = async (target: string, host = 'shop.example.com') => {
  const answer = await ask(`GET ${target} HTTP/1.1`, `Host: ${host}`, 'Connection: close');
  return [/^HTTP\/1.1 (\d+)/.exec(answer)?.[1], /^location: (.*)$/im.exec(answer)?.[1]];
};

test.each([
  ['/cart?a=b', 'shop.example.com', 'https://shop.example.com:443/cart?a=b'],
  ['//', 'shop.example.com', 'https://shop.example.com:443//'],
  ['//admin/', 'shop.example.com', 'https://shop.example.com:443//admin/'],
  ['///', 'shop.example.com:80', 'https://shop.example.com:443///'],
  ['/', '[', 'https://[:443/'],
  ['http://other.example.com/x?y', 'shop.example.com', 'https://other.example.com:443/x?y'],
])('a request for %s under %s is redirected to %s', async (target, host, location) => {
  expect(await redirected(target, host)).toEqual(['301', location]);
});

test('what goes wrong with a request is answered 500, and the next one is answered', async () => {
  const answer = await ask('GET /a?token=x HTTP/1.1', 'Host: broken.example.com');
  expect(answer).toMatch(/^HTTP\/1.1 500 /);
  expect(said.at(-1)).toBe('500 GET /a from the load balancer itself: nobody expected this');
  expect((await redirected('/'))[0]).toBe('301');
});

test('so is what goes wrong with a WebSocket', async () => {
  const upgrade = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: a'];
  expect(await ask('GET /ws/ HTTP/1.1', 'Host: broken.example.com', ...upgrade)).toMatch(/^HTTP\/1.1 500 /);
  expect(said.at(-1)).toContain('nobody expected this');
});

test('also before a rule is looked for', async () => {
  const hostOf = () => {
    throw new Error('the site has no such path');
  };
  balancer.openSite(new LocalSite({ hostOf, address: () => 'localhost' }), { cert: '', key: '' });
  expect(await ask('GET / HTTP/1.1', 'Host: localhost')).toMatch(/^HTTP\/1.1 500 /);
  expect(said.at(-1)).toContain('the site has no such path');
});

test('a health check that cannot be sent has failed', async () => {
  const properties = { HealthCheckPath: '/no spaces', UnhealthyThresholdCount: 1, HealthCheckIntervalSeconds: 1 };
  const group = new TargetGroup({ arn: 'group', properties, announce });
  const server = http.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const target = group.register('web/1', (server.address() as AddressInfo).port);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(target.answered).toMatch(/unescaped/);
  group.remove(target);
  server.close();
});

test('behind a distribution a redirect leads to the port where visitors meet that', async () => {
  balancer.standBehind((templatePort) => 8000 + templatePort);
  expect(await redirected('/cart?a=b')).toEqual(['301', 'https://shop.example.com:8443/cart?a=b']);
});
