import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import { InterfaceVpcEndpointAwsService, type IVpc } from 'aws-cdk-lib/aws-ec2';
import { Cluster, type ICluster } from 'aws-cdk-lib/aws-ecs';
import { type IKey, Key } from 'aws-cdk-lib/aws-kms';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { Cache, type ICache } from '../../cache/cache';
import { acknowledge } from '../../core/acknowledge';
import { writtenAs } from '../../core/checks';
import { Profile, profileValues } from '../../core/profile';
import { isKept } from '../../core/removal';
import { AuroraPostgresDatabase } from '../../database/aurora-postgres-database';
import { type IPostgresDatabase, PostgresDatabase } from '../../database/postgres-database';
import { sharedAccessLogs } from '../../edge/access-logs';
import { Cdn } from '../../edge/cdn';
import { EDGE_REGION } from '../../edge/edge-region';
import { HttpsLoadBalancer, type IHttpsLoadBalancer } from '../../edge/https-load-balancer';
import { FirewallScope, WebFirewall } from '../../edge/web-firewall';
import { type IMail, Mail } from '../../mail/mail';
import { Network } from '../../network/network';
import { type INotifications, Notifications } from '../../notifications/notifications';
import { CeleryBroker, type ICeleryBroker } from '../../queues/celery-broker';
import { type ISecretKey, SecretKey } from '../../secrets/secret-key';
import { type IMediaStorage, MediaStorage } from '../../storage/media-storage';
import { type IStaticFiles, StaticFiles } from '../../storage/static-files';
import { type IUrlSigningKeys, UrlSigningKeys } from '../../storage/url-signing-keys';
import type { DjangoApplicationProps } from '../django-application-props';
import { sharesAccessLogs } from './option-effects';

/** How the application keeps what it stores. */
export interface Storage {
  readonly profile: Profile;
  readonly encryptionKey: IKey;
}

/** What the processes use: made here, or brought. */
export interface Providers extends Storage {
  readonly notifications: INotifications;
  readonly vpc: IVpc;
  readonly cluster: ICluster;
  readonly secretKey: ISecretKey;
  readonly database: IPostgresDatabase;
  readonly broker?: ICeleryBroker;
  readonly mediaStorage?: IMediaStorage;
  readonly urlSigningKeys?: IUrlSigningKeys;
  readonly staticFilesStorage?: IStaticFiles;
  readonly cacheStore?: ICache;
  readonly outgoingMail?: IMail;
  readonly loadBalancer: IHttpsLoadBalancer;
  readonly cdn?: Cdn;
  readonly webFirewall?: WebFirewall;
}

/** What the distribution serves without the application. */
type ServedParts = 'mediaStorage' | 'urlSigningKeys' | 'staticFilesStorage';

/** Whether the firewall stands before the distribution, not before the load balancer. */
interface AtTheEdge {
  readonly atTheEdge: boolean;
}

/** Where access logs of load balancer and distribution go, if to one place. */
interface SharedLogs {
  readonly sharedLogs?: IBucket;
}

/** Where access logs of what the application makes may go. */
interface AccessLogs {
  readonly accessLogsBucket?: IBucket;
}

/**
 * Makes every provider that is not brought, as children of the application.
 *
 * In each bag what options may change stands before them, and what they may not change behind.
 */
