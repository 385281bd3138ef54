import type { ICertificate } from 'aws-cdk-lib/aws-certificatemanager';
import type { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import type { IVpc } from 'aws-cdk-lib/aws-ec2';
import type { ContainerImage, CpuArchitecture, ICluster, Secret } from 'aws-cdk-lib/aws-ecs';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IHostedZone } from 'aws-cdk-lib/aws-route53';
import type { DatabaseBackupOptions } from '../backup/database-backup';
import type { CacheOptions, ICache } from '../cache/cache';
import type { Profile } from '../core/profile';
import type { AuroraPostgresDatabaseOptions } from '../database/aurora-postgres-database';
import type { IPostgresDatabase, PostgresDatabaseOptions } from '../database/postgres-database';
import type { DatabaseDumpOptions } from '../dumps/database-dump';
import type { RestoreDrillOptions } from '../dumps/restore-drill';
import type { CdnOptions } from '../edge/cdn';
import type { HttpsLoadBalancerOptions, IHttpsLoadBalancer } from '../edge/https-load-balancer';
import type { WebFirewallOptions } from '../edge/web-firewall';
import type { IMail, MailOptions } from '../mail/mail';
import type { AlarmThresholds } from '../monitoring/alarm-thresholds';
import type { NetworkOptions } from '../network/network';
import type { INotifications } from '../notifications/notifications';
import type { AsgiServiceOptions } from '../processes/asgi-service';
import type { BeatServiceOptions } from '../processes/beat-service';
import type { Egress } from '../processes/egress';
import type { ReleaseCommandOptions } from '../processes/release-command';
import type { ScheduledCommandOptions } from '../processes/scheduled-command';
import type { VariableAliases } from '../processes/task/variable-aliases';
import type { WebServiceOptions } from '../processes/web-service';
import type { WorkerServiceOptions } from '../processes/worker-service';
import type { ICeleryBroker } from '../queues/celery-broker';
import type { TaskQueueOptions } from '../queues/task-queue';
import type { ISecretKey, SecretKeyOptions } from '../secrets/secret-key';
import type { IMediaStorage, MediaStorageOptions } from '../storage/media-storage';
import type { IStaticFiles, StaticFilesOptions } from '../storage/static-files';
import type { IUrlSigningKeys, UrlSigningKeysOptions } from '../storage/url-signing-keys';

/**
 * Properties of `DjangoApplication`.
 *
 * A noun such as `vpc` or `database` is a part that you bring. `…Options` tunes a part that the application
 * makes, and is refused beside the part that you bring. Processes (`web`, `workers`, …) are nouns whose value
 * says how to run them; `queues`, `media`, `cache`, `mail` and `cdn` are nouns whose value says what
 * to make.
 */
export interface DjangoApplicationProps {
  /** Image of the application, the same for every process. */
  readonly image: ContainerImage;
  /** Django settings module, for example `config.settings`. */
  readonly settingsModule: string;
  /**
   * Environment whose defaults apply.
   *
   * @default Profile.production()
   */
  readonly profile?: Profile;

  /**
   * Domain names of the application, the main one first.
   *
   * @default - none, in development only: the load balancer's own name over HTTP, or that of `cdn` over HTTPS
   */
  readonly domainNames?: string[];
  /**
   * Further names, such as `www.example.com` or `*.example.com`, which the load balancer redirects to the
   * main one, with path and query. They have records, they are on the certificate, and no process knows of
   * them.
   *
   * **Browsers remember such a redirect: they may go on with it when the name is back in `domainNames`.**
   *
   * @default - none
   */
  readonly redirectedDomainNames?: string[];
  /**
   * Hosted zone of the domain names.
   *
   * It gets alias records, and validates the certificate unless one is given.
   *
   * @default - none; give a certificate instead
   */
  readonly hostedZone?: IHostedZone;
  /**
   * Certificate for the domain names.
   *
   * @default - a new one, validated in the hosted zone
   */
  readonly certificate?: ICertificate;
  /**
   * A CloudFront distribution before the load balancer, which then has no public address and answers nobody
   * else: static files from its cache, and HTTPS also without a domain, in development only; `{}` for one
   * with its defaults.
   *
   * With `domainNames` it takes a certificate from us-east-1. **An application that exists has a public load
   * balancer, which must stay one: give `loadBalancerOptions: { internetFacing: true }` there.**
   *
   * @default - none
   */
  readonly cdn?: CdnOptions;
  /**
   * E-mail addresses that alarms are sent to.
   *
   * Each must confirm once, by the link that AWS sends to it.
   *
   * @default - none
   */
  readonly notificationEmails?: string[];

