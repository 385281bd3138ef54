import type { Metric, MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import type { Connections } from 'aws-cdk-lib/aws-ec2';
import type { Secret as ContainerSecret } from 'aws-cdk-lib/aws-ecs';
import type { Grant, IGrantable } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { IDatabaseCluster, IDatabaseInstance } from 'aws-cdk-lib/aws-rds';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct, type IDependable } from 'constructs';
import { containerSecret, grantSecretRead } from '../../core/key-policy';
import { databaseMetric, writerMetric } from '../database-server';
import type { DatabaseVariables } from '../database-variables';
import type { IPostgresDatabase } from '../postgres-database';

/**
 * What a database that is made here and one that exists already have in common.
 *
 * @internal
 */
export abstract class PostgresDatabaseBase extends Construct implements IPostgresDatabase {
  public abstract readonly instance?: IDatabaseInstance;
  public abstract readonly cluster?: IDatabaseCluster;
  public abstract readonly readReplicas: IDatabaseInstance[];
  public abstract readonly applicationSecret: ISecret;
  public abstract readonly ownerSecret: ISecret;
  public abstract readonly containerEnvironment: { [name: string]: string };
  public abstract readonly containerSecrets: { [name: string]: ContainerSecret };
  public abstract readonly ownerContainerSecrets: { [name: string]: ContainerSecret };
  public abstract readonly ready: IDependable;
  public abstract readonly maxConnections?: number;
  public abstract readonly burstable?: boolean;
  public abstract readonly connections: Connections;
  public abstract readonly changingSecrets: ISecret[];
  public abstract readonly changingOwnerSecrets: ISecret[];
  public abstract readonly rotationFunctions: IFunction[];

  /** Grants read access to the application's secret. */
  public grantRead(grantee: IGrantable): Grant {
    return grantSecretRead(this.applicationSecret, grantee);
  }

  /** A metric of the instance, or of the cluster as a whole, in `AWS/RDS`. */
  public metric(metricName: string, options?: MetricOptions): Metric {
    return databaseMetric(this, metricName, options);
  }

  /** Percentage of CPU in use, average over 5 minutes. */
  public metricCPUUtilization(options?: MetricOptions): Metric {
    return writerMetric(this, 'CPUUtilization', options);
  }

  /**
   * Free storage in bytes, average over 5 minutes: of a cluster, the local storage of the writer, for
   * temporary files.
   */
  public metricFreeStorageSpace(options?: MetricOptions): Metric {
    return writerMetric(this, this.cluster === undefined ? 'FreeStorageSpace' : 'FreeLocalStorage', options);
  }

  /** Free memory in bytes, average over 5 minutes. */
  public metricFreeableMemory(options?: MetricOptions): Metric {
    return writerMetric(this, 'FreeableMemory', options);
  }

  /** Connections in use, average over 5 minutes. */
  public metricDatabaseConnections(options?: MetricOptions): Metric {
    return writerMetric(this, 'DatabaseConnections', options);
  }

  /** CPU credits left, minimum over 5 minutes. Burstable classes only. */
  public metricCpuCreditBalance(options?: MetricOptions): Metric {
    return writerMetric(this, 'CPUCreditBalance', { statistic: 'Minimum', ...options });
  }

  /** Transaction ids in use, maximum over 5 minutes: the database stops at two billion. */
  public metricMaximumUsedTransactionIDs(options?: MetricOptions): Metric {
    return writerMetric(this, 'MaximumUsedTransactionIDs', { statistic: 'Maximum', ...options });
  }
}

/** The variables of a container that tell it where the database is and how to log in. */
export function databaseSecrets(secret: ISecret, { names }: DatabaseVariables): { [name: string]: ContainerSecret } {
  return {
    [names.host]: containerSecret(secret, 'host'),
    [names.port]: containerSecret(secret, 'port'),
    [names.name]: containerSecret(secret, 'dbname'),
    [names.user]: containerSecret(secret, 'username'),
    [names.password]: containerSecret(secret, 'password'),
    ...(names.url === undefined ? {} : { [names.url]: containerSecret(secret, 'url') }),
  };
}

/**
 * The variables that make libpq verify whom it talks to; both, because the certificates alone do not even ask
 * for TLS.
 */
export function tlsEnvironment(caBundlePath: string): { [name: string]: string } {
  return { PGSSLMODE: 'verify-full', PGSSLROOTCERT: caBundlePath };
}