export function makeProviders(scope: Construct, props: DjangoApplicationProps): Providers {
  const profile = props.profile ?? Profile.production();
  const encryptionKey = props.encryptionKey ?? makeKey(scope, props, profile);
  const storage: Storage = { profile, encryptionKey };
  const notifications = props.notifications ?? makeNotifications(scope, props, storage);
  const network = props.vpc || props.cluster ? undefined : makeNetwork(scope, props, storage);
  const vpc = network?.vpc ?? props.vpc ?? (props.cluster as ICluster).vpc;
  const cluster = props.cluster ?? makeCluster(scope, vpc, profile);
  const secretKey = props.secretKey ?? makeSecretKey(scope, props, storage, notifications);
  const database = props.database ?? makeDatabase(scope, props, { ...storage, vpc, network, notifications });
  const broker = props.broker ?? makeBroker(scope, props, storage);
  const cacheStore = props.cacheStore ?? makeCache(scope, props, { ...storage, vpc, notifications });
  const sharedLogs = makeSharedLogs(scope, props, profile);
  const made = props.loadBalancer ? undefined : makeLoadBalancer(scope, props, { ...storage, sharedLogs }, vpc);
  const loadBalancer = props.loadBalancer ?? (made as HttpsLoadBalancer);
  // One that is brought has a policy that only its owner can write.
  const accessLogsBucket = props.loadBalancerOptions?.accessLogsBucket ? undefined : made?.accessLogsBucket;
  const mediaStorage = props.mediaStorage ?? makeMediaStorage(scope, props, { ...storage, accessLogsBucket });
  const isElsewhere = props.loadBalancer !== undefined || props.cdn?.webAclArn !== undefined;
  // Before the distribution where what CloudFront uses can be made beside the application.
  const atTheEdge = props.cdn !== undefined && Stack.of(scope).region === EDGE_REGION;
  const webFirewall = isElsewhere ? undefined : makeFirewall(scope, props, { ...storage, loadBalancer, atTheEdge });
  const urlSigningKeys = props.urlSigningKeys ?? makeUrlSigningKeys(scope, props, storage, notifications);
  const staticFilesStorage = props.staticFilesStorage ?? makeStaticFiles(scope, props, { profile, accessLogsBucket });
  const served = { mediaStorage, urlSigningKeys, staticFilesStorage };
  const cdn = makeCdn(scope, props, { profile, loadBalancer, webFirewall, atTheEdge, sharedLogs, ...served });
  const outgoingMail = props.outgoingMail ?? makeMail(scope, props, loadBalancer);
  const stores = { secretKey, database, broker, ...served, cacheStore };
  return { ...storage, ...stores, outgoingMail, notifications, vpc, cluster, loadBalancer, cdn, webFirewall };
}

/** What every Lambda function of the application is told. */
export function lambdaSettings(props: DjangoApplicationProps, notifications: INotifications) {
  return {
    handlerReservedConcurrency: props.handlerReservedConcurrency,
    deadLetterTopic: notifications.topic,
  };
}

/** The key outlives what is deleted where a last snapshot of database or cache is encrypted with it. */
function makeKey(scope: Construct, props: DjangoApplicationProps, profile: Profile): Key {
  const { database, aurora, databaseOptions = aurora, cache } = props;
  const { removalPolicy, databaseRemovalPolicy } = profileValues(profile);
  const databasePolicy = database ? RemovalPolicy.DESTROY : (databaseOptions?.removalPolicy ?? databaseRemovalPolicy);
  const areSnapshotted = databasePolicy !== RemovalPolicy.DESTROY || cache?.removalPolicy === RemovalPolicy.SNAPSHOT;
  const isNeeded = areSnapshotted && !isKept(removalPolicy);
  return new Key(scope, 'EncryptionKey', {
    description: `Everything that ${scope.node.path} stores`,
    enableKeyRotation: true,
    removalPolicy: isNeeded ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : removalPolicy,
  });
}

function makeNotifications(scope: Construct, props: DjangoApplicationProps, { encryptionKey }: Storage) {
  return new Notifications(scope, 'Notifications', { emailAddresses: props.notificationEmails, encryptionKey });
}

function makeNetwork(scope: Construct, props: DjangoApplicationProps, storage: Storage): Network {
  const { networkOptions, databaseOptions } = props;
  const values = profileValues(storage.profile);
  const flowLogs = networkOptions?.flowLogs ?? values.flowLogs;
  const encryptionKey = flowLogs ? storage.encryptionKey : undefined;
  const interfaceEndpoints = [...(networkOptions?.interfaceEndpoints ?? [])];
  const secretsManager = InterfaceVpcEndpointAwsService.SECRETS_MANAGER;
  const isAsked = interfaceEndpoints.some(({ shortName }) => shortName === secretsManager.shortName);
  if (databaseOptions?.multiAz && (networkOptions?.natGateways ?? values.natGateways) === 0 && !isAsked) {
    interfaceEndpoints.push(secretsManager); // In every zone, as the network does it for a profile with a standby.
  }
  return new Network(scope, 'Network', {
    ...networkOptions,
    interfaceEndpoints,
    profile: storage.profile,
    encryptionKey,
  });
}