  /**
   * The WSGI service: gunicorn.
   *
   * @default - made with its defaults, unless ASGI takes every path
   */
  readonly web?: WebServiceOptions;
  /**
   * The ASGI service: uvicorn.
   *
   * @default - none
   */
  readonly asgi?: AsgiServiceOptions;
  /**
   * Celery queues by name.
   *
   * @default - none: no broker, no worker
   */
  readonly queues?: { [name: string]: TaskQueueOptions };
  /**
   * Queue for Celery tasks that name none.
   *
   * @default - `default` if there is one, otherwise the only queue
   */
  readonly defaultQueueName?: string;
  /**
   * Celery workers by name.
   *
   * @default - one, `worker`, for all queues
   */
  readonly workers?: { [name: string]: WorkerServiceOptions };
  /**
   * Celery beat.
   *
   * @default - none
   */
  readonly beat?: BeatServiceOptions;
  /**
   * Commands at set times, by name.
   *
   * @default - none
   */
  readonly scheduledCommands?: { [name: string]: ScheduledCommandOptions };
  /**
   * Dumps of the database in a bucket of their own, by a task that can only write; `{}` for one a day.
   *
   * Snapshots stay, which alone restore to a point in time. **Without dumps, and without copies of snapshots
   * elsewhere, everything that is stored depends on this account, this region and one key.**
   *
   * @default - none
   */
  readonly databaseDump?: DatabaseDumpOptions;
  /**
   * Restores the newest dump twice a week into a task, and has the application look at it; `{}` with the
   * defaults. Needs `databaseDump`.
   *
   * @default - none
   */
  readonly restoreDrill?: RestoreDrillOptions;
  /**
   * A private bucket for the files that users upload, which every process can read and write; `{}` for one
   * with its defaults.
   *
   * @default - none
   */
  readonly media?: MediaStorageOptions;
  /**
   * A bucket for static files, which the release fills before any service changes, and from which the
   * distribution serves them; `{}` for one with its defaults.
   *
   * Those of earlier releases stay in it, so that pages that a browser still shows find theirs. It needs
   * `cdn`, `django_fargate` in INSTALLED_APPS, and names that change with the content, as those of
   * `ManifestStaticFilesStorage`.
   *
   * @default - none: the image of each task has its own
   */
  readonly staticFiles?: StaticFilesOptions;
  /**
   * Valkey for the cache, for sessions and for the channel layer of Channels, which every process can use;
   * `{}` for one with its defaults.
   *
   * **It costs money by the hour and node.**
   *
   * @default - none
   */
  readonly cache?: CacheOptions;
  /**
   * An Aurora PostgreSQL cluster in place of the RDS for PostgreSQL instance; `{}` for one with its defaults:
   * in production two instances, in development a serverless one that scales to zero.
   *
   * **A cluster is another database:** where an application has one already, start from a snapshot of that.
   *
   * @default - an instance, as `databaseOptions` say
   */
  readonly aurora?: AuroraPostgresDatabaseOptions;
  /**
   * Outgoing mail through Amazon SES, which every process can send; `{}` for an identity of the main domain
   * name, with its records in the hosted zone.
   *
   * @default - none
   */
  readonly mail?: MailOptions;
  /**
   * Environment variables of every process.
   *
   * **Never put a secret here: the template shows them.** Use `secrets` instead.
   *
   * @default - none
   */
  readonly environment?: { [name: string]: string };
  /**
   * Variables of every process from Secrets Manager or Parameter Store.
   *
   * @default - none
   */
  readonly secrets?: { [name: string]: Secret };
  /**
   * Further names under which every process gets variables of the contract, for settings that read others.
   *
   * A name that another part sets, or that is in `environment` or `secrets`, is refused.
   *
   * @default - none
   */
  readonly variableAliases?: VariableAliases;
  /**
   * Processor of every ECS task.
   *
   * The image must be built for it.
   *
   * @default CpuArchitecture.ARM64
   */
  readonly cpuArchitecture?: CpuArchitecture;
  /**
   * Whom the processes may connect to, beside the database and what else they are given.
   *
   * The list replaces the default, so it must include `Egress.https()`. A way out that is not listed is
   * closed: SMTP, an external database and a cache need one each. **It is no filter for names and metadata:
   * security groups do not look at DNS queries to the VPC's resolver or at requests to the metadata endpoint
   * of ECS.**
   *
   * @default - TCP port 443 to anywhere
   */
  readonly egress?: Egress[];

