import { Fn, Stack } from 'aws-cdk-lib';
import { Connections, type IConnectable, type ISecurityGroup, type SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import type { FargateTaskDefinition, ICluster } from 'aws-cdk-lib/aws-ecs';
import type { IRole } from 'aws-cdk-lib/aws-iam';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { Checks } from './private/checks';
import { checkFargateSize } from './private/fargate-size';
import { checkProcess, HardenedTask } from './private/hardened-task';
import type { ProcessProps } from './process';
import { profileValues } from './profile';

/** What can be tuned in the release. */
export interface ReleaseCommandOptions {
  /** The program and its arguments, in exec form. @default ['python', 'manage.py', 'migrate', '--noinput'] */
  readonly command?: string[];
  /** CPU units of the task; 1024 is one vCPU. @default - that of workers, from the profile */
  readonly cpu?: number;
  /** Memory of the task in MiB. Must form a pair with `cpu` that Fargate sells. @default - that of workers, from the profile */
  readonly memoryLimitMiB?: number;
}

export interface ReleaseCommandProps extends ProcessProps, ReleaseCommandOptions {}

/**
 * The command that prepares a release, `migrate` unless changed, as a task that runs once and ends.
 *
 * Makes a hardened task definition and knows where it runs. Start it with `runTaskCommand`; any other command of the same
 * image with `oneOffCommand()`.
 *
 * @example
 * declare const cluster: ecs.Cluster;
 *
 * const release = new ReleaseCommand(this, 'Release', {
 *   cluster,
 *   image: ecs.ContainerImage.fromAsset('app'),
 *   settingsModule: 'config.settings',
 * });
 * new CfnOutput(this, 'Migrate', { value: release.runTaskCommand });
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

  constructor(scope: Construct, id: string, props: ReleaseCommandProps) {
    super(scope, id);

    const profile = profileValues(props.profile);
    const cpu = props.cpu ?? profile.workerCpu;
    const memoryLimitMiB = props.memoryLimitMiB ?? profile.workerMemoryLimitMiB;
    const checks = new Checks(this);
    checkProcess(checks, props);
    checkFargateSize(checks, cpu, memoryLimitMiB);
    checks.throwIfAny();

    const task = new HardenedTask(this, 'Task', {
      kind: 'release',
      process: props,
      command: props.command ?? ['python', 'manage.py', 'migrate', '--noinput'],
      cpu,
      memoryLimitMiB,
    });
    task.taskDefinition.node.addDependency(...task.prerequisites, ...(props.waitFor ?? []));

    this.taskDefinition = task.taskDefinition;
    this.containerName = task.container.containerName;
    this.taskRole = task.taskRole;
    this.logGroup = task.logGroup;
    this.cluster = props.cluster;
    this.vpcSubnets = task.placement.vpcSubnets;
    this.securityGroup = task.securityGroup;
    this.assignPublicIp = task.placement.assignPublicIp;
    this.connections = new Connections({ securityGroups: [task.securityGroup] });
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

/** As one word of a POSIX shell. */
function quoted(text: string): string {
  return `'${text.replace(/'/g, `'\\''`)}'`;
}
