import { execFileSync } from 'node:child_process';
import { Duration, type Stack } from 'aws-cdk-lib';
import { Vpc } from 'aws-cdk-lib/aws-ec2';
import { Cluster, ContainerImage, Secret } from 'aws-cdk-lib/aws-ecs';
import { Key } from 'aws-cdk-lib/aws-kms';
import { type CfnLogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Secret as StoredSecret } from 'aws-cdk-lib/aws-secretsmanager';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Profile } from '../../constructs/core/profile';
import { ANSWER_MARGIN, START_TIMEOUT } from '../../constructs/handlers/release/contract';
import { ReleaseCommand, type ReleaseCommandProps } from '../../constructs/processes/release-command';
import { WorkerService } from '../../constructs/processes/worker-service';
import { errorOf, only, templateOf, testStack } from '../support';
import { Graph } from '../wiring/graph';
import { broughtProps, celeryProps, containerOf, processProps, statementsOf, variable } from './background';

function releaseWith(options: Partial<ReleaseCommandProps> = {}) {
  const stack = testStack();
  const release = new ReleaseCommand(stack, 'Release', { ...processProps(stack), ...options });
  return { stack, release, template: templateOf(stack) };
}

/** A worker that waits for the release, and the id of the release. */
function withWorker() {
  const stack = testStack();
  const props = celeryProps(stack);
  const { ready } = new ReleaseCommand(stack, 'Release', props);
  new WorkerService(stack, 'Worker', { ...props, waitFor: [ready] });
  const template = templateOf(stack);
  return { template, id: only(template, 'Custom::ReleaseCommand').id };
}

/** The command as a shell sees it, with the name of a resource in place of each reference. */
function wordsOf(stack: Stack, command: string): string[] {
  const text = JSON.stringify(stack.resolve(command));
  const flat = flatten(JSON.parse(text));
  return JSON.parse(
    execFileSync('sh', ['-c', `node -p 'JSON.stringify(process.argv.slice(1))' -- ${flat}`]).toString(),
  );
}

function flatten(value: unknown): string {
  if (typeof value === 'string') {
    return value;
  }
  const [[kind, content]] = Object.entries(value as object);
  switch (kind) {
    case 'Fn::Join':
      return content[1].map(flatten).join(content[0]);
    case 'Ref':
      return content;
    default:
      return content.join('.');
  }
}

describe('with nothing but what is required', () => {
  const { stack, release, template } = releaseWith();
  const definition = only(template, 'AWS::ECS::TaskDefinition');

  test('it migrates without questions, at the size of a worker', () => {
    expect(containerOf(definition.resource).Command).toEqual(['python', 'manage.py', 'migrate', '--noinput']);
    expect(definition.resource.Properties).toMatchObject({ Cpu: '512', Memory: '1024' });
  });

  test('it says where it runs', () => {
    expect(release.cluster.vpc.selectSubnets(release.vpcSubnets).subnetIds).toHaveLength(2);
    expect(release.assignPublicIp).toBe(false);
    expect(release.connections.securityGroups).toEqual([release.securityGroup]);
    expect(release.containerName).toBe('release');
  });

  test('the command to paste runs this revision in these subnets', () => {
    const [subnet1, subnet2] = release.cluster.vpc.privateSubnets.map(({ subnetId }) => stack.resolve(subnetId).Ref);
    const group = stack.resolve(release.securityGroup.securityGroupId)['Fn::GetAtt'].join('.');
    expect(wordsOf(stack, release.runTaskCommand)).toEqual([
      ...['aws', 'ecs', 'run-task', '--region', 'AWS::Region'],
      ...['--cluster', stack.resolve(release.cluster.clusterName).Ref],
      ...['--task-definition', definition.id, '--launch-type', 'FARGATE', '--network-configuration'],
      `awsvpcConfiguration={subnets=[${subnet1},${subnet2}],securityGroups=[${group}],assignPublicIp=DISABLED}`,
    ]);
  });

  test('any other command of the image reaches the container as it is given', () => {
    const command = ['python', '-c', `print("it's" + ' $HOME')`];
    const words = wordsOf(stack, release.oneOffCommand(...command));
    expect(words.at(-2)).toBe('--overrides');
    expect(JSON.parse(words.at(-1) as string)).toEqual({ containerOverrides: [{ name: 'release', command }] });
  });
});

