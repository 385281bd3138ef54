import { Annotations, type Duration, type RemovalPolicy, Stack } from 'aws-cdk-lib';
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
  DatabaseInstance,
  EngineLifecycleSupport,
  IDatabaseInstance,
  PostgresEngineVersion,
} from 'aws-cdk-lib/aws-rds';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { type Construct, DependencyGroup, type IDependable } from 'constructs';
import { Checks } from '../core/checks';
import { CA_BUNDLE_PATH } from '../core/contract';
import type { CaBundle } from '../core/handler-function';
import { checkKinds, pathOf } from '../core/kinds';
import { namesInProfile, type Profile, profileValues } from '../core/profile';
import type { RotationWindow } from '../core/secret-rotation';
import { arrivalOf } from './arriving/arrival';
import { shownMoment } from './arriving/source';
import { DatabaseVariables } from './database-variables';
import { PasswordRotation } from './password-rotation';
import type { PointInTime } from './point-in-time';
import { checkBrought, checkDatabase, checkDatabaseEffects } from './private/checks';
import { isBurstable, maxConnectionsOf } from './private/classes';
import { type FilledProps, withDefaults } from './private/defaults';
import { databaseEvents } from './private/events';
import { checkCaBundle, DatabaseHandlers } from './private/handlers';
import { databaseInstance, databaseSettings } from './private/instance';
import { instanceIdentifierOf } from './private/logs';
import { DEFAULT_NAMES, loginsOf, ownerLoginsOf, servingRoleOf } from './private/names';
import { databaseSecrets, PostgresDatabaseBase, tlsEnvironment } from './private/postgres-database-base';
import { connectionsWithReplicas, readReplicas, replicaEnvironment } from './private/replicas';
import { type ApplicationRoles, DatabaseRoles, type UnattachedSecrets } from './private/roles';
import { DatabaseRotation } from './private/rotation';
import { databaseSecret } from './private/secrets';

/** A PostgreSQL database, and what the processes of an application need to use it. */
export interface IPostgresDatabase extends IConnectable {
  /** The RDS instance. */
  readonly instance: IDatabaseInstance;
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
   * PGSSLMODE and PGSSLROOTCERT, which make libpq verify the server's certificate, and with read replicas
   * DATABASE_REPLICA_HOST.
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
   * Number of connections that the instance allows.
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
  /** Its read replicas, which listen on the port of the instance. */
  readonly readReplicas: IDatabaseInstance[];
  /** Grants read access to the application's secret. */
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
  /**
   * Transaction ids in use, maximum over 5 minutes.
   *
   * The database stops accepting writes at about two billion.
   */
  metricMaximumUsedTransactionIDs(options?: MetricOptions): Metric;
}