function makeCluster(scope: Construct, vpc: IVpc, profile: Profile): Cluster {
  return new Cluster(scope, 'Cluster', {
    vpc,
    containerInsightsV2: profileValues(profile).containerInsights,
    enableFargateCapacityProviders: true,
  });
}

function makeSecretKey(
  scope: Construct,
  props: DjangoApplicationProps,
  storage: Storage,
  notifications: INotifications,
): SecretKey {
  return new SecretKey(scope, 'SecretKey', {
    ...props.secretKeyOptions,
    ...storage,
    ...(props.secretKeyOptions?.rotate === false ? {} : lambdaSettings(props, notifications)),
  });
}

function makeDatabase(
  scope: Construct,
  props: DjangoApplicationProps,
  {
    network,
    notifications,
    ...storageAndVpc
  }: Storage & {
    readonly vpc: IVpc;
    readonly network?: Network;
    readonly notifications: INotifications;
  },
): IPostgresDatabase {
  const before = {
    secretsManagerEndpoint: network?.secretsManagerEndpoint,
    eventTopic: notifications.topic,
    handlerReservedConcurrency: props.handlerReservedConcurrency,
  };
  const behind = { ...storageAndVpc, deletionProtection: false }; // DeletionProtection switches it on last.
  return props.aurora === undefined
    ? new PostgresDatabase(scope, 'Database', { ...before, ...props.databaseOptions, ...behind })
    : new AuroraPostgresDatabase(scope, 'Database', { ...before, ...props.aurora, ...behind });
}

function makeBroker(scope: Construct, props: DjangoApplicationProps, storage: Storage): CeleryBroker | undefined {
  const { queues, defaultQueueName } = props;
  return queues && new CeleryBroker(scope, 'Broker', { queues, defaultQueueName, ...storage });
}

function makeMediaStorage(
  scope: Construct,
  { media }: DjangoApplicationProps,
  { accessLogsBucket, ...storage }: Storage & AccessLogs,
): MediaStorage | undefined {
  return media && new MediaStorage(scope, 'Media', { ...media, ...withLogs(media, accessLogsBucket), ...storage });
}

function makeStaticFiles(
  scope: Construct,
  { staticFiles }: DjangoApplicationProps,
  { profile, accessLogsBucket }: Pick<Storage, 'profile'> & AccessLogs,
): StaticFiles | undefined {
  return (
    staticFiles &&
    new StaticFiles(scope, 'StaticFiles', { ...staticFiles, ...withLogs(staticFiles, accessLogsBucket), profile })
  );
}

function makeUrlSigningKeys(
  scope: Construct,
  props: DjangoApplicationProps,
  storage: Storage,
  notifications: INotifications,
): UrlSigningKeys | undefined {
  const { cdn, urlSigningKeysOptions } = props;
  return cdn?.signedMediaPaths === undefined
    ? undefined
    : new UrlSigningKeys(scope, 'UrlSigningKeys', {
        ...urlSigningKeysOptions,
        ...storage,
        ...lambdaSettings(props, notifications),
      });
}

function makeCache(
  scope: Construct,
  props: DjangoApplicationProps,
  { notifications, ...storageAndVpc }: Storage & { readonly vpc: IVpc; readonly notifications: INotifications },
): Cache | undefined {
  const { cache } = props;
  return cache && new Cache(scope, 'Cache', { ...cache, ...storageAndVpc, ...lambdaSettings(props, notifications) });
}

/** A bucket for access logs unless options bring one. */
function withLogs(options: AccessLogs, accessLogsBucket: IBucket | undefined): AccessLogs {
  return { accessLogsBucket: options.accessLogsBucket ?? accessLogsBucket };
}

