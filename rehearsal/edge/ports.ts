import net from 'node:net';

export const LOOPBACK = '127.0.0.1';

/** The port itself if nobody has it, otherwise a free one. */
export async function portOr(preferred: number): Promise<number> {
  try {
    return await bind(preferred);
  } catch {
    return bind(0);
  }
}

export function freePort(): Promise<number> {
  return bind(0);
}

/** Whether something accepts connections on a port of this machine. */
export function accepts(port: number, host: string = LOOPBACK): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ port, host });
    socket.setTimeout(1000);
    const done = (result: boolean) => {
      socket.destroy();
      resolve(result);
    };
    socket.once('connect', () => done(true));
    socket.once('error', () => done(false));
    socket.once('timeout', () => done(false));
  });
}

/** Whether connections can come from an address: Linux has all of 127.0.0.0/8, macOS only 127.0.0.1. */
export function canUseAddress(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once('error', () => resolve(false));
    server.listen(0, address, () => server.close(() => resolve(true)));
  });
}

function bind(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', reject);
    server.listen(port, LOOPBACK, () => {
      const chosen = (server.address() as net.AddressInfo).port;
      server.close(() => resolve(chosen));
    });
  });
}