describe('in a deployment', () => {
  const { stack, release, template } = releaseWith();
  const definition = only(template, 'AWS::ECS::TaskDefinition');
  const run = only(template, 'Custom::ReleaseCommand');

  test('the release is a resource with all that starting the task, and telling why it failed, take', () => {
    expect(run.resource.Properties).toEqual({
      ServiceToken: expect.anything(),
      ServiceTimeout: '2220',
      Cluster: stack.resolve(release.cluster.clusterName),
      TaskDefinition: { Ref: definition.id },
      Container: 'release',
      Subnets: release.cluster.vpc.privateSubnets.map(({ subnetId }) => stack.resolve(subnetId)),
      SecurityGroups: [stack.resolve(release.securityGroup.securityGroupId)],
      AssignPublicIp: 'DISABLED',
      LogGroup: stack.resolve(release.logGroup.logGroupName),
      LogStreamPrefix: 'release',
      TimeoutSeconds: '1800',
    });
    expect(containerOf(definition.resource).LogConfiguration.Options['awslogs-stream-prefix']).toBe('release');
  });

  test('the last lines of the log are left out of a failure where that is asked for', () => {
    const { resource } = only(releaseWith({ showLog: false }).template, 'Custom::ReleaseCommand');
    expect(resource.Properties.ShowLog).toBe('false');
    expect(
      only(releaseWith({ showLog: true }).template, 'Custom::ReleaseCommand').resource.Properties,
    ).not.toHaveProperty('ShowLog');
  });

  test('it waits for every permission and route', () => {
    const policies = Object.keys(template.findResources('AWS::IAM::ManagedPolicy'));
    const routes = Object.entries(template.findResources('AWS::EC2::Route'));
    const ways = routes.filter(([, { Properties }]) => 'NatGatewayId' in Properties).map(([id]) => id);
    const graph = new Graph(template.toJSON().Resources);
    expect(policies).toHaveLength(5);
    expect(ways).toHaveLength(2);
    expect([...policies, ...ways].filter((id) => !graph.waitsFor(run.id, id))).toEqual([]);
  });

  test('a service that waits for `ready` waits for the release', () => {
    const { template: whole, id } = withWorker();
    const { DependsOn } = only(whole, 'AWS::ECS::Service').resource;
    expect(DependsOn).toContain(id);
  });

  test('the framework asks every ten seconds, until CloudFormation would give up', () => {
    const { DefinitionString } = only(template, 'AWS::StepFunctions::StateMachine').resource.Properties;
    expect(JSON.stringify(DefinitionString)).toContain('\\"IntervalSeconds\\":10,\\"MaxAttempts\\":222,');
  });

  test('the longest release still leaves time to answer within the hour that CloudFormation waits', () => {
    const { resource } = only(releaseWith({ timeout: Duration.minutes(53) }).template, 'Custom::ReleaseCommand');
    expect(resource.Properties).toMatchObject({ ServiceTimeout: '3600', TimeoutSeconds: '3180' });
  });

  test('a timeout that is no multiple of ten seconds is rounded up for CloudFormation alone', () => {
    const { resource } = only(releaseWith({ timeout: Duration.seconds(61) }).template, 'Custom::ReleaseCommand');
    expect(resource.Properties).toMatchObject({ ServiceTimeout: '490', TimeoutSeconds: '61' });
  });
});

