import type { ICertificate } from 'aws-cdk-lib/aws-certificatemanager';
import { type ISecurityGroup, type IVpc, SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { Cluster, type ContainerImage, type CpuArchitecture, type ICluster, type Secret } from 'aws-cdk-lib/aws-ecs';
import { type IKey, Key } from 'aws-cdk-lib/aws-kms';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import type { IHostedZone } from 'aws-cdk-lib/aws-route53';
import { Construct } from 'constructs';
import { DatabaseBackup, type DatabaseBackupOptions } from '../backup/database-backup';
import { logGroup } from '../core/log-group';
import { Profile, profileValues } from '../core/profile';
import { type IPostgresDatabase, PostgresDatabase, type PostgresDatabaseOptions } from '../database/postgres-database';
import { hostNamesOf, originsOf } from '../edge/host-names';
import { HttpsLoadBalancer, type IHttpsLoadBalancer } from '../edge/https-load-balancer';
import { WebFirewall } from '../edge/web-firewall';
import { type AlarmThresholds, ApplicationAlarms } from '../monitoring/application-alarms';
import { Network } from '../network/network';
import { type INotifications, Notifications } from '../notifications/notifications';
import { AsgiService, type AsgiServiceOptions } from '../processes/asgi-service';
import { BeatService, type BeatServiceOptions } from '../processes/beat-service';
import { executionRole } from '../processes/execution-role';
import type { ProcessProps } from '../processes/process-props';
import { ReleaseCommand, type ReleaseCommandOptions } from '../processes/release-command';
import { ScheduledCommand, type ScheduledCommandOptions } from '../processes/scheduled-command';
import { WebService, type WebServiceOptions } from '../processes/web-service';
import { WorkerService, type WorkerServiceOptions } from '../processes/worker-service';
import { CeleryBroker, type ICeleryBroker } from '../queues/celery-broker';
import type { TaskQueueOptions } from '../queues/task-queue';
import { type ISecretKey, SecretKey, type SecretKeyOptions } from '../secrets/secret-key';
import { SecretRefresh } from '../secrets/secret-refresh';
import { checkApplication, checkConnections, takesEveryPath } from './private/application-checks';
import { changingSecrets, rotationFunctionsOf } from './private/rotated-secrets';

export interface DjangoApplicationProps {
  /** Image of the application, the same for every process. */
  readonly image: ContainerImage;
  /** Django settings module, for example `config.settings`. */
  readonly settingsModule: string;
  /** Environment whose defaults apply. @default Profile.production() */
  readonly profile?: Profile;

  /** Domain names of the application, the main one first. @default - the load balancer's own name over HTTP; development only */
  readonly domainNames?: string[];
  /** Hosted zone of the domain names: validates the certificate, and gets the records. @default - none; give a certificate instead */
  readonly hostedZone?: IHostedZone;
  /** Certificate for the domain names. @default - a new one, validated in the hosted zone */
  readonly certificate?: ICertificate;
  /** E-mail addresses that alarms are sent to; each must confirm once. @default - none */
  readonly notificationEmails?: string[];

  /** gunicorn. @default - made, unless ASGI takes every path */
  readonly web?: WebServiceOptions;
  /** uvicorn. @default - none */
  readonly asgi?: AsgiServiceOptions;
  /** Celery queues by name. @default - none: no broker, no worker */
  readonly queues?: { [name: string]: TaskQueueOptions };
  /** Name of the queue that tasks go to when they name none. @default - `default` if there is one, otherwise the only queue */
  readonly defaultQueueName?: string;
  /** Celery workers by name. @default - one, `worker`, for all queues */
  readonly workers?: { [name: string]: WorkerServiceOptions };
  /** Celery beat. @default - none */
  readonly beat?: BeatServiceOptions;
  /** What runs once before a new version serves, inside the deployment. @default - `python manage.py migrate --noinput` */
  readonly release?: ReleaseCommandOptions;
  /** Commands at set times, by name. @default - none */
  readonly scheduledCommands?: { [name: string]: ScheduledCommandOptions };
  /** Environment variables of every process. Never put a secret here: the template shows them. @default - none */
  readonly environment?: { [name: string]: string };
  /** Variables of every process from Secrets Manager or Parameter Store. @default - none */
  readonly secrets?: { [name: string]: Secret };
  /** Processor of the tasks; the image must be built for it. @default CpuArchitecture.ARM64 */
  readonly cpuArchitecture?: CpuArchitecture;

  /** What to change in the SECRET_KEY that is made: its rotation. @default - rotates every 90 days, for sessions of 14 days */
  readonly secretKeyOptions?: SecretKeyOptions;
  /**
   * Concurrency reserved for each Lambda function: it can neither be starved nor take more than that. AWS keeps 100 unreserved, so an account with
   * a quota of 10 cannot reserve any. @default - none reserved
   */
  readonly handlerReservedConcurrency?: number;
  /** What to change in the database that is made. @default - as the profile says */
  readonly databaseOptions?: PostgresDatabaseOptions;
  /** What to change in the backups of the database. @default - as the profile says */
  readonly backup?: DatabaseBackupOptions;
  /** Limits of the alarms to change. @default - those of `AlarmThresholds` */
  readonly alarmThresholds?: AlarmThresholds;
  /** Requests per IP address and 5 minutes that the firewall allows. @default 2000 */
  readonly rateLimit?: number;

  /** VPC to use. @default - a new `Network` */
  readonly vpc?: IVpc;
  /** Cluster to use, in `vpc`. @default - a new one */
  readonly cluster?: ICluster;
  /** Database to use. @default - a new `PostgresDatabase` */
  readonly database?: IPostgresDatabase;
  /** SECRET_KEY to use. @default - a new `SecretKey` */
  readonly secretKey?: ISecretKey;
  /** Celery broker to use. @default - a new `CeleryBroker` when there are `queues` */
  readonly broker?: ICeleryBroker;
  /** Load balancer to use, possibly shared with other applications; its owner puts a firewall before it. @default - a new `HttpsLoadBalancer` */
  readonly loadBalancer?: IHttpsLoadBalancer;
  /** Where alarms go. @default - new `Notifications` */
  readonly notifications?: INotifications;
  /** Key that encrypts what is stored. @default - a new one, rotated each year */
  readonly encryptionKey?: IKey;
}

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
  /** Where the application answers, with scheme. */
  public readonly url: string;
  public readonly profile: Profile;
  public readonly encryptionKey: IKey;
  public readonly vpc: IVpc;
  public readonly cluster: ICluster;
  public readonly database: IPostgresDatabase;
  public readonly secretKey: ISecretKey;
  public readonly broker?: ICeleryBroker;
  public readonly loadBalancer: IHttpsLoadBalancer;
  public readonly webFirewall?: WebFirewall;
  /** Log group of every process. */
  public readonly logGroup: ILogGroup;
  /** Security group of every process. */
  public readonly securityGroup: ISecurityGroup;
  public readonly release: ReleaseCommand;
  public readonly web?: WebService;
  public readonly asgi?: AsgiService;
  public readonly workers: { [name: string]: WorkerService };
  public readonly beat?: BeatService;
  public readonly scheduledCommands: { [name: string]: ScheduledCommand };
  /** Replaces the tasks when a secret of theirs has changed, unless none can that is known by its full ARN. */
  public readonly secretRefresh?: SecretRefresh;
  public readonly backup?: DatabaseBackup;
  public readonly notifications: INotifications;
  public readonly alarms: ApplicationAlarms;

  constructor(scope: Construct, id: string, props: DjangoApplicationProps) {
    super(scope, id);
    checkApplication(this, props);
    const profile = props.profile ?? Profile.production();
    const values = profileValues(profile);

    // What everything rests on.
    this.profile = profile;
    this.encryptionKey = props.encryptionKey ?? encryptionKey(this, profile);
    const stored = { profile, encryptionKey: this.encryptionKey };
    this.notifications =
      props.notifications ??
      new Notifications(this, 'Notifications', {
        emailAddresses: props.notificationEmails,
        encryptionKey: this.encryptionKey,
      });
    const handled = {
      handlerReservedConcurrency: props.handlerReservedConcurrency,
      deadLetterTopic: this.notifications.topic,
    };
    const network =
      props.vpc === undefined && props.cluster === undefined ? new Network(this, 'Network', stored) : undefined;
    this.vpc = network?.vpc ?? props.vpc ?? (props.cluster as ICluster).vpc;
    this.cluster = props.cluster ?? cluster(this, this.vpc, profile);

    // Providers: what the processes use.
    this.secretKey =
      props.secretKey ?? new SecretKey(this, 'SecretKey', { ...stored, ...handled, ...props.secretKeyOptions });
    this.database =
      props.database ??
      new PostgresDatabase(this, 'Database', {
        secretsManagerEndpoint: network?.secretsManagerEndpoint,
        eventTopic: this.notifications.topic,
        handlerReservedConcurrency: props.handlerReservedConcurrency,
        ...stored,
        ...props.databaseOptions,
        vpc: this.vpc,
      });
    this.broker = props.broker ?? broker(this, props, stored);
    this.loadBalancer =
      props.loadBalancer ??
      new HttpsLoadBalancer(this, 'LoadBalancer', {
        vpc: this.vpc,
        domainNames: props.domainNames,
        hostedZone: props.hostedZone,
        certificate: props.certificate,
        profile,
      });
    if (props.loadBalancer === undefined && values.webFirewall) {
      this.webFirewall = new WebFirewall(this, 'WebFirewall', {
        loadBalancer: this.loadBalancer.loadBalancer,
        rateLimit: props.rateLimit,
        ...stored,
      });
    }

    // Consumers: one image, run with different commands.
    this.logGroup = logGroup(this, 'Logs', stored);
    this.securityGroup = new SecurityGroup(this, 'Processes', {
      vpc: this.vpc,
      description: `Every process of ${this.node.path}`,
    });
    const hostNames = props.web?.hostNames ?? props.asgi?.hostNames ?? hostNamesOf(this.loadBalancer);
    const shared: ProcessProps = {
      ...stored,
      cluster: this.cluster,
      image: props.image,
      settingsModule: props.settingsModule,
      database: this.database,
      secretKey: this.secretKey,
      broker: this.broker,
      allowedHosts: hostNames,
      csrfTrustedOrigins: originsOf(this.loadBalancer, hostNames),
      environment: props.environment,
      secrets: props.secrets,
      cpuArchitecture: props.cpuArchitecture,
      securityGroup: this.securityGroup,
      executionRole: executionRole(this, 'ExecutionRole'),
      logGroup: this.logGroup,
    };
    this.release = new ReleaseCommand(this, 'Release', { ...shared, ...handled, ...props.release });
    const released = { ...shared, waitFor: [this.release.ready] };
    const running = { ...released, alarmTopic: this.notifications.topic };
    const routed = { ...running, loadBalancer: this.loadBalancer };
    this.web = takesEveryPath(props.asgi) ? undefined : new WebService(this, 'Web', { ...routed, ...props.web });
    this.asgi = props.asgi && new AsgiService(this, 'Asgi', { ...routed, ...props.asgi });
    this.workers = named(this, 'Workers', workersOf(props, this.broker), (parent, name, worker) => {
      return new WorkerService(parent, name, { ...running, broker: this.broker as ICeleryBroker, ...worker });
    });
    this.beat = props.beat && new BeatService(this, 'Beat', { ...running, ...props.beat });
    this.scheduledCommands = named(this, 'Schedules', props.scheduledCommands ?? {}, (parent, name, command) => {
      return new ScheduledCommand(parent, name, { ...released, ...command });
    });
    const loadBalancedServices = [this.web, this.asgi].filter((service) => service !== undefined);
    const services = [...loadBalancedServices, ...Object.values(this.workers), ...(this.beat ? [this.beat] : [])];
    checkConnections(this, this.database, services);
    const serving = [props.web, props.asgi, ...Object.values(props.workers ?? {}), props.beat];
    const accesses = serving.map((options) => options?.databaseAccess);
    const secrets = changingSecrets(this.secretKey, this.database, accesses);
    if (secrets.length > 0) {
      this.secretRefresh = new SecretRefresh(this, 'SecretRefresh', {
        ...stored,
        ...handled,
        secrets,
        services: services.map(({ service }) => service),
      });
    }

    // Observers: they read, and change nothing.
    if (values.databaseBackup) {
      this.backup = new DatabaseBackup(this, 'Backup', {
        database: this.database,
        vpc: this.vpc,
        notifications: this.notifications,
        profile,
        ...props.backup,
      });
    }
    this.alarms = new ApplicationAlarms(this, 'Alarms', {
      topic: this.notifications.topic,
      cluster: this.cluster,
      loadBalancer: this.loadBalancer,
      loadBalancedServices: loadBalancedServices,
      services,
      database: this.database,
      broker: this.broker,
      scheduledCommands: Object.values(this.scheduledCommands),
      certificate: this.loadBalancer.certificate,
      backup: this.backup,
      rotationFunctions: rotationFunctionsOf(this.secretKey, this.database),
      secretRefresh: this.secretRefresh,
      logGroup: this.logGroup,
      thresholds: props.alarmThresholds,
    });
    this.url = this.loadBalancer.url;
  }
}

