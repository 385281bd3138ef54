import { Duration, Fn, Stack } from 'aws-cdk-lib';
import { Connections, type IConnectable, type ISecurityGroup, type SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import type { FargateTaskDefinition, ICluster } from 'aws-cdk-lib/aws-ecs';
import type { IRole } from 'aws-cdk-lib/aws-iam';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct, type IDependable } from 'constructs';
import { Checks, secondsOf } from '../core/checks';
import { checkReservedConcurrency } from '../core/handler-function';
import { checkKinds } from '../core/kinds';
import { namesInProfile, profileValues } from '../core/profile';
import { DatabaseAccess } from '../database/database-access';
import { resourceIdOf } from '../database/database-server';
import { MAXIMUM_TIMEOUT } from '../handlers/release/contract';
import type { IStaticFiles } from '../storage/static-files';
import { checkProcess, HardenedTask } from './private/hardened-task';
import type { ProcessProps, TemporaryStorageOptions } from './process-props';
import { ReleaseRun } from './release/release-run';
import { grantUpload, releaseCommand } from './release/static-upload';
import { checkFargateSize } from './task/fargate-size';
import type { AwsvpcConfiguration } from './task/placement';

/** What can be tuned in the release. */
export interface ReleaseCommandOptions extends TemporaryStorageOptions {
  /**
   * The program and its arguments, in exec form.
   *
   * With a bucket of static files, a command of your own must run `manage.py uploadstatic`, too, or the
   * bucket lacks the files of this release.
   *
   * @default ['python', 'manage.py', 'migrate', '--noinput']; with a bucket of static files `manage.py
   * uploadstatic` before it, in a shell
   */
  readonly command?: string[];
  /**
   * CPU units of the task; 1024 is one vCPU.
   *
   * @default - that of workers, from the profile
   */
  readonly cpu?: number;
  /**
   * Memory of the task in MiB.
   *
   * Must form a pair with `cpu` that Fargate sells.
   *
   * @default - that of workers, from the profile
   */
  readonly memoryLimitMiB?: number;
  /**
   * How long it may take, at most 53 minutes: CloudFormation waits an hour, and starting, stopping and
   * answering are part of it.
   *
   * Then it is stopped, and the deployment fails.
   *
   * @default Duration.minutes(30)
   */
  readonly timeout?: Duration;
  /**
   * How long a migration waits for a lock on a table before it fails, by `PGOPTIONS` of this process alone.
   *
   * All later queries on the table queue behind a migration that waits. `CREATE INDEX CONCURRENTLY` queues
   * nobody, but must wait for every older transaction: make indexes with
   * `django_fargate.operations.AddIndexConcurrently`, which lifts this limit for itself.
   *
   * The same option lets a migration think between two statements of a transaction for longer than the minute
   * that the database lets everybody else. Set 0 behind PgBouncer or RDS Proxy, which reject startup options:
   * then the release has neither.
   *
   * @default Duration.seconds(10), unless `PGOPTIONS` is among the secrets or sets `lock_timeout` itself
   */
  readonly lockTimeout?: Duration;
  /**
   * Any text; another one runs the release again.
   *
   * For images whose tag stays the same.
   *
   * @default - runs when image, environment or command change
   */
  readonly revision?: string;
  /**
   * Whether a failure shows the last lines of the log in the events of the stack, besides log group and log
   * stream. Rows, addresses and keys are masked by their form and by their names, which no list of forms does
   * completely. Whoever may describe the stack sees these events for 90 days, and so do the logs of the
   * pipeline that deploys.
   *
   * @default true
   */
  readonly showLog?: boolean;
}

/** Properties of `ReleaseCommand`. */
export interface ReleaseCommandProps extends ProcessProps, ReleaseCommandOptions {
  /**
   * Bucket that the release fills with the static files of the image: `staticFiles` of the `Cdn` that serves
   * them.
   *
   * It needs `django_fargate` in INSTALLED_APPS, which has the command for it, and boto3.
   *
   * @default - none: the image has them
   */
  readonly staticFiles?: IStaticFiles;
  /**
   * SNS topic for failed asynchronous Lambda invocations.
   *
   * A failed deployment shows them too.
   *
   * @default - none
   */
  readonly deadLetterTopic?: ITopic;
  /**
   * Concurrency reserved for each Lambda function.
   *
   * An account with a quota of 10 cannot reserve any.
   *
   * @default - none reserved
   */
  readonly handlerReservedConcurrency?: number;
}

