import { CustomResource, Duration, Stack } from 'aws-cdk-lib';
import { type IVpc, Peer, Port, SecurityGroup, SubnetType } from 'aws-cdk-lib/aws-ec2';
import type { ICluster } from 'aws-cdk-lib/aws-ecs';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import { Construct, type IDependable } from 'constructs';
import { acknowledge, findingOf } from '../../core/acknowledge';
import {
  type HandlerNetwork,
  type HandlerSettings,
  handlerFunction,
  handlerRole,
  placementPolicy,
} from '../../core/handler-function';
import { logGroup as newLogGroup } from '../../core/log-group';
import type { WorkloadRole } from '../../core/workload-role';
import { ANSWER_MARGIN, type ReleaseProperties, START_TIMEOUT } from '../../handlers/release/contract';
import type { HardenedTask } from '../private/hardened-task';
import { familyArn } from '../task/task-failure-rule';
import { QUERY_INTERVAL, ReleaseProvider } from './release-provider';

export interface ReleaseRunProps extends HandlerSettings {
  readonly task: HardenedTask;
  readonly cluster: ICluster;
  readonly timeout: Duration;
  readonly revision?: string;
  /** Identity of the database's instance, where it is known. */
  readonly databaseInstance?: string;
  readonly showLog: boolean;
  /** What must exist before the task starts, beside what the task itself needs. */
  readonly waitFor: IDependable[];
}

const INVOKED_BY =
  'Only the provider framework of the CDK invokes it, for CloudFormation, and waits for the answer: a lost one fails the deployment, which shows it better than a queue.';

/**
 * Runs the release task inside the deployment: a custom resource that is complete when the task has ended
 * with status 0.
 *
 * @internal
 */
export class ReleaseRun extends Construct {
  /** There once the release has succeeded. */
  public readonly resource: CustomResource;
  /** Log of the handlers. */
  public readonly logGroup: ILogGroup;

  constructor(scope: Construct, id: string, props: ReleaseRunProps) {
    super(scope, id);
    const { task, cluster, timeout, revision, databaseInstance, showLog, waitFor, ...settings } = props;

    const network = networkOf(this, cluster.vpc);
    // One for the handlers and for the framework between them and CloudFormation.
    const logGroup = newLogGroup(this, 'Logs', props);
    const role = handlerRole(this, 'Role', 'Handler of releases: runs one task definition in one cluster', network);
    allow(role, task, cluster);
    const shared = { ...settings, bundle: 'release', role, logGroup, network, whyNoDeadLetters: INVOKED_BY };
    const start = handlerFunction(new Construct(this, 'Start'), {
      ...shared,
      entry: 'onEvent',
      description: 'Starts the release task',
      timeout: START_TIMEOUT,
    });
    const watch = handlerFunction(new Construct(this, 'Watch'), {
      ...shared,
      entry: 'isComplete',
      description: 'Looks whether the release task has finished',
      timeout: ANSWER_MARGIN,
    });
    const provider = new ReleaseProvider(this, 'Framework', {
      ...settings,
      onEvent: start.handler,
      isComplete: watch.handler,
      totalTimeout: totalTimeout(timeout),
      logGroup,
      network,
    });
    this.resource = this.customResource(props, provider.serviceToken);
    const routes = network && cluster.vpc.selectSubnets(network.subnets).internetConnectivityEstablished;
    this.resource.node.addDependency(
      provider,
      ...task.prerequisites,
      ...waitFor,
      ...(network && routes ? [network.securityGroup, routes] : []),
    );
    this.logGroup = logGroup;
  }

