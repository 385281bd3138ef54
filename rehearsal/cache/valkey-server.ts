import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { openSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import tls from 'node:tls';
import { Gate } from '../aws/gate';
import type { Certificate } from '../edge/certificates';
import { freePort, LOOPBACK } from '../edge/ports';
import type { Sandbox } from '../task/sandbox';
import { eventually, HANG_SECONDS } from '../wait';
import { commands, type Reply } from './resp';

/** Who administers the server: ElastiCache has nobody of this name. */
const ADMINISTRATOR = 'rehearsal';

export interface ValkeyProps {
  readonly sandbox: Sandbox;
  readonly program: string;
  /** What the server shows; undefined for one without TLS. */
  readonly certificate?: Certificate;
  /** From the template's parameter group. */
  readonly parameters: Readonly<Record<string, string>>;
  /** Whether everybody gets in who does not say who it is, as where the template has no group of users. */
  readonly isOpen: boolean;
}

/** A login of the application. */
export interface CacheLogin {
  readonly username: string;
  readonly password: string;
}

/**
 * A real Valkey, behind a door that speaks TLS, as the nodes of ElastiCache do, and that can be closed.
 *
 * The door stands in the rehearsal: the program of the package has no TLS of its own.
 */
export class ValkeyServer {
  static async start(props: ValkeyProps): Promise<ValkeyServer> {
    const { sandbox, certificate } = props;
    const port = await freePort();
    const password = randomBytes(16).toString('hex');
    const server = launch(props, port, password);
    const name = path.basename(props.program);
    const end = await eventually(`${name} answers`, HANG_SECONDS, async () => {
      const how = server.exitCode ?? server.signalCode;
      return how ?? commands(net.connect(port, LOOPBACK), [['AUTH', ADMINISTRATOR, password], ['PING']]);
    });
    if (!Array.isArray(end)) {
      throw new Error(`${name} has ended with ${end}`);
    }
    const gate = await Gate.open(certificate === undefined ? port : await listenWithTls(sandbox, certificate, port));
    sandbox.atEnd(() => void gate.close().catch(() => undefined));
    return new ValkeyServer(gate, port, password, props.isOpen);
  }

  readonly host = 'localhost';

  private constructor(
    /** Closed, it refuses connections and ends those that are open; what the server holds stays. */
    readonly gate: Gate,
    private readonly behind: number,
    private readonly password: string,
    readonly isOpen: boolean,
  ) {}

  /** Where processes reach it. */
  get port(): number {
    return this.gate.port;
  }

  /** Runs commands as the administrator, behind the door. */
  administer(...lines: readonly (readonly string[])[]): Promise<Reply[]> {
    return commands(net.connect(this.behind, LOOPBACK), [['AUTH', ADMINISTRATOR, this.password], ...lines]).then(
      ([, ...replies]) => replies,
    );
  }

  /** Runs commands before the door, as a process does; without an authority to trust it uses no TLS. */
  async as(login: CacheLogin | undefined, ca: string | undefined, ...lines: string[][]): Promise<Reply[]> {
    const place = { host: LOOPBACK, port: this.port, timeout: 10_000 };
    const socket = ca === undefined ? net.connect(place) : tls.connect({ ...place, ca, servername: this.host });
    socket.once('timeout', () => socket.destroy(new Error('the cache does not answer')));
    const introduction = login === undefined ? [] : [['AUTH', login.username, login.password]];
    return (await commands(socket, [...introduction, ...lines])).slice(introduction.length);
  }
}

function launch({ sandbox, program, parameters, isOpen }: ValkeyProps, port: number, password: string): ChildProcess {
  const log = openSync(path.join(sandbox.directory, 'valkey.log'), 'a');
  // The settings come through standard input, so that no password is in the list of processes.
  const server = sandbox.spawn(program, ['-'], {
    stdio: ['pipe', log, log],
    cwd: sandbox.directory,
    env: { PATH: process.env.PATH },
  });
  server.stdin?.on('error', () => undefined); // It has ended, which is said by whoever waits for it.
  server.stdin?.end(
    [
      `bind ${LOOPBACK}`,
      `port ${port}`,
      'save ""',
      ...Object.entries(parameters).map(([name, value]) => `${name} ${value}`),
      ...(isOpen ? [] : ['user default off']),
      `user ${ADMINISTRATOR} on >${password} ~* &* +@all`,
      '',
    ].join('\n'),
  );
  return server;
}

/** Listens with TLS before a port of this machine; gives the port. */
async function listenWithTls(sandbox: Sandbox, { cert, key }: Certificate, target: number): Promise<number> {
  const server = tls.createServer({ cert, key, minVersion: 'TLSv1.2' }, (client) => {
    const upstream = net.connect(target, LOOPBACK).setNoDelay(true);
    client.on('error', () => upstream.destroy());
    upstream.on('error', () => client.destroy());
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
    client.pipe(upstream).pipe(client);
  });
  server.on('tlsClientError', () => undefined); // The client says it.
  const port = await freePort();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, LOOPBACK, resolve);
  });
  sandbox.atEnd(() => void server.close());
  return port;
}
