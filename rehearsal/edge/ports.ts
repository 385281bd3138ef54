import { randomInt } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import net from 'node:net';

export const LOOPBACK = '127.0.0.1';
/** Another loopback address, which Linux has without being asked. */
export const REPLICA_ADDRESS = '127.0.0.2';

/** How many ports after the preferred one are tried. */
const NEXT = 100;
/** Between what programs like to choose and what systems hand out. */
const LOWEST = 12_000;
const HIGHEST = 32_000;
/** Ports that this process has been given, and perhaps does not use yet. */
const given = new Set<number>();

/** The port itself if nobody has it, otherwise the next one that is free. Any free one for 0. */
export async function portOr(preferred: number): Promise<number> {
  for (let port = preferred; preferred > 0 && port < preferred + NEXT; port++) {
    if (await isFree(port)) {
      return port;
    }
  }
  return freePort();
}

/**
 * A free port below those that the system gives to connections that it makes itself: between this moment and
 * the one in which a process listens, a connection could take it.
 */
export async function freePort(): Promise<number> {
  const highest = Math.min(firstEphemeral() - 1, HIGHEST);
  for (let attempt = 0; attempt < NEXT && highest > LOWEST; attempt++) {
    const port = randomInt(LOWEST, highest);
    if (!given.has(port) && (await isFree(port))) {
      given.add(port);
      return port;
    }
  }
  return bind(0);
}

/** Where the ports begin that the system itself chooses. Linux says so; others begin above 49,000. */
function firstEphemeral(file = '/proc/sys/net/ipv4/ip_local_port_range'): number {
  return existsSync(file) ? Number.parseInt(readFileSync(file, 'utf8'), 10) : HIGHEST + 1;
}

function isFree(port: number): Promise<boolean> {
  return bind(port).then(
    () => true,
    () => false,
  );
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
