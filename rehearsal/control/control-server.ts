import { chmodSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import path from 'node:path';
import type { Attachment } from '../task/container';
import { type About, type Question, receive, SOCKET, send } from './protocol';

/** What every system takes; libuv would cut a longer path off. */
const LONGEST = 103;

/** A command that asks for a place in the rehearsal. */
export interface Asked {
  readonly words: readonly string[];
  readonly service?: string;
  readonly terminal?: string;
}

export interface ControlServerProps {
  /** A folder of its own, that nobody else may enter from now on. */
  readonly folder: string;
  readonly about: About;
  /** Makes a place for a command, under a name; throws when there is none. */
  readonly attach: (asked: Asked) => Promise<Attachment & { readonly id: string }>;
}

/**
 * Answers second commands by a local socket, which only the user who rehearses can reach.
 *
 * What was made for a command goes when its connection does, however that ends.
 */
export class ControlServer {
  /** Throws where a socket cannot be made there. */
  static async open(props: ControlServerProps): Promise<ControlServer> {
    // The folder first: between its birth and chmod a socket would be everybody's.
    chmodSync(props.folder, 0o700);
    const server = createServer();
    const socket = path.join(props.folder, SOCKET);
    if (Buffer.byteLength(socket) > LONGEST) {
      throw new Error(`the path of a socket has at most ${LONGEST} bytes, and ${socket} is longer.`);
    }
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(socket, resolve);
    });
    chmodSync(socket, 0o600);
    return new ControlServer(props, server);
  }

  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly props: ControlServerProps,
    private readonly server: Server,
  ) {
    server.unref();
    server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => this.sockets.delete(socket));
      receive<Question>(socket, (question) => void this.answer(socket, question));
    });
  }

  /** Ends every connection: whoever runs a command learns that the rehearsal is over. */
  close(): void {
    this.server.close();
    for (const socket of this.sockets) {
      socket.destroy();
    }
  }

  private async answer(socket: Socket, question: Question): Promise<void> {
    if (question.ask === 'about') {
      send(socket, { about: this.props.about });
      return;
    }
    try {
      const { program, id, release } = await this.props.attach(question);
      if (socket.destroyed) {
        await release();
        return;
      }
      socket.once('close', () => void release().catch(() => undefined));
      send(socket, { program, id });
    } catch (error) {
      send(socket, { error: (error as Error).message });
    }
  }
}
