import { type Duration, type RemovalPolicy, Tokenization } from 'aws-cdk-lib';
import {
  Connections,
  type IConnectable,
  type InstanceType,
  type ISecurityGroup,
  type IVpc,
  Port,
  SecurityGroup,
  type SubnetSelection,
} from 'aws-cdk-lib/aws-ec2';
import type { Secret as ContainerSecret } from 'aws-cdk-lib/aws-ecs';
import type { CfnReplicationGroup } from 'aws-cdk-lib/aws-elasticache';
import type { Grant, IGrantable } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct, DependencyGroup, type IDependable } from 'constructs';
import type { ContractVariable } from '../core/contract';
import { containerSecret, grantSecretRead } from '../core/key-policy';
import { checkKinds, pathOf } from '../core/kinds';
import type { Profile } from '../core/profile';
import type { RotationWindow } from '../core/secret-rotation';
import type { EvictionPolicy } from './eviction-policy';
import { checkBroughtCache, checkCache } from './private/checks';
import { withCacheDefaults } from './private/defaults';
import { CacheLogin } from './private/login';
import { CACHE_PORT, replicationGroup } from './private/replication-group';

/** A Valkey or Redis server, and what the processes of an application need to use it. */
export interface ICache extends IConnectable {
  /** Secret of the login: JSON with `username`, `password` and `url`. */
  readonly secret: ISecret;
  /** Where the cache is: CACHE_HOST and CACHE_PORT. */
  readonly containerEnvironment: { [name: string]: string };
  /**
   * Login, and address with login in one: CACHE_USERNAME, CACHE_PASSWORD, CACHE_URL and, with the same value,
   * REDIS_URL.
   */
  readonly containerSecrets: { [name: string]: ContainerSecret };
  /**
   * The secret, where it can change while processes run and the change can be noticed: by its full ARN. Empty
   * otherwise.
   *
   * `SecretRefresh` replaces the processes that read it.
   */
  readonly changingSecrets: ISecret[];
  /**
   * The function that rotates the password, for an alarm on its errors.
   *
   * @default - none: the password does not rotate, or by its owner's means
   */
  readonly rotationFunction?: IFunction;
  /** What must be deployed before a process starts: the cache, its user and the complete secret. */
  readonly ready: IDependable;
  /** Ids of the nodes, under which CloudWatch has their metrics in `AWS/ElastiCache`; empty if not known. */
  readonly nodeIds: string[];
  /** Grants read access to the secret. */
  grantRead(grantee: IGrantable): Grant;
}

/** What can be tuned in the cache of an application. */
export interface CacheOptions {
  /**
   * Subnets of the nodes; with more than one node, in at least two zones.
   *
   * @default - isolated subnets, or private ones where the VPC has no isolated ones
   */
  readonly vpcSubnets?: SubnetSelection;
  /**
   * Class and size of each node, without `cache.`: t4g.micro has 0.5 GiB of memory, a quarter of which is
   * reserved.
   *
   * @default - from the profile: t4g.micro
   */
  readonly nodeType?: InstanceType;
  /**
   * Number of nodes, 1 to 6: a primary, and replicas in other zones, one of which takes over when the primary
   * fails.
   *
   * **With one node, its failure loses what it holds.**
   *
   * @default - from the profile: production 2, development 1
   */
  readonly nodes?: number;
  /**
   * Version of Valkey, 8.0 or a later 8.
   *
   * ElastiCache installs newer ones in the maintenance window by itself, and has no way back: before you
   * change another prop of the cache, give the version that runs by then.
   *
   * @default '8.1'
   */
  readonly engineVersion?: string;
  /**
   * What Valkey does when its memory is full.
   *
   * @default EvictionPolicy.VOLATILE_LRU
   */
  readonly evictionPolicy?: EvictionPolicy;
  /**
   * How long daily snapshots are kept, 0 to 35 whole days; with 0 there are none.
   *
   * @default - from the profile: production 15 days, development none
   */
  readonly snapshotRetention?: Duration;
  /**
   * When the daily snapshot is made, UTC, at least 60 minutes.
   *
   * @default '03:00-04:00'
   */
  readonly snapshotWindow?: string;
  /**
   * When ElastiCache may install updates, UTC, at least 60 minutes.
   *
   * @default 'sun:04:30-sun:05:30'
   */
  readonly preferredMaintenanceWindow?: string;
  /**
   * What happens to the cache when it leaves the stack: SNAPSHOT or DESTROY.
   *
   * **DESTROY deletes it without a last snapshot. Snapshots of ElastiCache's own go with it.**
   *
   * @default - by profile: production SNAPSHOT, development DESTROY
   */
  readonly removalPolicy?: RemovalPolicy;
  /**
   * Time between two rotations of the password, in whole days.
   *
   * Tasks must be replaced within a day of a rotation, as `SecretRefresh` does: then the password of before
   * leaves.
   *
   * @default Duration.days(30)
   */
  readonly passwordRotationPeriod?: Duration;
  /**
   * When the password rotates on the day that is due.
   *
   * At another hour than 0 Secrets Manager goes by the calendar: `passwordRotationPeriod` must be 1, 7, 30,
   * 60, 90, 120, 180 or 360 days, which become every day, Sunday, or the first of every so many months.
   *
   * @default - from midnight to 3:00 UTC
   */
  readonly passwordRotationWindow?: RotationWindow;
}

