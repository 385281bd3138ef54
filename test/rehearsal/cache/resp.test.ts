import { Duplex } from 'node:stream';
import { commands } from '../../../rehearsal/cache/resp';

/** A connection whose other end answers with these pieces. */
function connection(...pieces: string[]) {
  const sent: string[] = [];
  const socket = new Duplex({
    read() {},
    write(chunk, _, done) {
      sent.push(String(chunk));
      done();
    },
  });
  setImmediate(() => {
    for (const piece of pieces) {
      socket.push(piece);
    }
  });
  return { socket, sent };
}

test('replies of every kind are read, whatever pieces they come in', async () => {
  const { socket, sent } = connection('+OK\r', '\n:12\r\n$4\r\nzu', '\r\n\r\n', '*2\r\n$1\r\na\r\n$-1\r\n');
  expect(await commands(socket, [['PING'], ['DBSIZE'], ['GET', 'ä'], ['MGET']])).toEqual([
    'OK',
    12,
    'zu\r\n',
    ['a', null],
  ]);
  expect(sent[2]).toBe('*2\r\n$3\r\nGET\r\n$2\r\nä\r\n');
});

test('an error of the server and a connection that ends are errors', async () => {
  await expect(commands(connection('-NOAUTH Authentication required.\r\n').socket, [['PING']])).rejects.toThrow(
    'NOAUTH',
  );
  const { socket } = connection();
  setImmediate(() => socket.destroy());
  await expect(commands(socket, [['PING']])).rejects.toThrow('hung up');
});
