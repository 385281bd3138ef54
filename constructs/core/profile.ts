import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { PriceClass } from 'aws-cdk-lib/aws-cloudfront';
import { InstanceClass, InstanceSize, InstanceType } from 'aws-cdk-lib/aws-ec2';
import { ContainerInsights } from 'aws-cdk-lib/aws-ecs';
import { DesyncMitigationMode } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { DatabaseInsightsMode } from 'aws-cdk-lib/aws-rds';
import { Checks } from './checks';
import { checkKinds } from './kinds';

/** Single values to change in a profile. Every default is in the table of `Profile`. */
export interface ProfileOptions {
  /**
   * Number of availability zones of the network, 2 or 3.
   *
   * @default - production 2, development 2
   */
  readonly maxAzs?: number;
  /**
   * Number of NAT gateways.
   *
   * One serves all zones; if its zone fails, tasks in the others reach neither SQS nor their images. With 0,
   * tasks run in public subnets, and their security groups let nobody in from outside.
   *
   * @default - production 1, development 0
   */
  readonly natGateways?: number;
  /**
   * Whether the VPC writes flow logs.
   *
   * @default - production true, development false
   */
  readonly flowLogs?: boolean;
  /**
   * How long log groups keep events.
   *
   * @default - production one year, development one month
   */
  readonly logRetention?: RetentionDays;
  /**
   * Whether the database and the load balancer refuse to be deleted.
   *
   * @default - production true, development false
   */
  readonly deletionProtection?: boolean;
  /**
   * What happens to keys, secrets, queues, buckets and log groups when they leave the stack.
   *
   * RETAIN_ON_UPDATE_OR_DELETE does not hold while they are created, so that a failed first deployment leaves
   * nothing in the way of the next one.
   *
   * @default - production RETAIN_ON_UPDATE_OR_DELETE, development DESTROY
   */
  readonly removalPolicy?: RemovalPolicy;
  /**
   * What happens to the database when it leaves the stack.
   *
   * What a database that is kept needs stays with it: its network, security group, parameters and key.
   *
   * @default - production RETAIN_ON_UPDATE_OR_DELETE, development SNAPSHOT
   */
  readonly databaseRemovalPolicy?: RemovalPolicy;
  /**
   * Class and size of the database instance.
   *
   * @default - production t4g.medium, development t4g.micro
   */
  readonly databaseInstanceType?: InstanceType;
  /**
   * Initial storage of the database in GiB.
   *
   * @default - production 20, development 20
   */
  readonly databaseStorageGiB?: number;
  /**
   * Size in GiB up to which RDS enlarges the storage by itself.
   *
   * @default - production 200, development 50
   */
  readonly databaseMaxStorageGiB?: number;
  /**
   * Whether the database has a standby in a second zone.
   *
   * @default - production true, development false
   */
  readonly multiAz?: boolean;
  /**
   * How long the database keeps automated backups, 7 to 35 days.
   *
   * @default - production 14 days, development 7 days
   */
  readonly backupRetention?: Duration;
  /**
   * Level of Database Insights.
   *
   * @default - production STANDARD, development STANDARD
   */
  readonly databaseInsightsMode?: DatabaseInsightsMode;
  /**
   * CPU units of web and ASGI tasks (1024 is one vCPU).
   *
   * @default - production 512, development 256
   */
  readonly webCpu?: number;
  /**
   * Memory of web and ASGI tasks in MiB.
   *
   * @default - production 1024, development 512
   */
  readonly webMemoryLimitMiB?: number;
  /**
   * Minimum number of tasks of the web service, and of the ASGI service.
   *
   * @default - production 2, development 1
   */
  readonly webMinCapacity?: number;
  /**
   * Maximum number of tasks of the web service, and of the ASGI service.
   *
   * With as many as the minimum nothing scales, and there are no alarms of scaling to pay.
   *
   * @default - production 4, development 1
   */
  readonly webMaxCapacity?: number;
  /**
   * Whether web and ASGI tasks run on Fargate Spot.
   *
   * AWS takes such a task away at two minutes' notice: a service of one task is then away until another one
   * is healthy. A service that needs longer to stop runs on demand.
   *
   * @default - production false, development true
   */
  readonly webSpot?: boolean;
  /**
   * CPU units of worker tasks.
   *
   * @default - production 512, development 256
   */
  readonly workerCpu?: number;
  /**
   * Memory of worker tasks in MiB.
   *
   * @default - production 1024, development 512
   */
  readonly workerMemoryLimitMiB?: number;
  /**
   * Minimum number of tasks of a worker service.
   *
   * @default - production 1, development 1
   */
  readonly workerMinCapacity?: number;
  /**
   * Maximum number of tasks of a worker service.
   *
   * Where it is left out, an application takes as many, up to this number, as the database has connections
   * for. With as many as the minimum nothing scales, and there are no alarms of scaling to pay.
   *
   * @default - production 50, development 1
   */
  readonly workerMaxCapacity?: number;
  /**
   * Whether workers run on Fargate Spot.
   *
   * @default - production false, development true
   */
  readonly workerSpot?: boolean;
  /**
   * Detail of Container Insights: network, storage and, if enhanced, each task and container.
   *
   * CPU, memory and the number of tasks of each service are measured without it, and no alarm reads it.
   * **ENABLED costs $3.90 a month and $7.50 for each service; ENHANCED costs $1.89, $3.71 for each service
   * and $3.36 for each task.** Rule ECS4 of cdk-nag and control ECS.12 of Security Hub ask for one of them.
   *
   * @default - production DISABLED, development DISABLED
   */
  readonly containerInsights?: ContainerInsights;
  /**
   * Whether an application has a dashboard, for $3 a month.
   *
   * @default - production true, development false
   */
  readonly dashboard?: boolean;
  /**
   * How strictly the load balancer treats requests that could smuggle another one (HTTP desync).
   *
   * @default - production STRICTEST, development DEFENSIVE
   */
  readonly desyncMitigationMode?: DesyncMitigationMode;
  /**
   * Whether a web application firewall stands before the load balancer.
   *
   * @default - production true, development false
   */
  readonly webFirewall?: boolean;
  /**
   * Which places of CloudFront answer where a distribution stands before the load balancer: all of them, or
   * the least expensive ones, in North America, Europe and Israel.
   *
   * @default - production PriceClass_All, development PriceClass_100
   */
  readonly priceClass?: PriceClass;
  /**
   * Whether AWS Backup keeps daily, weekly and monthly copies of the database.
   *
   * @default - production true, development false
   */
  readonly databaseBackup?: boolean;
  /**
   * Class and size of the nodes of a cache, where there is one.
   *
   * @default - production t4g.micro, development t4g.micro
   */
  readonly cacheNodeType?: InstanceType;
  /**
   * Number of nodes of a cache; with two or more, a replica takes over when the primary fails.
   *
   * @default - production 2, development 1
   */
  readonly cacheNodes?: number;
  /**
   * How long snapshots of a cache are kept, 0 to 35 days; with 0 there are none.
   *
   * @default - production 15 days, development 0 days
   */
  readonly cacheSnapshotRetention?: Duration;
}

