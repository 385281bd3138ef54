import { type ChildProcess, execFileSync, type StdioOptions } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  closeSync,
  copyFileSync,
  openSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { Client } from 'pg';
import type { Announce } from '../announce';
import type { Certificate } from '../edge/certificates';
import { freePort, LOOPBACK } from '../edge/ports';
import { type Identity, identity, YOURSELF } from '../task/identity';
import { isRoot, type Sandbox } from '../task/sandbox';
import { eventually, HANG_SECONDS, sleep } from '../wait';
import { copyAsBackup, untilArchived } from './backup';

/** What the server says, in the folder of the run. There is none where the database is brought. */
export const SERVER_LOG = 'postgres.log';
/** PostgreSQL refuses to run as root; this is `nobody`. */
const UNPRIVILEGED = 65534;

export interface PostgresProps {
  readonly sandbox: Sandbox;
  readonly binaries: string;
  readonly certificate: Certificate;
  readonly announce: Announce;
  /** From the template's parameter group. */
  readonly parameters: Readonly<Record<string, string>>;
  /**
   * The folder of the sandbox for its data.
   *
   * @default postgres
   */
  readonly folder?: string;
  /**
   * Data of a server that has ended, from which this one goes on as RDS does from a snapshot.
   *
   * @default - an empty server
   */
  readonly snapshot?: string;
}

/** Where a server keeps its data, with its socket, and listens. */
interface Place {
  readonly data: string;
  readonly port: number;
  /** @default - the loopback address, as `localhost` */
  readonly address?: string;
}

/** A real server with TLS, run by nobody's user, whose superuser belongs to "RDS" alone. */
export class PostgresServer {
  static async start(props: PostgresProps): Promise<PostgresServer> {
    const folder = props.sandbox.folder(props.folder ?? 'postgres', UNPRIVILEGED);
    const place = { data: path.join(folder, 'data'), port: await freePort() };
    initialise(props, place.data);
    const server = new PostgresServer(props, place, launch(props, place));
    await server.answers();
    return server;
  }

  readonly host: string;
  readonly port: number;

  private constructor(
    private readonly props: PostgresProps,
    private readonly place: Place,
    private process: ChildProcess,
  ) {
    this.host = place.address ?? 'localhost';
    this.port = place.port;
  }

  /**
   * A replica that streams from this server, on an address of its own and the same port, as RDS has it.
   *
   * It starts from a copy of what the server has by now, and follows from there.
   */
  async replica(address: string): Promise<PostgresServer> {
    const folder = this.props.sandbox.folder(`${this.props.folder ?? 'postgres'}-replica`, UNPRIVILEGED);
    const place = { data: path.join(folder, 'data'), port: this.port, address };
    await this.query('postgres', (client) => copyAsBackup(client, this.place.data, place.data, 'replica'));
    const server = new PostgresServer(this.props, place, launch(this.props, place));
    await server.answers();
    return server;
  }

  /**
   * Keeps its log in a folder from now on, as RDS does to restore a point in time; gives a copy of its data.
   */
  async keepLog(folder: string): Promise<string> {
    const log = this.props.sandbox.folder(folder, UNPRIVILEGED);
    await this.query('postgres', async (client) => {
      await client.query('ALTER SYSTEM SET archive_mode = on');
      await client.query(`ALTER SYSTEM SET archive_command = 'cp %p ${log}/%f'`);
    });
    await this.restart();
    const base = path.join(this.props.sandbox.folder(`${folder}-base`, UNPRIVILEGED), 'data');
    await this.query('postgres', (client) => copyAsBackup(client, this.place.data, base, { log }));
    return base;
  }

