import { ArnFormat, CustomResource, Duration, type Stack } from 'aws-cdk-lib';
import { Peer, Port, SecurityGroup, SubnetType } from 'aws-cdk-lib/aws-ec2';
import { type ManagedPolicy, PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import type { CfnFunction, Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { LogGroup } from 'aws-cdk-lib/aws-logs';
import { type CfnStateMachine, LogLevel } from 'aws-cdk-lib/aws-stepfunctions';
import { Provider, type WaiterStateMachine } from 'aws-cdk-lib/custom-resources';
import { encryptedLogs, type Foundation } from './direct-foundation';
import { type HandlerNetwork, handler, handlerRole, placementPolicy } from './direct-handlers';
import { statement, type Task, type Tasks } from './direct-tasks';

const TASK_TIMEOUT = Duration.minutes(30);
const TOTAL_TIMEOUT = Duration.minutes(37);

/** The release task inside the deployment: two handlers, the provider framework and the custom resource. */
export function releaseRun(stack: Stack, base: Foundation, tasks: Tasks, task: Task): CustomResource {
  const network = wayOut(stack, base);
  const logGroup = encryptedLogs(stack, 'ReleaseLogs', base.key);
  const statements = runStatements(stack, base, tasks, task);
  const role = handlerRole(stack, 'ReleaseHandlerRole', base, logGroup, statements, network);
  const shared = { bundle: 'release', role, logGroup, network };
  const start = handler(stack, 'ReleaseStart', base, {
    ...shared,
    entry: 'onEvent',
    description: 'Starts the release task',
    timeout: Duration.minutes(5),
  });
  const watch = handler(stack, 'ReleaseWatch', base, {
    ...shared,
    entry: 'isComplete',
    description: 'Looks whether the release task has finished',
    timeout: Duration.minutes(2),
  });
  const framework = providerFramework(stack, base, { start, watch, network, logGroup });
  const { subnetIds, internetConnectivityEstablished } = base.vpc.selectSubnets({
    subnetType: SubnetType.PRIVATE_WITH_EGRESS,
  });
  const resource = new CustomResource(stack, 'ReleaseRun', {
    resourceType: 'Custom::ReleaseCommand',
    serviceToken: framework.provider.serviceToken,
    serviceTimeout: TOTAL_TIMEOUT,
    properties: {
      Cluster: base.cluster.clusterName,
      TaskDefinition: task.definition.taskDefinitionArn,
      Container: 'release',
      Subnets: subnetIds,
      SecurityGroups: [base.securityGroup.securityGroupId],
      AssignPublicIp: 'DISABLED',
      LogGroup: base.logGroup.logGroupName,
      LogStreamPrefix: 'release',
      TimeoutSeconds: String(TASK_TIMEOUT.toSeconds()),
    },
  });
  resource.node.addDependency(
    framework.provider,
    ...framework.roles,
    ...task.prerequisites,
    network.securityGroup,
    internetConnectivityEstablished,
  );
  return resource;
}

function wayOut(stack: Stack, { vpc }: Foundation): HandlerNetwork {
  const securityGroup = new SecurityGroup(stack, 'ReleaseSecurityGroup', {
    vpc,
    description: 'Handlers of the release',
    allowAllOutbound: false,
  });
  securityGroup.addEgressRule(Peer.anyIpv4(), Port.tcp(443), 'APIs of AWS and the answer to CloudFormation');
  return { securityGroup, placement: placementPolicy(stack, 'ReleasePlacement') };
}

function runStatements(
  stack: Stack,
  { cluster, logGroup }: Foundation,
  { executionRole }: Tasks,
  { definition, taskRole }: Task,
): PolicyStatement[] {
  const conditions = { ArnEquals: { 'ecs:cluster': cluster.clusterArn } };
  const ecs = (resource: string, resourceName: string) => stack.formatArn({ service: 'ecs', resource, resourceName });
  const inCluster = ecs('task', `${cluster.clusterName}/*`);
  const group = stack.formatArn({
    service: 'logs',
    resource: 'log-group',
    resourceName: logGroup.logGroupName,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
  return [
    new PolicyStatement({
      actions: ['ecs:RunTask'],
      resources: [ecs('task-definition', `${definition.family}:*`)],
      conditions,
    }),
    new PolicyStatement({ actions: ['ecs:DescribeTasks', 'ecs:StopTask'], resources: [inCluster], conditions }),
    new PolicyStatement({
      actions: ['ecs:TagResource'],
      resources: [inCluster],
      conditions: { StringEquals: { 'ecs:CreateAction': 'RunTask' } },
    }),
    new PolicyStatement({ actions: ['ecs:ListTasks'], resources: ['*'], conditions }),
    new PolicyStatement({
      actions: ['iam:PassRole'],
      resources: [taskRole.roleArn, executionRole.roleArn],
      conditions: { StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } },
    }),
    statement(['cloudformation:DescribeStacks'], stack.stackId),
    statement(['logs:GetLogEvents'], logGroup.logGroupArn, group),
  ];
}

interface Framework {
  readonly start: LambdaFunction;
  readonly watch: LambdaFunction;
  readonly network: HandlerNetwork;
  readonly logGroup: LogGroup;
}

/** The provider of the CDK, with roles that name one function each, dead letters and a trace. */
function providerFramework(stack: Stack, base: Foundation, { start, watch, network, logGroup }: Framework) {
  const role = (id: string, called: LambdaFunction) =>
    handlerRole(
      stack,
      id,
      base,
      logGroup,
      [statement(['lambda:InvokeFunction', 'lambda:GetFunction'], called.functionArn)],
      network,
    );
  const startRole = role('FrameworkStartRole', start);
  const watchRole = role('FrameworkWatchRole', watch);
  const provider = new Provider(stack, 'Framework', {
    onEventHandler: start,
    isCompleteHandler: watch,
    queryInterval: Duration.seconds(10),
    totalTimeout: TOTAL_TIMEOUT,
    frameworkOnEventRole: startRole.withoutPolicyUpdates(),
    frameworkCompleteAndTimeoutRole: watchRole.withoutPolicyUpdates(),
    logGroup,
    vpc: base.vpc,
    vpcSubnets: { subnetType: SubnetType.PRIVATE_WITH_EGRESS },
    securityGroups: [network.securityGroup],
    disableWaiterStateMachineLogging: false,
    waiterStateMachineLogOptions: { destination: logGroup, level: LogLevel.ALL },
  });
  for (const name of ['onEvent', 'isComplete', 'onTimeout']) {
    const resource = provider.node.findChild(`framework-${name}`).node.defaultChild as CfnFunction;
    resource.deadLetterConfig = { targetArn: base.topic.topicArn };
    resource.reservedConcurrentExecutions = 1;
  }
  const waiter = provider.node.findChild('waiter-state-machine') as WaiterStateMachine;
  (startRole.node.findChild('Policy') as ManagedPolicy).addStatements(
    statement(['states:StartExecution'], waiter.stateMachineArn),
  );
  trace(waiter);
  return { provider, roles: [startRole, watchRole] };
}

function trace(waiter: WaiterStateMachine): void {
  (waiter.node.findChild('Resource') as CfnStateMachine).tracingConfiguration = { enabled: true };
  (waiter.node.findChild('Role') as Role).addToPrincipalPolicy(
    statement(
      ['xray:GetSamplingRules', 'xray:GetSamplingTargets', 'xray:PutTelemetryRecords', 'xray:PutTraceSegments'],
      '*',
    ),
  );
}