const PRODUCTION: Required<ProfileOptions> = {
  maxAzs: 2,
  natGateways: 1,
  flowLogs: true,
  logRetention: RetentionDays.ONE_YEAR,
  deletionProtection: true,
  removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
  databaseRemovalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
  databaseInstanceType: InstanceType.of(InstanceClass.T4G, InstanceSize.MEDIUM),
  databaseStorageGiB: 20,
  databaseMaxStorageGiB: 200,
  multiAz: true,
  backupRetention: Duration.days(14),
  databaseInsightsMode: DatabaseInsightsMode.STANDARD,
  webCpu: 512,
  webMemoryLimitMiB: 1024,
  webMinCapacity: 2,
  webMaxCapacity: 4,
  webSpot: false,
  workerCpu: 512,
  workerMemoryLimitMiB: 1024,
  workerMinCapacity: 1,
  workerMaxCapacity: 50,
  workerSpot: false,
  containerInsights: ContainerInsights.DISABLED,
  dashboard: true,
  desyncMitigationMode: DesyncMitigationMode.STRICTEST,
  webFirewall: true,
  priceClass: PriceClass.PRICE_CLASS_ALL,
  databaseBackup: true,
  cacheNodeType: InstanceType.of(InstanceClass.T4G, InstanceSize.MICRO),
  cacheNodes: 2,
  cacheSnapshotRetention: Duration.days(15),
};