/** Properties of `Cache`. */
export interface CacheProps extends CacheOptions {
  /** VPC of the nodes. */
  readonly vpc: IVpc;
  /**
   * Environment whose defaults apply.
   *
   * @default Profile.production()
   */
  readonly profile?: Profile;
  /**
   * KMS key of the cache, its snapshots, its secret and the log group of its function.
   *
   * **Another key makes another cache, which is empty.**
   *
   * @default - the account's keys, managed by AWS
   */
  readonly encryptionKey?: IKey;
  /**
   * How long logs of the function are kept.
   *
   * @default - from the profile: production one year, development one month
   */
  readonly logRetention?: RetentionDays;
  /**
   * SNS topic for invocations of the function that Lambda gave up on.
   *
   * @default - none
   */
  readonly deadLetterTopic?: ITopic;
  /**
   * Concurrency reserved for the function.
   *
   * New accounts have a concurrency quota of 10, none of which can be reserved.
   *
   * @default - none reserved
   */
  readonly handlerReservedConcurrency?: number;
}

/** What must be known about an existing cache: a Valkey or Redis server with TLS, cluster mode disabled. */
export interface CacheAttributes {
  /** Host name: the primary endpoint of a replication group. */
  readonly host: string;
  /**
   * Port.
   *
   * @default 6379
   */
  readonly port?: number;
  /** Security group of the nodes, which processes are let into. */
  readonly securityGroup: ISecurityGroup;
  /**
   * Secret of a login: JSON with `username`, `password` and `url`, as in
   * `rediss://username:password@host:6379/0`.
   */
  readonly secret: ISecret;
  /**
   * Id of the replication group, by which alarms find its metrics.
   *
   * @default - not watched
   */
  readonly replicationGroupId?: string;
  /**
   * Number of its nodes.
   *
   * @default 1
   */
  readonly nodes?: number;
}

/**
 * What created and imported caches share.
 *
 * @internal
 */
abstract class CacheBase extends Construct implements ICache {
  public abstract readonly connections: Connections;
  public abstract readonly secret: ISecret;
  public abstract readonly containerEnvironment: { [name: string]: string };
  public abstract readonly changingSecrets: ISecret[];
  public abstract readonly rotationFunction?: IFunction;
  public abstract readonly ready: IDependable;
  public abstract readonly nodeIds: string[];

  public get containerSecrets(): { [name: string]: ContainerSecret } {
    return {
      CACHE_USERNAME: containerSecret(this.secret, 'username'),
      CACHE_PASSWORD: containerSecret(this.secret, 'password'),
      CACHE_URL: containerSecret(this.secret, 'url'),
      REDIS_URL: containerSecret(this.secret, 'url'),
    } satisfies { [name in ContractVariable]?: ContainerSecret };
  }

  public grantRead(grantee: IGrantable): Grant {
    return grantSecretRead(this.secret, grantee);
  }
}

