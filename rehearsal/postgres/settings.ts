import type { Announce } from '../announce';
import type { SecretStore } from '../aws/secrets';
import type { Assembly } from '../template/assembly';
import type { Intrinsics } from '../template/intrinsics';
import { capacityClass, maxConnections } from './instance-class';

/** A machine for development has memory for so many; a larger number would prove nothing more. */
const MOST_CONNECTIONS = 500;

const CLUSTER = 'AWS::RDS::DBCluster';

/** What the database of a template, an instance or a cluster, asks of its server. */
export interface DatabaseSettings {
  readonly id: string;
  readonly major: number;
  readonly name?: string;
  /** The snapshot of RDS that it starts from. */
  readonly snapshot?: string;
  readonly master: () => Promise<string>;
  readonly password: () => Promise<string>;
  readonly parameters: Record<string, string>;
}

/** Where the settings of the database are read from. */
export interface DatabaseSources {
  readonly assembly: Assembly;
  readonly intrinsics: Intrinsics;
  readonly secrets: SecretStore;
  readonly announce: Announce;
}

export function databaseSettings(sources: DatabaseSources): DatabaseSettings | undefined {
  const { assembly, intrinsics, secrets, announce } = sources;
  const [database, ...others] = databasesOf(intrinsics);
  if (others.length > 0) {
    announce.substitution(`only the first database of the template is rehearsed: ${database.id}`);
  }
  if (database === undefined) {
    return undefined;
  }
  const raw = database.resource.Properties ?? {};
  const group = assembly.template.Resources[String((raw.DBParameterGroupName ?? raw.DBClusterParameterGroupName)?.Ref)];
  const properties = intrinsics.properties(database.resource);
  const parameters = group === undefined ? {} : (intrinsics.properties(group).Parameters ?? {});
  const given: Record<string, string> = Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => [name, String(value)]),
  );
  const limit =
    database.resource.Type === CLUSTER
      ? clusterLimit(intrinsics, database, given.max_connections, announce)
      : connectionLimit(String(properties.DBInstanceClass), given.max_connections, announce);
  const major = Number(/\d+/.exec(String(properties.EngineVersion ?? group?.Properties?.Family ?? '17'))?.[0]);
  const [roles] = intrinsics
    .created('Custom::DatabaseRoles')
    .map(({ resource }) => ({ properties: intrinsics.properties(resource) }));
  const reference = (text: string) => /\{\{resolve:secretsmanager:([^}]+)\}\}/.exec(text)?.[1];
  const lookUp = async (text: string) => {
    const found = reference(text);
    if (found === undefined) {
      return text;
    }
    const parts = found.split(':');
    return String(JSON.parse(await secrets.read(parts.slice(0, 7).join(':')))[parts[8]]);
  };
  return {
    id: database.id,
    major,
    name: properties.DBName ?? properties.DatabaseName ?? roles?.properties.Database,
    snapshot: properties.DBSnapshotIdentifier ?? properties.SnapshotIdentifier,
    // A snapshot has its master, whom the secret names as well.
    master: () =>
      lookUp(
        String(properties.MasterUsername ?? String(properties.MasterUserPassword).replace(':password:', ':username:')),
      ),
    password: () => lookUp(String(properties.MasterUserPassword)),
    parameters: { ...given, ...limit },
  };
}

/** Clusters, and instances that are neither in one nor replicas. */
export function databasesOf(intrinsics: Intrinsics) {
  const instances = intrinsics
    .created('AWS::RDS::DBInstance')
    .filter(({ resource: { Properties } }) => Properties?.SourceDBInstanceIdentifier === undefined)
    .filter(({ resource: { Properties } }) => Properties?.DBClusterIdentifier === undefined);
  return [...intrinsics.created(CLUSTER), ...instances];
}

/** The instances of a cluster, the writer first. */
export function instancesOf(intrinsics: Intrinsics, clusterId: string) {
  return intrinsics
    .created('AWS::RDS::DBInstance')
    .filter(({ resource }) => resource.Properties?.DBClusterIdentifier?.Ref === clusterId)
    .sort((one, other) => tierOf(one.resource) - tierOf(other.resource));
}

function tierOf({ Properties }: { readonly Properties?: { readonly PromotionTier?: number } }): number {
  return Properties?.PromotionTier ?? 0;
}

/** As an instance of the class has it, or one that scales to so many units of 2 GiB. */
function clusterLimit(
  intrinsics: Intrinsics,
  cluster: ReturnType<typeof databasesOf>[number],
  parameter: string | undefined,
  announce: Announce,
): Record<string, string> {
  const [writer] = instancesOf(intrinsics, cluster.id);
  const { ServerlessV2ScalingConfiguration: capacity } = intrinsics.properties(cluster.resource);
  const instanceClass = String(writer?.resource.Properties?.DBInstanceClass);
  if (capacity !== undefined && instanceClass === 'db.serverless') {
    announce.substitution('the cluster never pauses here, and a request never waits until it has resumed');
  }
  return connectionLimit(capacity === undefined ? instanceClass : capacityClass(capacity), parameter, announce);
}

/** As many connections as RDS allows on the class; PostgreSQL's own 100 for a class that is not known. */
export function connectionLimit(
  instanceClass: string,
  parameter: string | undefined,
  announce: Pick<Announce, 'substitution'>,
): Record<string, string> {
  const limit = maxConnections(instanceClass, parameter);
  if (limit === undefined) {
    announce.substitution(`max_connections is 100: the rehearsal does not know the memory of ${instanceClass}`);
    return {};
  }
  const here = Math.min(limit, MOST_CONNECTIONS);
  if (here < limit) {
    announce.substitution(`max_connections is ${here}, RDS has ${limit} on ${instanceClass}`);
  } else if (parameter === undefined || parameter.includes('{')) {
    announce.substitution(
      `max_connections is ${here}: what RDS makes of the memory of ${instanceClass}, rather too few`,
    );
  }
  return { max_connections: String(here) };
}
