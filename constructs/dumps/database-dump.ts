import { Annotations, Duration, RemovalPolicy, type Size, Stack } from 'aws-cdk-lib';
import { Metric, type MetricOptions, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { Connections, type IConnectable, type ISecurityGroup, type SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import type { ContainerImage, CpuArchitecture, FargateTaskDefinition, ICluster } from 'aws-cdk-lib/aws-ecs';
import type { IRole } from 'aws-cdk-lib/aws-iam';
import { type IKey, Key } from 'aws-cdk-lib/aws-kms';
import type { ILogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { IDatabaseInstance } from 'aws-cdk-lib/aws-rds';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Schedule, ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct, type IDependable } from 'constructs';
import { acknowledge } from '../core/acknowledge';
import { checkKinds } from '../core/kinds';
import { logGroup } from '../core/log-group';
import { type Profile, profileValues } from '../core/profile';
import { deadLetterQueue } from '../core/queue';
import type { IPostgresDatabase } from '../database/postgres-database';
import { type Egress, processSecurityGroup } from '../processes/egress';
import { executionRole } from '../processes/execution-role';
import { taskPlacement } from '../processes/task/placement';
import { taskTarget } from '../processes/task/schedule';
import { schedulerRole } from '../processes/task/scheduler-role';
import { reportFailures } from '../processes/task/task-failure-rule';
import type { DumpCopyOptions } from './dump-copy';
import { DumpLock } from './dump-lock';
import { ageOf, checkDump, DEFAULTS, type FilledDump } from './private/checks';
import { dumpBucket, REPLICATION_RULE } from './private/dump-bucket';
import { DumpTask, NAMESPACE } from './private/dump-task';
import { awsCliImage, postgresImage } from './private/images';
import { storageOf } from './private/storage';

/** Options of the dumps of a database. */
export interface DatabaseDumpOptions {
  /**
   * When dumps are made, each with its time zone: at least once in six days, so that a lack of them is
   * noticed.
   *
   * @default - daily at 1:00 UTC
   */
  readonly schedules?: ScheduleExpression[];
  /**
   * Whether the schedules are on.
   *
   * Without them there is no alarm that no dump arrives.
   *
   * @default true
   */
  readonly enabled?: boolean;
  /**
   * What the keys of all dumps begin with.
   *
   * **The lifecycle of the bucket, and whoever restores, go by it: dumps below another prefix stay for
   * ever.**
   *
   * @default 'dumps'
   */
  readonly prefix?: string;
  /**
   * Image with `pg_dump` and `psql`, of the major version of the database or a later one.
   *
   * Give one with its digest where what runs must never change by itself.
   *
   * @default - PostgreSQL's own of the version of the database, from Amazon's public registry
   */
  readonly image?: ContainerImage;
  /**
   * Image with the AWS CLI, version 2.
   *
   * @default - that of AWS, from Amazon's public registry
   */
  readonly uploadImage?: ContainerImage;
  /**
   * CPU units of the task; 1024 is one vCPU, which `pg_dump` uses to compress.
   *
   * @default 1024
   */
  readonly cpu?: number;
  /**
   * Memory of the task in MiB.
   *
   * Must form a pair with `cpu` that Fargate sells. `pg_dump` takes little, whatever the size of the
   * database, but for rows that are very long.
   *
   * @default 2048
   */
  readonly memoryLimitMiB?: number;
  /**
   * Space for a compressed dump, in whole GiB from 1 to 192.
   *
   * A dump that finds no room fails, and the alarm says so. Up to 12 GiB cost nothing; Fargate charges for
   * more by the hour.
   *
   * @default - the size that the storage of the database may grow to, at most 192 GiB
   */
  readonly storage?: Size;
  /**
   * Time after which a dump has taken too long, in whole minutes up to a day: an alarm says so.
   *
   * After twice the time `pg_dump` is ended, and the dump has failed.
   *
   * @default Duration.hours(2)
   */
  readonly maxDuration?: Duration;
  /**
   * Age of the newest dump from which an alarm says that none arrives, in whole hours, at most 7 days.
   *
   * @default - the longest time between two of the `schedules`, and `maxDuration`, and an hour
   */
  readonly maxAge?: Duration;
  /**
   * Whether a read replica is dumped, where the database has one.
   *
   * A replica that is more than an hour behind is passed over, and so is one that ends the dump to follow the
   * primary; the database itself is dumped then. The parameter `hot_standby_feedback` spares replicas that.
   *
   * @default true
   */
  readonly fromReplica?: boolean;
  /**
   * How long daily dumps are kept, in whole days.
   *
   * @default Duration.days(35)
   */
  readonly dailyRetention?: Duration;
  /**
   * How long the dumps of a Sunday are kept, in whole days.
   *
   * @default Duration.days(84)
   */
  readonly weeklyRetention?: Duration;
  /**
   * How long the dumps of the first day of a month are kept, in whole days.
   *
   * @default Duration.days(365)
   */
  readonly monthlyRetention?: Duration;
  /**
   * Protects dumps from being deleted early.
   *
   * @default - by profile: production governance for as long as daily dumps are kept, development none
   */
  readonly bucketLock?: DumpLock;
  /**
   * KMS key of the bucket, and of the log group and the queue that are made here.
   *
   * **Dumps stay encrypted with the key that they were written with: without it nobody can read them.**
   *
   * @default - a new key, another one than that of the database
   */
  readonly encryptionKey?: IKey;
  /**
   * Bucket for the dumps that exists already, also in another region or account.
   *
   * Its policy must let the role of the task put objects where it belongs to another account, and so must the
   * policy of its key. Versions, lock and lifecycle are its own.
   *
   * Import it with its `encryptionKey`, and with `region` and `account` where they are others.
   *
   * @default - a new one
   */
  readonly bucket?: IBucket;
  /**
   * Bucket that S3 copies each dump to, in another region or account.
   *
   * It needs versions, Object Lock, and a lifecycle of its own. Import it with its `encryptionKey`, `region`
   * and `account`. In another account its policy must let the replication role of this stack write, and so
   * must the policy of its key.
   *
   * @default - none: the dumps lie where the database does
   * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication.html
   */
  readonly replicaBucket?: IBucket;
  /**
   * A store outside of AWS that gets a copy of each dump, with a key that can only write.
   *
   * **The copy is not encrypted with your key: the store reads what it keeps.** Its lifecycle is its own.
   *
   * @default - none
   */
  readonly copyTo?: DumpCopyOptions;
  /**
   * What happens to the bucket and its key when they leave the stack.
   *
   * **DESTROY schedules the key for deletion. Deleting the stack then fails at the bucket until nothing is in
   * it, and what a lock protects stays until its time.**
   *
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;
}

/** Properties of `DatabaseDump`. */
export interface DatabaseDumpProps extends DatabaseDumpOptions {
  /** Cluster that the task runs in. */
  readonly cluster: ICluster;
  /** The database that is dumped, by the login that owns its tables. */
  readonly database: IPostgresDatabase;
  /**
   * Image of the application, which holds the certificate authorities of RDS where the database says, and
   * Python.
   *
   * @default - `image` holds them
   */
  readonly applicationImage?: ContainerImage;
  /**
   * Processor of the task; every image must be there for it.
   *
   * @default CpuArchitecture.ARM64
   */
  readonly cpuArchitecture?: CpuArchitecture;
  /**
   * Subnets of the task.
   *
   * @default - private subnets with a way out; public ones with public addresses where the VPC has no such
   * subnets
   */
  readonly vpcSubnets?: SubnetSelection;
  /**
   * Security group of the task.
   *
   * @default - a new one without inbound rules
   */
  readonly securityGroup?: ISecurityGroup;
  /**
   * Whom the task may connect to, beside the database.
   *
   * @default - TCP port 443 to anywhere
   */
  readonly egress?: Egress[];
  /**
   * Role with which ECS starts the task: pulls the images, reads the secrets, writes the logs.
   *
   * @default - a new one with just that
   */
  readonly executionRole?: IRole;
  /**
   * Log group of the task, from whose lines CloudWatch takes the metrics of the dumps.
   *
   * @default - a new one
   */
  readonly logGroup?: ILogGroup;
  /**
   * How long the log group that is made here keeps events.
   *
   * @default - from the profile
   */
  readonly logRetention?: RetentionDays;
  /**
   * Queue that failures are reported to.
   *
   * The policy of an imported queue must let `events.amazonaws.com` send to it.
   *
   * @default - a new one
   */
  readonly deadLetterQueue?: IQueue;
  /**
   * What must exist before the first dump, for example the release.
   *
   * @default - only what the task itself needs
   */
  readonly waitFor?: IDependable[];
  /**
   * Environment whose defaults apply.
   *
   * @default Profile.production()
   */
  readonly profile?: Profile;
  /**
   * Where everything is made that neither stores dumps nor may reach them, below a nested stack.
   *
   * @default - in this construct
   * @internal
   */
  readonly _place?: Construct;
}

/**
 * Dumps of a database in a bucket of their own, at set times: `pg_dump` in its directory format, compressed,
 * with a manifest of files, checksums and rows.
 *
 * The task that makes them can only write: who takes it over can neither read an old dump nor delete one.
 * Dumps are named `<prefix>/<tier>/<time>/dump/…`, and `<prefix>/<tier>/<time>/manifest.json`, which comes
 * last: a dump without it is not whole. The tier is `monthly` on the first of a month, `weekly` on a Sunday,
 * and otherwise `daily`, by UTC.
 *
 * **Dumps complement snapshots: a restore to a point in time needs those of RDS.** A database that holds more
 * than a task can store is refused.
 *
 * @example
 * declare const cluster: ecs.Cluster;
 * declare const database: PostgresDatabase;
 *
 * new DatabaseDump(this, 'Dump', {
 *   cluster,
 *   database,
 *   applicationImage: ecs.ContainerImage.fromAsset('app'),
 *   schedules: [
 *     scheduler.ScheduleExpression.cron({ minute: '0', hour: '1,13', timeZone: TimeZone.ETC_UTC }),
 *   ],
 * });
 *
 * @see https://www.postgresql.org/docs/current/app-pgdump.html
 */
export class DatabaseDump extends Construct implements IConnectable {
  /** Bucket of the dumps. */
  public readonly bucket: IBucket;
  /** KMS key of the dumps. Undefined for a bucket that is brought without one. */
  public readonly encryptionKey?: IKey;
  /** What the keys of all dumps begin with. */
  public readonly prefix: string;
  /** Image with the programs of PostgreSQL. */
  public readonly image: ContainerImage;
  /** The task definition. */
  public readonly taskDefinition: FargateTaskDefinition;
  /** Cluster that the task runs in. */
  public readonly cluster: ICluster;
  /** IAM role of the task, which can only write. */
  public readonly taskRole: IRole;
  /** The schedules. */
  public readonly schedules: Schedule[];
  /** Log group of the task. */
  public readonly logGroup: ILogGroup;
  /** Queue that failures are reported to. */
  public readonly deadLetterQueue: IQueue;
  /** Security group of the task, for rules of your own. */
  public readonly connections: Connections;
  /**
   * What the alarms need to know.
   *
   * @internal
   */
  public readonly _watched: WatchedDump;

  private readonly replicaBucket?: IBucket;

  constructor(scope: Construct, id: string, props: DatabaseDumpProps) {
    super(scope, id);
    checkKinds(this, 'DatabaseDumpProps', props);
    const profile = profileValues(props.profile);
    const filled: FilledDump = {
      ...DEFAULTS,
      schedules: [ScheduleExpression.cron({ minute: '0', hour: '1' })],
      bucketLock: profile.deletionProtection ? DumpLock.governance() : DumpLock.none(),
      ...given(props),
    };
    checkDump(this, filled, props);

    const made = props.bucket === undefined ? this.makeBucket(filled) : undefined;
    this.bucket = props.bucket ?? (made as IBucket);
    this.encryptionKey = this.bucket.encryptionKey;
    this.replicaBucket = props.replicaBucket;
    this.prefix = filled.prefix;
    this.cluster = props.cluster;
    const place = props._place ?? this;
    this.image = props.image ?? postgresImage(props.database);
    const own = {
      encryptionKey: this.encryptionKey,
      logRetention: props.logRetention,
      profile: props.profile,
      removalPolicy: profile.removalPolicy,
    };
    this.logGroup = props.logGroup ?? logGroup(this, 'Logs', own);
    const securityGroup =
      props.securityGroup ??
      processSecurityGroup(place, 'SecurityGroup', {
        vpc: props.cluster.vpc,
        description: `${this.node.path}: dumps`,
        egress: props.egress,
      });
    const replicas = filled.fromReplica ? replicasOf(props.database) : [];
    const task = new DumpTask(place, 'Task', {
      ...filled,
      image: this.image,
      uploadImage: props.uploadImage ?? awsCliImage(),
      bucket: this.bucket,
      hasBucketKey: made !== undefined,
      replicas: replicas.map(({ dbInstanceEndpointAddress }) => dbInstanceEndpointAddress),
      storage: storageOf(props.database, props.storage),
      giveUpAfter: Duration.minutes(2 * filled.maxDuration.toMinutes()),
      executionRole: props.executionRole ?? executionRole(place, 'ExecutionRole'),
      logGroup: this.logGroup,
      securityGroup,
      placement: taskPlacement(props.cluster.vpc, props.vpcSubnets),
      besideBucket: place === this ? undefined : new Construct(this, 'Task'),
      name: this.node.path,
    });
    this.deadLetterQueue = props.deadLetterQueue ?? queueOfFailures(this, own);
    const reports = reportFailures(place, task, props.cluster.clusterArn, this.deadLetterQueue);
    const role = schedulerRole(place, task, props.cluster, this.deadLetterQueue);
    this.schedules = filled.schedules.map((schedule, index) => {
      const made = new Schedule(place, `Schedule${index + 1}`, {
        schedule,
        description: this.node.path,
        enabled: filled.enabled,
        target: {
          bind: () => taskTarget({ cluster: props.cluster, task, role, deadLetterQueue: this.deadLetterQueue }),
        },
      });
      // A nested stack cannot wait for the policy of a queue outside, which waits for the rule inside.
      const here = reports.filter((each) => !Construct.isConstruct(each) || Stack.of(each) === Stack.of(place));
      made.node.addDependency(role, this.bucket, ...task.prerequisites, ...here, ...(props.waitFor ?? []));
      return made;
    });
    this._watched = {
      database: props.database,
      maxAge: filled.enabled ? ageOf(filled) : undefined,
      maxDuration: filled.maxDuration,
    };
    this.taskDefinition = task.taskDefinition;
    this.taskRole = task.taskRole;
    this.connections = new Connections({ securityGroups: [securityGroup] });
    this.sayWhereTheyLie(props);
  }

  /** Size of a dump in bytes, as it is stored. Maximum over an hour unless changed. */
  public metricDumpBytes(options?: MetricOptions): Metric {
    return this.metric('DumpBytes', options);
  }

  /** Seconds from the start of a dump to the end of its upload. Maximum over an hour unless changed. */
  public metricDumpSeconds(options?: MetricOptions): Metric {
    return this.metric('DumpSeconds', options);
  }

  /** Rows in a dump, of all tables. Maximum over an hour unless changed. */
  public metricDumpRows(options?: MetricOptions): Metric {
    return this.metric('DumpRows', options);
  }

  /** Size of the database in bytes when it was dumped. Maximum over an hour unless changed. */
  public metricDatabaseBytes(options?: MetricOptions): Metric {
    return this.metric('DatabaseBytes', options);
  }

  /**
   * Reports of failures that are still in the queue: of the task, of the upload, and of the copy to another
   * store.
   *
   * Maximum over 5 minutes unless changed.
   */
  public metricFailures(options?: MetricOptions): Metric {
    return this.deadLetterQueue.metricApproximateNumberOfMessagesVisible(options);
  }

  /**
   * Files that S3 could not copy to `replicaBucket`. Sum over 5 minutes unless changed. Undefined without
   * that bucket.
   */
  public metricFailedCopies(options?: MetricOptions): Metric | undefined {
    return this.replicaBucket === undefined
      ? undefined
      : new Metric({
          namespace: 'AWS/S3',
          metricName: 'OperationsFailedReplication',
          dimensionsMap: {
            SourceBucket: this.bucket.bucketName,
            DestinationBucket: this.replicaBucket.bucketName,
            RuleId: REPLICATION_RULE,
          },
          statistic: Stats.SUM,
          ...options,
        }).attachTo(this);
  }

  private metric(metricName: string, options?: MetricOptions): Metric {
    return new Metric({
      namespace: NAMESPACE,
      metricName,
      // The path is unique in the account and region, as far as a stack's name is.
      dimensionsMap: { Dump: this.node.path },
      period: Duration.hours(1),
      statistic: Stats.MAXIMUM,
      ...options,
    }).attachTo(this);
  }

  private makeBucket(filled: FilledDump): IBucket {
    const removalPolicy = filled.removalPolicy ?? RemovalPolicy.RETAIN;
    const encryptionKey =
      filled.encryptionKey ??
      new Key(this, 'Key', { description: 'Dumps of the database', enableKeyRotation: true, removalPolicy });
    const { prefix, bucketLock: lock, replicaBucket } = filled;
    return dumpBucket(this, 'Bucket', {
      encryptionKey,
      prefix,
      lock,
      replicaBucket,
      removalPolicy,
      retention: { daily: filled.dailyRetention, weekly: filled.weeklyRetention, monthly: filled.monthlyRetention },
    });
  }

  private sayWhereTheyLie({ bucket, replicaBucket, copyTo }: DatabaseDumpProps): void {
    if (bucket === undefined && replicaBucket === undefined && copyTo === undefined) {
      Annotations.of(this).addInfo(
        'The dumps lie in the account and the region of the database: who loses one of these loses both. Give `replicaBucket`, `copyTo`, or a `bucket` elsewhere.',
      );
    }
  }
}

/**
 * What the alarms on dumps need to know.
 *
 * @internal
 */
export interface WatchedDump {
  readonly database: IPostgresDatabase;
  /** @default - no schedule is on */
  readonly maxAge?: Duration;
  readonly maxDuration: Duration;
}

/** The props that have a value. */
function given(props: DatabaseDumpProps): DatabaseDumpProps {
  return Object.fromEntries(Object.entries(props).filter(([, value]) => value !== undefined)) as DatabaseDumpProps & {};
}

/** The read replicas of a database that is made here. */
function replicasOf(
  database: IPostgresDatabase & { readonly readReplicas?: IDatabaseInstance[] },
): IDatabaseInstance[] {
  return database.readReplicas ?? [];
}

function queueOfFailures(
  scope: Construct,
  { encryptionKey, removalPolicy }: { readonly encryptionKey?: IKey; readonly removalPolicy: RemovalPolicy },
): IQueue {
  const queue = deadLetterQueue(scope, 'DeadLetters', { encryptionKey, removalPolicy });
  acknowledge(
    queue,
    'SQS3',
    'This is the dead-letter queue of a schedule, which the rule does not know; its messages are read by people, after an alarm.',
  );
  return queue;
}
