import { Duration } from 'aws-cdk-lib';
import type { ICertificate } from 'aws-cdk-lib/aws-certificatemanager';
import { type Alarm, type Dashboard, type Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { ICluster } from 'aws-cdk-lib/aws-ecs';
import type { Rule } from 'aws-cdk-lib/aws-events';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { FilterPattern, type ILogGroup, MetricFilter } from 'aws-cdk-lib/aws-logs';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct, type IConstruct } from 'constructs';
import type { DatabaseBackup } from '../backup/database-backup';
import type { ICache } from '../cache/cache';
import { Checks } from '../core/checks';
import { checkKinds } from '../core/kinds';
import { checkRunbookBase, setRunbookBase } from '../core/runbook';
import { isServerless } from '../database/database-server';
import type { IPostgresDatabase } from '../database/postgres-database';
import type { DatabaseDump } from '../dumps/database-dump';
import type { RestoreDrill } from '../dumps/restore-drill';
import type { IHttpsLoadBalancer } from '../edge/https-load-balancer';
import type { IMail } from '../mail/mail';
import type { IDjangoService, ILoadBalancedService } from '../processes/django-service';
import type { ScheduledCommand } from '../processes/scheduled-command';
import type { ICeleryBroker } from '../queues/celery-broker';
import type { SecretRefresh } from '../secrets/secret-refresh';
import { type AlarmThresholds, checkThresholds, type Thresholds, thresholdsOf } from './alarm-thresholds';
import { CLUSTER_ALARMS } from './private/alarm-aurora';
import { CACHE_ALARMS } from './private/alarm-cache';
import { DRILL_ALARMS } from './private/alarm-drills';
import { DUMP_ALARMS } from './private/alarm-dumps';
import { CLUSTER_EVENTS, makeEventRules, SECRET_EVENTS } from './private/alarm-events';
import { MAIL_ALARMS, MAIL_EVENTS, watchable } from './private/alarm-mail';
import { REPLICA_ALARMS, replicasOf } from './private/alarm-replicas';
import { REFRESH_ALARMS, ROTATION_ALARMS } from './private/alarm-secrets';
import { LOAD_BALANCED_SERVICE_ALARMS, LOAD_BALANCER_ALARMS, SERVICE_ALARMS } from './private/alarm-services';
import {
  BACKUP_ALARMS,
  CERTIFICATE_ALARMS,
  DATABASE_ALARMS,
  HEARTBEAT_ALARMS,
  LOG_ALARMS,
  QUEUE_ALARMS,
  SCHEDULE_ALARMS,
} from './private/alarm-stores';
import { type AlarmContext, type AlarmRow, makeAlarms } from './private/alarm-table';
import { makeDashboard } from './private/dashboard';

