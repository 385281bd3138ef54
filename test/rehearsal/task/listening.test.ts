import { spawn } from 'node:child_process';
import { listening, portsOf } from '../../../rehearsal/task/listening';

test('a socket that listens is found by its state', () => {
  const table = [
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
    '   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 41 1 0 100 0 0 10 0',
    '   1: 0100007F:1F91 0100007F:A1B2 01 00000000:00000000 00:00000000 00000000     0        0 42 1 0 20 4 30 10 -1',
  ].join('\n');
  expect(listening(table)).toEqual([['41', 8080]]);
});

test('the port of a server is found by its process group, where the machine shows it', async () => {
  const script = 'const s = require("net").createServer().listen(0, "127.0.0.1", () => console.log(s.address().port))';
  const server = spawn(process.execPath, ['-e', script], { detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
  const port = await new Promise<number>((resolve) => server.stdout.once('data', (text) => resolve(Number(text))));
  const found = portsOf(server.pid as number);
  const ended = new Promise((resolve) => server.once('close', resolve));
  server.kill('SIGKILL');
  await ended;
  expect(found).toEqual(process.platform === 'linux' ? [port] : []);
});