/**
 * The command that prepares a release, `migrate` unless changed.
 *
 * It runs as an ECS task inside the deployment, before whatever waits for `ready`.
 *
 * It runs once for each change of image, environment, secrets or command, and for another instance of the
 * database, such as one that was restored. Other deployments leave it alone, and so does a rollback, which
 * must not take an older image to a newer schema. When it ends with another status than 0, or takes too long,
 * the deployment fails before any service has changed, and CloudFormation shows status, log group, log stream
 * and the last lines.
 *
 * A deployment waits for a release that still runs, so one stack never runs two at once. **Two stacks, or a
 * person and a stack, that release to one database must take turns: nothing here prevents two migrations at a
 * time.**
 *
 * Outside of a deployment start it with `runTaskCommand`, and any other command of the same image with
 * `oneOffCommand()`.
 *
 * @example
 * declare const cluster: ecs.Cluster;
 * declare const loadBalancer: HttpsLoadBalancer;
 *
 * const release = new ReleaseCommand(this, 'Release', {
 *   cluster,
 *   image: ecs.ContainerImage.fromAsset('app'),
 *   settingsModule: 'config.settings',
 * });
 * new WebService(this, 'Web', {
 *   cluster,
 *   loadBalancer,
 *   image: ecs.ContainerImage.fromAsset('app'),
 *   settingsModule: 'config.settings',
 *   waitFor: [release.ready],
 * });
 *
 * @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/standalone-task-create.html
 */
export class ReleaseCommand extends Construct implements IConnectable {
  /** The task definition. */
  public readonly taskDefinition: FargateTaskDefinition;
  /** Name of its container, for overrides. */
  public readonly containerName: string;
  /** IAM role of the running process. */
  public readonly taskRole: IRole;
  /** Log group of the process. */
  public readonly logGroup: ILogGroup;
  /** Cluster that it runs in. */
  public readonly cluster: ICluster;
  /** Subnets that it runs in. */
  public readonly vpcSubnets: SubnetSelection;
  /** Security group that it runs in. */
  public readonly securityGroup: ISecurityGroup;
  /** Whether it needs a public address to reach AWS. */
  public readonly assignPublicIp: boolean;
  /** Security group of the process, for rules of your own. */
  public readonly connections: Connections;
  /** Exists once the release has succeeded. Services and schedules wait for it. */
  public readonly ready: IDependable;
  /** Log group of its Lambda functions. */
  public readonly handlerLogGroup: ILogGroup;
  private readonly network: AwsvpcConfiguration;

  constructor(scope: Construct, id: string, props: ReleaseCommandProps) {
    super(scope, id);
    checkKinds(this, 'ReleaseCommandProps', props);

    const profile = profileValues(props.profile);
    const cpu = props.cpu ?? profile.workerCpu;
    const memoryLimitMiB = props.memoryLimitMiB ?? profile.workerMemoryLimitMiB;
    const timeout = props.timeout ?? Duration.minutes(30);
    validate(this, props, { cpu, memoryLimitMiB, timeout });

    const task = new HardenedTask(this, 'Task', {
      kind: 'release',
      process: { ...props, environment: withTimeouts(props) },
      command: props.command ?? releaseCommand(props.staticFiles),
      environment: props.staticFiles?.containerEnvironment,
      databaseAccess: DatabaseAccess.OWNER,
      cpu,
      memoryLimitMiB,
      temporaryStorage: props.temporaryStorage,
    });
    grantUpload(task.taskRole, props.staticFiles);
    const run = new ReleaseRun(this, 'Run', {
      task,
      cluster: props.cluster,
      timeout,
      revision: props.revision,
      databaseInstance: props.database && resourceIdOf(props.database),
      showLog: props.showLog ?? true,
      waitFor: props.waitFor ?? [],
      encryptionKey: props.encryptionKey,
      logRetention: props.logRetention ?? profile.logRetention,
      removalPolicy: props.removalPolicy ?? profile.removalPolicy,
      deadLetterTopic: props.deadLetterTopic,
      reservedConcurrentExecutions: props.handlerReservedConcurrency,
    });

    this.taskDefinition = task.taskDefinition;
    this.containerName = task.container.containerName;
    this.taskRole = task.taskRole;
    this.logGroup = task.logGroup;
    this.cluster = props.cluster;
    this.vpcSubnets = task.placement.vpcSubnets;
    this.securityGroup = task.securityGroup;
    this.assignPublicIp = task.placement.assignPublicIp;
    this.connections = new Connections({ securityGroups: [task.securityGroup] });
    this.network = task.network;
    this.ready = run.resource;
    this.handlerLogGroup = run.logGroup;
  }

  /** AWS CLI command, ready to paste, that runs the release. */
  public get runTaskCommand(): string {
    return this.runTask();
  }