/** Properties of `ApplicationAlarms`. Each part that is given is watched. */
export interface ApplicationAlarmsProps {
  /**
   * SNS topic of the alarms.
   *
   * Its policy and the policy of its key must let `cloudwatch.amazonaws.com` and `events.amazonaws.com`
   * publish, as those of `Notifications` do.
   */
  readonly topic: ITopic;
  /**
   * Cluster whose failed deployments and crashed ECS tasks are reported, for all its services.
   *
   * @default - not reported
   */
  readonly cluster?: ICluster;
  /**
   * Load balancer to watch.
   *
   * @default - none
   */
  readonly loadBalancer?: IHttpsLoadBalancer;
  /**
   * Services behind that load balancer.
   *
   * @default - none
   */
  readonly loadBalancedServices?: ILoadBalancedService[];
  /**
   * Other services; those behind the load balancer may be among them.
   *
   * @default - none
   */
  readonly services?: IDjangoService[];
  /**
   * Database to watch.
   *
   * @default - none
   */
  readonly database?: IPostgresDatabase;
  /**
   * Queues to watch.
   *
   * @default - none
   */
  readonly broker?: ICeleryBroker;
  /**
   * Cache to watch, whose nodes are known.
   *
   * @default - none
   */
  readonly cacheStore?: ICache;
  /**
   * Outgoing mail to watch: its bounces and complaints.
   *
   * @default - none
   */
  readonly outgoingMail?: IMail;
  /**
   * Scheduled commands to watch.
   *
   * @default - none
   */
  readonly scheduledCommands?: ScheduledCommand[];
  /**
   * Certificate to watch.
   *
   * @default - that of the load balancer, when known
   */
  readonly certificate?: ICertificate;
  /**
   * Backups to watch; there should be one at least every other day.
   *
   * @default - none
   */
  readonly backup?: DatabaseBackup;
  /**
   * Dumps to watch: that they arrive, how large they are, how long they take, and what fails.
   *
   * @default - none
   */
  readonly databaseDump?: DatabaseDump;
  /**
   * Drill to watch: that dumps are proven, and that they have room.
   *
   * @default - none
   */
  readonly restoreDrill?: RestoreDrill;
  /**
   * Log group in which errors are counted.
   *
   * Its lines are JSON with a `levelname`.
   *
   * @default - those of the services
   */
  readonly logGroup?: ILogGroup;
  /**
   * Custom metric that your periodic task publishes, at least 1 every 5 minutes.
   *
   * The alarm fires when it stops.
   *
   * @default - none
   */
  readonly heartbeat?: Metric;
  /**
   * Lambda functions that rotate secrets.
   *
   * Each error is one failed step.
   *
   * @default - none
   */
  readonly rotationFunctions?: IFunction[];
  /**
   * The construct that replaces tasks when a secret has changed.
   *
   * @default - none
   */
  readonly secretRefresh?: SecretRefresh;
  /**
   * Further constructs that replace tasks, where one does not hold all services.
   *
   * @default - none
   */
  readonly moreSecretRefreshes?: SecretRefresh[];
  /**
   * Secrets whose failed rotations are reported, even if their function was never called.
   *
   * The account needs a CloudTrail trail, from which EventBridge gets these events.
   *
   * @default - none
   */
  readonly secrets?: ISecret[];
  /**
   * Thresholds of the alarms.
   *
   * @default - the defaults of `AlarmThresholds`
   */
  readonly thresholds?: AlarmThresholds;
  /**
   * Address of the page with your runbooks, to which alarms and reports link.
   *
   * Its sections are called as those of docs/runbooks.md of this package.
   *
   * @default - docs/runbooks.md of this version
   */
  readonly runbookBase?: string;
  /**
   * Whether to draw a dashboard of what is watched.
   *
   * @default true
   */
  readonly dashboard?: boolean;
}

/**
 * The alarms of an application, reports of events without a metric, and a dashboard.
 *
 * Every alarm notifies the topic when it fires and when it is over, in a sentence with a link to its section
 * of the runbooks. Failed deployments and crashed ECS tasks have no metric and are reported as events. The
 * construct only reads: it changes nothing about what it watches.
 *
 * @example
 * declare const notifications: Notifications;
 * declare const web: WebService;
 * declare const database: PostgresDatabase;
 *
 * new ApplicationAlarms(this, 'Alarms', {
 *   topic: notifications.topic,
 *   loadBalancedServices: [web],
 *   database,
 *   thresholds: { responseTime: Duration.seconds(5) },
 * });
 *
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Best_Practice_Recommended_Alarms_AWS_Services.html
 */
export class ApplicationAlarms extends Construct {
  /** The alarms. */
  public readonly alarms: Alarm[];
  /** The EventBridge rules for events that have no metric. */
  public readonly rules: Rule[];
  /** The dashboard. Undefined when `dashboard` is false. */
  public readonly dashboard?: Dashboard;

