import type { ISecurityGroup, IVpc } from 'aws-cdk-lib/aws-ec2';
import type { ICluster } from 'aws-cdk-lib/aws-ecs';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { DatabaseBackup } from '../backup/database-backup';
import type { ICache } from '../cache/cache';
import { checkKinds } from '../core/kinds';
import type { Profile } from '../core/profile';
import { setRunbookBase } from '../core/runbook';
import type { IPostgresDatabase } from '../database/postgres-database';
import type { DatabaseDump } from '../dumps/database-dump';
import type { RestoreDrill } from '../dumps/restore-drill';
import type { Cdn } from '../edge/cdn';
import type { IHttpsLoadBalancer } from '../edge/https-load-balancer';
import type { WebFirewall } from '../edge/web-firewall';
import type { IMail } from '../mail/mail';
import type { ApplicationAlarms } from '../monitoring/application-alarms';
import type { INotifications } from '../notifications/notifications';
import type { AsgiService } from '../processes/asgi-service';
import type { BeatService } from '../processes/beat-service';
import type { ReleaseCommand } from '../processes/release-command';
import type { ScheduledCommand } from '../processes/scheduled-command';
import type { WebService } from '../processes/web-service';
import type { WorkerService } from '../processes/worker-service';
import type { ICeleryBroker } from '../queues/celery-broker';
import type { ISecretKey } from '../secrets/secret-key';
import type { SecretRefresh } from '../secrets/secret-refresh';
import type { IMediaStorage } from '../storage/media-storage';
import type { IStaticFiles } from '../storage/static-files';
import type { IUrlSigningKeys } from '../storage/url-signing-keys';
import type { DjangoApplicationProps } from './django-application-props';
import { fargateVcpu, noteQuota } from './fargate-vcpu';
import { checkApplication } from './private/application-checks';
import { guardChanges } from './private/change-guard';
import { protectAgainstDeletion } from './private/deletion-protection';
import { makeObservers } from './private/observers';
import { makeProcesses } from './private/processes';
import { makeProviders } from './private/providers';
import { checkResources } from './private/resource-limit';
import { checkScaleToZero } from './private/scale-to-zero';

/**
 * A Django application on AWS, whole: network, database, queues, load balancer, services, backups and alarms.
 *
 * Every part is public, and every part can be replaced by one that you bring.
 *
 * @example
 * new DjangoApplication(this, 'Shop', {
 *   image: ecs.ContainerImage.fromAsset('app'),
 *   settingsModule: 'config.settings',
 *   domainNames: ['shop.example.com'],
 *   hostedZone: route53.HostedZone.fromHostedZoneAttributes(this, 'Zone', {
 *     hostedZoneId: 'Z0123456789ABCDEFGHIJ',
 *     zoneName: 'example.com',
 *   }),
 *   queues: { default: {} },
 *   notificationEmails: ['ops@example.com'],
 * });
 *
 * @see https://docs.aws.amazon.com/wellarchitected/latest/framework/welcome.html
 */
export class DjangoApplication extends Construct {
  /** Address of the application, with scheme. */
  public readonly url: string;
  /** Environment whose defaults apply. */
  public readonly profile: Profile;
  /** KMS key that encrypts what the application stores. */
  public readonly encryptionKey: IKey;
  /** Topic that alarms and reports go to. */
  public readonly notifications: INotifications;
  /** VPC that everything runs in. */
  public readonly vpc: IVpc;
  /** ECS cluster of every process. */
  public readonly cluster: ICluster;
  /** Django's SECRET_KEY. */
  public readonly secretKey: ISecretKey;
  /** The PostgreSQL database. */
  public readonly database: IPostgresDatabase;
  /** The Celery broker, when there are queues. */
  public readonly broker?: ICeleryBroker;
  /** The storage of media files, when it is asked for. */
  public readonly mediaStorage?: IMediaStorage;
  /** The keys that sign addresses of private files: those that are brought, or made for their paths. */
  public readonly urlSigningKeys?: IUrlSigningKeys;
  /** The bucket of static files, when it is asked for. */
  public readonly staticFilesStorage?: IStaticFiles;
  /** The cache, when it is asked for. */
  public readonly cacheStore?: ICache;
  /** The outgoing mail, when it is asked for. */
  public readonly outgoingMail?: IMail;
  /** The load balancer before web and ASGI. */
  public readonly loadBalancer: IHttpsLoadBalancer;
  /** The distribution before the load balancer, when it is asked for. */
  public readonly cdn?: Cdn;
  /**
   * The firewall before the load balancer, unless the profile leaves it out, the load balancer is brought, or
   * one stands at the distribution.
   */
  public readonly webFirewall?: WebFirewall;

