import http from 'node:http';
import net from 'node:net';

/** What a socket says when the other side no longer listens. */
const GONE = ['EPIPE', 'ECONNRESET'];

type Done = (error?: Error | null) => void;

/**
 * Connections that are read to their end although the server has stopped to listen.
 *
 * A server that fails while it reads a body answers and hangs up. Node.js would drop that answer as soon as
 * it cannot write on.
 */
export class AttentiveAgent extends http.Agent {
  override createConnection(options: net.NetConnectOpts): net.Socket {
    const socket = net.connect(options);
    const [write, writev] = [socket._write.bind(socket), socket._writev?.bind(socket)];
    socket._write = (chunk, encoding, done: Done) => write(chunk, encoding, unlessGone(done));
    socket._writev = writev && ((chunks, done: Done) => writev(chunks, unlessGone(done)));
    return socket;
  }
}

function unlessGone(done: Done): Done {
  return (error) => done(GONE.includes((error as NodeJS.ErrnoException)?.code ?? '') ? null : error);
}
