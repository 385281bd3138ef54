import type { Announce } from '../announce';
import { provisionCaches } from '../cache/provision';
import type { ValkeyServer } from '../cache/valkey-server';
import type { Certificate, CertificateAuthority } from '../edge/certificates';
import { REPLICA_ADDRESS } from '../edge/ports';
import { use } from '../image/cache';
import { makeDatabaseRoles } from '../postgres/database-roles';
import { PostgresServer } from '../postgres/postgres';
import { postgresBinaries } from '../postgres/postgres-binaries';
import { type DatabaseSettings, databaseSettings, instancesOf } from '../postgres/settings';
import type { Sandbox } from '../task/sandbox';
import { type Assembly, resourcesOfType } from '../template/assembly';
import type { Intrinsics } from '../template/intrinsics';
import type { KeyGroups } from './cloudfront/key-groups';
import { provisionSigningKeys } from './cloudfront/provision';
import { Doubles } from './doubles';
import { provisionParameters } from './outside-values';
import { provisionQueues, type Queue } from './queues';
import { attachSecrets, provisionSecrets, SecretStore } from './secrets';
import { provisionSigned, type SignedServices } from './signed/provision';

export interface BackingProps {
  readonly assembly: Assembly;
  readonly intrinsics: Intrinsics;
  readonly sandbox: Sandbox;
  readonly cache: string;
  readonly announce: Announce;
  readonly authority: CertificateAuthority;
  /** What the database shows. */
  readonly certificate: Certificate;
  /** As in `RehearsalProps`. */
  readonly snapshots?: ReadonlyMap<string, string>;
  /** A fault for the mutation proof: breaks the database before the release. */
  readonly breakDatabase?: (postgres: PostgresServer, database: string) => Promise<void>;
}

