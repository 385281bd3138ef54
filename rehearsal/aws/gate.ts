import net from 'node:net';
import { LOOPBACK } from '../edge/ports';

/** A door before a local service, so that it can be away without forgetting what it holds. */
export class Gate {
  static async open(target: number): Promise<Gate> {
    const server = net.createServer();
    await listen(server, 0);
    return new Gate(target, server);
  }

  readonly port: number;
  private readonly sockets = new Set<net.Socket>();

  private constructor(
    private readonly target: number,
    private readonly server: net.Server,
  ) {
    this.port = (server.address() as net.AddressInfo).port;
    server.on('connection', (client) => this.pass(client));
  }

  /** Opens again, at the same port. */
  open(): Promise<void> {
    return listen(this.server, this.port);
  }

  /** Refuses new connections and resets those that are open. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    for (const socket of this.sockets) {
      socket.resetAndDestroy();
    }
    await closed;
  }

  private pass(client: net.Socket): void {
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
  }
}

function listen(server: net.Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, LOOPBACK, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
