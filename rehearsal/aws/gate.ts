import net from 'node:net';
import { freePort, LOOPBACK } from '../edge/ports';

/** The two halves of a connection that goes through. */
interface Passage {
  readonly client: net.Socket;
  /** There is none for a connection that was opened while nothing was passed on. */
  readonly upstream?: net.Socket;
  /** Whether something of it was swallowed: like one whose packets were dropped for long, it cannot go on. */
  broken: boolean;
}

/**
 * A door before a local service, so that it can be away without forgetting what it holds.
 *
 * It can refuse (`close`), as a port on which nobody listens, or swallow (`swallow`), as a network that drops
 * every packet.
 */
export class Gate {
  static async open(target: number): Promise<Gate> {
    const server = net.createServer();
    // Not a port of the system's choice: it would give it to a connection while the gate is closed.
    await listen(server, await freePort());
    return new Gate(target, server);
  }

  readonly port: number;
  private readonly passages = new Set<Passage>();
  private swallowing = false;

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

  /**
   * Passes nothing on and answers nothing, while connections stay open and new ones come about.
   *
   * Here the kernel takes the handshake, so it is the answer that is missing; no local firewall would do
   * without root.
   */
  swallow(): void {
    this.swallowing = true;
    for (const passage of this.passages) {
      this.route(passage);
    }
  }

  /** Passes on again. Connections of which something was swallowed are reset; idle ones go on. */
  answer(): void {
    this.swallowing = false;
    for (const passage of this.passages) {
      if (passage.broken) {
        passage.client.resetAndDestroy();
        passage.upstream?.destroy();
      } else {
        this.route(passage);
      }
    }
  }

  /** Refuses new connections and resets those that are open. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    for (const { client } of this.passages) {
      client.resetAndDestroy();
    }
    await closed;
  }

  private pass(client: net.Socket): void {
    const upstream = this.swallowing ? undefined : net.connect(this.target, LOOPBACK);
    const passage: Passage = { client, upstream, broken: upstream === undefined };
    this.passages.add(passage);
    client.on('close', () => this.passages.delete(passage));
    for (const [from, to] of pairs(passage)) {
      from.setNoDelay(true);
      from.on('error', () => to?.destroy());
      from.on('close', () => to?.destroy());
      for (const event of ['data', 'end'] as const) {
        from.on(event, () => {
          passage.broken ||= this.swallowing;
        });
      }
    }
    this.route(passage);
  }

  /** Joins the two halves, or lets each run into nothing. */
  private route(passage: Passage): void {
    for (const [from, to] of pairs(passage)) {
      if (to === undefined || this.swallowing) {
        from.unpipe();
        from.resume();
      } else {
        from.pipe(to);
      }
    }
  }
}

function pairs({ client, upstream }: Passage): [net.Socket, net.Socket | undefined][] {
  return [[client, upstream], ...(upstream === undefined ? [] : [[upstream, client] as [net.Socket, net.Socket]])];
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