  /**
   * What to change in the release, which runs once inside a deployment before a new version serves.
   *
   * @default - `python manage.py migrate --noinput`; with `staticFiles` or `staticFilesStorage`, `python
   * manage.py uploadstatic` before it
   */
  readonly releaseOptions?: ReleaseCommandOptions;
  /**
   * What to change in the SECRET_KEY that is made: its rotation.
   *
   * @default - rotates every 90 days, for sessions of 14 days
   */
  readonly secretKeyOptions?: SecretKeyOptions;
  /**
   * What to change in the instance that is made for the database.
   *
   * @default - as the profile says
   */
  readonly databaseOptions?: PostgresDatabaseOptions;
  /**
   * What to change in the backups of the database.
   *
   * @default - as the profile says
   */
  readonly backupOptions?: DatabaseBackupOptions;
  /**
   * What to change in the load balancer that is made.
   *
   * @default - as the profile says
   */
  readonly loadBalancerOptions?: HttpsLoadBalancerOptions;
  /**
   * What to change in the firewall before the load balancer that is made, such as its rate limit.
   *
   * @default - as the profile says
   */
  readonly firewallOptions?: WebFirewallOptions;
  /**
   * What to change in the keys that are made for `cdn.signedMediaPaths`, such as the longest time that an
   * address works.
   *
   * @default - those of `UrlSigningKeys`: an hour
   */
  readonly urlSigningKeysOptions?: UrlSigningKeysOptions;
  /**
   * What to change in the VPC that is made.
   *
   * @default - as the profile says
   */
  readonly networkOptions?: NetworkOptions;
  /**
   * Limits of the alarms to change.
   *
   * @default - those of `AlarmThresholds`
   */
  readonly alarmThresholds?: AlarmThresholds;
  /**
   * Custom metric that your periodic task publishes, at least 1 every 5 minutes.
   *
   * An alarm fires when it stops: then beat posts nothing, or no worker does what it posts.
   *
   * @default - none
   */
  readonly heartbeat?: Metric;
  /**
   * Address of the page with your runbooks, to which alarms and reports link.
   *
   * Its sections are called as those of docs/runbooks.md of this package.
   *
   * @default - docs/runbooks.md of this version
   */
  readonly runbookBase?: string;
  /**
   * Concurrency reserved for each Lambda function of the application.
   *
   * A function with reserved concurrency can neither be starved nor take more than that. AWS keeps 100
   * unreserved, so an account with a quota of 10 cannot reserve any.
   *
   * @default - none reserved
   */
  readonly handlerReservedConcurrency?: number;
  /**
   * What may change although something that is stored is lost by it.
   *
   * A deployment fails before anything stored has changed when a value changes that must stay, such as
   * `databaseOptions.databaseName`, and its message says what to name here. Take it out after the deployment.
   *
   * **What you name here protects nothing: a database may be replaced by an empty one, and a domain name may
   * lose its records.**
   *
   * @default - none: such a change fails
   */
  readonly allowedChanges?: string[];

  /**
   * VPC to use.
   *
   * @default - a new `Network`
   */
  readonly vpc?: IVpc;
  /**
   * ECS cluster to use.
   *
   * Leave `vpc` out: the cluster knows its own.
   *
   * @default - a new one
   */
  readonly cluster?: ICluster;
  /**
   * Database to use.
   *
   * @default - a new `PostgresDatabase`, or a new `AuroraPostgresDatabase` when `aurora` is given
   */
  readonly database?: IPostgresDatabase;
  /**
   * SECRET_KEY to use.
   *
   * @default - a new `SecretKey`
   */
  readonly secretKey?: ISecretKey;
  /**
   * Celery broker to use.
   *
   * @default - a new `CeleryBroker` when there are `queues`
   */
  readonly broker?: ICeleryBroker;
  /**
   * Storage of media files to use.
   *
   * @default - a new `MediaStorage` when `media` is given
   */
  readonly mediaStorage?: IMediaStorage;
  /**
   * Keys that sign the addresses of private files: `UrlSigningKeys`, which the distribution before the bucket
   * trusts.
   *
   * Web, ASGI, workers and scheduled commands get them; releases and beat do not.
   *
   * @default - new `UrlSigningKeys` when `cdn` has `signedMediaPaths`
   */
  readonly urlSigningKeys?: IUrlSigningKeys;
  /**
   * Bucket of static files to use.
   *
   * @default - a new `StaticFiles` when `staticFiles` is given
   */
  readonly staticFilesStorage?: IStaticFiles;
  /**
   * Cache to use.
   *
   * @default - a new `Cache` when `cache` is given
   */
  readonly cacheStore?: ICache;
  /**
   * Outgoing mail to use, where it is set up elsewhere as a whole.
   *
   * @default - a new `Mail` when `mail` is given
   */
  readonly outgoingMail?: IMail;
  /**
   * Load balancer to use, possibly shared with other applications.
   *
   * Its owner puts a firewall before it: the application makes none.
   *
   * @default - a new `HttpsLoadBalancer`
   */
  readonly loadBalancer?: IHttpsLoadBalancer;
  /**
   * Topic that alarms go to.
   *
   * @default - new `Notifications`
   */
  readonly notifications?: INotifications;
  /**
   * KMS key that encrypts what the application stores.
   *
   * @default - a new one, rotated each year
   */
  readonly encryptionKey?: IKey;
}
