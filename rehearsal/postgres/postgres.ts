import { type ChildProcess, execFileSync } from 'node:child_process';
import { appendFileSync, chmodSync, chownSync, closeSync, copyFileSync, openSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Client } from 'pg';
import type { Announce } from '../announce';
import type { Certificate } from '../edge/certificates';
import { freePort, LOOPBACK } from '../edge/ports';
import { type Identity, identity, YOURSELF } from '../task/identity';
import { isRoot, type Sandbox } from '../task/sandbox';
import { eventually } from '../wait';

/** PostgreSQL refuses to run as root; this is `nobody`. */
const UNPRIVILEGED = 65534;

export interface PostgresProps {
  readonly sandbox: Sandbox;
  readonly binaries: string;
  readonly certificate: Certificate;
  readonly announce: Announce;
  /** From the template's parameter group. */
  readonly parameters: Readonly<Record<string, string>>;
}

/** A real server with TLS, run by nobody's user, whose superuser belongs to "RDS" alone. */
export class PostgresServer {
  static async start(props: PostgresProps): Promise<PostgresServer> {
    const server = new PostgresServer(props, await freePort());
    server.initialise();
    await server.up();
    return server;
  }

  readonly host = 'localhost';
  private readonly data: string;
  private child?: ChildProcess;

  private constructor(
    private readonly props: PostgresProps,
    readonly port: number,
  ) {
    this.data = path.join(props.sandbox.folder('postgres', UNPRIVILEGED), 'data');
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
    const client = new Client({ host: this.data, port: this.port, user: 'rdsadmin', database });
    await client.connect();
    try {
      return await use(client);
    } finally {
      await client.end();
    }
  }

  /** Ends every connection and comes back with what it had committed, as a failover would. */
  async restart(pauseMilliseconds = 0): Promise<void> {
    const { child } = this;
    const gone = new Promise((resolve) => child?.once('exit', resolve));
    child?.kill('SIGINT');
    await gone;
    await new Promise((resolve) => setTimeout(resolve, pauseMilliseconds));
    await this.up();
  }

  private initialise(): void {
    const { binaries, certificate, parameters, announce } = this.props;
    const initdb = path.join(binaries, 'bin', 'initdb');
    const { prefix, ...user } = this.user(initdb);
    const [program, ...args] = [
      ...prefix,
      initdb,
      ...[
        '-D',
        this.data,
        '-U',
        'rdsadmin',
        '--auth=trust',
        '-E',
        'UTF8',
        '--locale=C',
        '--no-sync',
        '--no-instructions',
      ],
    ];
    execFileSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'], env: this.environment(), cwd: '/', ...user });
    for (const [file, name] of [
      [certificate.certFile, 'server.crt'],
      [certificate.keyFile, 'server.key'],
    ]) {
      const target = path.join(this.data, name);
      copyFileSync(file, target);
      chmodSync(target, 0o600);
      if (isRoot()) {
        chownSync(target, UNPRIVILEGED, UNPRIVILEGED);
      }
    }
    const forced = parameters['rds.force_ssl'] !== '0';
    writeFileSync(
      path.join(this.data, 'pg_hba.conf'),
      `local all rdsadmin trust\n${forced ? 'hostssl' : 'host'} all all 127.0.0.1/32 scram-sha-256\n`,
    );
    appendFileSync(path.join(this.data, 'postgresql.conf'), configuration(parameters, announce).join('\n'));
  }

  private async up(): Promise<void> {
    const log = openSync(path.join(this.props.sandbox.directory, 'postgres.log'), 'a');
    const settings = {
      port: this.port,
      listen_addresses: LOOPBACK,
      unix_socket_directories: this.data,
      ssl: 'on',
      fsync: 'off',
    };
    const postgres = path.join(this.props.binaries, 'bin', 'postgres');
    const { prefix, ...user } = this.user(postgres);
    const [program, ...args] = [
      ...prefix,
      postgres,
      ...['-D', this.data],
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ];
    this.child = this.props.sandbox.spawn(program, args, {
      stdio: ['ignore', log, log],
      env: this.environment(),
      cwd: '/',
      ...user,
    });
    closeSync(log);
    await eventually('PostgreSQL accepts connections', 20, () => this.query('postgres', async () => true), 50);
  }

  /** Root must become somebody else; everybody else is welcome. */
  private user(program: string): Identity {
    if (!isRoot()) {
      return YOURSELF;
    }
    const found = identity(UNPRIVILEGED, { program, args: ['--version'], cwd: '/' });
    if (found === undefined) {
      throw new Error(`PostgreSQL refuses to run as root, and user ${UNPRIVILEGED} cannot read ${program}.`);
    }
    return found;
  }

  private environment(): NodeJS.ProcessEnv {
    return { PATH: process.env.PATH, LC_ALL: 'C', LD_LIBRARY_PATH: path.join(this.props.binaries, 'lib') };
  }
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
