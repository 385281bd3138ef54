import type { Metric, MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import type { IDatabaseCluster } from 'aws-cdk-lib/aws-rds';
import type { IPostgresDatabase } from './postgres-database';

/** The instance or the cluster of a database. */
type Server = Pick<IPostgresDatabase, 'instance' | 'cluster'>;

/** What is known of a cluster that is made here, or was brought. */
interface Known {
  readonly _hasReaders?: boolean;
  readonly _isServerless?: boolean;
}

/**
 * Whether a cluster has readers, as far as it is known.
 *
 * @internal
 */
export function hasReaders(database: Server): boolean {
  return (database as Known)._hasReaders === true;
}

/**
 * Whether a cluster is serverless, as far as it is known.
 *
 * @internal
 */
export function isServerless(database: Server): boolean {
  return (database as Known)._isServerless === true;
}

/**
 * The name of the instance or the cluster.
 *
 * @internal
 */
export function identifierOf({ instance, cluster }: Server): string {
  return cluster?.clusterIdentifier ?? of(instance).instanceIdentifier;
}

/**
 * The ARN of the instance or the cluster.
 *
 * @internal
 */
export function arnOf({ instance, cluster }: Server): string {
  return cluster?.clusterArn ?? of(instance).instanceArn;
}

/**
 * The resource id of the instance or the cluster, which a new one of the same name does not have; undefined
 * where it is not known.
 *
 * @internal
 */
export function resourceIdOf({ instance, cluster }: Server): string | undefined {
  return cluster === undefined ? of(instance).instanceResourceId : clusterResourceIdOf(cluster);
}

/**
 * The major version of PostgreSQL; undefined where it is not known.
 *
 * @internal
 */
export function majorVersionOf({ instance, cluster }: Server): string | undefined {
  return (cluster ?? of(instance)).engine?.engineVersion?.majorVersion;
}

/**
 * A metric of the instance, or of the cluster as a whole.
 *
 * @internal
 */
export function databaseMetric({ instance, cluster }: Server, name: string, options?: MetricOptions): Metric {
  return (cluster ?? of(instance)).metric(name, options);
}

/**
 * A metric of the instance, or of whichever instance of the cluster writes: the average over a busy writer
 * and idle readers would hide it.
 *
 * @internal
 */
export function writerMetric(database: Server, name: string, options?: MetricOptions): Metric {
  return databaseMetric(database, name, { ...roleOf(database, 'WRITER'), ...options });
}

/**
 * A metric of the readers of a cluster together.
 *
 * @internal
 */
export function readerMetric(database: Server, name: string, options?: MetricOptions): Metric {
  return databaseMetric(database, name, { ...roleOf(database, 'READER'), ...options });
}

function roleOf({ cluster }: Server, Role: 'WRITER' | 'READER'): MetricOptions {
  return cluster === undefined ? {} : { dimensionsMap: { DBClusterIdentifier: cluster.clusterIdentifier, Role } };
}

/** An imported cluster throws where nobody said its resource id. */
function clusterResourceIdOf(cluster: IDatabaseCluster): string | undefined {
  try {
    return cluster.clusterResourceIdentifier;
  } catch {
    return undefined;
  }
}

function of<T>(instance: T | undefined): T {
  if (instance === undefined) {
    throw new Error('A database must have an `instance` or a `cluster`: give IPostgresDatabase one of the two.');
  }
  return instance;
}