/** One bucket for the access logs of load balancer and distribution, where both are made here. */
function makeSharedLogs(scope: Construct, props: DjangoApplicationProps, profile: Profile): IBucket | undefined {
  if (!sharesAccessLogs(props)) {
    return undefined;
  }
  const values = profileValues(profile);
  const { logRetention, removalPolicy } = props.loadBalancerOptions ?? {};
  return sharedAccessLogs(scope, 'AccessLogs', {
    retention: logRetention ?? values.logRetention,
    removalPolicy: removalPolicy ?? values.removalPolicy,
  });
}

/** Of the main domain name, unless an identity is brought. */
function makeMail(scope: Construct, props: DjangoApplicationProps, loadBalancer: IHttpsLoadBalancer): Mail | undefined {
  const byDefault = { hostedZone: props.hostedZone, domain: loadBalancer.domainNames[0] };
  const { mail } = props;
  return mail && new Mail(scope, 'Mail', { ...(mail.emailIdentity === undefined && byDefault), ...mail });
}

function makeLoadBalancer(
  scope: Construct,
  props: DjangoApplicationProps,
  { profile, encryptionKey, sharedLogs }: Storage & SharedLogs,
  vpc: IVpc,
): HttpsLoadBalancer {
  const { domainNames, redirectedDomainNames, hostedZone, certificate, loadBalancerOptions, cdn } = props;
  return new HttpsLoadBalancer(scope, 'LoadBalancer', {
    ...loadBalancerOptions,
    ...(sharedLogs && { accessLogsBucket: sharedLogs, logRetention: undefined, removalPolicy: undefined }),
    vpc,
    domainNames,
    redirectedDomainNames,
    hostedZone,
    certificate,
    profile,
    ...(cdn && { behindDistribution: true, encryptionKey }),
    deletionProtection: false, // DeletionProtection switches it on last.
  });
}

function makeCdn(
  scope: Construct,
  { cdn, hostedZone, staticFilesStorage: brought }: DjangoApplicationProps,
  {
    webFirewall,
    atTheEdge,
    sharedLogs,
    mediaStorage,
    urlSigningKeys,
    staticFilesStorage,
    ...parts
  }: Pick<Providers, 'profile' | 'loadBalancer' | 'webFirewall' | ServedParts> & AtTheEdge & SharedLogs,
): Cdn | undefined {
  if (cdn === undefined) {
    return undefined;
  }
  if (brought !== undefined) {
    writtenAs(scope, { staticFiles: 'staticFilesStorage' }); // Only one of them is given.
  }
  const webAclArn = cdn.webAclArn ?? (atTheEdge ? webFirewall?.webAclArn : undefined);
  const made = new Cdn(scope, 'Cdn', {
    ...cdn,
    ...withLogs(cdn, sharedLogs),
    webAclArn,
    hostedZone,
    ...parts,
    mediaStorage: cdn.publicMediaPaths || cdn.signedMediaPaths ? mediaStorage : undefined,
    urlSigningKeys: cdn.signedMediaPaths && urlSigningKeys,
    staticFiles: staticFilesStorage,
  });
  if (webAclArn === undefined && webFirewall !== undefined) {
    acknowledge(
      made.distribution,
      'CFR2',
      'The web ACL stands at the load balancer, since CloudFront takes one from us-east-1 alone: there is no way past it, and it counts by the address of the viewer.',
    );
  }
  return made;
}

function makeFirewall(
  scope: Construct,
  { firewallOptions, cdn }: DjangoApplicationProps,
  { atTheEdge, loadBalancer: { loadBalancer }, ...storage }: Storage & Pick<Providers, 'loadBalancer'> & AtTheEdge,
): WebFirewall | undefined {
  if (!profileValues(storage.profile).webFirewall) {
    return undefined;
  }
  const place = atTheEdge
    ? { scope: FirewallScope.CLOUDFRONT }
    : { loadBalancer, behindDistribution: cdn !== undefined };
  return new WebFirewall(scope, 'WebFirewall', { ...firewallOptions, ...storage, ...place });
}