describe('what makes it run again', () => {
  const propertiesOf = (options: Parameters<typeof releaseWith>[0] = {}) => {
    const { template } = releaseWith(options);
    const { id, resource } = only(template, 'AWS::ECS::TaskDefinition');
    const run = only(template, 'Custom::ReleaseCommand').resource.Properties;
    expect(run.TaskDefinition).toEqual({ Ref: id });
    // A changed task definition is a new revision, which changes the reference.
    return { run, definition: resource.Properties };
  };
  const before = propertiesOf();

  test('another image', () => {
    expect(propertiesOf({ image: ContainerImage.fromRegistry('shop:2') }).definition).not.toEqual(before.definition);
  });

  test('another environment', () => {
    expect(propertiesOf({ environment: { FLAG: '1' } }).definition).not.toEqual(before.definition);
  });

  test('another command', () => {
    expect(propertiesOf({ command: ['./release.sh'] }).definition).not.toEqual(before.definition);
  });

  test('another revision, for an image whose tag stays the same', () => {
    const { run, definition } = propertiesOf({ revision: 'build-7' });
    expect(run).toEqual({ ...before.run, Revision: 'build-7' });
    expect(definition).toEqual(before.definition);
  });

  test('the family of the task definition stays the same, so that an older release is found', () => {
    expect(propertiesOf({ image: ContainerImage.fromRegistry('shop:2') }).definition.Family).toBe(
      before.definition.Family,
    );
    expect(before.definition.Family).toEqual(expect.any(String));
  });
});

describe('the handlers', () => {
  const { stack, release, template } = releaseWith();
  const functions = Object.values(template.findResources('AWS::Lambda::Function'));
  const ours = statementsOf(template, 'ReleaseRunRole');

  test('start one family of task definitions in one cluster, and hand it its two roles', () => {
    const cluster = stack.resolve(release.cluster.clusterArn);
    const run = ours.find(({ Action }) => Action === 'ecs:RunTask');
    expect(JSON.stringify(run.Resource)).toContain(`:task-definition/${release.taskDefinition.family}:*`);
    expect(run.Condition).toEqual({ ArnEquals: { 'ecs:cluster': cluster } });
    const pass = ours.find(({ Action }) => Action === 'iam:PassRole');
    expect(pass.Resource).toEqual([
      stack.resolve(release.taskRole.roleArn),
      stack.resolve(release.taskDefinition.executionRole?.roleArn),
    ]);
    expect(pass.Condition).toEqual({ StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } });
  });

  test('may do nothing else', () => {
    expect(ours.flatMap(({ Action }) => Action).sort()).toEqual([
      'cloudformation:DescribeStacks',
      'ecs:DescribeTasks',
      'ecs:ListTasks',
      'ecs:RunTask',
      'ecs:StopTask',
      'ecs:TagResource',
      'iam:PassRole',
      'logs:CreateLogStream',
      'logs:GetLogEvents',
      'logs:PutLogEvents',
    ]);
    const unbound = ours.filter(({ Resource, Condition }) => Resource === '*' && Condition === undefined);
    expect(unbound).toEqual([]);
    expect(ours.find(({ Action }) => Action === 'cloudformation:DescribeStacks').Resource).toEqual({
      Ref: 'AWS::StackId',
    });
    expect(ours.find(({ Action }) => Action === 'logs:GetLogEvents').Resource).toContainEqual(
      stack.resolve(release.logGroup.logGroupArn),
    );
  });

  test('are called by the framework alone, and it calls no version and no alias of them', () => {
    for (const [role, handler] of [
      ['ReleaseRunFrameworkStartRole', 'onEvent'],
      ['ReleaseRunFrameworkWatchRole', 'isComplete'],
    ]) {
      const [id] = Object.entries(template.findResources('AWS::Lambda::Function')).find(
        ([, { Properties }]) => Properties.Handler === `index.${handler}`,
      ) as [string, unknown];
      const [call] = statementsOf(template, role);
      expect(call.Action).toEqual(['lambda:InvokeFunction', 'lambda:GetFunction']);
      expect(call.Resource).toEqual({ 'Fn::GetAtt': [id, 'Arn'] });
    }
  });

  test('have the time that their contract says', () => {
    const times = functions
      .filter(({ Properties }) => Properties.Handler.startsWith('index.'))
      .map(({ Properties }) => [Properties.Handler, Properties.Timeout]);
    expect(times).toEqual([
      ['index.onEvent', START_TIMEOUT],
      ['index.isComplete', ANSWER_MARGIN],
    ]);
  });

  test('run in private subnets with a way out to HTTPS alone, the framework too', () => {
    const subnets = release.cluster.vpc.privateSubnets.map(({ subnetId }) => stack.resolve(subnetId));
    expect(functions).toHaveLength(5);
    for (const { Properties } of functions) {
      expect(Properties.VpcConfig.SubnetIds).toEqual(subnets);
    }
    const groups = Object.values(template.findResources('AWS::EC2::SecurityGroup')).map(({ Properties }) => Properties);
    expect(groups.find(({ GroupDescription }) => GroupDescription === 'Handlers of the release')).toMatchObject({
      SecurityGroupEgress: [{ CidrIp: '0.0.0.0/0', IpProtocol: 'tcp', FromPort: 443, ToPort: 443 }],
    });
  });

  test('log into one log group, with what the state machine does between them', () => {
    const logGroup = stack.resolve(release.handlerLogGroup.logGroupName);
    for (const { Properties } of functions) {
      expect(Properties.LoggingConfig.LogGroup).toEqual(logGroup);
    }
    const machine = only(template, 'AWS::StepFunctions::StateMachine').resource.Properties;
    expect(machine.LoggingConfiguration).toMatchObject({ Level: 'ALL', IncludeExecutionData: false });
    expect(machine.TracingConfiguration).toEqual({ Enabled: true });
  });

  test('have no concurrency reserved and no dead letters unless they are given', () => {
    for (const { Properties } of functions) {
      expect(Properties.ReservedConcurrentExecutions).toBeUndefined();
      expect(Properties.DeadLetterConfig).toBeUndefined();
    }
  });
});

