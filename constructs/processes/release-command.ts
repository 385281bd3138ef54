import { Duration, Fn, Stack } from 'aws-cdk-lib';
import { Connections, type IConnectable, type ISecurityGroup, type SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import type { FargateTaskDefinition, ICluster } from 'aws-cdk-lib/aws-ecs';
import type { IRole } from 'aws-cdk-lib/aws-iam';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct, type IDependable } from 'constructs';
import { Checks } from '../core/checks';
import { profileValues } from '../core/profile';
import { DatabaseAccess } from '../database/database-access';
import { MAXIMUM_TIMEOUT } from '../handlers/release/contract';
import { checkFargateSize } from './private/fargate-size';
import { checkProcess, HardenedTask } from './private/hardened-task';
import { ReleaseRun } from './private/release-run';
import type { ProcessProps } from './process-props';

/** What can be tuned in the release. */
export interface ReleaseCommandOptions {
  /** The program and its arguments, in exec form. @default ['python', 'manage.py', 'migrate', '--noinput'] */
  readonly command?: string[];
  /** CPU units of the task; 1024 is one vCPU. @default - that of workers, from the profile */
  readonly cpu?: number;
  /** Memory of the task in MiB. Must form a pair with `cpu` that Fargate sells. @default - that of workers, from the profile */
  readonly memoryLimitMiB?: number;
  /**
   * How long it may take, at most 53 minutes: CloudFormation waits an hour, and starting, stopping and answering are part of it.
   * Then it is stopped, and the deployment fails.
   *
   * @default Duration.minutes(30)
   */
  readonly timeout?: Duration;
  /**
   * How long a migration waits for a lock on a table before it fails, by `PGOPTIONS` of this process alone. All later queries on
   * the table queue behind a migration that waits. 0 leaves it out, for a proxy that takes no options.
   *
   * @default Duration.seconds(10), unless `PGOPTIONS` is among the secrets or sets `lock_timeout` itself
   */
  readonly lockTimeout?: Duration;
  /** Any text; another one runs the release again. For images whose tag stays the same. @default - runs when image, environment or command change */
  readonly revision?: string;
  /**
   * Whether a failure shows the last lines of the log in the events of the stack, besides log group and log stream. Rows, addresses and
   * keys are masked by their form and by their names, which no list of forms does completely. Whoever may describe the stack sees these events for
   * 90 days, and so do the logs of the pipeline that deploys.
   *
   * @default true
   */
  readonly showLog?: boolean;
}

export interface ReleaseCommandProps extends ProcessProps, ReleaseCommandOptions {
  /** Who hears of an invocation of a handler that Lambda gave up on. @default - nobody: the deployment fails, which shows it too */
  readonly deadLetterTopic?: ITopic;
  /** Concurrency that is reserved for each handler; an account with a quota of 10 cannot give any. @default - none */
  readonly handlerReservedConcurrency?: number;
}