  /**
   * Another server with what this one had at a time: from the copy of `keepLog`, and the log since.
   */
  async atTime(base: string, time: string, name: string): Promise<PostgresServer> {
    const place = {
      data: path.join(this.props.sandbox.folder(name, UNPRIVILEGED), 'data'),
      port: await freePort(),
    };
    await this.query('postgres', (client) => untilArchived(client));
    execFileSync('cp', ['-a', base, place.data]);
    appendFileSync(
      path.join(place.data, 'postgresql.conf'),
      // Abbreviations of time zones are not known yet when this is read.
      `recovery_target_time = '${time.replace('T', ' ').replace('Z', '+00')}'\nrecovery_target_action = promote\n`,
    );
    const server = new PostgresServer(this.props, place, launch(this.props, place));
    await server.answers();
    await eventually('the point in time is reached', HANG_SECONDS, () =>
      server.query('postgres', async (client) => {
        const { rows } = await client.query<{ back: boolean }>('SELECT NOT pg_is_in_recovery() AS back');
        return rows[0].back;
      }),
    );
    return server;
  }

  /** A copy of its data, for which it pauses. */
  async snapshot(name: string): Promise<string> {
    const copy = path.join(this.props.sandbox.folder(name, UNPRIVILEGED), 'data');
    await this.pause();
    execFileSync('cp', ['-a', this.place.data, copy]);
    this.process = launch(this.props, this.place);
    await this.answers();
    return copy;
  }

  /** Gives the master of a snapshot its new password, as RDS does. */
  async takeOver(master: string, password: string): Promise<void> {
    await this.query('postgres', async (client) => {
      await client.query('SET log_min_duration_statement = -1; SET log_min_error_statement = panic');
      await client.query(`ALTER ROLE ${client.escapeIdentifier(master)} PASSWORD ${client.escapeLiteral(password)}`);
    });
  }

  /** Makes what RDS makes: a master that is not a superuser, its database, and the roles that RDS grants. */
  async createDatabase(database: string, master: string, password: string): Promise<void> {
    await this.query('postgres', async (client) => {
      const [role, name] = [client.escapeIdentifier(master), client.escapeIdentifier(database)];
      // A slow statement is logged, and this one has a password.
      await client.query('SET log_min_duration_statement = -1; SET log_min_error_statement = panic');
      await client.query(`CREATE ROLE rds_superuser NOLOGIN; CREATE ROLE rds_iam NOLOGIN;
        GRANT pg_monitor, pg_signal_backend, pg_checkpoint TO rds_superuser WITH ADMIN OPTION;
        CREATE ROLE ${role} LOGIN NOSUPERUSER CREATEROLE CREATEDB PASSWORD ${client.escapeLiteral(password)};
        GRANT rds_superuser TO ${role};`);
      await client.query(`CREATE DATABASE ${name} OWNER ${role}`);
    });
  }

  /** Runs SQL as the superuser, over the socket that only the rehearsal reaches. */
  async query<T>(database: string, use: (client: Client) => Promise<T>): Promise<T> {
    const client = this.client(database);
    await client.connect();
    try {
      return await use(client);
    } finally {
      await client.end();
    }
  }

  /** A connection of the superuser over that socket, to open and to end. */
  client(database: string): Client {
    return new Client({ host: this.place.data, port: this.port, user: 'rdsadmin', database });
  }

  /** How many more connections the server allows to those who are no superusers. */
  freeConnections(): Promise<number> {
    return this.query('postgres', async (client) => {
      const { rows } = await client.query<{ free: string }>(
        `SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
           - count(*) AS free FROM pg_stat_activity WHERE backend_type = 'client backend'`,
      );
      return Number(rows[0].free);
    });
  }

  /** Ends every connection and comes back with what it had committed, as a failover would. */
  async restart(pauseMilliseconds = 0): Promise<void> {
    await this.pause();
    await sleep(pauseMilliseconds);
    this.process = launch(this.props, this.place);
    await this.answers();
  }

  private async pause(): Promise<void> {
    const gone = new Promise((resolve) => this.process.once('exit', resolve));
    this.process.kill('SIGINT');
    await gone;
  }