/** The services that processes use: PostgreSQL, queues, secrets and buckets, made from the template. */
export interface Backing {
  readonly queues: ReadonlyMap<string, Queue>;
  readonly secrets: SecretStore;
  readonly doubles: Doubles;
  readonly postgres?: PostgresServer;
  /** What stands for all read replicas of the database. */
  readonly replica?: PostgresServer;
  /** Name of the application's database. */
  readonly database?: string;
  /** Caches by the logical ids of their replication groups. */
  readonly caches: ReadonlyMap<string, ValkeyServer>;
  /** What tasks call with the credentials of their role. */
  readonly signed: SignedServices;
  /** Public keys that a distribution trusts. */
  readonly keyGroups: KeyGroups;
  /** Variables of every task, beside those of its definition. */
  readonly environment: Readonly<Record<string, string>>;
  /** Values of the parameters that the template makes, by name. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** Starts the backing services, and tells `intrinsics` what the template's references to them mean here. */
export async function provisionBacking(props: BackingProps): Promise<Backing> {
  const { assembly, intrinsics, sandbox, cache, announce } = props;
  announce.progress('doubles of SQS, Secrets Manager and S3');
  const venv = await Doubles.install(cache);
  use(sandbox.directory, [venv]);
  const doubles = await Doubles.start(sandbox, venv, assembly);
  const secrets = new SecretStore(doubles);
  const settings = databaseSettings({ assembly, intrinsics, secrets, announce });
  const postgres = settings && (await startPostgres(props, settings));
  await provisionSecrets(assembly, intrinsics, secrets);
  const database = postgres && (await createDatabase(props, { postgres, doubles, secrets }));
  const address = replicaAddress(intrinsics);
  const replica = address === undefined ? undefined : await postgres?.replica(address);
  const { servers: caches, environment } = await provisionCaches(props, doubles, secrets);
  const keyGroups = await provisionSigningKeys(props, doubles, secrets);
  announce.progress('queues, buckets and mail');
  const queues = await provisionQueues(assembly, intrinsics, doubles);
  const signed = await provisionSigned(props, doubles, secrets);
  const parameters = provisionParameters(assembly.stackName, intrinsics);
  return { queues, secrets, doubles, postgres, replica, database, caches, environment, signed, keyGroups, parameters };
}

async function startPostgres(props: BackingProps, settings: DatabaseSettings): Promise<PostgresServer> {
  const { assembly, intrinsics, sandbox, cache, announce, certificate } = props;
  const { major, parameters } = settings;
  announce.progress(`PostgreSQL ${major} with TLS`);
  const binaries = postgresBinaries(cache, major, announce);
  const snapshot = snapshotOf(props, settings);
  if (settings.snapshot !== undefined && snapshot === undefined) {
    announce.substitution(`the snapshot ${settings.snapshot} is an empty database`);
  }
  const postgres = await PostgresServer.start({ sandbox, binaries, certificate, announce, parameters, snapshot });
  const address = replicaAddress(intrinsics);
  const replicas = replicasOf(intrinsics);
  if (replicas.length > 0 && address === undefined) {
    announce.substitution('read replicas are the database itself: this machine has one loopback address');
  } else if (replicas.length > 1) {
    announce.substitution(`${replicas.length} read replicas are one`);
  }
  for (const { id } of resourcesOfType(assembly.template, 'AWS::RDS::DBCluster')) {
    announce.substitution('Aurora is PostgreSQL itself, and a reader replays its log as a replica');
    intrinsics.register(id, {
      ref: id,
      attributes: {
        'Endpoint.Address': postgres.host,
        'Endpoint.Port': String(postgres.port),
        'ReadEndpoint.Address': address ?? postgres.host,
        DBClusterArn: `arn:aws:rds:${assembly.region}:${assembly.account}:cluster:${id}`,
        DBClusterResourceId: `cluster-${id}`,
      },
    });
  }
  for (const { id } of resourcesOfType(assembly.template, 'AWS::RDS::DBInstance')) {
    const isReplica = replicas.some((replica) => replica.id === id);
    intrinsics.register(id, {
      ref: id,
      attributes: {
        'Endpoint.Address': (isReplica ? address : undefined) ?? postgres.host,
        'Endpoint.Port': String(postgres.port),
        DBInstanceArn: `arn:aws:rds:${assembly.region}:${assembly.account}:db:${id}`,
        DbiResourceId: `db-${id}`,
      },
    });
  }
  return postgres;
}

/** The data of the snapshot that the template names. */
function snapshotOf({ snapshots }: BackingProps, settings?: DatabaseSettings): string | undefined {
  return snapshots?.get(settings?.snapshot ?? '');
}

/** Read replicas of an instance, and readers of a cluster. */
function replicasOf(intrinsics: Intrinsics) {
  const replicas = intrinsics
    .created('AWS::RDS::DBInstance')
    .filter(({ resource }) => resource.Properties?.SourceDBInstanceIdentifier !== undefined);
  const readers = intrinsics.created('AWS::RDS::DBCluster').flatMap(({ id }) => instancesOf(intrinsics, id).slice(1));
  return [...replicas, ...readers];
}

/** Where read replicas listen; undefined without any, and where a machine has one loopback address alone. */
function replicaAddress(intrinsics: Intrinsics): string | undefined {
  return replicasOf(intrinsics).length > 0 && process.platform === 'linux' ? REPLICA_ADDRESS : undefined;
}

/** Makes the application's database and its roles; gives its name. The secrets exist by now. */
async function createDatabase(
  props: BackingProps,
  { postgres, doubles, secrets }: { postgres: PostgresServer; doubles: Doubles; secrets: SecretStore },
): Promise<string> {
  const { assembly, intrinsics, announce, authority, certificate, breakDatabase } = props;
  // Read again: the master's name and password are references to secrets, which only resolve now.
  const settings = databaseSettings({ assembly, intrinsics, secrets, announce });
  const database = settings?.name ?? 'postgres';
  const [master, password] = [(await settings?.master()) ?? '', (await settings?.password()) ?? ''];
  secrets.remember(password);
  await (snapshotOf(props, settings) === undefined
    ? postgres.createDatabase(database, master, password)
    : postgres.takeOver(master, password));
  const { host, port } = postgres;
  await attachSecrets({ intrinsics, secrets, host, port, database: settings?.name });
  const { region } = assembly;
  const [ca, server] = [authority.certificate, certificate];
  await makeDatabaseRoles({ assembly, intrinsics, doubles, ca, server, region, announce });
  await breakDatabase?.(postgres, database);
  return database;
}