/** Options of a database. */
export interface PostgresDatabaseOptions {
  /**
   * Subnets of the instance, in at least two zones.
   *
   * @default - isolated subnets, or private ones where the VPC has no isolated ones
   */
  readonly vpcSubnets?: SubnetSelection;
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
   * Whether the version gets paid support after its community support has ended.
   *
   * **Extended support costs money per vCPU and hour.**
   *
   * @default EngineLifecycleSupport.OPEN_SOURCE_RDS_EXTENDED_SUPPORT_DISABLED
   */
  readonly engineLifecycleSupport?: EngineLifecycleSupport;
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
   * Port that PostgreSQL listens on.
   *
   * PostgreSQL's default, 5432, is refused (rule AwsSolutions-RDS11).
   *
   * **It must stay as it was first deployed:** `DjangoApplication` fails a deployment that changes it.
   *
   * @default 15432
   */
  readonly port?: number;
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
   * Name of the database.
   *
   * With `snapshotIdentifier` or `pointInTime`, the name that it has there.
   *
   * **It must stay as it was first deployed:** `DjangoApplication` fails a deployment that changes it.
   *
   * @default 'django'
   */
  readonly databaseName?: string;
  /**
   * Name of the master user, which only RDS and our handlers use.
   *
   * With `snapshotIdentifier` or `pointInTime`, the name that it has there.
   *
   * **It must stay as it was first deployed:** `DjangoApplication` fails a deployment that changes it.
   *
   * @default 'django_master'
   */
  readonly masterUsername?: string;
  /**
   * Name of the role that owns the database and everything that migrations create in it, of at most 53
   * characters.
   *
   * It cannot log in. Releases log in under the name with `_release_a` or `_release_b` behind it and become
   * the owner. What serves logs in under the name with `_a` or `_b` behind it and becomes the role with
   * `_serving` behind it, which reads and changes rows and cannot create, alter or drop anything.
   *
   * **It must stay as it was first deployed:** `DjangoApplication` fails a deployment that changes it.
   *
   * @default 'django'
   */
  readonly applicationUser?: string;
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
   * Parameters of PostgreSQL to add or change.
   *
   * **A static one, such as `max_connections`, has no effect on a running instance until you reboot it.**
   * CloudFormation never does. RDS reports it as `pending-reboot`.
   *
   * @default - TLS forced, pg_stat_statements, statements over 500 ms logged, idle transactions ended after
   * 60 s
   */
  readonly parameters?: { [name: string]: string };
  /**
   * How long automated backups are kept, 7 to 35 days.
   *
   * @default - from the profile: production 14 days, development 7 days
   */
  readonly backupRetention?: Duration;
  /**
   * When automated backups are made, UTC, at least 30 minutes.
   *
   * @default '03:00-04:00'
   */
  readonly preferredBackupWindow?: string;
  /**
   * When RDS may install updates, UTC, at least 30 minutes.
   *
   * @default 'sun:04:30-sun:05:30'
   */
  readonly preferredMaintenanceWindow?: string;
  /**
   * Whether RDS refuses to delete the instance.
   *
   * `DjangoApplication` switches it on when everything else is there. A database of its own is protected from
   * the start: switch it off by hand before a failed creation can be rolled back. False is left out of the
   * template, and does not switch off what is on.
   *
   * @default - from the profile: production true, development false
   */
  readonly deletionProtection?: boolean;
  /**
   * What happens to the instance when it leaves the stack.
   *
   * **DESTROY deletes the instance without a final snapshot. Only its automated backups stay, until they
   * expire.**
   *
   * @default - from the profile: production RETAIN_ON_UPDATE_OR_DELETE, development SNAPSHOT
   */
  readonly removalPolicy?: RemovalPolicy;
  /**
   * How long the log groups keep events.
   *
   * @default - from the profile: production one year, development one month
   */
  readonly logRetention?: RetentionDays;
  /**
   * Level of Database Insights.
   *
   * ADVANCED keeps 15 months of performance data. **ADVANCED costs money per vCPU.**
   *
   * @default - from the profile: STANDARD
   */
  readonly databaseInsightsMode?: DatabaseInsightsMode;
  /**
   * Authority that signs the certificate of the instance.
   *
   * RSA4096 is refused, because the handlers do not trust it.
   *
   * @default CaCertificate.RDS_CA_RSA2048_G1
   */
  readonly caCertificate?: CaCertificate;
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
  /**
   * Roles of the database whose objects become those of `applicationUser`: schemas, tables, sequences, views,
   * functions, types, large objects and default privileges.
   *
   * What belongs to PostgreSQL, to RDS, to an extension or to a role that is not named stays. So does what
   * the master user may not give away: the log of the handler names it, with the statement to run. **The
   * roles that are named lose their power over what they owned.** Where others share the database, name your
   * own roles alone. An empty list takes nothing.
   *
   * @default - with `snapshotIdentifier` or `pointInTime` every role, once: as long as the database does not
   * belong to `applicationUser`. Otherwise none
   */
  readonly takeOwnershipFrom?: string[];
  /**
   * Extensions that the master user makes in the database, before the first release: 'postgis', 'vector',
   * 'pg_stat_statements'.
   *
   * A release makes those by itself that PostgreSQL trusts, such as citext, hstore or pg_trgm. The others
   * need the master user. An extension lies in the schema `public`, unless it has a schema of its own, and
   * brings those that it requires. `parameters` must load what the server starts with, such as pg_cron.
   *
   * **One that you take out of the list stays in the database,** because columns may be of its types: drop it
   * in a migration.
   *
   * @default - none
   * @see https://docs.aws.amazon.com/AmazonRDS/latest/PostgreSQLReleaseNotes/postgresql-extensions.html
   */
  readonly extensions?: string[];
  /**
   * SNS topic for events of the instance and for invocations of the handlers that Lambda gave up on.
   *
   * Its policy must let `events.rds.amazonaws.com` publish, as the topic of `Notifications` does.
   *
   * @default - none
   */
  readonly eventTopic?: ITopic;
  /**
   * Subnets of the handlers that create the roles and rotate the passwords.
   *
   * The handlers must reach Secrets Manager and S3.
   *
   * @default - private subnets with a NAT gateway, or isolated ones where the VPC has no private ones
   */
  readonly handlerSubnets?: SubnetSelection;
  /**
   * Interface endpoint for Secrets Manager that the handlers' subnets can reach.
   *
   * Required when these are isolated. The network then also needs the gateway endpoint for S3.
   *
   * @default - the handlers go through a NAT gateway
   */
  readonly secretsManagerEndpoint?: IInterfaceVpcEndpoint;
  /**
   * File with the certificate authorities of RDS in the region, in PEM: the handlers trust them, too.
   *
   * Needed in young regions, in AWS GovCloud (US) and in China, whose authorities the handlers do not bring.
   * A warning says where to download it. The file goes into a layer of the functions, so it must be there
   * when the app is synthesized. The image of the containers needs the same certificates at `caBundlePath`.
   *
   * @default - the authorities of most regions, and those that AWS Lambda has
   * @see https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html
   */
  readonly handlerCaBundle?: string;
  /**
   * How the password of the application's login rotates.
   *
   * Unless it is OFF, the master's password rotates too.
   *
   * @default PasswordRotation.ALTERNATING_LOGINS
   */
  readonly passwordRotation?: PasswordRotation;
  /**
   * Time between two rotations, in whole days.
   *
   * Tasks must be replaced within this time, as `SecretRefresh` does: the next rotation changes the
   * password of the login that old tasks still use.
   *
   * With alternating logins a password lives for two periods. The default keeps that below the 90 days that
   * auditors ask for.
   *
   * @default Duration.days(30)
   */
  readonly passwordRotationPeriod?: Duration;
  /**
   * When passwords rotate on the day that is due.
   *
   * After each rotation all processes are replaced, so take an hour at which few people and no long tasks
   * are there. At another hour than 0 Secrets Manager goes by the calendar: `passwordRotationPeriod` must
   * be 1, 7, 30, 60, 90, 120, 180 or 360 days, which become every day, Sunday, or the first of every so many
   * months.
   *
   * @default - from midnight to 3:00 UTC
   */
  readonly passwordRotationWindow?: RotationWindow;
  /**
   * Concurrency reserved for each handler.
   *
   * New accounts have a concurrency quota of 10, none of which can be reserved.
   *
   * @default - none reserved
   */
  readonly handlerReservedConcurrency?: number;
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
    class Import extends PostgresDatabaseBase {
      public readonly instance = attrs.instance;
      public readonly applicationSecret = attrs.applicationSecret;
      public readonly ownerSecret = attrs.ownerSecret ?? attrs.applicationSecret;
      public readonly readReplicas = attrs.readReplicas ?? [];
      public readonly containerEnvironment = {
        ...tlsEnvironment(attrs.caBundlePath ?? CA_BUNDLE_PATH),
        ...replicaEnvironment(attrs.readReplicas ?? [], attrs.variables ?? DatabaseVariables.DATABASE),
      };
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
      public readonly changingSecrets = noticeable(attrs.applicationSecret);
      public readonly changingOwnerSecrets = noticeable(attrs.ownerSecret ?? attrs.applicationSecret);
      public readonly rotationFunctions: IFunction[] = [];
      public readonly burstable = attrs.burstable;
      public readonly connections = connectionsWithReplicas(attrs);
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
    warnOfClass(this, props, filled);

