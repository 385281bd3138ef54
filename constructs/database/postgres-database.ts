import type { Duration, RemovalPolicy } from 'aws-cdk-lib';
import type { Metric, MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import {
  Connections,
  type IConnectable,
  type IInterfaceVpcEndpoint,
  type InstanceType,
  type IVpc,
  Port,
  SecurityGroup,
  type SubnetSelection,
} from 'aws-cdk-lib/aws-ec2';
import type { Secret as ContainerSecret } from 'aws-cdk-lib/aws-ecs';
import type { Grant, IGrantable } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type {
  CaCertificate,
  CfnDBInstance,
  DatabaseInsightsMode,
  EngineLifecycleSupport,
  IDatabaseInstance,
  PostgresEngineVersion,
} from 'aws-cdk-lib/aws-rds';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { type Construct, DependencyGroup, type IDependable } from 'constructs';
import { Checks } from '../core/checks';
import { CA_BUNDLE_PATH } from '../core/contract';
import { allowLogGroups } from '../core/key-policy';
import type { Profile } from '../core/profile';
import { DatabaseVariables } from './database-variables';
import { PasswordRotation } from './password-rotation';
import { checkDatabase } from './private/checks';
import { maxConnectionsOf } from './private/classes';
import { withDefaults } from './private/defaults';
import { databaseEvents } from './private/events';
import { DatabaseHandlers } from './private/handlers';
import { databaseInstance, databaseSettings } from './private/instance';
import { loginsOf, ownerLoginsOf, servingRoleOf } from './private/names';
import { databaseSecrets, PostgresDatabaseBase, tlsEnvironment } from './private/postgres-database-base';
import { readReplicas } from './private/replicas';
import { DatabaseRoles } from './private/roles';
import { DatabaseRotation } from './private/rotation';
import { databaseSecret } from './private/secrets';

/** A PostgreSQL database of an application, and what its processes need to use it. */
export interface IPostgresDatabase extends IConnectable {
  /** The RDS instance. */
  readonly instance: IDatabaseInstance;
  /** Secret of a login that reads and changes rows: JSON with host, port, dbname, username and password. */
  readonly applicationSecret: ISecret;
  /** Secret of a login that also creates, alters and drops, never the master's: JSON as in `applicationSecret`, which it is where there is no second login. */
  readonly ownerSecret: ISecret;
  /** PGSSLMODE and PGSSLROOTCERT: processes verify whom they talk to. */
  readonly containerEnvironment: { [name: string]: string };
  /** Where the database is and how to log in, from the application's secret: for `DatabaseAccess.READ_WRITE`. */
  readonly containerSecrets: { [name: string]: ContainerSecret };
  /** The same variables from the owner's secret: for releases and `DatabaseAccess.OWNER`. */
  readonly ownerContainerSecrets: { [name: string]: ContainerSecret };
  /** What a process must wait for before it starts: the roles exist, the secret is complete. */
  readonly ready: IDependable;
  /** How many connections the instance allows. @default - not known */
  readonly maxConnections?: number;
  /** Lets someone read the secret of the application. */
  grantRead(grantee: IGrantable): Grant;
  /** A metric of the instance in `AWS/RDS`. */
  metric(metricName: string, options?: MetricOptions): Metric;
  /** Percentage of CPU in use, average over 5 minutes. */
  metricCPUUtilization(options?: MetricOptions): Metric;
  /** Free storage in bytes, average over 5 minutes. */
  metricFreeStorageSpace(options?: MetricOptions): Metric;
  /** Free memory in bytes, average over 5 minutes. */
  metricFreeableMemory(options?: MetricOptions): Metric;
  /** Connections in use, average over 5 minutes. */
  metricDatabaseConnections(options?: MetricOptions): Metric;
  /** CPU credits left, minimum over 5 minutes. Burstable classes only. */
  metricCpuCreditBalance(options?: MetricOptions): Metric;
  /** Transaction ids in use, maximum over 5 minutes: the database stops at two billion. */
  metricMaximumUsedTransactionIDs(options?: MetricOptions): Metric;
}

/** What can be chosen for a database. */
export interface PostgresDatabaseOptions {
  /** Subnets of the instance, in at least two zones. @default - isolated subnets, or private ones where the VPC has no isolated ones */
  readonly vpcSubnets?: SubnetSelection;
  /** Version of PostgreSQL. A major version alone follows minor versions by itself. @default PostgresEngineVersion.VER_17 */
  readonly engineVersion?: PostgresEngineVersion;
  /** Whether RDS may go to the next major version when `engineVersion` says so. @default false */
  readonly allowMajorVersionUpgrade?: boolean;
  /** Whether the version gets paid support after its community support has ended. @default EngineLifecycleSupport.OPEN_SOURCE_RDS_EXTENDED_SUPPORT_DISABLED */
  readonly engineLifecycleSupport?: EngineLifecycleSupport;
  /** Class and size of the instance. @default - from the profile: production t4g.medium, development t4g.micro */
  readonly instanceType?: InstanceType;
  /** Storage at first, in GiB. @default - from the profile: 20 */
  readonly allocatedStorage?: number;
  /** Up to how many GiB storage grows by itself. @default - from the profile: production 200, development 50 */
  readonly maxAllocatedStorage?: number;
  /** Whether there is a standby in a second zone. @default - from the profile: production true, development false */
  readonly multiAz?: boolean;
  /** Read replicas, 0 to 5, each of the same class. @default 0 */
  readonly readReplicas?: number;
  /** Port that PostgreSQL listens on; 5432, which everybody tries first, is refused. @default 15432 */
  readonly port?: number;
  /**
   * Name of the instance. The log groups and read replicas are named after it. CloudFormation does not replace an instance under
   * the name that it has, so a change that would lose data by replacement fails until another name is given.
   * @default - generated from the place in the tree
   */
  readonly instanceIdentifier?: string;
  /** Name of the database. With `snapshotIdentifier`: the name that it has in the snapshot. @default 'django' */
  readonly databaseName?: string;
  /** Name of the master user, for RDS and our handlers alone. With `snapshotIdentifier`: the name that it has in the snapshot. @default 'django_master' */
  readonly masterUsername?: string;
  /**
   * Name of the role that owns the database and all that migrations make, up to 53 characters. It cannot log in. Releases do as one of two logins,
   * the name with `_release_a` or `_release_b` behind it, and become the owner. What serves logs in as the name with `_a` or `_b` behind it and
   * becomes the role with `_serving` behind it, which reads and changes rows and cannot create, alter or drop anything.
   * @default 'django'
   */
  readonly applicationUser?: string;
  /** What the variables of a container are called. @default DatabaseVariables.DATABASE */
  readonly variables?: DatabaseVariables;
  /** Path of the RDS certificate bundle in the image. @default '/etc/ssl/certs/rds-global-bundle.pem' */
  readonly caBundlePath?: string;
  /** More parameters of PostgreSQL. @default - TLS forced, pg_stat_statements, statements over 500 ms logged, idle transactions ended after 60 s */
  readonly parameters?: { [name: string]: string };
  /** How long automated backups are kept, 7 to 35 days. @default - from the profile: production 14 days, development 7 days */
  readonly backupRetention?: Duration;
  /** When automated backups are made, UTC, at least 30 minutes. @default '03:00-04:00' */
  readonly preferredBackupWindow?: string;
  /** When RDS may install updates, UTC, at least 30 minutes. @default 'sun:04:30-sun:05:30' */
  readonly preferredMaintenanceWindow?: string;
  /** Whether RDS refuses to delete the instance. @default - from the profile: production true, development false */
  readonly deletionProtection?: boolean;
  /** What happens to the instance when it leaves the stack. @default - from the profile: production RETAIN, development SNAPSHOT */
  readonly removalPolicy?: RemovalPolicy;
  /** How long the log groups keep events. @default - from the profile: production one year, development one month */
  readonly logRetention?: RetentionDays;
  /** Level of Database Insights. ADVANCED keeps 15 months of performance data and costs more. @default - from the profile: STANDARD */
  readonly databaseInsightsMode?: DatabaseInsightsMode;
  /** Authority that signs the certificate of the instance, not RSA4096: the handlers do not know it. @default CaCertificate.RDS_CA_RSA2048_G1 */
  readonly caCertificate?: CaCertificate;
  /**
   * Snapshot to begin with, by name or ARN; it must be encrypted, and its key stays. The master keeps the name that it has in the snapshot and gets the
   * password of its new secret. Keep it for as long as the instance lives: CloudFormation takes a removed or changed snapshot for
   * the wish for another instance.
   * @default - an empty database
   */
  readonly snapshotIdentifier?: string;
  /** Topic that hears what happens to the instance, and of invocations of the handlers that got lost; it must let `events.rds.amazonaws.com` publish, as that of `Notifications` does. @default - none */
  readonly eventTopic?: ITopic;
  /**
   * Subnets of the handlers that make the roles and rotate the passwords. They need a way to Secrets Manager and to S3.
   * @default - private subnets with a way out, or isolated ones where the VPC has no such subnets
   */
  readonly handlerSubnets?: SubnetSelection;
  /**
   * Interface endpoint for Secrets Manager that lets the handlers' subnets in. Required when these are isolated; the network
   * then needs the S3 gateway endpoint, too.
   * @default - the handlers take their way out through a NAT gateway
   */
  readonly secretsManagerEndpoint?: IInterfaceVpcEndpoint;
  /** How the password of the application's login changes; anything but OFF rotates the master's too. @default PasswordRotation.ALTERNATING_LOGINS */
  readonly passwordRotation?: PasswordRotation;
  /**
   * Time between two rotations, in whole days. Services must be replaced within it, as `SecretRefresh` does: a login that was given up is refused
   * after the next rotation. Of alternating logins a password lives for two periods, which the default keeps below the 90 days that auditors ask for.
   * @default Duration.days(30)
   */
  readonly passwordRotationPeriod?: Duration;
  /** Concurrency reserved for each handler. An account with a quota of 10 cannot reserve any. @default - none reserved */
  readonly handlerReservedConcurrency?: number;
}

/** Properties of `PostgresDatabase`. */
export interface PostgresDatabaseProps extends PostgresDatabaseOptions {
  /** Network of the instance. */
  readonly vpc: IVpc;
  /** Where defaults that differ by environment come from. @default Profile.production() */
  readonly profile?: Profile;
  /** Key that encrypts storage, secrets, performance data and logs. @default - the account's keys, managed by AWS */
  readonly encryptionKey?: IKey;
}

/** A database that exists already. */
export interface PostgresDatabaseAttributes {
  /** The instance. */
  readonly instance: IDatabaseInstance;
  /** Secret of the application's login: JSON with host, port, dbname, username and password. */
  readonly applicationSecret: ISecret;
  /** Secret of the login that migrations run as, in the same form. @default - `applicationSecret`: one login does everything */
  readonly ownerSecret?: ISecret;
  /** Port of the instance, where it is not known from `instance` before deployment. @default - the port of `instance` */
  readonly port?: number;
  /** What the variables of a container are called. @default DatabaseVariables.DATABASE */
  readonly variables?: DatabaseVariables;
  /** Path of the RDS certificate bundle in the image. @default '/etc/ssl/certs/rds-global-bundle.pem' */
  readonly caBundlePath?: string;
  /** How many connections the instance allows. @default - not known, and not checked */
  readonly maxConnections?: number;
}

/**
 * An RDS for PostgreSQL instance for a Django application: encrypted, private, TLS only, backed up and monitored, with a secret
 * for its master, one for releases, which own the tables, and one for what serves, which cannot alter them. Their roles exist before anything
 * connects. All passwords rotate; running processes must be replaced after that, which `SecretRefresh` does.
 *
 * @example
 * declare const vpc: ec2.IVpc;
 * const database = new PostgresDatabase(this, 'Database', { vpc, instanceType: new ec2.InstanceType('m7g.large') });
 * @see https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_PostgreSQL.html
 */
export class PostgresDatabase extends PostgresDatabaseBase {
  /** Uses a database that exists already, with the secret of a login that was made for the application. */
  public static fromPostgresDatabaseAttributes(
    scope: Construct,
    id: string,
    attrs: PostgresDatabaseAttributes,
  ): IPostgresDatabase {
    class Import extends PostgresDatabaseBase {
      public readonly instance = attrs.instance;
      public readonly applicationSecret = attrs.applicationSecret;
      public readonly ownerSecret = attrs.ownerSecret ?? attrs.applicationSecret;
      public readonly containerEnvironment = tlsEnvironment(attrs.caBundlePath ?? CA_BUNDLE_PATH);
      public readonly containerSecrets = databaseSecrets(
        attrs.applicationSecret,
        attrs.variables ?? DatabaseVariables.DATABASE,
      );
      public readonly ownerContainerSecrets = databaseSecrets(
        attrs.ownerSecret ?? attrs.applicationSecret,
        attrs.variables ?? DatabaseVariables.DATABASE,
      );
      public readonly ready = new DependencyGroup(
        attrs.instance,
        attrs.applicationSecret,
        ...(attrs.ownerSecret === undefined ? [] : [attrs.ownerSecret]),
      );
      public readonly maxConnections = attrs.maxConnections;
      public readonly connections =
        attrs.port === undefined
          ? attrs.instance.connections
          : new Connections({
              securityGroups: attrs.instance.connections.securityGroups,
              defaultPort: Port.tcp(attrs.port),
            });
    }
    return new Import(scope, id);
  }

  public readonly instance: IDatabaseInstance;
  public readonly applicationSecret: ISecret;
  public readonly ownerSecret: ISecret;
  public readonly containerEnvironment: { [name: string]: string };
  public readonly containerSecrets: { [name: string]: ContainerSecret };
  public readonly ownerContainerSecrets: { [name: string]: ContainerSecret };
  public readonly ready: IDependable;
  public readonly maxConnections?: number;
  public readonly connections: Connections;
  /** Secret of the master user, for RDS and our handlers alone. */
  public readonly masterSecret: ISecret;
  /** The read replicas. */
  public readonly readReplicas: IDatabaseInstance[];
  /** The functions that rotate the passwords of the application's logins and of the master; none where rotation is off. */
  public readonly rotationFunctions: IFunction[];

  constructor(scope: Construct, id: string, props: PostgresDatabaseProps) {
    super(scope, id);
    const filled = withDefaults(props);
    const checks = new Checks(this);
    checkDatabase(checks, filled);
    checks.throwIfAny();
    const { vpc, encryptionKey, databaseName, applicationUser, port } = filled;
    const rotated = filled.passwordRotation !== PasswordRotation.OFF;
    const kept = { encryptionKey, removalPolicy: filled.secretsAndLogsRemovalPolicy };
    const applicationRoles = {
      owner: applicationUser,
      ownerLogins: ownerLoginsOf(applicationUser),
      serving: servingRoleOf(applicationUser),
      servingLogins: loginsOf(applicationUser),
    };

    allowLogGroups(this, encryptionKey);
    const masterSecret = databaseSecret(this, 'MasterSecret', {
      ...kept,
      rotated,
      description: 'Master user of the database: for RDS and the handlers that look after it',
      username: filled.masterUsername,
      databaseName,
    });
    const applicationSecret = databaseSecret(this, 'ApplicationSecret', {
      ...kept,
      rotated,
      description: 'Login of the application in its database',
      username: applicationRoles.servingLogins[0],
      databaseName,
    });
    const ownerSecret = databaseSecret(this, 'OwnerSecret', {
      ...kept,
      rotated,
      description: 'Login of releases in the database: owns the tables',
      username: applicationRoles.ownerLogins[0],
      databaseName,
    });
    const securityGroup = new SecurityGroup(this, 'SecurityGroup', {
      vpc,
      description: 'Database: only whom consumers let in',
      allowAllOutbound: false,
    });
    const settings = databaseSettings(this, filled, securityGroup);
    const instance = databaseInstance(this, 'Instance', filled, settings, masterSecret);
    const attachedMaster = masterSecret.attach(instance);
    const attachedApplication = applicationSecret.attach(instance);
    const attachedOwner = ownerSecret.attach(instance);
    const handlers = new DatabaseHandlers(this, 'Handlers', {
      vpc,
      port,
      subnets: filled.handlerSubnets,
      secretsManagerEndpoint: filled.secretsManagerEndpoint,
      databaseSecurityGroup: securityGroup,
    });
    const handled = {
      ...kept,
      handlers,
      masterSecret: attachedMaster,
      applicationSecret: attachedApplication,
      ownerSecret: attachedOwner,
      roles: applicationRoles,
      logRetention: filled.logRetention,
      reservedConcurrentExecutions: filled.handlerReservedConcurrency,
      deadLetterTopic: filled.eventTopic,
    };
    const roles = new DatabaseRoles(this, 'Roles', {
      ...handled,
      databaseName,
      instanceResourceId: (instance.node.defaultChild as CfnDBInstance).attrDbiResourceId,
    });
    const rotation = rotated
      ? new DatabaseRotation(this, 'Rotation', {
          ...handled,
          madeBy: roles,
          period: filled.passwordRotationPeriod,
          alternating: filled.passwordRotation === PasswordRotation.ALTERNATING_LOGINS,
        })
      : undefined;
    const replicas = readReplicas(this, filled, settings, instance);
    if (filled.eventTopic !== undefined) {
      databaseEvents(this, filled.eventTopic, {
        instanceIdentifiers: [instance, ...replicas].map((each) => each.instanceIdentifier),
        parameterGroupName: settings.parameterGroup.bindToInstance({}).parameterGroupName,
      });
    }

    this.instance = instance;
    this.masterSecret = attachedMaster;
    this.applicationSecret = attachedApplication;
    this.ownerSecret = attachedOwner;
    this.readReplicas = replicas;
    this.rotationFunctions = rotation?.functions ?? [];
    this.connections = new Connections({ securityGroups: [securityGroup], defaultPort: Port.tcp(port) });
    this.containerEnvironment = tlsEnvironment(filled.caBundlePath);
    this.containerSecrets = databaseSecrets(attachedApplication, filled.variables);
    this.ownerContainerSecrets = databaseSecrets(attachedOwner, filled.variables);
    this.ready = new DependencyGroup(roles.resource, attachedApplication, attachedOwner);
    this.maxConnections = connectionLimit(filled.instanceType, filled.parameters?.max_connections);
  }
}

function connectionLimit(instanceType: InstanceType, parameter: string | undefined): number | undefined {
  if (parameter === undefined) {
    return maxConnectionsOf(instanceType);
  }
  return /^\d+$/.test(parameter) ? Number(parameter) : undefined;
}
