import type { Announce } from '../announce';
import type { Certificate, CertificateAuthority } from '../edge/certificates';
import { use } from '../image/cache';
import { makeDatabaseRoles } from '../postgres/database-roles';
import { PostgresServer } from '../postgres/postgres';
import { postgresBinaries } from '../postgres/postgres-binaries';
import type { Sandbox } from '../task/sandbox';
import { type Assembly, resourcesOfType } from '../template/assembly';
import type { Intrinsics } from '../template/intrinsics';
import { ACCOUNT } from './aws';
import { Doubles } from './doubles';
import {
  attachSecrets,
  type DatabaseSettings,
  databaseSettings,
  provisionBuckets,
  provisionQueues,
  provisionSecrets,
  type Queue,
  SecretStore,
} from './provision';

export interface BackingProps {
  readonly assembly: Assembly;
  readonly intrinsics: Intrinsics;
  readonly sandbox: Sandbox;
  readonly cache: string;
  readonly announce: Announce;
  readonly authority: CertificateAuthority;
  /** What the database shows. */
  readonly certificate: Certificate;
  /** A fault for the mutation proof: breaks the database before the release. */
  readonly breakDatabase?: (postgres: PostgresServer, database: string) => Promise<void>;
}

/** What the processes use: PostgreSQL, queues, secrets and buckets, made from the template's own resources. */
export class Backing {
  queues = new Map<string, Queue>();
  secrets!: SecretStore;
  doubles!: Doubles;
  postgres?: PostgresServer;
  database?: string;

  constructor(private readonly props: BackingProps) {}

  async provision(): Promise<void> {
    const { assembly, intrinsics, sandbox, cache, announce } = this.props;
    announce.progress('doubles of SQS, Secrets Manager and S3');
    const venv = await Doubles.install(cache);
    use(sandbox.directory, [venv]);
    this.doubles = await Doubles.start(sandbox, venv, assembly.region);
    this.secrets = new SecretStore(this.doubles);
    const settings = databaseSettings(assembly, intrinsics, this.secrets, announce);
    if (settings !== undefined) {
      this.postgres = await this.startPostgres(settings);
    }
    await provisionSecrets(assembly, intrinsics, this.secrets);
    if (settings !== undefined && this.postgres !== undefined) {
      await this.createDatabase(settings, this.postgres);
    }
    announce.progress('queues and buckets');
    this.queues = await provisionQueues(assembly, intrinsics, this.doubles);
    await provisionBuckets(assembly, intrinsics, this.doubles);
  }

  close(): void {
    void this.doubles?.gate.close().catch(() => undefined);
  }

  private async startPostgres({ major, parameters }: DatabaseSettings): Promise<PostgresServer> {
    const { assembly, intrinsics, sandbox, cache, announce, certificate } = this.props;
    announce.progress(`PostgreSQL ${major} with TLS`);
    const binaries = postgresBinaries(cache, major, announce);
    const postgres = await PostgresServer.start({ sandbox, binaries, certificate, announce, parameters });
    for (const { id } of resourcesOfType(assembly.template, 'AWS::RDS::DBInstance')) {
      intrinsics.register(id, {
        ref: id,
        attributes: {
          'Endpoint.Address': postgres.host,
          'Endpoint.Port': String(postgres.port),
          DBInstanceArn: `arn:aws:rds:${assembly.region}:${ACCOUNT}:db:${id}`,
          DbiResourceId: `db-${id}`,
        },
      });
    }
    return postgres;
  }

  private async createDatabase(settings: DatabaseSettings, postgres: PostgresServer): Promise<void> {
    const { assembly, intrinsics, announce, authority, certificate, breakDatabase } = this.props;
    // The master's name and password are looked up now that the secrets exist.
    const now = databaseSettings(assembly, intrinsics, this.secrets, announce) ?? settings;
    this.database = now.name ?? 'postgres';
    const password = await now.password();
    this.secrets.remember(password);
    await postgres.createDatabase(this.database, await now.master(), password);
    await attachSecrets(assembly, intrinsics, this.secrets, {
      host: postgres.host,
      port: postgres.port,
      database: now.name,
    });
    await makeDatabaseRoles({
      assembly,
      intrinsics,
      doubles: this.doubles,
      ca: authority.certificate,
      server: certificate,
      region: assembly.region,
      announce,
    });
    await breakDatabase?.(postgres, this.database);
  }
}
