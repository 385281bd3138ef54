import { Stack } from 'aws-cdk-lib';
import type { Metric, MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import { Connections, type IConnectable, type InstanceType, type IVpc, Port } from 'aws-cdk-lib/aws-ec2';
import type { Secret as ContainerSecret } from 'aws-cdk-lib/aws-ecs';
import type { Grant, IGrantable } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { CfnDBInstance, IDatabaseCluster, IDatabaseInstance, PostgresEngineVersion } from 'aws-cdk-lib/aws-rds';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import { type Construct, DependencyGroup, type IDependable } from 'constructs';
import { Checks } from '../core/checks';
import type { CaBundle } from '../core/handler-function';
import { checkKinds, pathOf } from '../core/kinds';
import { namesInProfile, type Profile } from '../core/profile';
import { shownMoment } from './arriving/source';
import type { DatabaseOptions } from './database-options';
import type { DatabaseVariables } from './database-variables';
import { databaseLogins, databaseSecretsOf } from './logins/logins';
import type { DatabaseIdentity } from './made-database';
import type { PointInTime } from './point-in-time';
import { BroughtDatabase } from './private/brought';
import { checkBrought, checkDatabase, checkDatabaseEffects } from './private/checks';
import { connectionLimit, isBurstable, maxConnectionsOf } from './private/classes';
import { type FilledProps, warnOfClass, withDefaults } from './private/defaults';
import { databaseEvents } from './private/events';
import { checkCaBundle } from './private/handlers';
import { databaseInstance, databaseSecurityGroup, databaseSettings } from './private/instance';
import { instanceIdentifierOf } from './private/logs';
import { databaseSecrets, PostgresDatabaseBase, tlsEnvironment } from './private/postgres-database-base';
import { connectionsWithReplicas, readReplicas, replicaEnvironment } from './private/replicas';

/** A PostgreSQL database, and what the processes of an application need to use it. */
export interface IPostgresDatabase extends IConnectable {
  /**
   * The RDS instance.
   *
   * @default - none: the database is a cluster
   */
  readonly instance?: IDatabaseInstance;
  /**
   * The Aurora cluster.
   *
   * @default - none: the database is an instance
   */
  readonly cluster?: IDatabaseCluster;
  /** Secret of a login that reads and changes rows: JSON with host, port, dbname, username and password. */
  readonly applicationSecret: ISecret;
  /**
   * Secret of a login that also creates, alters and drops, never the master's: JSON as in
   * `applicationSecret`.
   *
   * It is `applicationSecret` where one login does everything.
   */
  readonly ownerSecret: ISecret;
  /**
   * PGSSLMODE and PGSSLROOTCERT, which make libpq verify the server's certificate, and with read replicas or
   * readers DATABASE_REPLICA_HOST.
   */
  readonly containerEnvironment: { [name: string]: string };
  /** Address and login from the application's secret, for `DatabaseAccess.READ_WRITE`. */
  readonly containerSecrets: { [name: string]: ContainerSecret };
  /** The same variables from the owner's secret, for releases and `DatabaseAccess.OWNER`. */
  readonly ownerContainerSecrets: { [name: string]: ContainerSecret };
  /**
   * The application's secret, where it can change while processes run and the change can be noticed: by its
   * full ARN. Empty otherwise.
   *
   * `SecretRefresh` replaces the processes that read it.
   */
  readonly changingSecrets: ISecret[];
  /** The same of the owner's secret, for services with `DatabaseAccess.OWNER`. */
  readonly changingOwnerSecrets: ISecret[];
  /**
   * The functions that rotate its passwords, for alarms on their errors; none where nothing of ours rotates
   * them.
   */
  readonly rotationFunctions: IFunction[];
  /** What must be deployed before a process starts: the roles in the database and the complete secret. */
  readonly ready: IDependable;
  /**
   * Number of connections that the instance, or the writer of the cluster, allows.
   *
   * @default - not known
   */
  readonly maxConnections?: number;
  /**
   * Whether the instance is of a burstable class, whose CPU credits can run out.
   *
   * @default - not known
   */
  readonly burstable?: boolean;
  /**
   * Its read replicas, which listen on the port of the instance. The readers of a cluster are not among them.
   */
  readonly readReplicas: IDatabaseInstance[];
  /** Grants read access to the application's secret. */
  grantRead(grantee: IGrantable): Grant;
  /** A metric of the instance, or of the cluster as a whole, in `AWS/RDS`. */
  metric(metricName: string, options?: MetricOptions): Metric;
  /** Percentage of CPU in use, average over 5 minutes. */
  metricCPUUtilization(options?: MetricOptions): Metric;
  /**
   * Free storage in bytes, average over 5 minutes.
   *
   * That of a cluster grows by itself: there it is the local storage of the writer, for temporary files.
   */
  metricFreeStorageSpace(options?: MetricOptions): Metric;
  /** Free memory in bytes, average over 5 minutes. */
  metricFreeableMemory(options?: MetricOptions): Metric;
  /** Connections in use, average over 5 minutes. */
  metricDatabaseConnections(options?: MetricOptions): Metric;
  /** CPU credits left, minimum over 5 minutes. Burstable classes only. */
  metricCpuCreditBalance(options?: MetricOptions): Metric;
  /**
   * Transaction ids in use, maximum over 5 minutes.
   *
   * The database stops accepting writes at about two billion.
   */
  metricMaximumUsedTransactionIDs(options?: MetricOptions): Metric;
}

/** Options of a database. */
export interface PostgresDatabaseOptions extends DatabaseOptions {
  /**
   * Version of PostgreSQL.
   *
   * With a major version alone, RDS installs minor versions by itself.
   *
   * @default PostgresEngineVersion.VER_17
   */
  readonly engineVersion?: PostgresEngineVersion;
  /**
   * Whether a higher major version in `engineVersion` upgrades the instance.
   *
   * @default false
   */
  readonly allowMajorVersionUpgrade?: boolean;
  /**
   * Class and size of the instance.
   *
   * @default - from the profile: production t4g.medium, development t4g.micro
   */
  readonly instanceType?: InstanceType;
  /**
   * Initial storage in GiB.
   *
   * @default - from the profile: 20
   */
  readonly allocatedStorage?: number;
  /**
   * Size in GiB up to which RDS enlarges the storage by itself.
   *
   * @default - from the profile: production 200, development 50
   */
  readonly maxAllocatedStorage?: number;
  /**
   * Whether there is a standby in a second availability zone.
   *
   * @default - from the profile: production true, development false
   */
  readonly multiAz?: boolean;
  /**
   * Number of read replicas, 0 to 15, each of the same class as the instance.
   *
   * Every process gets their host names in DATABASE_REPLICA_HOST; port, name and logins are those of the
   * instance. `databases()` and `ReplicaRouter` of `runtime/` use them.
   *
   * **RDS raises a minor version of the instance only when each replica has it:** name a major version alone
   * in `engineVersion`, or raise the replicas by hand before you deploy another minor one. A major version
   * goes to the instance, and RDS raises its replicas along with it.
   *
   * Where the instance is kept, a replica that you take away is kept, too: delete it by hand before you add
   * it again, since its name is taken.
   *
   * @default 0
   */
  readonly readReplicas?: number;
  /**
   * Name of the instance.
   *
   * The log groups and read replicas are named after it.
   *
   * CloudFormation cannot replace an instance that keeps its name. A change that would replace it, and lose
   * its data, fails until you give another name.
   *
   * @default - generated from the place in the tree
   */
  readonly instanceIdentifier?: string;
  /**
   * Snapshot to start from, by name or ARN.
   *
   * It must be encrypted, and the instance keeps its key. The master user keeps its name and gets the
   * password of its new secret. `engineVersion` must be the major version of the snapshot, and
   * `allocatedStorage` no less than its storage: only RDS knows both, and refuses others when the stack is
   * deployed. A snapshot of another instance may have any names: give them as `databaseName` and
   * `masterUsername`. What its roles own becomes the application's (`takeOwnershipFrom`).
   *
   * **Never remove or change this later: CloudFormation would replace the instance and its data.**
   *
   * @default - an empty database
   */
  readonly snapshotIdentifier?: string;
  /**
   * Moment of another instance to start from, in place of a snapshot: as it was at a time, or as it is now.
   *
   * Everything that `snapshotIdentifier` says of the snapshot holds for that instance. It goes on as it is.
   *
   * **Never remove or change this later: CloudFormation would replace the instance and its data, or promote
   * what it takes for a replica.**
   *
   * @default - none
   */
  readonly pointInTime?: PointInTime;
}

/** Properties of `PostgresDatabase`. */
export interface PostgresDatabaseProps extends PostgresDatabaseOptions {
  /** VPC of the instance. */
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

/** What must be known about an existing database. */
export interface PostgresDatabaseAttributes {
  /** The instance. */
  readonly instance: IDatabaseInstance;
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
   * Port of the instance, when `instance` only knows it at deployment.
   *
   * @default - the port of `instance`
   */
  readonly port?: number;
  /**
   * Its read replicas in the same region, which must listen on the same port and allow as many connections.
   *
   * @default - none
   */
  readonly readReplicas?: IDatabaseInstance[];
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
   * Number of connections that the instance allows.
   *
   * @default - not known, and not checked
   */
  readonly maxConnections?: number;
  /**
   * Whether the instance is of a burstable class, whose CPU credits can run out.
   *
   * @default - not known, and not watched
   */
  readonly burstable?: boolean;
}

/**
 * An RDS for PostgreSQL instance for a Django application: encrypted, private, TLS only, backed up and
 * monitored.
 *
 * It has three secrets: one for the master user, one for releases, which own the tables, and one for what
 * serves, which cannot alter them. A handler creates their roles before anything connects. All passwords
 * rotate. Running tasks must be replaced after a rotation, which `SecretRefresh` does.
 *
 * @example
 * declare const vpc: ec2.IVpc;
 * const database = new PostgresDatabase(this, 'Database', {
 *   vpc,
 *   instanceType: new ec2.InstanceType('m7g.large'),
 * });
 *
 * @see https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_PostgreSQL.html
 */
export class PostgresDatabase extends PostgresDatabaseBase {
  /** Uses an existing database, with the secret of a login for the application. */
  public static fromPostgresDatabaseAttributes(
    scope: Construct,
    id: string,
    attrs: PostgresDatabaseAttributes,
  ): IPostgresDatabase {
    checkKinds(pathOf(scope, id), 'PostgresDatabaseAttributes', attrs);
    checkBrought(pathOf(scope, id), attrs);
    const { instance, readReplicas = [] } = attrs;
    const connections = connectionsWithReplicas(attrs);
    const hosts = readReplicas.map(({ dbInstanceEndpointAddress }) => dbInstanceEndpointAddress);
    return new BroughtDatabase(scope, id, { ...attrs, server: instance, readReplicas, connections, hosts });
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
  /** Secret of the master user, which only RDS and our handlers use. */
  public readonly masterSecret: ISecret;
  /** The read replicas. */
  public readonly readReplicas: IDatabaseInstance[];
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
   * Authorities that functions trust which connect to the instance, besides their own.
   *
   * @internal
   */
  public readonly _caBundle?: CaBundle;

  constructor(scope: Construct, id: string, props: PostgresDatabaseProps) {
    super(scope, id);
    checkKinds(this, 'PostgresDatabaseProps', props);
    const filled = withDefaults(props, Stack.of(this).region);
    validate(this, props, filled);
    if (props.instanceType === undefined) {
      warnOfClass(this, props.profile, filled.instanceType, 'RDS');
    }

    const unattached = databaseSecretsOf(this, filled);
    const securityGroup = databaseSecurityGroup(this, filled);
    const settings = databaseSettings(this, filled, securityGroup);
    const instance = databaseInstance(this, filled, settings, unattached.master);
    const { attrDbiResourceId: resourceId } = instance.node.defaultChild as CfnDBInstance;
    const server = { target: instance, resourceId, servers: [], securityGroup, unattached };
    const logins = databaseLogins(this, filled, server);
    const { applicationSecret, ownerSecret } = logins;
    const replicas = readReplicas(this, filled, settings, instance);
    if (filled.eventTopic !== undefined) {
      databaseEvents(this, filled.eventTopic, {
        instanceIdentifiers: [instance, ...replicas].map((each) => each.instanceIdentifier),
        parameterGroupName: settings.parameterGroup.bindToInstance({}).parameterGroupName,
      });
    }
    const hosts = replicas.map(({ dbInstanceEndpointAddress }) => dbInstanceEndpointAddress);

    this._identity = identityOf(this, filled);
    this._caBundle = logins.caBundle;
    this.instance = instance;
    this.masterSecret = logins.masterSecret;
    this.applicationSecret = applicationSecret;
    this.ownerSecret = ownerSecret;
    this.readReplicas = replicas;
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
    this.maxConnections = connectionLimit(maxConnectionsOf(filled.instanceType), filled.parameters?.max_connections);
    this.burstable = isBurstable(filled.instanceType);
  }
}

function identityOf(scope: Construct, filled: FilledProps): DatabaseIdentity {
  const { applicationUser, databaseName, masterUsername, port, snapshotIdentifier } = filled;
  const instanceIdentifier = filled.instanceIdentifier ?? instanceIdentifierOf(scope);
  const pointInTime = filled.pointInTime && shownMoment(filled.pointInTime);
  return { applicationUser, databaseName, instanceIdentifier, masterUsername, pointInTime, port, snapshotIdentifier };
}

function validate(scope: Construct, props: PostgresDatabaseProps, filled: FilledProps): void {
  const checks = new Checks(scope).called(
    namesInProfile(props, {
      instanceType: 'databaseInstanceType',
      allocatedStorage: 'databaseStorageGiB',
      maxAllocatedStorage: 'databaseMaxStorageGiB',
      backupRetention: 'backupRetention',
    }),
  );
  checkDatabaseEffects(checks, props);
  checkDatabase(checks, scope, filled, props);
  checkCaBundle(checks, 'handlerCaBundle', props.handlerCaBundle);
  checks.throwIfAny();
}
