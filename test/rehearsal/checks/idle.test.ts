import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { idleSeconds } from '../../../rehearsal/checks/idle';

const sockets: Socket[] = [];
let server: Server | undefined;

afterEach(() => {
  for (const socket of sockets.splice(0)) {
    socket.destroy();
  }
  server?.close();
});

/** The port of a server that answers with these headers, and then does something with the connection. */
async function answering(headers: string, then: (socket: Socket) => void): Promise<number> {
  const listening = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.once('data', () => socket.write(`HTTP/1.1 200 OK\r\n${headers}\r\n\r\nok`, () => then(socket)));
  });
  server = listening;
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  return (listening.address() as AddressInfo).port;
}

test('a server that says that it closes keeps nothing that could be lost', async () => {
  const port = await answering('Server: gunicorn\r\nConnection: close', (socket) => socket.end());
  expect(await idleSeconds(port, '/', 60)).toBe(Number.POSITIVE_INFINITY);
});

test('a server that closes without a word is measured', async () => {
  const port = await answering('Connection: keep-alive', (socket) => socket.end());
  expect(await idleSeconds(port, '/', 60)).toBeLessThan(60);
});

test('a server that keeps the connection is measured no longer than necessary', async () => {
  const port = await answering('Content-Length: 2', () => undefined);
  expect(await idleSeconds(port, '/', 0.1)).toBeGreaterThan(0.1);
});
