import type { Duplex } from 'node:stream';

/** What a server of Redis's protocol answers: a text, a number, nothing, or a list of these. */
export type Reply = string | number | null | Reply[];

/**
 * Sends commands over a connection, one after the other, and gives their replies; ends the connection. Throws
 * what the server calls an error.
 *
 * @see https://valkey.io/topics/protocol/
 */
export async function commands(socket: Duplex, lines: readonly (readonly string[])[]): Promise<Reply[]> {
  try {
    return await exchange(socket, lines);
  } finally {
    socket.destroy();
  }
}

function exchange(socket: Duplex, lines: readonly (readonly string[])[]): Promise<Reply[]> {
  return new Promise((resolve, reject) => {
    const replies: Reply[] = [];
    let received = Buffer.alloc(0);
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('the server has hung up')));
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      try {
        for (let read = parse(received, 0); read !== undefined; read = parse(received, 0)) {
          received = received.subarray(read.next);
          replies.push(read.reply);
        }
      } catch (error) {
        reject(error);
      }
      if (replies.length === lines.length) {
        resolve(replies);
      }
    });
    for (const words of lines) {
      socket.write(encoded(words));
    }
  });
}

function encoded(words: readonly string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`;
}

/** The reply that begins at an offset; undefined where it has not arrived whole. */
function parse(bytes: Buffer, start: number): { readonly reply: Reply; readonly next: number } | undefined {
  const end = bytes.indexOf('\r\n', start);
  if (end < 0) {
    return undefined;
  }
  const [kind, rest] = [String.fromCharCode(bytes[start]), bytes.toString('utf8', start + 1, end)];
  const next = end + 2;
  switch (kind) {
    case '-':
      throw new Error(rest);
    case ':':
      return { reply: Number(rest), next };
    case '$': {
      const length = Number(rest);
      if (length < 0) {
        return { reply: null, next };
      }
      return bytes.length < next + length + 2
        ? undefined
        : { reply: bytes.toString('utf8', next, next + length), next: next + length + 2 };
    }
    case '*':
      return list(bytes, Number(rest), next);
    default:
      return { reply: rest, next };
  }
}

function list(
  bytes: Buffer,
  length: number,
  start: number,
): { readonly reply: Reply; readonly next: number } | undefined {
  const items: Reply[] = [];
  let next = start;
  while (items.length < length) {
    const item = parse(bytes, next);
    if (item === undefined) {
      return undefined;
    }
    items.push(item.reply);
    next = item.next;
  }
  return { reply: length < 0 ? null : items, next };
}