/**
 * Valkey on ElastiCache for the cache, the sessions and the channel layer of a Django project: private, TLS
 * only, encrypted, with one user whose password rotates.
 *
 * A primary and its replicas, cluster mode disabled, which Django's cache and the channel layer of Channels
 * need. ElastiCache accepts a new password beside the one before; running tasks must be replaced after a
 * rotation, which `SecretRefresh` does.
 *
 * @example
 * declare const vpc: ec2.IVpc;
 * const cache = new Cache(this, 'Cache', { vpc, nodeType: new ec2.InstanceType('t4g.small') });
 * cache.containerEnvironment; // CACHE_HOST, CACHE_PORT
 *
 * @see https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Clusters.RBAC.html
 */
export class Cache extends CacheBase {
  /** Uses an existing cache, with the secret of a login for the application. */
  public static fromCacheAttributes(scope: Construct, id: string, attrs: CacheAttributes): ICache {
    checkKinds(pathOf(scope, id), 'CacheAttributes', attrs);
    checkBroughtCache(pathOf(scope, id), attrs);
    const { host, port = CACHE_PORT, securityGroup, secret, replicationGroupId, nodes = 1 } = attrs;
    class Import extends CacheBase {
      public readonly connections = new Connections({ securityGroups: [securityGroup], defaultPort: Port.tcp(port) });
      public readonly secret = secret;
      public readonly containerEnvironment = environmentOf(host, Tokenization.stringifyNumber(port));
      public readonly changingSecrets = secret.secretFullArn === undefined ? [] : [secret];
      public readonly rotationFunction = undefined;
      public readonly ready = new DependencyGroup(secret);
      public readonly nodeIds = replicationGroupId === undefined ? [] : nodeIdsOf(replicationGroupId, nodes);
    }
    return new Import(scope, id);
  }

  /** The replication group. */
  public readonly replicationGroup: CfnReplicationGroup;
  public readonly connections: Connections;
  public readonly secret: ISecret;
  public readonly containerEnvironment: { [name: string]: string };
  public readonly changingSecrets: ISecret[];
  public readonly rotationFunction?: IFunction;
  public readonly ready: IDependable;
  public readonly nodeIds: string[];

  constructor(scope: Construct, id: string, props: CacheProps) {
    super(scope, id);
    checkKinds(this, 'CacheProps', props);
    const filled = withCacheDefaults(props);
    checkCache(this, props, filled);

    const securityGroup = new SecurityGroup(this, 'SecurityGroup', {
      vpc: filled.vpc,
      description: 'Cache: only whom consumers let in',
      allowAllOutbound: false,
    });
    const login = new CacheLogin(this, 'Login', {
      period: filled.passwordRotationPeriod,
      window: props.passwordRotationWindow,
      encryptionKey: filled.encryptionKey,
      removalPolicy: filled.secretsAndLogsRemovalPolicy,
      logRetention: filled.logRetention,
      deadLetterTopic: props.deadLetterTopic,
      reservedConcurrentExecutions: props.handlerReservedConcurrency,
    });
    const made = replicationGroup(this, filled, { securityGroup, userGroupId: login.userGroup.ref });
    const [host, port] = [made.attrPrimaryEndPointAddress, made.attrPrimaryEndPointPort];

    this.replicationGroup = made;
    this.connections = new Connections({ securityGroups: [securityGroup], defaultPort: Port.tcp(CACHE_PORT) });
    this.secret = login.secret;
    this.containerEnvironment = environmentOf(host, port);
    this.changingSecrets = [login.secret];
    this.rotationFunction = login.handler;
    this.ready = new DependencyGroup(login.completeWith({ host, port }));
    this.nodeIds = nodeIdsOf(made.ref, filled.nodes);
  }
}

function environmentOf(host: string, port: string): { [name: string]: string } {
  return { CACHE_HOST: host, CACHE_PORT: port } satisfies { [name in ContractVariable]?: string };
}

/** What ElastiCache calls the nodes of a replication group that has one shard. */
function nodeIdsOf(replicationGroupId: string, nodes: number): string[] {
  return Array.from({ length: nodes }, (_, index) => `${replicationGroupId}-${String(index + 1).padStart(3, '0')}`);
}