function encryptionKey(scope: Construct, profile: Profile): Key {
  return new Key(scope, 'EncryptionKey', {
    description: `Everything that ${scope.node.path} stores`,
    enableKeyRotation: true,
    removalPolicy: profileValues(profile).removalPolicy,
  });
}

function cluster(scope: Construct, vpc: IVpc, profile: Profile): Cluster {
  return new Cluster(scope, 'Cluster', {
    vpc,
    containerInsightsV2: profileValues(profile).containerInsights,
    enableFargateCapacityProviders: true,
  });
}

function broker(
  scope: Construct,
  props: DjangoApplicationProps,
  stored: { readonly profile: Profile; readonly encryptionKey: IKey },
): CeleryBroker | undefined {
  return props.queues === undefined
    ? undefined
    : new CeleryBroker(scope, 'Broker', {
        queues: props.queues,
        defaultQueueName: props.defaultQueueName,
        ...stored,
      });
}

/** The workers that are asked for; where none is named, one for all queues. */
function workersOf(
  props: DjangoApplicationProps,
  celery: ICeleryBroker | undefined,
): { [name: string]: WorkerServiceOptions } {
  return props.workers ?? (celery === undefined ? {} : { worker: { queueNames: Object.keys(celery.queues) } });
}

/** Makes one child for each name, all below a namespace of their own. */
function named<Options, Made>(
  scope: Construct,
  id: string,
  options: { [name: string]: Options },
  make: (parent: Construct, name: string, options: Options) => Made,
): { [name: string]: Made } {
  const parent = new Construct(scope, id);
  return Object.fromEntries(Object.entries(options).map(([name, given]) => [name, make(parent, name, given)]));
}
