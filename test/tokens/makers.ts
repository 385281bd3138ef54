import { type App, Duration, Stack, Stage } from 'aws-cdk-lib';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { Distribution, KeyGroup } from 'aws-cdk-lib/aws-cloudfront';
import { HttpOrigin } from 'aws-cdk-lib/aws-cloudfront-origins';
import { SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { ContainerImage, type ICluster } from 'aws-cdk-lib/aws-ecs';
import { Schedule } from 'aws-cdk-lib/aws-events';
import { ManagedPolicy } from 'aws-cdk-lib/aws-iam';
import { DatabaseCluster, DatabaseInstance } from 'aws-cdk-lib/aws-rds';
import { HostedZone } from 'aws-cdk-lib/aws-route53';
import { ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { EmailIdentity } from 'aws-cdk-lib/aws-ses';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { DjangoApplication } from '../../constructs/application/django-application';
import type { DjangoApplicationProps } from '../../constructs/application/django-application-props';
import { BackupVaultLock, type ComplianceLockOptions } from '../../constructs/backup/backup-vault-lock';
import { DatabaseBackup } from '../../constructs/backup/database-backup';
import { Cache } from '../../constructs/cache/cache';
import type { Struct } from '../../constructs/core/kinds';
import { Profile } from '../../constructs/core/profile';
import { AuroraPostgresDatabase } from '../../constructs/database/aurora-postgres-database';
import { DatabaseAccess } from '../../constructs/database/database-access';
import { DatabaseVariables } from '../../constructs/database/database-variables';
import { PostgresDatabase } from '../../constructs/database/postgres-database';
import { DatabaseDump } from '../../constructs/dumps/database-dump';
import { type DumpComplianceLockOptions, DumpLock } from '../../constructs/dumps/dump-lock';
import { RestoreDrill } from '../../constructs/dumps/restore-drill';
import { Cdn } from '../../constructs/edge/cdn';
import { HttpsLoadBalancer } from '../../constructs/edge/https-load-balancer';
import { WebFirewall } from '../../constructs/edge/web-firewall';
import { DmarcPolicy, type IMail, Mail, type MailProps } from '../../constructs/mail/mail';
import { ApplicationAlarms } from '../../constructs/monitoring/application-alarms';
import { Network } from '../../constructs/network/network';
import { Notifications } from '../../constructs/notifications/notifications';
import { AsgiService } from '../../constructs/processes/asgi-service';
import { BeatService } from '../../constructs/processes/beat-service';
import { ReleaseCommand } from '../../constructs/processes/release-command';
import { ScheduledCommand } from '../../constructs/processes/scheduled-command';
import { AsgiServer } from '../../constructs/processes/servers/asgi-server';
import { GunicornWorker, WebServer } from '../../constructs/processes/servers/web-server';
import { WebService } from '../../constructs/processes/web-service';
import { WorkerService } from '../../constructs/processes/worker-service';
import { CeleryBroker } from '../../constructs/queues/celery-broker';
import { type ITaskQueue, TaskQueue } from '../../constructs/queues/task-queue';
import { SecretKey } from '../../constructs/secrets/secret-key';
import { SecretRefresh } from '../../constructs/secrets/secret-refresh';
import { MediaStorage } from '../../constructs/storage/media-storage';
import { StaticFiles } from '../../constructs/storage/static-files';
import { type IUrlSigningKeys, UrlSigningKeys } from '../../constructs/storage/url-signing-keys';
import { DjangoStack } from '../../lib/django-stack';
import { DjangoStage } from '../../lib/django-stage';
import { EdgeStack } from '../../lib/edge-stack';
import { PipelineStack } from '../../lib/pipeline-stack';
import { celeryProps } from '../processes/background';
import { loadBalancerFor } from '../processes/support';

/** Props as the context gives them: of any kind. */
export type Given = { readonly [prop: string]: unknown };
/** Makes what a struct is for, out of it and of what is needed beside it. */
export type MakeStruct = (scope: Construct, given: Given) => unknown;

/** What is needed and what is given, which wins. */
function props<Props>(needed: object, given: Given): Props {
  return { ...needed, ...given } as Props;
}

function zoneIn(scope: Construct, id: string) {
  const zoneName = 'example.com';
  return HostedZone.fromHostedZoneAttributes(scope, id, { hostedZoneId: 'Z0123456789ABCDEFGHIJ', zoneName });
}

/** What a process does with mail: from whom it may send, and where. */
function sent(scope: Construct, mail: IMail): void {
  mail.grantSend(new ManagedPolicy(scope, 'Sender', { description: mail.containerEnvironment.DEFAULT_FROM_EMAIL }));
}

/** Makes once for a stack what all rows stand beside. */
function shared<Made>(make: (stack: Stack) => Made): (scope: Construct) => Made {
  const made = new WeakMap<Stack, { readonly it: Made }>();
  return (scope) => {
    const stack = Stack.of(scope);
    const found = made.get(stack) ?? { it: make(stack) };
    made.set(stack, found);
    return found.it;
  };
}

const celery = shared((stack) => ({ ...celeryProps(stack), image: ContainerImage.fromRegistry('shop') }));
const process = shared((stack) => {
  const { broker, ...rest } = celery(stack);
  return rest;
});
const balancer = shared((stack) => loadBalancerFor(stack, celery(stack)));
const database = shared((stack) =>
  PostgresDatabase.fromPostgresDatabaseAttributes(stack, 'Database', {
    instance: instance(stack),
    applicationSecret: login(stack),
  }),
);
const instance = shared((stack) =>
  DatabaseInstance.fromDatabaseInstanceAttributes(stack, 'Instance', {
    instanceIdentifier: 'shop',
    instanceEndpointAddress: 'shop.example.com',
    port: 15432,
    securityGroups: [SecurityGroup.fromSecurityGroupId(stack, 'InstanceGroup', 'sg-0123456789abcdef0')],
  }),
);
const cluster = shared((stack) =>
  DatabaseCluster.fromDatabaseClusterAttributes(stack, 'Aurora', {
    clusterIdentifier: 'shop',
    clusterEndpointAddress: 'shop.cluster.example.com',
    readerEndpointAddress: 'shop.readers.example.com',
    port: 15432,
    securityGroups: [SecurityGroup.fromSecurityGroupId(stack, 'ClusterGroup', 'sg-0123456789abcdef1')],
  }),
);
const login = shared((stack) => Secret.fromSecretNameV2(stack, 'Login', 'shop'));
const topic = shared((stack) => new Topic(stack, 'Topic'));
/** Everything that alarms watch, so that every threshold has its alarm. */
const watched = shared((stack) => {
  const loadBalancer = balancer(stack);
  return {
    topic: topic(stack),
    loadBalancer,
    loadBalancedServices: [new WebService(stack, 'Web', { ...process(stack), loadBalancer })],
    services: [new WorkerService(stack, 'Worker', celery(stack))],
    broker: celery(stack).broker,
    database: database(stack),
    cacheStore: cache(stack),
  };
});
const cache = shared((stack) =>
  Cache.fromCacheAttributes(stack, 'Cache', {
    host: 'cache.example.com',
    securityGroup: SecurityGroup.fromSecurityGroupId(stack, 'CacheGroup', 'sg-0123456789abcdef1'),
    secret: login(stack),
    replicationGroupId: 'shop',
  }),
);
/** A distribution that trusts the keys. */
const trusting = (scope: Construct, keys: IUrlSigningKeys) =>
  new Distribution(scope, 'Distribution', {
    defaultBehavior: { origin: new HttpOrigin('files.example.com'), trustedKeyGroups: [keys.keyGroup] },
  });
const companyKeys = (scope: Construct, given: Given) => {
  const needed = { keyGroup: KeyGroup.fromKeyGroupId(scope, 'KeyGroup', 'company'), secret: login(scope) };
  return UrlSigningKeys.fromUrlSigningKeysAttributes(scope, 'Keys', props(needed, given));
};
const beat = shared((stack) => new BeatService(stack, 'Beat', celery(stack)));

/** Services that share a load balancer need a priority each. */
function served(scope: Construct, given: Given) {
  const { cluster } = given as { cluster?: ICluster };
  const needed = { ...process(scope), priority: 1000 + Number(scope.node.id.replace('Row', '')) };
  if (given.loadBalancer !== undefined) {
    return needed;
  }
  return { ...needed, loadBalancer: cluster === undefined ? balancer(scope) : loadBalancerFor(scope, { cluster }) };
}

function stageOf(scope: Construct, name: string): Stage {
  const stage = new Stage(scope.node.root, `${name}${scope.node.id}`);
  new Topic(new Stack(stage, 'Site'), 'Topic');
  return stage;
}

const application = (given: Given) =>
  props<DjangoApplicationProps>(
    {
      image: ContainerImage.fromRegistry('shop'),
      settingsModule: 'config.settings',
      profile: Profile.development(),
      ...('staticFilesStorage' in given && { cdn: {} }), // What serves them.
    },
    given,
  );
const daily = { name: 'daily', schedule: Schedule.cron({ minute: '0', hour: '6' }), deleteAfter: Duration.days(35) };
const schedule = ScheduleExpression.cron({ minute: '30', hour: '3' });
const command = ['python', 'manage.py', 'clearsessions'];
/** Of dumps whose schedules only the deployment knows. */
const maxAge = Duration.days(2);
const variables = { host: 'H', port: 'P', name: 'N', user: 'U', password: 'W' };
const databaseAccess = DatabaseAccess.OWNER;
const confirmation = BackupVaultLock.COMPLIANCE_CONFIRMATION;

/** As `EmailIdentity` imports it, where there is no scope to import it into. */
const VERIFIED = {
  emailIdentityName: 'example.com',
  emailIdentityArn: 'arn:aws:ses:eu-central-1:111122223333:identity/example.com',
};

const NEEDED: { readonly [struct: string]: (scope: Construct) => object } = {
  DatabaseBackupRule: () => daily,
  DatabaseDumpOptions: () => ({ maxAge }),
  DumpCopyOptions: (scope) => ({
    endpoint: 'https://s3.example.com',
    region: 'nl',
    bucket: 'copies',
    secret: login(scope),
  }),
  MailOptions: () => ({ emailIdentity: VERIFIED }),
  RotationWindow: () => ({ hour: 4 }),
  ScheduledCommandOptions: () => ({ schedule, command }),
};

/** What a struct needs at least, where it is a part of another one. */
export function neededBy(struct: string, scope: Construct): object {
  return NEEDED[struct]?.(scope) ?? {};
}

const backup: MakeStruct = (scope, given) =>
  new DatabaseBackup(scope, 'Backup', props({ database: database(scope), vpc: process(scope).cluster.vpc }, given));

const dumped: MakeStruct = (scope, given) => {
  const needed = {
    cluster: process(scope).cluster,
    database: database(scope),
    image: ContainerImage.fromRegistry('postgres'),
    maxAge,
  };
  return new DatabaseDump(scope, 'Dump', props(needed, given));
};

/** A worker that reads the queue: what it is told, and how it scales, follows from the queue. */
const read = (scope: Construct, queue: ITaskQueue) => {
  const broker = new CeleryBroker(scope, 'Broker', { existingQueues: { default: queue } });
  return new WorkerService(scope, 'Worker', { ...process(scope), broker });
};

/** How to make a construct of every struct; a string names the struct that has the same props and more. */
export const MAKERS: { readonly [Name in Struct]: MakeStruct | Struct } = {
  AlarmThresholds: 'ApplicationAlarmsProps',
  ApplicationAlarmsProps: (scope, given) => new ApplicationAlarms(scope, 'Alarms', props(watched(scope), given)),
  AsgiServiceOptions: 'AsgiServiceProps',
  AsgiServiceProps: (scope, given) => new AsgiService(scope, 'Asgi', props(served(scope, given), given)),
  AuroraPostgresDatabaseAttributes: (scope, given) => {
    const attributes = { cluster: cluster(scope), applicationSecret: login(scope) };
    const brought = AuroraPostgresDatabase.fromAuroraPostgresDatabaseAttributes(
      scope,
      'Brought',
      props(attributes, given),
    );
    return new ApplicationAlarms(scope, 'Alarms', {
      topic: topic(scope),
      database: brought,
      services: [new WorkerService(scope, 'Worker', { ...celery(scope), database: brought, databaseAccess })],
    });
  },
  AuroraPostgresDatabaseOptions: 'AuroraPostgresDatabaseProps',
  AuroraPostgresDatabaseProps: (scope, given) =>
    new AuroraPostgresDatabase(scope, 'Database', props({ vpc: process(scope).cluster.vpc }, given)),
  BackupVaultLockOptions: (scope, given) => backup(scope, { vaultLock: BackupVaultLock.governance(given) }),
  BeatServiceOptions: 'BeatServiceProps',
  BeatServiceProps: (scope, given) => new BeatService(scope, 'Beat', props(celery(scope), given)),
  CacheAttributes: (scope, given) => {
    const needed = {
      host: 'cache.example.com',
      securityGroup: SecurityGroup.fromSecurityGroupId(scope, 'CacheGroup', 'sg-0123456789abcdef1'),
      secret: login(scope),
      replicationGroupId: 'shop',
    };
    const cacheStore = Cache.fromCacheAttributes(scope, 'Cache', props(needed, given));
    new ApplicationAlarms(scope, 'Alarms', { topic: topic(scope), cacheStore });
    return new BeatService(scope, 'Beat', { ...celery(scope), cacheStore });
  },
  CacheOptions: 'CacheProps',
  CacheProps: (scope, given) => new Cache(scope, 'Cache', props({ vpc: process(scope).cluster.vpc }, given)),
  CdnOptions: 'CdnProps',
  CdnProps: (scope, given) => {
    const isNamed = 'certificate' in given || 'hostedZone' in given;
    const profile = Profile.development();
    const nameless = isNamed ? {} : { domainNames: undefined, hostedZone: undefined };
    const loadBalancer = loadBalancerFor(scope, process(scope), { behindDistribution: true, profile, ...nameless });
    const arn = 'arn:aws:acm:us-east-1:111122223333:certificate/12345678-1234-1234-1234-123456789012';
    const certificate = 'hostedZone' in given ? Certificate.fromCertificateArn(scope, 'Global', arn) : undefined;
    const cachedPaths = 'cachedCookies' in given ? ['/news/*'] : undefined;
    // Its keys are status codes.
    const { default: page } = (given.errorPages ?? {}) as { default?: string };
    const pages = page === undefined ? {} : { errorPages: { 503: page } };
    const { publicMediaPaths, signedMediaPaths, mediaContentSecurityPolicy } = given;
    const isSigned = signedMediaPaths !== undefined || 'urlSigningKeys' in given;
    const isPublic =
      publicMediaPaths !== undefined || mediaContentSecurityPolicy !== undefined || 'mediaStorage' in given;
    const media = {
      ...((isPublic || isSigned) && {
        publicMediaPaths: ['/public/*'],
        mediaStorage: new MediaStorage(scope, 'Media'),
      }),
      ...(isSigned && { signedMediaPaths: ['/media/*'], urlSigningKeys: companyKeys(scope, {}) }),
    };
    const staticFiles = 'staticPaths' in given ? new StaticFiles(scope, 'StaticFiles') : undefined;
    const needed = { loadBalancer, profile, certificate, cachedPaths, staticFiles, ...media };
    const cdn = new Cdn(scope, 'Cdn', props(needed, { ...given, ...pages }));
    const { mediaStorage } = cdn;
    return mediaStorage === undefined ? cdn : new BeatService(scope, 'Beat', { ...celery(scope), mediaStorage });
  },
  CeleryBrokerProps: (scope, given) => {
    const broker = new CeleryBroker(scope, 'Broker', given);
    return new WorkerService(scope, 'Worker', { ...process(scope), broker });
  },
  ComplianceLockOptions: (scope, given) => {
    const options = props<ComplianceLockOptions>({ changeableFor: Duration.days(7), confirmation }, given);
    return backup(scope, { vaultLock: BackupVaultLock.compliance(options) });
  },
  DatabaseBackupOptions: 'DatabaseBackupProps',
  DatabaseBackupProps: backup,
  DatabaseBackupRule: 'DatabaseBackupProps',
  DatabaseDumpOptions: 'DatabaseDumpProps',
  DatabaseDumpProps: dumped,
  DatabaseVariableNames: (scope, given) => {
    const names = DatabaseVariables.of(props(variables, given));
    return new PostgresDatabase(scope, 'Database', { vpc: process(scope).cluster.vpc, variables: names });
  },
  DjangoApplicationProps: (scope, given) => new DjangoApplication(scope, 'App', application(given)),
  DjangoStackProps: (scope, given) => new DjangoStack(scope.node.root, `Site${scope.node.id}`, application(given)),
  DjangoStageProps: (scope, given) =>
    new DjangoStage(scope.node.root, `Stage${scope.node.id}`, { application: application(given.application as Given) }),
  DumpComplianceLockOptions: (scope, given) => {
    const options = { confirmation: DumpLock.COMPLIANCE_CONFIRMATION, ...given } as DumpComplianceLockOptions;
    return dumped(scope, { bucketLock: DumpLock.compliance(options) });
  },
  DumpCopyOptions: 'DatabaseDumpProps',
  DumpLockOptions: (scope, given) => dumped(scope, { bucketLock: DumpLock.governance(given) }),
  EdgeStackProps: (scope, given) => {
    const isNamed = 'domainNames' in given || 'redirectedDomainNames' in given;
    const names = isNamed ? { domainNames: ['shop.example.com'], hostedZone: zoneIn(scope, 'EdgeZone') } : {};
    return new EdgeStack(scope.node.root, `Edge${scope.node.id}`, props(names, given));
  },
  GunicornOptions: (scope, given) => {
    const workerClass = given.workerConnections === undefined ? undefined : GunicornWorker.GEVENT;
    const server = WebServer.gunicorn({ workerClass, ...given });
    return new WebService(scope, 'Web', props(served(scope, {}), { server }));
  },
  GunicornProcessOptions: (scope, given) =>
    new AsgiService(scope, 'Asgi', props(served(scope, {}), { server: AsgiServer.gunicorn(given) })),
  HttpsLoadBalancerAttributes: (scope, given) => {
    const attributes = {
      loadBalancerArn: 'arn:aws:elasticloadbalancing:eu-central-1:111122223333:loadbalancer/app/shop/1',
      loadBalancerDnsName: 'shop.example.com',
      listenerArn: 'arn:aws:elasticloadbalancing:eu-central-1:111122223333:listener/app/shop/1/2',
      securityGroupId: 'sg-0123456789abcdef0',
      vpc: process(scope).cluster.vpc,
      domainNames: ['shop.example.com'],
    };
    const loadBalancer = HttpsLoadBalancer.fromHttpsLoadBalancerAttributes(scope, 'Balancer', props(attributes, given));
    const { priority } = served(scope, { loadBalancer });
    return new WebService(scope, 'Web', { ...process(scope), loadBalancer, priority });
  },
  HttpsLoadBalancerOptions: 'HttpsLoadBalancerProps',
  HttpsLoadBalancerProps: (scope, given) => {
    // A load balancer that everybody reaches shows nobody a secret.
    const behindDistribution = 'encryptionKey' in given ? true : undefined;
    const loadBalancer = loadBalancerFor(scope, process(scope), props({ behindDistribution }, given));
    const hostNames = ['shop.example.com']; // A rule takes five names, a load balancer more.
    const { length } = loadBalancer.domainNames;
    return new WebService(scope, 'Web', { ...process(scope), loadBalancer, ...(length > 5 ? { hostNames } : {}) });
  },
  MailAttributes: (scope, given) => {
    const needed = { emailIdentity: EmailIdentity.fromEmailIdentityName(scope, 'Verified', 'example.com') };
    sent(scope, Mail.fromMailAttributes(scope, 'Mail', props(needed, given)));
  },
  MailOptions: 'MailProps',
  MailProps: (scope, given) => {
    const hostedZone = HostedZone.fromHostedZoneAttributes(scope, 'MailZone', {
      hostedZoneId: 'Z0123456789ABCDEFGHIJ',
      zoneName: 'example.com',
    });
    const needed = 'emailIdentity' in given ? {} : { hostedZone, dmarcPolicy: DmarcPolicy.NONE };
    sent(scope, new Mail(scope, 'Mail', props<MailProps>(needed, given)));
  },
  MediaStorageOptions: 'MediaStorageProps',
  MediaStorageProps: (scope, given) => new MediaStorage(scope, 'Media', given),
  NetworkOptions: 'NetworkProps',
  NetworkProps: (scope, given) => new Network(scope, 'Network', given),
  NotificationsProps: (scope, given) => new Notifications(scope, 'Notifications', given),
  PipelineStackProps: (scope, given) => {
    const needed = {
      repository: 'example/shop',
      connectionArn: 'arn:aws:codeconnections:eu-central-1:111122223333:connection/1',
      staging: stageOf(scope, 'Staging'),
      production: stageOf(scope, 'Production'),
    };
    return new PipelineStack(scope.node.root as App, `Pipeline${scope.node.id}`, props(needed, given));
  },
  PostgresDatabaseAttributes: (scope, given) => {
    const attributes = { instance: instance(scope), applicationSecret: login(scope) };
    const brought = PostgresDatabase.fromPostgresDatabaseAttributes(scope, 'Brought', props(attributes, given));
    return new ApplicationAlarms(scope, 'Alarms', {
      topic: topic(scope),
      database: brought,
      services: [new WorkerService(scope, 'Worker', { ...celery(scope), database: brought, databaseAccess })],
    });
  },
  PostgresDatabaseOptions: 'PostgresDatabaseProps',
  PostgresDatabaseProps: (scope, given) =>
    new PostgresDatabase(scope, 'Database', props({ vpc: process(scope).cluster.vpc }, given)),
  ProfileOptions: (scope, given) => {
    const profile = Profile.production(given);
    const { vpc } = new Network(scope, 'Network', { profile });
    new Cache(scope, 'Cache', { vpc, profile });
    return new PostgresDatabase(scope, 'Database', { vpc, profile });
  },
  ReleaseCommandOptions: 'ReleaseCommandProps',
  ReleaseCommandProps: (scope, given) => new ReleaseCommand(scope, 'Release', props(process(scope), given)),
  RestoreDrillOptions: 'RestoreDrillProps',
  RestoreDrillProps: (scope, given) =>
    new RestoreDrill(
      scope,
      'Drill',
      props(
        {
          dump: dumped(scope, {}) as DatabaseDump,
          database: database(scope),
          applicationImage: ContainerImage.fromRegistry('shop'),
          settingsModule: 'config.settings',
        },
        given,
      ),
    ),
  RotationWindow: 'SecretKeyProps',
  ScheduledCommandOptions: 'ScheduledCommandProps',
  ScheduledCommandProps: (scope, given) =>
    new ScheduledCommand(scope, 'Command', props({ ...process(scope), schedule, command }, given)),
  SecretKeyAttributes: (scope, given) => {
    const secretKey = SecretKey.fromSecretKeyAttributes(scope, 'Key', props({}, given));
    return new BeatService(scope, 'Beat', { ...celery(scope), secretKey });
  },
  SecretKeyOptions: 'SecretKeyProps',
  SecretKeyProps: (scope, given) => new SecretKey(scope, 'SecretKey', given),
  SecretRefreshProps: (scope, given) => {
    const needed = { secrets: [new Secret(scope, 'Secret')], services: [beat(scope).service] };
    return new SecretRefresh(scope, 'Refresh', props(needed, given));
  },
  ServerlessCapacity: 'AuroraPostgresDatabaseProps',
  StaticFilesOptions: 'StaticFilesProps',
  StaticFilesProps: (scope, given) => new StaticFiles(scope, 'StaticFiles', given),
  TaskQueueAttributes: (scope, given) => {
    const needed = { queue: new Queue(scope, 'Plain'), visibilityTimeout: Duration.hours(1) };
    return read(scope, TaskQueue.fromTaskQueueAttributes(scope, 'Brought', props(needed, given)));
  },
  TaskQueueOptions: 'TaskQueueProps',
  TaskQueueProps: (scope, given) => read(scope, new TaskQueue(scope, 'Queue', given)),
  UrlSigningKeysAttributes: (scope, given) => {
    const urlSigningKeys = companyKeys(scope, given);
    trusting(scope, urlSigningKeys);
    return new BeatService(scope, 'Beat', { ...celery(scope), urlSigningKeys });
  },
  UrlSigningKeysOptions: 'UrlSigningKeysProps',
  UrlSigningKeysProps: (scope, given) => trusting(scope, new UrlSigningKeys(scope, 'Keys', given)),
  WebFirewallOptions: 'WebFirewallProps',
  WebFirewallProps: (scope, given) => new WebFirewall(scope, 'Firewall', given),
  WebServiceOptions: 'WebServiceProps',
  WebServiceProps: (scope, given) => new WebService(scope, 'Web', props(served(scope, given), given)),
  WorkerServiceOptions: 'WorkerServiceProps',
  WorkerServiceProps: (scope, given) => new WorkerService(scope, 'Worker', props(celery(scope), given)),
};
