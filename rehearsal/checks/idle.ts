import net from 'node:net';
import { sleep } from '../wait';

/**
 * Seconds until a server closes an idle connection; stops counting a little after `atLeast`.
 *
 * Infinite for a server that answers `Connection: close`: the load balancer sends nothing more on that
 * connection, so that no request is lost with it.
 */
export async function idleSeconds(port: number, path: string, atLeast: number): Promise<number> {
  const socket = net.connect(port, '127.0.0.1').setEncoding('latin1');
  const head = await new Promise<string>((resolve, reject) => {
    let text = '';
    socket.once('error', reject);
    socket.once('close', () => resolve(text));
    socket.on('data', (chunk) => {
      text += chunk;
      if (text.includes('\r\n\r\n')) {
        resolve(text.slice(0, text.indexOf('\r\n\r\n')));
      }
    });
    socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: keep-alive\r\n\r\n`);
  });
  if (/^connection:[ \t]*close[ \t]*$/im.test(head)) {
    socket.destroy();
    return Number.POSITIVE_INFINITY;
  }
  const started = Date.now();
  const closed = new Promise<void>((resolve) => {
    if (socket.closed) {
      resolve();
    }
    socket.once('close', () => resolve());
  });
  await Promise.race([closed, sleep(atLeast * 1000 + 500)]);
  socket.destroy();
  return (Date.now() - started) / 1000;
}
