import { Stack } from 'aws-cdk-lib';
import type { Metric, MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import { Connections, type InstanceType, type IVpc, Port } from 'aws-cdk-lib/aws-ec2';
import type { Secret as ContainerSecret } from 'aws-cdk-lib/aws-ecs';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type {
  AuroraPostgresEngineVersion,
  DBClusterStorageType,
  IDatabaseCluster,
  IDatabaseInstance,
} from 'aws-cdk-lib/aws-rds';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import { type Construct, DependencyGroup, type IDependable } from 'constructs';
import { Checks } from '../core/checks';
import type { CaBundle } from '../core/handler-function';
import { checkKinds, pathOf } from '../core/kinds';
import { namesInProfile, type Profile } from '../core/profile';
import { checkCluster } from './aurora/checks';
import { databaseCluster } from './aurora/cluster';
import { type FilledClusterProps, withClusterDefaults } from './aurora/defaults';
import type { ServerlessCapacity } from './aurora/serverless-capacity';
import type { DatabaseOptions } from './database-options';
import { readerMetric, writerMetric } from './database-server';
import type { DatabaseVariables } from './database-variables';
import { databaseLogins, databaseSecretsOf } from './logins/logins';
import type { DatabaseIdentity } from './made-database';
import type { IPostgresDatabase } from './postgres-database';
import { BroughtDatabase } from './private/brought';
import { checkBroughtDatabase } from './private/checks';
import { connectionLimit, connectionsOfCapacity, isBurstable, maxConnectionsOf } from './private/classes';
import { warnOfClass } from './private/defaults';
import { clusterEvents } from './private/events';
import { checkCaBundle } from './private/handlers';
import { databaseSecurityGroup } from './private/instance';
import { instanceIdentifierOf } from './private/logs';
import { databaseSecrets, PostgresDatabaseBase, tlsEnvironment } from './private/postgres-database-base';
import { replicaEnvironment } from './private/replicas';

/** Options of an Aurora cluster. */
export interface AuroraPostgresDatabaseOptions extends DatabaseOptions {
  /**
   * Version of Aurora PostgreSQL. A major version alone is written `AuroraPostgresEngineVersion.of('17',
   * '17')`.
   *
   * With a major version alone, RDS installs minor versions by itself.
   *
   * **A higher major version upgrades the cluster, and cannot be taken back.**
   *
   * @default AuroraPostgresEngineVersion.of('17', '17')
   */
  readonly engineVersion?: AuroraPostgresEngineVersion;
  /**
   * Class and size of the writer and of each reader.
   *
   * @default - from the profile: production t4g.medium, development none: the cluster is serverless
   */
  readonly instanceType?: InstanceType;
  /**
   * Capacities of the writer and of each reader of Aurora Serverless v2, in place of a class.
   *
   * @default - production none: the instances have a class, development 0 to 2 ACUs
   */
  readonly serverless?: ServerlessCapacity;
  /**
   * Number of readers, 0 to 15.
   *
   * One of them becomes the writer when that fails, within about a minute. Without any, RDS makes the writer
   * anew, which takes ten. Every process gets their common endpoint in DATABASE_REPLICA_HOST; port, name and
   * logins are those of the cluster.
   *
   * @default - from the profile: 1 where `multiAz` is true, otherwise 0
   */
  readonly readers?: number;
  /**
   * How storage is paid for.
   *
   * AURORA_IOPT1 costs nothing for reads and writes, and more for instances and storage. RDS changes back to
   * it once in 30 days.
   *
   * @default DBClusterStorageType.AURORA
   */
  readonly storageType?: DBClusterStorageType;
  /**
   * Name of the cluster.
   *
   * The log group is named after it.
   *
   * CloudFormation cannot replace a cluster that keeps its name. A change that would replace it, and lose its
   * data, fails until you give another name.
   *
   * @default - generated from the place in the tree
   */
  readonly clusterIdentifier?: string;
  /**
   * Snapshot to start from: of a cluster, by name or ARN, or of an RDS for PostgreSQL instance, by ARN.
   *
   * It must be encrypted, and the cluster keeps its key. The master user keeps its name and gets the password
   * of its new secret. `engineVersion` must be the major version of the snapshot: only RDS knows it, and
   * refuses others when the stack is deployed. A snapshot of another database may have any names: give them
   * as `databaseName` and `masterUsername`. What its roles own becomes the application's
   * (`takeOwnershipFrom`).
   *
   * CloudFormation cannot restore a cluster to a point in time and set a password for its master user:
   * restore it by hand, make a snapshot of that, and start from the snapshot.
   *
   * **Never remove or change this later: CloudFormation would replace the cluster and its data.**
   *
   * @default - an empty database
   */
  readonly snapshotIdentifier?: string;
}

/** Properties of `AuroraPostgresDatabase`. */
export interface AuroraPostgresDatabaseProps extends AuroraPostgresDatabaseOptions {
  /** VPC of the cluster. */
  readonly vpc: IVpc;
  /**
   * Environment whose defaults apply.
   *
   * @default Profile.production()
   */
  readonly profile?: Profile;
  /**
   * Key that encrypts storage, secrets, performance data and logs.
   *
   * @default - the account's keys, managed by AWS
   */
  readonly encryptionKey?: IKey;
}

/** What must be known about an existing Aurora cluster. */
export interface AuroraPostgresDatabaseAttributes {
  /** The cluster. Its `clusterReadEndpoint` is used where it `hasReaders`. */
  readonly cluster: IDatabaseCluster;
  /**
   * Secret of the application's login: JSON with host, port, dbname, username and password.
   *
   * And with url, where `variables` has one.
   */
  readonly applicationSecret: ISecret;
  /**
   * Secret of the login that migrations run as, in the same form.
   *
   * @default - `applicationSecret`: one login does everything
   */
  readonly ownerSecret?: ISecret;
  /**
   * Port of the cluster, when `cluster` does not know it.
   *
   * @default - the port of `cluster`
   */
  readonly port?: number;
  /**
   * Whether the cluster has readers: processes get their endpoint in DATABASE_REPLICA_HOST.
   *
   * @default false
   */
  readonly hasReaders?: boolean;
  /**
   * Names of the variables in the container.
   *
   * @default DatabaseVariables.DATABASE
   */
  readonly variables?: DatabaseVariables;
  /**
   * Path of the RDS certificate bundle in the image.
   *
   * @default '/etc/ssl/certs/rds-global-bundle.pem'
   */
  readonly caBundlePath?: string;
  /**
   * Number of connections that each instance allows.
   *
   * @default - not known, and not checked
   */
  readonly maxConnections?: number;
}

/**
 * An Aurora PostgreSQL cluster for a Django application, provisioned or Serverless v2: encrypted, private,
 * TLS only, backed up and monitored.
 *
 * Secrets, roles and rotation are those of `PostgresDatabase`, and processes use the one as the other.
 * Storage grows by itself, and lies in three zones whatever the number of instances.
 *
 * **A cluster that scales to zero pauses only while nobody is connected,** so `DjangoApplication` refuses
 * what never lets go of the database beside it. The pools of `runtime/` do.
 *
 * @example
 * declare const vpc: ec2.IVpc;
 * const database = new AuroraPostgresDatabase(this, 'Database', {
 *   vpc,
 *   serverless: { minCapacity: 0.5, maxCapacity: 16 },
 *   readers: 1,
 * });
 *
 * @see https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Aurora.AuroraPostgreSQL.html
 */
export class AuroraPostgresDatabase extends PostgresDatabaseBase {
  /** Uses an existing cluster, with the secret of a login for the application. */
  public static fromAuroraPostgresDatabaseAttributes(
    scope: Construct,
    id: string,
    attrs: AuroraPostgresDatabaseAttributes,
  ): IPostgresDatabase {
    checkKinds(pathOf(scope, id), 'AuroraPostgresDatabaseAttributes', attrs);
    checkBroughtDatabase(new Checks(pathOf(scope, id)), attrs);
    const { cluster, port } = attrs;
    const { securityGroups } = cluster.connections;
    const connections =
      port === undefined ? cluster.connections : new Connections({ securityGroups, defaultPort: Port.tcp(port) });
    const hosts = attrs.hasReaders ? [cluster.clusterReadEndpoint.hostname] : [];
    return new BroughtDatabase(scope, id, { ...attrs, server: cluster, readReplicas: [], connections, hosts });
  }

  public readonly instance?: IDatabaseInstance;
  public readonly cluster?: IDatabaseCluster;
  public readonly applicationSecret: ISecret;
  public readonly ownerSecret: ISecret;
  public readonly containerEnvironment: { [name: string]: string };
  public readonly containerSecrets: { [name: string]: ContainerSecret };
  public readonly ownerContainerSecrets: { [name: string]: ContainerSecret };
  public readonly ready: IDependable;
  public readonly maxConnections?: number;
  public readonly burstable?: boolean;
  public readonly connections: Connections;
  public readonly changingSecrets: ISecret[];
  public readonly changingOwnerSecrets: ISecret[];
  public readonly readReplicas: IDatabaseInstance[] = [];
  /** Secret of the master user, which only RDS and our handlers use. */
  public readonly masterSecret: ISecret;
  /**
   * Lambda functions that rotate the passwords of the application's logins and of the master.
   *
   * Empty when rotation is off.
   */
  public readonly rotationFunctions: IFunction[];
  /**
   * What must stay as it was first deployed.
   *
   * @internal
   */
  public readonly _identity: DatabaseIdentity;
  /**
   * Authorities that functions trust which connect to the cluster, besides their own.
   *
   * @internal
   */
  public readonly _caBundle?: CaBundle;
  /** @internal */
  public readonly _hasReaders: boolean;
  /** @internal */
  public readonly _isServerless: boolean;
  /**
   * Seconds without a connection after which the cluster pauses; undefined where it never does.
   *
   * @internal
   */
  public readonly _pausesAfter?: number;

  constructor(scope: Construct, id: string, props: AuroraPostgresDatabaseProps) {
    super(scope, id);
    checkKinds(this, 'AuroraPostgresDatabaseProps', props);
    const filled = withClusterDefaults(props, Stack.of(this).region);
    validate(this, props, filled);
    if (props.instanceType === undefined && filled.instanceType !== undefined) {
      warnOfClass(this, props.profile, filled.instanceType, 'Aurora');
    }

    const unattached = databaseSecretsOf(this, filled);
    const securityGroup = databaseSecurityGroup(this, filled);
    const { cluster, cfn, instances } = databaseCluster(this, filled, securityGroup, unattached.master);
    const resourceId = cfn.attrDbClusterResourceId;
    const server = { target: cluster, resourceId, servers: instances, securityGroup, unattached };
    const logins = databaseLogins(this, filled, server);
    const { applicationSecret, ownerSecret } = logins;
    if (filled.eventTopic !== undefined) {
      clusterEvents(this, filled.eventTopic, cluster);
    }
    const hosts = filled.readers > 0 ? [cluster.clusterReadEndpoint.hostname] : [];

    this._identity = identityOf(this, filled);
    this._caBundle = logins.caBundle;
    this._hasReaders = hosts.length > 0;
    this._isServerless = filled.serverless !== undefined;
    this._pausesAfter = filled.serverless?.autoPause?.toSeconds();
    this.cluster = cluster;
    this.masterSecret = logins.masterSecret;
    this.applicationSecret = applicationSecret;
    this.ownerSecret = ownerSecret;
    this.rotationFunctions = logins.rotationFunctions;
    this.changingSecrets = logins.isRotated ? [applicationSecret] : [];
    this.changingOwnerSecrets = logins.isRotated ? [ownerSecret] : [];
    this.connections = new Connections({ securityGroups: [securityGroup], defaultPort: Port.tcp(filled.port) });
    this.containerEnvironment = {
      ...tlsEnvironment(filled.caBundlePath),
      ...replicaEnvironment(hosts, filled.variables),
    };
    this.containerSecrets = databaseSecrets(applicationSecret, filled.variables);
    this.ownerContainerSecrets = databaseSecrets(ownerSecret, filled.variables);
    this.ready = new DependencyGroup(logins.roles.resource, applicationSecret, ownerSecret);
    this.maxConnections = connectionLimit(allowedConnections(filled), filled.parameters?.max_connections);
    this.burstable = filled.instanceType !== undefined && isBurstable(filled.instanceType);
  }

  /** Capacity in use in ACUs, average over 5 minutes. Serverless clusters only. */
  public metricServerlessDatabaseCapacity(options?: MetricOptions): Metric {
    return writerMetric(this, 'ServerlessDatabaseCapacity', options);
  }

  /** Share of the most capacity in use, in percent, average over 5 minutes. Serverless clusters only. */
  public metricACUUtilization(options?: MetricOptions): Metric {
    return writerMetric(this, 'ACUUtilization', options);
  }

  /** Milliseconds that the readers are behind the writer, average over 5 minutes. */
  public metricAuroraReplicaLag(options?: MetricOptions): Metric {
    return readerMetric(this, 'AuroraReplicaLag', options);
  }
}

/** How many connections each instance allows. */
function allowedConnections({ instanceType, serverless }: FilledClusterProps): number | undefined {
  return serverless === undefined
    ? maxConnectionsOf(instanceType as InstanceType)
    : connectionsOfCapacity(serverless.minCapacity, serverless.maxCapacity);
}

function identityOf(scope: Construct, filled: FilledClusterProps): DatabaseIdentity {
  const { applicationUser, databaseName, masterUsername, port, snapshotIdentifier } = filled;
  const clusterIdentifier = filled.clusterIdentifier ?? instanceIdentifierOf(scope);
  return { applicationUser, clusterIdentifier, databaseName, masterUsername, port, snapshotIdentifier };
}

function validate(scope: Construct, props: AuroraPostgresDatabaseProps, filled: FilledClusterProps): void {
  const checks = new Checks(scope).called(
    namesInProfile(props, {
      instanceType: 'databaseInstanceType',
      backupRetention: 'backupRetention',
    }),
  );
  checkCluster(checks, scope, filled, props);
  checkCaBundle(checks, 'handlerCaBundle', props.handlerCaBundle);
  checks.throwIfAny();
}