  private customResource(props: ReleaseRunProps, serviceToken: string): CustomResource {
    const { task, cluster, timeout, revision, databaseInstance, showLog } = props;
    const properties: ReleaseProperties = {
      Cluster: cluster.clusterName,
      TaskDefinition: task.taskDefinition.taskDefinitionArn,
      Revision: revision,
      Database: databaseInstance,
      Container: task.container.containerName,
      Subnets: task.network.subnets,
      SecurityGroups: task.network.securityGroups,
      AssignPublicIp: task.network.assignPublicIp,
      LogGroup: task.logGroup.logGroupName,
      LogStreamPrefix: task.container.containerName,
      TimeoutSeconds: String(timeout.toSeconds()),
      ShowLog: showLog ? undefined : 'false',
    };
    return new CustomResource(this, 'Resource', {
      resourceType: 'Custom::ReleaseCommand',
      serviceToken,
      serviceTimeout: totalTimeout(timeout),
      properties: { ...properties },
    });
  }
}

/**
 * Beside the tasks, where private subnets have a way out: the rule packs ask for it, and the release needs
 * that way anyway.
 *
 * Elsewhere outside of the VPC: nothing in it has a way to the APIs of ECS and CloudFormation but through a
 * public address.
 */
function networkOf(scope: Construct, vpc: IVpc): HandlerNetwork | undefined {
  if (vpc.privateSubnets.length === 0) {
    return undefined;
  }
  const securityGroup = new SecurityGroup(scope, 'SecurityGroup', {
    vpc,
    description: 'Handlers of the release',
    allowAllOutbound: false,
  });
  securityGroup.addEgressRule(Peer.anyIpv4(), Port.tcp(443), 'APIs of AWS and the answer to CloudFormation');
  const placement = placementPolicy(scope, 'Placement', 'Lets Lambda place the handlers of the release in the VPC');
  return { vpc, subnets: { subnetType: SubnetType.PRIVATE_WITH_EGRESS }, securityGroup, placement };
}

function allow(role: WorkloadRole, task: HardenedTask, cluster: ICluster): void {
  const stack = Stack.of(role);
  const revisions = `${familyArn(task)}:*`;
  const tasks = stack.formatArn({ service: 'ecs', resource: 'task', resourceName: `${cluster.clusterName}/*` });
  const inCluster = { ArnEquals: { 'ecs:cluster': cluster.clusterArn } };
  const statements = [
    // Any revision: a policy that names the newest one is new itself, and IAM takes a while to know it
    // everywhere.
    new PolicyStatement({ actions: ['ecs:RunTask'], resources: [revisions], conditions: inCluster }),
    // ECS makes up the ids of tasks.
    new PolicyStatement({ actions: ['ecs:DescribeTasks', 'ecs:StopTask'], resources: [tasks], conditions: inCluster }),
    new PolicyStatement({
      actions: ['ecs:TagResource'],
      resources: [tasks],
      conditions: { StringEquals: { 'ecs:CreateAction': 'RunTask' } },
    }),
    // This action takes no resource on Fargate; a condition names the cluster.
    new PolicyStatement({ actions: ['ecs:ListTasks'], resources: ['*'], conditions: inCluster }),
    new PolicyStatement({
      actions: ['iam:PassRole'],
      resources: [task.taskRole.roleArn, task.executionRole.roleArn],
      conditions: { StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } },
    }),
    new PolicyStatement({ actions: ['cloudformation:DescribeStacks'], resources: [stack.stackId] }),
  ];
  for (const statement of statements) {
    role.addToPrincipalPolicy(statement);
  }
  task.logGroup.grant(role, 'logs:GetLogEvents');
  for (const resource of ['*', revisions, tasks]) {
    acknowledge(
      role,
      `IAM5[Resource::${findingOf(stack.resolve(resource))}]`,
      'Tasks of one cluster, and revisions of one task definition: ECS makes up the ids of both. It lists tasks on every resource or on none; a condition names the cluster.',
    );
  }
}

/** What CloudFormation waits at most, in whole steps of the framework. */
function totalTimeout(timeout: Duration): Duration {
  const seconds = timeout.toSeconds() + START_TIMEOUT + ANSWER_MARGIN;
  return Duration.seconds(Math.ceil(seconds / QUERY_INTERVAL.toSeconds()) * QUERY_INTERVAL.toSeconds());
}
