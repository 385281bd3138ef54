import type { Duration, RemovalPolicy } from 'aws-cdk-lib';
import type { IInterfaceVpcEndpoint, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { CaCertificate, DatabaseInsightsMode, EngineLifecycleSupport } from 'aws-cdk-lib/aws-rds';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { RotationWindow } from '../core/secret-rotation';
import type { DatabaseVariables } from './database-variables';
import type { PasswordRotation } from './password-rotation';

/** Options that every database has, of an instance or of a cluster. */
export interface DatabaseOptions {
  /**
   * Subnets of the database, in at least two zones.
   *
   * @default - isolated subnets, or private ones where the VPC has no isolated ones
   */
  readonly vpcSubnets?: SubnetSelection;
  /**
   * Whether the version gets paid support after its community support has ended.
   *
   * **Extended support costs money per vCPU and hour.**
   *
   * @default EngineLifecycleSupport.OPEN_SOURCE_RDS_EXTENDED_SUPPORT_DISABLED
   */
  readonly engineLifecycleSupport?: EngineLifecycleSupport;
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
   * Whether RDS refuses to delete the database.
   *
   * `DjangoApplication` switches it on when everything else is there. A database of its own is protected from
   * the start: switch it off by hand before a failed creation can be rolled back. False is left out of the
   * template, and does not switch off what is on.
   *
   * @default - from the profile: production true, development false
   */
  readonly deletionProtection?: boolean;
  /**
   * What happens to the database when it leaves the stack.
   *
   * **DESTROY deletes the database without a final snapshot. Only its automated backups stay, until they
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
   * Authority that signs the certificate of the server.
   *
   * RSA4096 is refused, because the handlers do not trust it.
   *
   * @default CaCertificate.RDS_CA_RSA2048_G1
   */
  readonly caCertificate?: CaCertificate;
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
   * SNS topic for events of the database and for invocations of the handlers that Lambda gave up on.
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