  constructor(scope: Construct, id: string, props: ApplicationAlarmsProps) {
    super(scope, id);
    checkKinds(this, 'ApplicationAlarmsProps', props);
    const loadBalanced = props.loadBalancedServices ?? [];
    const services = withoutRequests(props);
    const thresholds = thresholdsOf(props.thresholds, props.database?.maxConnections);
    validate(this, props, [...loadBalanced, ...services], thresholds);
    setRunbookBase(this, props.runbookBase);

    const context: AlarmContext = { topic: props.topic, thresholds, loadBalancer: props.loadBalancer };
    const mail = watchable(this, props.outgoingMail);
    const certificate = props.certificate ?? props.loadBalancer?.certificate;
    const errors = this.countErrors(props.logGroup ? [props.logGroup] : logGroupsOf([...loadBalanced, ...services]));
    const watch = <T>(id: string, value: T | undefined, rows: AlarmRow<T>[]) =>
      value === undefined
        ? []
        : makeAlarms(new Construct(this, id), { name: nameOf(value, scope), value }, rows, context);

    this.alarms = [
      ...watch('LoadBalancer', props.loadBalancer, LOAD_BALANCER_ALARMS),
      ...watchEach(new Construct(this, 'Services'), named(loadBalanced), LOAD_BALANCED_SERVICE_ALARMS, context),
      ...watchEach(new Construct(this, 'OtherServices'), named(services), SERVICE_ALARMS, context),
      ...watchEach(new Construct(this, 'Queues'), props.broker?.queues ?? {}, QUEUE_ALARMS, context),
      ...watchEach(
        new Construct(this, 'Schedules'),
        named(differentQueues(props.scheduledCommands ?? [])),
        SCHEDULE_ALARMS,
        context,
      ),
      ...watch('Database', props.database, DATABASE_ALARMS),
      ...watch('Cluster', props.database?.cluster && props.database, CLUSTER_ALARMS),
      ...watchEach(new Construct(this, 'Replicas'), replicasOf(props.database), REPLICA_ALARMS, context),
      ...watch('Cache', props.cacheStore, CACHE_ALARMS),
      ...watch('Certificate', certificate, CERTIFICATE_ALARMS),
      ...watch('Backup', props.backup, BACKUP_ALARMS),
      ...watch('Dump', props.databaseDump, DUMP_ALARMS),
      ...watch('Drill', props.restoreDrill, DRILL_ALARMS),
      ...watchEach(
        new Construct(this, 'Rotations'),
        rotationsOf(props.rotationFunctions ?? []),
        ROTATION_ALARMS,
        context,
      ),
      ...watch('SecretRefresh', props.secretRefresh, REFRESH_ALARMS),
      ...watchEach(
        new Construct(this, 'MoreSecretRefreshes'),
        named(props.moreSecretRefreshes ?? []),
        REFRESH_ALARMS,
        context,
      ),
      ...watch('Mail', mail, MAIL_ALARMS),
      ...watch('Log', errors, LOG_ALARMS),
      ...watch('Heartbeat', props.heartbeat, HEARTBEAT_ALARMS),
    ];
    this.rules = [
      ...(props.cluster ? makeEventRules(this, CLUSTER_EVENTS, props.cluster, context) : []),
      ...(props.secrets?.length ? makeEventRules(this, SECRET_EVENTS, props.secrets, context) : []),
      ...(mail?.configurationSet ? makeEventRules(this, MAIL_EVENTS, mail, context) : []),
    ];
    if (props.dashboard ?? true) {
      this.dashboard = makeDashboard(this, 'Dashboard', {
        loadBalancer: props.loadBalancer,
        loadBalanced,
        services,
        queues: props.broker?.queues ?? {},
        database: props.database,
        restoreDrill: props.restoreDrill,
        errors,
      });
    }
  }

  /** One metric over all log groups. The log says which process it was. */
  private countErrors(logGroups: ILogGroup[]): Metric | undefined {
    const parent = new Construct(this, 'Errors');
    const filters = logGroups.map(
      (logGroup, index) =>
        new MetricFilter(parent, String(index), {
          logGroup,
          filterPattern: FilterPattern.any(
            FilterPattern.stringValue('$.levelname', '=', 'ERROR'),
            FilterPattern.stringValue('$.levelname', '=', 'CRITICAL'),
          ),
          // The path is unique in the account and region, as far as a stack's name is.
          metricNamespace: 'DjangoFargate',
          metricName: `Errors ${this.node.path}`,
          metricValue: '1',
        }),
    );
    return filters[0]?.metric({ period: Duration.minutes(5), statistic: Stats.SUM });
  }
}

/** Services that are watched by the number of their tasks: the others are watched by the load balancer. */
function withoutRequests({ services = [], loadBalancedServices = [] }: ApplicationAlarmsProps): IDjangoService[] {
  return services.filter((service) => !loadBalancedServices.some((other) => other === service));
}

function logGroupsOf(services: IDjangoService[]): ILogGroup[] {
  return [...new Set(services.map(({ logGroup }) => logGroup))];
}

/** The name in an alarm's description: the construct path of its subject, or of the application. */
function nameOf(value: unknown, application: IConstruct): string {
  return (value as Partial<IConstruct>).node?.path ?? application.node.path;
}

function named<T extends IConstruct>(values: T[]): { [id: string]: T } {
  return Object.fromEntries(values.map((value) => [value.node.id, value]));
}

/** By what they rotate: the functions themselves are all called `Handler`. */
function rotationsOf(functions: IFunction[]): { [id: string]: IFunction } {
  return Object.fromEntries(functions.map((handler, index) => [`Rotation${index + 1}`, handler]));
}

