import type { Server } from 'node:http';
import { freePort, LOOPBACK } from '../edge/ports';
import type { Sandbox } from '../task/sandbox';

/**
 * Milliseconds that a double keeps an idle connection: longer than any client here pauses. Node.js keeps one
 * for five seconds, after which a client on a busy machine meets ECONNRESET now and then.
 */
const KEEP_ALIVE = 120_000;

/** Has the double of an API listen on the loopback interface until the end of the run; gives its port. */
export async function listenAsApi(server: Server, sandbox: Sandbox): Promise<number> {
  const port = await freePort();
  server.keepAliveTimeout = KEEP_ALIVE;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, LOOPBACK, resolve);
  });
  sandbox.atEnd(() => {
    server.close();
    server.closeAllConnections();
  });
  return port;
}
