import net from 'node:net';
import { LOOPBACK } from '../edge/ports';

/** A door before a local service, so that it can be away without forgetting what it holds. */
export class Gate {
  static async open(target: number): Promise<Gate> {
    const gate = new Gate(target);
    await gate.open();
    return gate;
  }

  port = 0;
  private server?: net.Server;
  private readonly sockets = new Set<net.Socket>();

  private constructor(private readonly target: number) {}

  open(): Promise<void> {
    const server = net.createServer((client) => {
      const upstream = net.connect(this.target, LOOPBACK);
      for (const [from, to] of [
        [client, upstream],
        [upstream, client],
      ]) {
        from.setNoDelay(true);
        from.pipe(to);
        from.on('error', () => to.destroy());
        from.on('close', () => to.destroy());
      }
      this.sockets.add(client);
      client.on('close', () => this.sockets.delete(client));
    });
    this.server = server;
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.port, LOOPBACK, () => {
        this.port = (server.address() as net.AddressInfo).port;
        resolve();
      });
    });
  }

  /** Refuses new connections and resets those that are open. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.server?.close(resolve));
    for (const socket of this.sockets) {
      socket.resetAndDestroy();
    }
    await closed;
  }
}