/** Commands that share a dead-letter queue need one alarm together. */
function differentQueues(commands: ScheduledCommand[]): ScheduledCommand[] {
  const queues = commands.map(({ deadLetterQueue }) => deadLetterQueue);
  return commands.filter((_, index) => queues.indexOf(queues[index]) === index);
}

/**
 * The alarms of several subjects, below a construct of their own, because a queue and a service may have the
 * same name.
 */
function watchEach<T extends IConstruct>(
  scope: Construct,
  subjects: { [id: string]: T },
  rows: AlarmRow<T>[],
  context: AlarmContext,
): Alarm[] {
  return Object.entries(subjects).flatMap(([name, value]) =>
    makeAlarms(new Construct(scope, name), { name: value.node.path, value }, rows, context),
  );
}

interface Need {
  readonly parts: string;
  readonly watched: (props: ApplicationAlarmsProps) => boolean;
}

/** What each threshold needs: without one of these parts there is no alarm that it belongs to. */
const THRESHOLDS_OF: { readonly [Name in keyof Thresholds]: Need } = {
  serverErrorPercent: { parts: '`loadBalancer`', watched: (props) => props.loadBalancer !== undefined },
  responseTime: { parts: '`loadBalancedServices`', watched: hasLoadBalancedServices },
  cpuPercent: { parts: '`loadBalancedServices`', watched: hasLoadBalancedServices },
  memoryPercent: { parts: '`services` or `loadBalancedServices`', watched: hasServices },
  waitingTime: { parts: '`broker`', watched: (props) => props.broker !== undefined },
  databaseCpuPercent: { parts: '`database`', watched: (props) => props.database !== undefined },
  databaseConnectionsPercent: {
    parts: 'a `database` whose `maxConnections` is known',
    watched: (props) => props.database?.maxConnections !== undefined,
  },
  databaseFreeStorage: {
    parts: 'a `database` that is no serverless cluster',
    watched: ({ database }) => database !== undefined && !isServerless(database),
  },
  databaseFreeableMemory: { parts: '`database`', watched: (props) => props.database !== undefined },
  databaseReplicaLag: {
    parts: 'a `database` with read replicas',
    watched: ({ database }) => (database?.readReplicas ?? []).length > 0,
  },
  cacheCpuPercent: ofCache(),
  cacheMemoryPercent: ofCache(),
  cacheEvictions: ofCache(),
  cacheConnections: ofCache(),
  applicationErrors: {
    parts: '`logGroup`, `services` or `loadBalancedServices`',
    watched: (props) => props.logGroup !== undefined || hasServices(props),
  },
  certificateDays: {
    parts: '`certificate`, or a `loadBalancer` whose certificate is known',
    watched: (props) => (props.certificate ?? props.loadBalancer?.certificate) !== undefined,
  },
};

function ofCache(): Need {
  return {
    parts: 'a `cacheStore` whose nodes are known',
    watched: ({ cacheStore }) => (cacheStore?.nodeIds.length ?? 0) > 0,
  };
}

function hasLoadBalancedServices({ loadBalancedServices = [] }: ApplicationAlarmsProps): boolean {
  return loadBalancedServices.length > 0;
}

function hasServices(props: ApplicationAlarmsProps): boolean {
  return hasLoadBalancedServices(props) || (props.services ?? []).length > 0;
}

function validate(
  scope: Construct,
  props: ApplicationAlarmsProps,
  services: IDjangoService[],
  limits: Thresholds,
): void {
  const checks = new Checks(scope);
  checkThresholds(checks, limits);
  checkRunbookBase(checks, props.runbookBase);
  for (const [name, { watched, parts }] of Object.entries(THRESHOLDS_OF)) {
    checks.optional(`thresholds.${name}`, props.thresholds?.[name as keyof AlarmThresholds], () => watched(props), {
      must: `come with ${parts}`,
      remedy: 'It would have no effect: no alarm compares anything with it.',
    });
  }
  noneTwice(checks, 'services', services);
  noneTwice(checks, 'scheduledCommands', props.scheduledCommands ?? []);
  noneTwice(checks, 'moreSecretRefreshes', props.moreSecretRefreshes ?? []);
  checks.throwIfAny();
}

function noneTwice(checks: Checks, prop: string, constructs: IConstruct[]): void {
  const ids = constructs.map(({ node }) => node.id);
  checks.that(prop, ids, new Set(ids).size === ids.length, {
    must: 'have ids that differ',
    remedy: 'Alarms are named after them: name every construct once, and give those of different scopes different ids.',
  });
}