  private async answers(): Promise<void> {
    await eventually(
      'PostgreSQL accepts connections',
      HANG_SECONDS,
      () => this.query('postgres', async () => true),
      50,
    );
  }
}

/** Makes an empty database cluster with the server's certificate and settings, or one from a snapshot. */
function initialise({ binaries, certificate, parameters, announce, snapshot }: PostgresProps, data: string): void {
  if (snapshot === undefined) {
    const [program, args, user] = asUnprivileged(path.join(binaries, 'bin', 'initdb'), [
      ...['-D', data],
      ...['-U', 'rdsadmin'],
      '--auth=trust',
      ...['-E', 'UTF8'],
      '--locale=C',
      '--no-sync',
      '--no-instructions',
    ]);
    execFileSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'], env: environment(binaries), cwd: '/', ...user });
  } else {
    execFileSync('cp', ['-a', snapshot, data]);
    truncateSync(path.join(data, 'postgresql.auto.conf')); // It says where the log was kept.
  }
  for (const [file, name] of [
    [certificate.certFile, 'server.crt'],
    [certificate.keyFile, 'server.key'],
  ]) {
    const target = path.join(data, name);
    copyFileSync(file, target);
    chmodSync(target, 0o600);
    if (isRoot()) {
      chownSync(target, UNPRIVILEGED, UNPRIVILEGED);
    }
  }
  const forced = parameters['rds.force_ssl'] !== '0';
  writeFileSync(
    path.join(data, 'pg_hba.conf'),
    `local all,replication rdsadmin trust\n${forced ? 'hostssl' : 'host'} all all 127.0.0.1/32 scram-sha-256\n`,
  );
  appendFileSync(path.join(data, 'postgresql.conf'), configuration(parameters, announce).join('\n'));
}

/** Starts the server; it answers a moment later. */
function launch({ sandbox, binaries }: PostgresProps, { data, port, address }: Place): ChildProcess {
  const log = openSync(path.join(sandbox.directory, SERVER_LOG), 'a');
  const settings = {
    port,
    listen_addresses: address ?? LOOPBACK,
    unix_socket_directories: data,
    ssl: 'on',
    fsync: 'off',
  };
  const [program, args, user] = asUnprivileged(path.join(binaries, 'bin', 'postgres'), [
    ...['-D', data],
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ]);
  const stdio = ['ignore', log, log] satisfies StdioOptions;
  const child = sandbox.spawn(program, args, { stdio, env: environment(binaries), cwd: '/', ...user });
  closeSync(log);
  return child;
}

/** A command as it runs without root's rights: program, arguments, and options for spawn. */
function asUnprivileged(program: string, args: string[]): [string, string[], Omit<Identity, 'prefix'>] {
  const found = isRoot() ? identity(UNPRIVILEGED, { program, args: ['--version'], cwd: '/' }) : YOURSELF;
  if (found === undefined) {
    throw new Error(`PostgreSQL refuses to run as root, and user ${UNPRIVILEGED} cannot read ${program}.`);
  }
  const { prefix, ...user } = found;
  const [first, ...rest] = [...prefix, program, ...args];
  return [first, rest, user];
}

function environment(binaries: string): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH, LC_ALL: 'C', LD_LIBRARY_PATH: path.join(binaries, 'lib') };
}

/** Parameters that a plain server knows; those of RDS itself and its formulas stay paper. */
function configuration(parameters: Readonly<Record<string, string>>, announce: Announce): string[] {
  const usable = Object.entries(parameters).filter(([name, value]) => !name.includes('.') && !/[{}]/.test(value));
  const paper = Object.keys(parameters).filter((name) => !usable.some(([used]) => used === name));
  const unforced = paper.filter((name) => name !== 'rds.force_ssl');
  if (unforced.length > 0) {
    announce.substitution(`database parameters that only RDS knows: ${unforced.join(', ')}`);
  }
  return ['', ...usable.map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'`), ''];
}
