import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** State of a socket that listens, in /proc/net/tcp. */
const LISTEN = '0A';

/** The ports on which the processes of a group listen. Empty but on Linux, which alone shows them. */
export function portsOf(group: number): number[] {
  if (process.platform !== 'linux') {
    return [];
  }
  const ports = new Map(['tcp', 'tcp6'].flatMap((protocol) => listening(read(`/proc/net/${protocol}`))));
  const found = readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid) && groupOf(read(`/proc/${pid}/stat`)) === group)
    .flatMap((pid) => socketsOf(`/proc/${pid}/fd`))
    .flatMap((socket) => ports.get(socket) ?? []);
  return [...new Set(found)].sort((one, other) => one - other);
}

/** Pairs of a socket and its port. */
export function listening(table: string): [socket: string, port: number][] {
  return table.split('\n').flatMap((line): [string, number][] => {
    const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
    return state === LISTEN ? [[inode, Number.parseInt(local.split(':')[1], 16)]] : [];
  });
}

/** A name may hold blanks and brackets; the group is the third word after it. */
function groupOf(stat: string): number {
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2]);
}

function socketsOf(folder: string): string[] {
  try {
    return readdirSync(folder).flatMap((name) => {
      const [, socket] = /^socket:\[(\d+)\]$/.exec(readlinkSync(`${folder}/${name}`)) ?? [];
      return socket === undefined ? [] : [socket];
    });
  } catch {
    return []; // The process has ended, or belongs to somebody else.
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