  /**
   * AWS CLI command, ready to paste, that runs another command of the same image, for example `python
   * manage.py createsuperuser --noinput`.
   */
  public oneOffCommand(...command: string[]): string {
    const overrides = { containerOverrides: [{ name: this.containerName, command }] };
    return `${this.runTask()} --overrides ${quoted(JSON.stringify(overrides))}`;
  }

  private runTask(): string {
    const { subnets, securityGroups, assignPublicIp } = this.network;
    const network = [
      `subnets=[${Fn.join(',', subnets)}]`,
      `securityGroups=[${Fn.join(',', securityGroups)}]`,
      `assignPublicIp=${assignPublicIp}`,
    ];
    return [
      'aws ecs run-task',
      `--region ${Stack.of(this).region}`,
      `--cluster ${this.cluster.clusterName}`,
      `--task-definition ${this.taskDefinition.taskDefinitionArn}`,
      '--launch-type FARGATE',
      `--network-configuration ${quoted(`awsvpcConfiguration={${network.join(',')}}`)}`,
    ].join(' ');
  }
}

/** What the props come to once every default is filled in. */
interface Filled {
  readonly cpu: number;
  readonly memoryLimitMiB: number;
  readonly timeout: Duration;
}

function validate(scope: Construct, props: ReleaseCommandProps, { cpu, memoryLimitMiB, timeout }: Filled): void {
  const checks = new Checks(scope).called(
    namesInProfile(props, { cpu: 'workerCpu', memoryLimitMiB: 'workerMemoryLimitMiB' }),
  );
  checkProcess(checks, props);
  checkFargateSize(checks, cpu, memoryLimitMiB);
  checks
    .duration('timeout', props.timeout, {
      whole: 'seconds',
      min: 60,
      max: MAXIMUM_TIMEOUT,
      where: 'in a deployment',
      remedy:
        'Run what takes longer outside of it, with `oneOffCommand()`, in steps that also suit the code that is running.',
    })
    .duration('lockTimeout', props.lockTimeout, {
      min: 0,
      max: secondsOf(timeout),
      remedy:
        'If a lock is not granted within some seconds, a long query holds it: let the release fail, and end that query.',
    })
    .optional('lockTimeout', props.lockTimeout, () => Number.isInteger(lockMilliseconds(props)), {
      must: 'be whole milliseconds',
      remedy: 'PostgreSQL counts in milliseconds: round it.',
    })
    .optional('lockTimeout', props.lockTimeout, () => !hasLockTimeout(props), {
      must: 'be left out when `PGOPTIONS` is among the secrets or sets lock_timeout itself',
      remedy: 'Keep one of the two.',
    })
    .matches('revision', props.revision, /^.{1,256}$/s, {
      must: 'be a text of 1 to 256 characters',
      remedy: 'Use the digest or the build number of the image.',
    });
  checkReservedConcurrency(checks, props.handlerReservedConcurrency);
  checks.throwIfAny();
}

/** Whether the user's own PGOPTIONS say how long to wait for a lock. */
function hasLockTimeout({ environment, secrets }: ReleaseCommandProps): boolean {
  return secrets?.PGOPTIONS !== undefined || sets(environment?.PGOPTIONS ?? '', 'lock_timeout');
}

/** Whether libpq's options set a parameter, as `-c name=…` or `--name=…`. */
function sets(options: string, parameter: string): boolean {
  return new RegExp(`(^|[^a-z])${parameter.replace(/_/g, '[_-]')}`).test(options);
}

/**
 * The environment in which a statement that waits too long for its lock fails, and a migration may think
 * between two statements for longer than the database lets anybody else; other options of the user stay.
 */
function withTimeouts(props: ReleaseCommandProps): { [name: string]: string } | undefined {
  const milliseconds = lockMilliseconds(props);
  if (milliseconds === 0 || props.secrets?.PGOPTIONS !== undefined) {
    return props.environment;
  }
  const own = props.environment?.PGOPTIONS ?? '';
  const options = { lock_timeout: milliseconds, idle_in_transaction_session_timeout: 0 };
  const added = Object.entries(options)
    .filter(([name]) => !sets(own, name))
    .map(([name, value]) => `-c ${name}=${value}`);
  return { ...props.environment, PGOPTIONS: [own, ...added].filter((text) => text !== '').join(' ') };
}

function lockMilliseconds({ lockTimeout = Duration.seconds(10) }: ReleaseCommandProps): number {
  return lockTimeout.toMilliseconds({ integral: false });
}

/** As one word of a POSIX shell. */
function quoted(text: string): string {
  return `'${text.replace(/'/g, `'\\''`)}'`;
}