test('what is given for the handlers holds for the framework too', () => {
  const stack = testStack();
  const deadLetterTopic = new Topic(stack, 'Lost');
  const encryptionKey = new Key(stack, 'Key');
  const props = { ...processProps(stack), deadLetterTopic, encryptionKey, handlerReservedConcurrency: 2 };
  const release = new ReleaseCommand(stack, 'Release', { ...props, logRetention: RetentionDays.ONE_WEEK });
  const template = templateOf(stack);
  const topic = stack.resolve(deadLetterTopic.topicArn);
  const functions = Object.values(template.findResources('AWS::Lambda::Function'));
  expect(functions).toHaveLength(5);
  for (const { Properties } of functions) {
    expect(Properties).toMatchObject({
      ReservedConcurrentExecutions: 2,
      DeadLetterConfig: { TargetArn: topic },
    });
  }
  for (const role of ['ReleaseRunRole', 'ReleaseRunFrameworkStartRole', 'ReleaseRunFrameworkWatchRole']) {
    const statements = statementsOf(template, role);
    expect(statements).toContainEqual(expect.objectContaining({ Action: 'sns:Publish', Resource: topic }));
    expect(statements).toContainEqual(expect.objectContaining({ Action: ['kms:Decrypt', 'kms:GenerateDataKey'] }));
  }
  const id = stack.getLogicalId(release.handlerLogGroup.node.defaultChild as CfnLogGroup);
  expect(template.findResources('AWS::Logs::LogGroup')[id].Properties).toEqual({
    KmsKeyId: stack.resolve(encryptionKey.keyArn),
    RetentionInDays: 7,
  });
});

describe('migrations and locks', () => {
  const THINKING = '-c idle_in_transaction_session_timeout=0';
  const optionsOf = (options: Parameters<typeof releaseWith>[0] = {}) =>
    variable(only(releaseWith(options).template, 'AWS::ECS::TaskDefinition').resource, 'PGOPTIONS');

  test('give up after ten seconds in the queue for a lock', () => {
    expect(optionsOf()).toBe(`-c lock_timeout=10000 ${THINKING}`);
  });

  test('wait as long as they are told, or for ever', () => {
    expect(optionsOf({ lockTimeout: Duration.millis(1500) })).toBe(`-c lock_timeout=1500 ${THINKING}`);
    expect(optionsOf({ lockTimeout: Duration.seconds(0) })).toBeUndefined();
  });

  test("keep the user's own options", () => {
    expect(optionsOf({ environment: { PGOPTIONS: '-c search_path=shop' } })).toBe(
      `-c search_path=shop -c lock_timeout=10000 ${THINKING}`,
    );
    expect(optionsOf({ environment: { PGOPTIONS: '-c lock_timeout=1min' } })).toBe(`-c lock_timeout=1min ${THINKING}`);
    const thinking = '-c idle_in_transaction_session_timeout=5min';
    expect(optionsOf({ environment: { PGOPTIONS: thinking } })).toBe(`${thinking} -c lock_timeout=10000`);
    const others = '--deadlock-timeout=2s';
    expect(optionsOf({ environment: { PGOPTIONS: others } })).toBe(`${others} -c lock_timeout=10000 ${THINKING}`);
    expect(optionsOf({ environment: { PGOPTIONS: '--lock-timeout=2s' } })).toBe(`--lock-timeout=2s ${THINKING}`);
  });

  test('leave options alone that come from a secret', () => {
    const stack = testStack();
    const PGOPTIONS = Secret.fromSecretsManager(new StoredSecret(stack, 'Options'));
    new ReleaseCommand(stack, 'Release', { ...processProps(stack), secrets: { PGOPTIONS } });
    const { resource } = only(templateOf(stack), 'AWS::ECS::TaskDefinition');
    expect(variable(resource, 'PGOPTIONS')).toBeUndefined();
    expect(containerOf(resource).Secrets.map(({ Name }: { Name: string }) => Name)).toContain('PGOPTIONS');
  });
});