    const secrets = makeSecrets(this, filled);
    const securityGroup = new SecurityGroup(this, 'SecurityGroup', {
      vpc: filled.vpc,
      description: 'Database: only whom consumers let in',
      allowAllOutbound: false,
    });
    const settings = databaseSettings(this, filled, securityGroup);
    const instance = databaseInstance(this, filled, settings, secrets.master);
    const masterSecret = secrets.master.attach(instance);
    const applicationSecret = secrets.application.attach(instance);
    const ownerSecret = secrets.owner.attach(instance);
    const stored = { instance, securityGroup, masterSecret, applicationSecret, ownerSecret, unattached: secrets };
    const { roles, rotation, caBundle } = makeLogins(this, filled, stored);
    const replicas = readReplicas(this, filled, settings, instance);
    if (filled.eventTopic !== undefined) {
      databaseEvents(this, filled.eventTopic, {
        instanceIdentifiers: [instance, ...replicas].map((each) => each.instanceIdentifier),
        parameterGroupName: settings.parameterGroup.bindToInstance({}).parameterGroupName,
      });
    }

    this._identity = identityOf(this, filled);
    this._caBundle = caBundle;
    this.instance = instance;
    this.masterSecret = masterSecret;
    this.applicationSecret = applicationSecret;
    this.ownerSecret = ownerSecret;
    this.readReplicas = replicas;
    this.rotationFunctions = rotation?.functions ?? [];
    this.changingSecrets = rotation === undefined ? [] : [applicationSecret];
    this.changingOwnerSecrets = rotation === undefined ? [] : [ownerSecret];
    this.connections = new Connections({ securityGroups: [securityGroup], defaultPort: Port.tcp(filled.port) });
    this.containerEnvironment = {
      ...tlsEnvironment(filled.caBundlePath),
      ...replicaEnvironment(replicas, filled.variables),
    };
    this.containerSecrets = databaseSecrets(applicationSecret, filled.variables);
    this.ownerContainerSecrets = databaseSecrets(ownerSecret, filled.variables);
    this.ready = new DependencyGroup(roles.resource, applicationSecret, ownerSecret);
    this.maxConnections = connectionLimit(filled.instanceType, filled.parameters?.max_connections);
    this.burstable = isBurstable(filled.instanceType);
  }
}