const DEVELOPMENT: Required<ProfileOptions> = {
  maxAzs: 2,
  natGateways: 0,
  flowLogs: false,
  logRetention: RetentionDays.ONE_MONTH,
  deletionProtection: false,
  removalPolicy: RemovalPolicy.DESTROY,
  databaseRemovalPolicy: RemovalPolicy.SNAPSHOT,
  databaseInstanceType: InstanceType.of(InstanceClass.T4G, InstanceSize.MICRO),
  databaseStorageGiB: 20,
  databaseMaxStorageGiB: 50,
  multiAz: false,
  backupRetention: Duration.days(7),
  databaseInsightsMode: DatabaseInsightsMode.STANDARD,
  webCpu: 256,
  webMemoryLimitMiB: 512,
  webMinCapacity: 1,
  webMaxCapacity: 1,
  webSpot: true,
  workerCpu: 256,
  workerMemoryLimitMiB: 512,
  workerMinCapacity: 1,
  workerMaxCapacity: 1,
  workerSpot: true,
  containerInsights: ContainerInsights.DISABLED,
  dashboard: false,
  desyncMitigationMode: DesyncMitigationMode.DEFENSIVE,
  webFirewall: false,
  priceClass: PriceClass.PRICE_CLASS_100,
  databaseBackup: false,
  cacheNodeType: InstanceType.of(InstanceClass.T4G, InstanceSize.MICRO),
  cacheNodes: 1,
  cacheSnapshotRetention: Duration.days(0),
};

/**
 * Every default that differs between environments, in one table.
 *
 * A construct without a profile uses the values of production.
 *
 * @example
 * const profile = Profile.production({ natGateways: 2 });
 */
export class Profile {
  /** Defaults for a live application: redundancy, protection against deletion, long retention. */
  public static production(options: ProfileOptions = {}): Profile {
    return new Profile('production', PRODUCTION, options);
  }

  /**
   * Defaults that are cheap and easy to delete: one of everything, no NAT gateway.
   *
   * **Deleting the stack deletes what it stores; a final snapshot of the database stays.**
   */
  public static development(options: ProfileOptions = {}): Profile {
    return new Profile('development', DEVELOPMENT, options);
  }

  /** `production` or `development`. */
  public readonly name: string;
  /** @internal */
  public readonly _values: Required<ProfileOptions>;
  /** @internal */
  public readonly _given: readonly string[];

  private constructor(name: string, defaults: Required<ProfileOptions>, options: ProfileOptions) {
    checkKinds(`Profile.${name}`, 'ProfileOptions', options);
    const given = Object.entries(options).filter(([, value]) => value !== undefined);
    checkTasks(name, options);
    this.name = name;
    this._values = { ...defaults, ...Object.fromEntries(given) };
    this._given = given.map(([name]) => name);
  }
}

/** A service would raise the most tasks to the fewest, so that nobody would see a mistake. */
function checkTasks(name: string, options: ProfileOptions): void {
  const checks = new Checks(`Profile.${name}`);
  for (const kind of ['web', 'worker'] as const) {
    const [least, most] = [options[`${kind}MinCapacity`], options[`${kind}MaxCapacity`]];
    checks
      .integer(`${kind}MaxCapacity`, most, { min: 1, remedy: 'Give the most tasks that may run at once.' })
      .optional(`${kind}MaxCapacity`, most, () => least === undefined || !((most as number) < least), {
        must: `be at least \`${kind}MinCapacity\`, ${least}`,
        remedy: `Raise it, or lower \`${kind}MinCapacity\`.`,
      });
  }
  checks.throwIfAny();
}

/** The values of a profile; production's where none is given. */
export function profileValues(profile: Profile = Profile.production()): Required<ProfileOptions> {
  return profile._values;
}

/**
 * What messages call the props that are left out and taken from the profile: by the value that the user wrote
 * there. A prop whose value is a default keeps its own name.
 */
export function namesInProfile<Props extends { readonly profile?: Profile }>(
  props: Props,
  values: { readonly [Prop in keyof Props & string]?: keyof ProfileOptions },
): { [prop: string]: string } {
  const taken = Object.entries<keyof ProfileOptions | undefined>(values).filter(
    ([prop, value]) => props[prop as keyof Props] === undefined && props.profile?._given.includes(value ?? ''),
  );
  return Object.fromEntries(taken.map(([prop, value]) => [prop, `profile.${value}`]));
}