  /** Log group of every process. */
  public readonly logGroup: ILogGroup;
  /** Security group of every process. */
  public readonly securityGroup: ISecurityGroup;
  /** The command that runs inside a deployment before a new version serves. */
  public readonly release: ReleaseCommand;
  /** The WSGI service, unless ASGI takes every path. */
  public readonly web?: WebService;
  /** The ASGI service, when it is asked for. */
  public readonly asgi?: AsgiService;
  /** Celery workers by name. */
  public readonly workers: { [name: string]: WorkerService };
  /** Celery beat, when it is asked for. */
  public readonly beat?: BeatService;
  /** Commands at set times by name. */
  public readonly scheduledCommands: { [name: string]: ScheduledCommand };
  /**
   * Replaces the services when a secret that they read has changed, unless none of them can change.
   *
   * The first of several where there are more services than one can hold.
   */
  public readonly secretRefresh?: SecretRefresh;

  /** Backups of the database, unless the profile leaves them out. */
  public readonly backup?: DatabaseBackup;
  /** Dumps of the database, when they are asked for. */
  public readonly databaseDump?: DatabaseDump;
  /** The drill that proves the dumps, when it is asked for. */
  public readonly restoreDrill?: RestoreDrill;
  /** Alarms, reports of events and the dashboard. */
  public readonly alarms: ApplicationAlarms;

  constructor(scope: Construct, id: string, props: DjangoApplicationProps) {
    super(scope, id);
    checkKinds(this, 'DjangoApplicationProps', props, new.target !== DjangoApplication);
    checkApplication(this, props);
    setRunbookBase(this, props.runbookBase);
    const providers = makeProviders(this, props);
    checkScaleToZero(this, props, providers.database);
    const processes = makeProcesses(this, props, providers);
    const observers = makeObservers(this, props, providers, processes);
    protectAgainstDeletion(this, props, providers);
    guardChanges(this, props, providers);
    checkResources(this, props);
    noteQuota(this, fargateVcpu({ ...processes, databaseDump: observers.databaseDump }));

    this.profile = providers.profile;
    this.encryptionKey = providers.encryptionKey;
    this.notifications = providers.notifications;
    this.vpc = providers.vpc;
    this.cluster = providers.cluster;
    this.secretKey = providers.secretKey;
    this.database = providers.database;
    this.broker = providers.broker;
    this.mediaStorage = providers.mediaStorage;
    this.urlSigningKeys = providers.urlSigningKeys;
    this.staticFilesStorage = providers.staticFilesStorage;
    this.cacheStore = providers.cacheStore;
    this.outgoingMail = providers.outgoingMail;
    this.loadBalancer = providers.loadBalancer;
    this.webFirewall = providers.webFirewall;
    this.cdn = providers.cdn;
    this.url = providers.cdn?.url ?? providers.loadBalancer.url;

    this.logGroup = processes.logGroup;
    this.securityGroup = processes.securityGroup;
    this.release = processes.release;
    this.web = processes.web;
    this.asgi = processes.asgi;
    this.workers = processes.workers;
    this.beat = processes.beat;
    this.scheduledCommands = processes.scheduledCommands;
    [this.secretRefresh] = processes.secretRefreshes;

    this.backup = observers.backup;
    this.databaseDump = observers.databaseDump;
    this.restoreDrill = observers.restoreDrill;
    this.alarms = observers.alarms;
  }
}