/**
 * What RDS would replace an instance for, and what its roles are called.
 *
 * @internal
 */
export interface DatabaseIdentity {
  readonly applicationUser: string;
  readonly databaseName: string;
  readonly instanceIdentifier: string;
  readonly masterUsername: string;
  readonly pointInTime?: string;
  readonly port: number;
  readonly snapshotIdentifier?: string;
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

/** The class of the profile does not exist in every region. */
function warnOfClass(scope: Construct, props: PostgresDatabaseProps, { instanceType }: FilledProps): void {
  const wanted = props.instanceType ?? profileValues(props.profile).databaseInstanceType;
  if (wanted.toString() !== instanceType.toString()) {
    Annotations.of(scope).addWarningV2(
      'cdk-django-fargate:databaseInstanceType',
      `RDS has no db.${wanted} in ${Stack.of(scope).region}, so the instance is a db.${instanceType}. Choose \`databaseInstanceType\` in the profile to have another one.`,
    );
  }
}

function isRotated({ passwordRotation }: FilledProps): boolean {
  return passwordRotation !== PasswordRotation.OFF;
}

/** The names of the roles that the application has in the database. */
function rolesOf({ applicationUser }: FilledProps): ApplicationRoles {
  return {
    owner: applicationUser,
    ownerLogins: ownerLoginsOf(applicationUser),
    serving: servingRoleOf(applicationUser),
    servingLogins: loginsOf(applicationUser),
  };
}

/** The secrets of the master user, of what serves and of releases, before the instance is known. */
function makeSecrets(scope: Construct, filled: FilledProps) {
  const common = {
    encryptionKey: filled.encryptionKey,
    removalPolicy: filled.secretsAndLogsRemovalPolicy,
    rotated: isRotated(filled),
    databaseName: filled.databaseName,
  };
  const master = databaseSecret(scope, 'MasterSecret', {
    ...common,
    description: 'Master user of the database: for RDS and the handlers that look after it',
    username: filled.masterUsername,
    defaultUsername: DEFAULT_NAMES.masterUsername,
  });
  const application = databaseSecret(scope, 'ApplicationSecret', {
    ...common,
    description: 'Login of the application in its database',
    username: loginsOf(filled.applicationUser)[0],
    defaultUsername: loginsOf(DEFAULT_NAMES.applicationUser)[0],
  });
  const owner = databaseSecret(scope, 'OwnerSecret', {
    ...common,
    description: 'Login of releases in the database: owns the tables',
    username: ownerLoginsOf(filled.applicationUser)[0],
    defaultUsername: ownerLoginsOf(DEFAULT_NAMES.applicationUser)[0],
  });
  return { master, application, owner };
}

/** What the logins are made in and known by. */
interface Stored {
  readonly instance: DatabaseInstance;
  readonly securityGroup: SecurityGroup;
  readonly masterSecret: ISecret;
  readonly applicationSecret: ISecret;
  readonly ownerSecret: ISecret;
  readonly unattached: UnattachedSecrets;
}

/** The roles in the database, and the rotation of their passwords unless it is off. */
function makeLogins(scope: Construct, filled: FilledProps, { instance, securityGroup, ...secrets }: Stored) {
  const handlers = new DatabaseHandlers(scope, 'Handlers', {
    vpc: filled.vpc,
    port: filled.port,
    subnets: filled.handlerSubnets,
    secretsManagerEndpoint: filled.secretsManagerEndpoint,
    databaseSecurityGroup: securityGroup,
    caBundle: filled.handlerCaBundle,
  });
  const handled = {
    ...secrets,
    handlers,
    encryptionKey: filled.encryptionKey,
    removalPolicy: filled.secretsAndLogsRemovalPolicy,
    roles: rolesOf(filled),
    logRetention: filled.logRetention,
    reservedConcurrentExecutions: filled.handlerReservedConcurrency,
    deadLetterTopic: filled.eventTopic,
    caBundle: handlers.caBundle,
  };
  const roles = new DatabaseRoles(scope, 'Roles', {
    ...handled,
    databaseName: filled.databaseName,
    arrival: arrivalOf(filled),
    instanceResourceId: (instance.node.defaultChild as CfnDBInstance).attrDbiResourceId,
  });
  const rotation = isRotated(filled)
    ? new DatabaseRotation(scope, 'Rotation', {
        ...handled,
        madeBy: roles,
        period: filled.passwordRotationPeriod,
        window: filled.passwordRotationWindow,
        alternating: filled.passwordRotation === PasswordRotation.ALTERNATING_LOGINS,
      })
    : undefined;
  return { roles, rotation, caBundle: handlers.caBundle };
}

function connectionLimit(instanceType: InstanceType, parameter: string | undefined): number | undefined {
  if (parameter === undefined) {
    return maxConnectionsOf(instanceType);
  }
  return /^\d+$/.test(parameter) ? Number(parameter) : undefined;
}

/** The event of a change names the full ARN, so a secret that is known by a part of it cannot be watched. */
function noticeable(secret: ISecret): ISecret[] {
  return secret.secretFullArn === undefined ? [] : [secret];
}
