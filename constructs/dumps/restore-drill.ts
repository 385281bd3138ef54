import { Duration, type RemovalPolicy, type Size, Stack } from 'aws-cdk-lib';
import { Metric, type MetricOptions, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { Connections, type IConnectable, type ISecurityGroup, type SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import type { ContainerImage, CpuArchitecture, FargateTaskDefinition } from 'aws-cdk-lib/aws-ecs';
import { type IRole, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import { Schedule, ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct, type IDependable } from 'constructs';
import { acknowledge, findingOf } from '../core/acknowledge';
import { grantKeyVia } from '../core/key-policy';
import { checkKinds } from '../core/kinds';
import { type Profile, profileValues } from '../core/profile';
import { deadLetterQueue } from '../core/queue';
import { ecsTasksForUs, WorkloadRole } from '../core/workload-role';
import { DatabaseVariables } from '../database/database-variables';
import type { IPostgresDatabase } from '../database/postgres-database';
import { processSecurityGroup } from '../processes/egress';
import { executionRole } from '../processes/execution-role';
import { taskPlacement } from '../processes/task/placement';
import { taskTarget } from '../processes/task/schedule';
import { schedulerRole } from '../processes/task/scheduler-role';
import { reportFailures } from '../processes/task/task-failure-rule';
import type { DatabaseDump } from './database-dump';
import { checkDrill, DRILL_DEFAULTS, drillAge, type FilledDrill } from './private/drill-checks';
import { drillStorageOf } from './private/drill-storage';
import { DrillTask } from './private/drill-task';
import { NAMESPACE } from './private/dump-task';
import { awsCliImage } from './private/images';

/** Options of the drill. */
export interface RestoreDrillOptions {
  /**
   * When the newest dump is restored, each with its time zone: at least once in six days, so that its absence
   * is noticed.
   *
   * @default - Tuesdays and Fridays at 5:00 UTC
   */
  readonly schedules?: ScheduleExpression[];
  /**
   * Whether the schedules are on.
   *
   * Without them there is no alarm that no dump is proven.
   *
   * @default true
   */
  readonly enabled?: boolean;
  /**
   * Image with the server and the programs of PostgreSQL, and with a user `postgres`.
   *
   * Give one that has the extensions of the database where they are more than PostgreSQL's own.
   *
   * @default - that of the dump
   */
  readonly image?: ContainerImage;
  /**
   * Extensions that the database has.
   *
   * Those that do not come with PostgreSQL need an `image` that has them.
   *
   * @default - none but PostgreSQL's own
   */
  readonly extensions?: string[];
  /**
   * Image with the AWS CLI, version 2.
   *
   * @default - that of AWS, from Amazon's public registry
   */
  readonly downloadImage?: ContainerImage;
  /**
   * CPU units of the task; 1024 is one vCPU, and each restores one table at a time.
   *
   * @default 1024
   */
  readonly cpu?: number;
  /**
   * Memory of the task in MiB.
   *
   * Must form a pair with `cpu` that Fargate sells.
   *
   * @default 4096
   */
  readonly memoryLimitMiB?: number;
  /**
   * Space for the restored database and its dump together, in whole GiB from 1 to 190.
   *
   * An alarm tells you when they take four fifths of it. Up to 10 GiB cost nothing; Fargate charges for more
   * by the hour.
   *
   * @default - one and a half times what the storage of the database may grow to, at most 190 GiB
   */
  readonly storage?: Size;
  /**
   * Time after which a drill is ended, and has failed, in whole minutes up to a day.
   *
   * @default Duration.hours(4)
   */
  readonly maxDuration?: Duration;
  /**
   * Command of the application that looks at the restored database, after its migrations: with a status other
   * than 0 the dump is not proven.
   *
   * @default - the migrations alone
   */
  readonly command?: string[];
  /**
   * Variables that the settings of the application need beside those of the database and of SECRET_KEY, which
   * is made up for each drill.
   *
   * **What they name is reached from the drill: give it no queue, cache or bucket of the application.**
   *
   * @default - DJANGO_SETTINGS_MODULE, and a broker in memory; in `DjangoApplication` also its `environment`,
   * and values that lead nowhere for its cache, media files, mail and secrets
   */
  readonly environment?: { [name: string]: string };
}

/** Properties of `RestoreDrill`. */
export interface RestoreDrillProps extends RestoreDrillOptions {
  /** The dumps that are proven. */
  readonly dump: DatabaseDump;
  /** The database that they are of. */
  readonly database: IPostgresDatabase;
  /** Image of the application, which migrates the restored database and looks at it. */
  readonly applicationImage: ContainerImage;
  /** Settings module of the application, as in `config.settings`. */
  readonly settingsModule: string;
  /**
   * Names of the variables that the application reads the address of its database from.
   *
   * @default DatabaseVariables.DATABASE
   */
  readonly variables?: DatabaseVariables;
  /**
   * Processor of the tasks; every image must be there for it.
   *
   * @default CpuArchitecture.ARM64
   */
  readonly cpuArchitecture?: CpuArchitecture;
  /**
   * Subnets of the tasks.
   *
   * @default - private subnets with a way out; public ones with public addresses where the VPC has no such
   * subnets
   */
  readonly vpcSubnets?: SubnetSelection;
  /**
   * Role with which ECS starts the tasks.
   *
   * @default - a new one
   */
  readonly executionRole?: IRole;
  /**
   * Log group of the tasks, from whose lines CloudWatch takes the metrics.
   *
   * @default - that of the dump
   */
  readonly logGroup?: ILogGroup;
  /**
   * Queue that failures are reported to.
   *
   * The policy of an imported queue must let `events.amazonaws.com` send to it.
   *
   * @default - a new one
   */
  readonly deadLetterQueue?: IQueue;
  /**
   * What must exist before the first drill, for example the release.
   *
   * @default - only what the tasks themselves need
   */
  readonly waitFor?: IDependable[];
  /**
   * Environment whose defaults apply.
   *
   * @default Profile.production()
   */
  readonly profile?: Profile;
  /**
   * Further names of variables, also of those of the database and of SECRET_KEY.
   *
   * @default - none
   * @internal
   */
  readonly _aliases?: { [name: string]: string };
  /**
   * Where everything is made that neither stores anything nor may reach dumps, below a nested stack.
   *
   * @default - in this construct
   * @internal
   */
  readonly _place?: Construct;
}

/**
 * Proves dumps: at set times the newest one is restored into a PostgreSQL of its own in a task on Fargate,
 * and the application looks at it.
 *
 * The task compares every file with the manifest, restores without overlooking an error, compares the rows of
 * each table, migrates, and runs a command of yours. Its role can only read the dumps, and it has no way to
 * the database: nothing of the drill is kept. `restoreTaskDefinition` is a task that you start by hand, to
 * copy a table or a row from a dump into the schema `restored` of the application's database.
 *
 * **A database that is larger than a task can store, with its dump, is refused.**
 *
 * @example
 * declare const dump: DatabaseDump;
 * declare const database: PostgresDatabase;
 *
 * new RestoreDrill(this, 'Drill', {
 *   dump,
 *   database,
 *   applicationImage: ecs.ContainerImage.fromAsset('app'),
 *   settingsModule: 'config.settings',
 *   command: ['python', 'manage.py', 'check_orders'],
 * });
 *
 * @see https://www.postgresql.org/docs/current/app-pgrestore.html
 */
export class RestoreDrill extends Construct implements IConnectable {
  /** The task definition of the drill. */
  public readonly taskDefinition: FargateTaskDefinition;
  /** The task definition that copies a table or a row from a dump, for you to start. */
  public readonly restoreTaskDefinition: FargateTaskDefinition;
  /** IAM role of both tasks, which can read the dumps and nothing else. */
  public readonly taskRole: IRole;
  /** The schedules. */
  public readonly schedules: Schedule[];
  /** Log group of the tasks. */
  public readonly logGroup: ILogGroup;
  /** Queue that failures are reported to. */
  public readonly deadLetterQueue: IQueue;
  /** Security group of the drill, which lets nobody in. */
  public readonly connections: Connections;
  /**
   * What the alarms need to know.
   *
   * @internal
   */
  public readonly _watched: WatchedDrill;

  constructor(scope: Construct, id: string, props: RestoreDrillProps) {
    super(scope, id);
    checkKinds(this, 'RestoreDrillProps', props);
    const filled: FilledDrill = {
      ...DRILL_DEFAULTS,
      schedules: [ScheduleExpression.cron({ minute: '0', hour: '5', weekDay: 'TUE,FRI' })],
      ...(Object.fromEntries(Object.entries(props).filter(([, value]) => value !== undefined)) as RestoreDrillProps),
    };
    checkDrill(this, filled, props);

    const { dump, database } = props;
    const { cluster } = dump;
    const place = props._place ?? this;
    this.logGroup = props.logGroup ?? dump.logGroup;
    this.deadLetterQueue = props.deadLetterQueue ?? this.queueOfFailures(props);
    this.taskRole = readingRole(this, dump);
    const securityGroup = this.securityGroup(place, 'SecurityGroup', { dump, does: 'restores dumps to prove them' });
    const storage = drillStorageOf(database, props.storage);
    const shared = {
      ...filled,
      cluster,
      image: props.image ?? dump.image,
      downloadImage: props.downloadImage ?? awsCliImage(),
      giveUpAfter: filled.maxDuration,
      storage,
      taskRole: this.taskRole,
      logGroup: this.logGroup,
      placement: taskPlacement(cluster.vpc, props.vpcSubnets),
    };
    const task = new DrillTask(place, 'Task', {
      ...shared,
      maxDumpAge: dump._watched.maxAge?.toSeconds() ?? 0,
      executionRole: props.executionRole ?? executionRole(place, 'ExecutionRole'),
      securityGroup,
      verification: {
        name: this.node.path,
        commands: [
          ['python', 'manage.py', 'migrate', '--noinput'],
          ['python', 'manage.py', 'migrate', '--check'],
          ...(props.command === undefined ? [] : [props.command]),
        ],
        variables: { ...variablesOf(props.settingsModule), ...props.environment },
        databaseVariables: { ...(props.variables ?? DatabaseVariables.DATABASE).names },
        aliases: props._aliases ?? {},
      },
    });
    const restore = new DrillTask(place, 'Restore', {
      ...shared,
      maxDumpAge: 0,
      executionRole: props.executionRole ?? executionRole(place, 'RestoreExecutionRole'),
      // Beside the database: its rule must not wait for what waits for the database.
      securityGroup: this.securityGroup(this, 'RestoreSecurityGroup', { dump, does: 'copies tables from dumps' }),
    });
    const reports = reportFailures(place, task, cluster.clusterArn, this.deadLetterQueue);
    const role = schedulerRole(place, task, cluster, this.deadLetterQueue);
    this.schedules = filled.schedules.map((schedule, index) => {
      const made = new Schedule(place, `Schedule${index + 1}`, {
        schedule,
        description: this.node.path,
        enabled: filled.enabled,
        target: { bind: () => taskTarget({ cluster, task, role, deadLetterQueue: this.deadLetterQueue }) },
      });
      // A nested stack cannot wait for the policy of a queue outside, which waits for the rule inside.
      const here = reports.filter((each) => !Construct.isConstruct(each) || Stack.of(each) === Stack.of(place));
      made.node.addDependency(role, dump.bucket, ...task.prerequisites, ...here, ...(props.waitFor ?? []));
      return made;
    });
    this.taskDefinition = task.taskDefinition;
    this.restoreTaskDefinition = restore.taskDefinition;
    this.connections = new Connections({ securityGroups: [securityGroup] });
    this._watched = { dump, database, maxAge: filled.enabled ? drillAge(filled) : undefined, storage };
  }

  /** Rows of the dump that was proven, of all tables. Maximum over an hour unless changed. */
  public metricProvenRows(options?: MetricOptions): Metric {
    return this.metric('ProvenRows', options);
  }

  /** Age in seconds of a dump when it was proven. Maximum over an hour unless changed. */
  public metricProvenDumpAgeSeconds(options?: MetricOptions): Metric {
    return this.metric('ProvenDumpAgeSeconds', options);
  }

  /** Seconds from the download of a dump until it was proven. Maximum over an hour unless changed. */
  public metricDrillSeconds(options?: MetricOptions): Metric {
    return this.metric('DrillSeconds', options);
  }

  /** Size of the restored database in bytes. Maximum over an hour unless changed. */
  public metricRestoredBytes(options?: MetricOptions): Metric {
    return this.metric('RestoredBytes', options);
  }

  /** Reports of failures that are still in the queue. Maximum over 5 minutes unless changed. */
  public metricFailures(options?: MetricOptions): Metric {
    return this.deadLetterQueue.metricApproximateNumberOfMessagesVisible(options);
  }

  private metric(metricName: string, options?: MetricOptions): Metric {
    return new Metric({
      namespace: NAMESPACE,
      metricName,
      // The path is unique in the account and region, as far as a stack's name is.
      dimensionsMap: { Drill: this.node.path },
      period: Duration.hours(1),
      statistic: Stats.MAXIMUM,
      ...options,
    }).attachTo(this);
  }

  private securityGroup(
    place: Construct,
    id: string,
    { dump, does }: { readonly dump: DatabaseDump; readonly does: string },
  ): ISecurityGroup {
    return processSecurityGroup(place, id, { vpc: dump.cluster.vpc, description: `${this.node.path}: ${does}` });
  }

  private queueOfFailures({ dump, profile }: RestoreDrillProps): IQueue {
    const removalPolicy: RemovalPolicy = profileValues(profile).removalPolicy;
    const queue = deadLetterQueue(this, 'DeadLetters', { encryptionKey: dump.encryptionKey, removalPolicy });
    acknowledge(
      queue,
      'SQS3',
      'This is the dead-letter queue of a schedule, which the rule does not know; its messages are read by people, after an alarm.',
    );
    return queue;
  }
}

/**
 * What the alarms on drills need to know.
 *
 * @internal
 */
export interface WatchedDrill {
  readonly dump: DatabaseDump;
  readonly database: IPostgresDatabase;
  /** @default - no schedule is on */
  readonly maxAge?: Duration;
  readonly storage: Size;
}

/** Settings that every application of the contract reads when it starts, and that lead nowhere. */
function variablesOf(settingsModule: string): { [name: string]: string } {
  return {
    DJANGO_SETTINGS_MODULE: settingsModule,
    DJANGO_FARGATE_PROCESS: 'release',
    DJANGO_ALLOWED_HOSTS: 'localhost',
    DJANGO_CSRF_TRUSTED_ORIGINS: 'https://localhost',
    CELERY_BROKER_URL: 'memory://',
    CELERY_BROKER_TRANSPORT_OPTIONS: '{}',
    CELERY_TASK_DEFAULT_QUEUE: 'drill',
  };
}

/** A role that can list the bucket below the prefix, read what is there, and neither write nor delete it. */
function readingRole(scope: Construct, { bucket, prefix }: DatabaseDump): IRole {
  const role = new WorkloadRole(scope, 'TaskRole', { assumedBy: ecsTasksForUs(scope) });
  const objects = bucket.arnForObjects(`${prefix}/*`);
  role.addToPrincipalPolicy(new PolicyStatement({ actions: ['s3:GetObject'], resources: [objects] }));
  role.addToPrincipalPolicy(
    new PolicyStatement({
      actions: ['s3:ListBucket'],
      resources: [bucket.bucketArn],
      conditions: { StringLike: { 's3:prefix': `${prefix}/*` } },
    }),
  );
  acknowledge(
    role,
    `IAM5[Resource::${findingOf(Stack.of(scope).resolve(objects))}]`,
    'A dump is named after the time at which it was made. The action reads below one prefix of one bucket.',
  );
  if (bucket.encryptionKey !== undefined) {
    grantKeyVia({ service: 's3', region: bucket.env.region, key: bucket.encryptionKey }, role, 'kms:Decrypt');
  }
  return role;
}
