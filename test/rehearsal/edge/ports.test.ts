import { existsSync, readFileSync } from 'node:fs';
import net from 'node:net';
import { freePort, LOOPBACK, portOr } from '../../../rehearsal/edge/ports';

const servers: net.Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
  }
});

function listen(port: number): Promise<void> {
  const server = net.createServer();
  servers.push(server);
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, LOOPBACK, resolve);
  });
}

test('free ports lie below those that the system gives to connections, and none is given twice', async () => {
  const ports = await Promise.all(Array.from({ length: 50 }, freePort));
  expect(new Set(ports).size).toBe(50);
  const file = '/proc/sys/net/ipv4/ip_local_port_range';
  const first = existsSync(file) ? Number.parseInt(readFileSync(file, 'utf8'), 10) : 49_152;
  // Where the range begins very low there is no room below it.
  expect(first < 13_000 || Math.max(...ports) < first).toBe(true);
});

test('a port that is taken gives way to one after it', async () => {
  const preferred = await freePort();
  expect(await portOr(preferred)).toBe(preferred);
  await listen(preferred);
  const next = await portOr(preferred);
  expect(next).toBeGreaterThan(preferred);
  expect(next).toBeLessThan(preferred + 100);
});