/**
 * The command that prepares a release, `migrate` unless changed, as a task that runs inside the deployment, before whatever
 * waits for `ready`.
 *
 * It runs once for each change of image, environment, secrets or command: other deployments leave it alone, and so does a
 * rollback, which must not take an older image to a newer schema. When it ends with another status than 0, or takes too long,
 * the deployment fails before any service has changed, and CloudFormation shows status, log group, log stream and the last lines.
 *
 * A release that still runs is waited for, so that there is never a second one from the same stack. Where two stacks release
 * to one database, or people by hand, see to it that they take turns: nothing here can.
 *
 * Outside of a deployment start it with `runTaskCommand`, and any other command of the same image with `oneOffCommand()`.
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
  /** What the running process may do. */
  public readonly taskRole: IRole;
  /** Where it writes its logs. */
  public readonly logGroup: ILogGroup;
  /** Cluster that it runs in. */
  public readonly cluster: ICluster;
  /** Subnets that it runs in. */
  public readonly vpcSubnets: SubnetSelection;
  /** Security group that it runs in. */
  public readonly securityGroup: ISecurityGroup;
  /** Whether it needs a public address to reach AWS. */
  public readonly assignPublicIp: boolean;
  public readonly connections: Connections;
  /** What services and schedules wait for: there once the release has succeeded. */
  public readonly ready: IDependable;
  /** Where its handlers write their logs. */
  public readonly handlerLogGroup: ILogGroup;

  constructor(scope: Construct, id: string, props: ReleaseCommandProps) {
    super(scope, id);

    const profile = profileValues(props.profile);
    const cpu = props.cpu ?? profile.workerCpu;
    const memoryLimitMiB = props.memoryLimitMiB ?? profile.workerMemoryLimitMiB;
    const timeout = props.timeout ?? Duration.minutes(30);
    validate(this, props, cpu, memoryLimitMiB, timeout);

    const task = new HardenedTask(this, 'Task', {
      kind: 'release',
      process: { ...props, environment: withLockTimeout(props) },
      command: props.command ?? ['python', 'manage.py', 'migrate', '--noinput'],
      databaseAccess: DatabaseAccess.OWNER,
      cpu,
      memoryLimitMiB,
    });
    const run = new ReleaseRun(this, 'Run', {
      task,
      cluster: props.cluster,
      timeout,
      revision: props.revision,
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
    this.ready = run.resource;
    this.handlerLogGroup = run.logGroup;
  }

  /** AWS CLI command, ready to paste, that runs the release. */
  public get runTaskCommand(): string {
    return this.runTask();
  }

  /** AWS CLI command, ready to paste, that runs another command of the same image, for example `python manage.py createsuperuser --noinput`. */
  public oneOffCommand(...command: string[]): string {
    const overrides = { containerOverrides: [{ name: this.containerName, command }] };
    return `${this.runTask()} --overrides ${quoted(JSON.stringify(overrides))}`;
  }

  private runTask(): string {
    const { subnetIds } = this.cluster.vpc.selectSubnets(this.vpcSubnets);
    const network = [
      `subnets=[${Fn.join(',', subnetIds)}]`,
      `securityGroups=[${this.securityGroup.securityGroupId}]`,
      `assignPublicIp=${this.assignPublicIp ? 'ENABLED' : 'DISABLED'}`,
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

function validate(
  scope: Construct,
  props: ReleaseCommandProps,
  cpu: number,
  memoryLimitMiB: number,
  timeout: Duration,
): void {
  const checks = new Checks(scope);
  checkProcess(checks, props);
  checkFargateSize(checks, cpu, memoryLimitMiB);
  const whole = (duration: Duration, milliseconds: number) =>
    duration.toMilliseconds({ integral: false }) % milliseconds === 0;
  const limit = { min: 0, max: timeout.toSeconds({ integral: false }) };
  checks
    .duration('timeout', props.timeout, {
      min: 60,
      max: MAXIMUM_TIMEOUT,
      where: 'in a deployment',
      remedy: 'Run what takes longer outside of it, with `oneOffCommand()`, in steps that the running code bears.',
    })
    .optional('timeout', props.timeout, () => whole(timeout, 1000), {
      must: 'be whole seconds',
      remedy: 'CloudFormation knows no fractions: round it.',
    })
    .duration('lockTimeout', props.lockTimeout, {
      ...limit,
      remedy:
        'A lock that is not there after some seconds is held by a long query: let the release fail, and look at it.',
    })
    .optional('lockTimeout', props.lockTimeout, () => whole(props.lockTimeout as Duration, 1), {
      must: 'be whole milliseconds',
      remedy: 'PostgreSQL knows no shorter ones: round it.',
    })
    .optional('lockTimeout', props.lockTimeout, () => !hasLockTimeout(props), {
      must: 'be left out when `PGOPTIONS` is among the secrets or sets lock_timeout itself',
      remedy: 'Keep one of the two.',
    })
    .matches('revision', props.revision, /^.{1,256}$/s, {
      must: 'be a text of 1 to 256 characters',
      remedy: 'Use the digest or the build number of the image.',
    })
    .integer('handlerReservedConcurrency', props.handlerReservedConcurrency, {
      min: 1,
      remedy: 'One is enough: a deployment releases once.',
    })
    .throwIfAny();
}

/** Whether the user's own PGOPTIONS are to be left alone. */
function hasLockTimeout({ environment, secrets }: ReleaseCommandProps): boolean {
  return secrets?.PGOPTIONS !== undefined || (environment?.PGOPTIONS ?? '').includes('lock_timeout');
}

/** The environment in which a statement that waits too long for its lock fails; other options of the user stay. */
function withLockTimeout(props: ReleaseCommandProps): { [name: string]: string } | undefined {
  const milliseconds = (props.lockTimeout ?? Duration.seconds(10)).toMilliseconds();
  if (milliseconds === 0 || hasLockTimeout(props)) {
    return props.environment;
  }
  const own = props.environment?.PGOPTIONS;
  const options = [...(own === undefined ? [] : [own]), `-c lock_timeout=${milliseconds}`];
  return { ...props.environment, PGOPTIONS: options.join(' ') };
}

/** As one word of a POSIX shell. */
function quoted(text: string): string {
  return `'${text.replace(/'/g, `'\\''`)}'`;
}
