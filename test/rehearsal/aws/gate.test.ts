import { existsSync, readFileSync } from 'node:fs';
import net from 'node:net';
import { Gate } from '../../../rehearsal/aws/gate';

/** A server that says everything twice, and a gate before it. */
async function gate() {
  const echo = net.createServer((socket) => {
    socket.on('data', (chunk) => socket.write(Buffer.concat([chunk, chunk])));
    socket.on('error', () => socket.destroy());
  });
  await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
  const opened = await Gate.open((echo.address() as net.AddressInfo).port);
  return { gate: opened, end: () => Promise.all([opened.close().catch(() => undefined), echo.close()]) };
}

async function connected(port: number): Promise<net.Socket> {
  const socket = net.connect(port, '127.0.0.1');
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  return socket;
}

/** What comes next: what the server says, or the code of an error. */
function next(socket: net.Socket, say?: string): Promise<string> {
  return new Promise((resolve) => {
    socket.once('data', (chunk) => resolve(String(chunk)));
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(String(error.code)));
    if (say !== undefined) {
      socket.write(say);
    }
  });
}

describe('a gate that swallows', () => {
  test('answers nothing to what is connected and to what connects, until it answers again', async () => {
    const { gate: door, end } = await gate();
    const before = await connected(door.port);
    expect(await next(before, 'a')).toBe('aa');
    door.swallow();
    const during = await connected(door.port);
    const answers = [next(before, 'b'), next(during, 'c')];
    const silence = await Promise.race([...answers, new Promise((resolve) => setTimeout(resolve, 300, 'silence'))]);
    expect(silence).toBe('silence');
    door.answer();
    // What was swallowed is lost, and its connections with it.
    expect(await Promise.all(answers)).toEqual(['ECONNRESET', 'ECONNRESET']);
    const after = await connected(door.port);
    expect(await next(after, 'd')).toBe('dd');
    after.destroy();
    await end();
  });

  test('lets a connection go on over which nothing was sent meanwhile', async () => {
    const { gate: door, end } = await gate();
    const idle = await connected(door.port);
    expect(await next(idle, 'a')).toBe('aa');
    door.swallow();
    door.answer();
    expect(await next(idle, 'b')).toBe('bb');
    idle.destroy();
    await end();
  });
});

test('a gate that is closed refuses, and opens again at its port', async () => {
  const { gate: door, end } = await gate();
  const before = await connected(door.port);
  const reset = next(before);
  await door.close();
  expect(await reset).toBe('ECONNRESET');
  await expect(connected(door.port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  await door.open();
  const after = await connected(door.port);
  expect(await next(after, 'a')).toBe('aa');
  after.destroy();
  await end();
});

test('its port is none that the system gives to connections, which would take it while the gate is closed', async () => {
  const { gate: door, end } = await gate();
  const file = '/proc/sys/net/ipv4/ip_local_port_range';
  const first = existsSync(file) ? Number.parseInt(readFileSync(file, 'utf8'), 10) : 49_152;
  // Where the range begins very low there is no room below it.
  expect(first < 13_000 || door.port < first).toBe(true);
  await end();
});