test('everything given is used', () => {
  const stack = testStack();
  const props = processProps(stack);
  const brought = broughtProps(stack, props);
  const release = new ReleaseCommand(stack, 'Release', {
    ...props,
    ...brought,
    command: ['./release.sh'],
    cpu: 1024,
    memoryLimitMiB: 4096,
  });
  const { resource } = only(templateOf(stack), 'AWS::ECS::TaskDefinition');
  expect(containerOf(resource).Command).toEqual(['./release.sh']);
  expect(resource.Properties).toMatchObject({ Cpu: '1024', Memory: '4096' });
  expect(release.securityGroup).toBe(brought.securityGroup);
});

test('without a NAT gateway tasks get a public address, and the handlers stay outside of the VPC', () => {
  const stack = testStack();
  const vpc = new Vpc(stack, 'Public', { maxAzs: 2, natGateways: 0, restrictDefaultSecurityGroup: false });
  const cluster = new Cluster(stack, 'PublicCluster', { vpc });
  const release = new ReleaseCommand(stack, 'Release', { ...processProps(stack), cluster });
  expect(wordsOf(stack, release.runTaskCommand).at(-1)).toContain('assignPublicIp=ENABLED');
  const template = templateOf(stack);
  expect(only(template, 'Custom::ReleaseCommand').resource.Properties.AssignPublicIp).toBe('ENABLED');
  for (const { Properties } of Object.values(template.findResources('AWS::Lambda::Function'))) {
    expect(Properties.VpcConfig).toBeUndefined();
  }
});

test('the subnets of an imported VPC may be a list that is only known at deployment', () => {
  const stack = testStack();
  const vpc = Vpc.fromVpcAttributes(stack, 'Imported', {
    vpcId: 'vpc-1',
    availabilityZones: ['a', 'b'],
    privateSubnetIds: ['subnet-1', 'subnet-2'],
  });
  const cluster = Cluster.fromClusterAttributes(stack, 'Theirs', { clusterName: 'theirs', vpc });
  const release = new ReleaseCommand(stack, 'Release', { ...processProps(stack), cluster });
  expect(wordsOf(stack, release.runTaskCommand).at(-1)).toContain('subnets=[subnet-1,subnet-2]');
});

test('development takes less', () => {
  const { template } = releaseWith({ profile: Profile.development() });
  expect(only(template, 'AWS::ECS::TaskDefinition').resource.Properties).toMatchObject({ Cpu: '256', Memory: '512' });
});

test('fails when the command is empty', () => {
  expect(errorOf(() => releaseWith({ command: [] }))).toMatch(
    /^Shop\/Release: `command` must be a list of .+, got \[\]\./,
  );
});

test('fails when the release may take longer than CloudFormation waits', () => {
  expect(errorOf(() => releaseWith({ timeout: Duration.hours(1) }))).toBe(
    'Shop/Release: `timeout` must be whole seconds from 60 to 3180 in a deployment, got 1 hour. Run what takes longer outside of it, with `oneOffCommand()`, in steps that also suit the code that is running.',
  );
});
