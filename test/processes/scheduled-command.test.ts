import { Duration, TimeZone } from 'aws-cdk-lib';
import { SubnetType } from 'aws-cdk-lib/aws-ec2';
import type { Cluster } from 'aws-cdk-lib/aws-ecs';
import { ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import { type CfnQueue, Queue } from 'aws-cdk-lib/aws-sqs';
import { Profile } from '../../constructs/core/profile';
import { isScheduleExpression, isTimeZone } from '../../constructs/core/schedule-expression';
import { ScheduledCommand, type ScheduledCommandProps } from '../../constructs/processes/scheduled-command';
import { Annotations, errorOf, Match, only, templateOf, testStack } from '../support';
import { broughtProps, celeryProps, containerOf, nightly, processProps, statementsOf } from './background';

const COMMAND = ['python', 'manage.py', 'clearsessions'];

function commandWith(props: Partial<ScheduledCommandProps> = {}) {
  const stack = testStack();
  const scheduled = new ScheduledCommand(stack, 'Clear', {
    ...processProps(stack),
    command: COMMAND,
    schedule: nightly,
    ...props,
  });
  return { stack, scheduled, template: templateOf(stack) };
}

function scheduleOf(props: Partial<ScheduledCommandProps>) {
  return only(commandWith(props).template, 'AWS::Scheduler::Schedule').resource.Properties;
}

describe('with nothing but what is required', () => {
  const { stack, scheduled, template } = commandWith();
  const definition = only(template, 'AWS::ECS::TaskDefinition');
  const { Properties } = only(template, 'AWS::Scheduler::Schedule').resource;

  test('the command starts at the moment, in its time zone', () => {
    expect(Properties).toMatchObject({
      ScheduleExpression: 'cron(30 3 * * ? *)',
      ScheduleExpressionTimezone: 'Europe/Vienna',
      FlexibleTimeWindow: { Mode: 'OFF' },
      State: 'ENABLED',
      Description: 'Shop/Clear',
    });
  });

  test('a start that fails is tried three times more within the hour', () => {
    expect(Properties.Target.RetryPolicy).toEqual({ MaximumRetryAttempts: 3, MaximumEventAgeInSeconds: 3600 });
  });

  test('it runs this revision once, in private subnets', () => {
    expect(containerOf(definition.resource).Command).toEqual(COMMAND);
    expect(definition.resource.Properties).toMatchObject({ Cpu: '512', Memory: '1024' });
    expect(Properties.Target).toMatchObject({
      Arn: stack.resolve((stack.node.findChild('Cluster') as Cluster).clusterArn),
      EcsParameters: { TaskDefinitionArn: { Ref: definition.id }, LaunchType: 'FARGATE', TaskCount: 1 },
    });
    expect(Properties.Target.EcsParameters.NetworkConfiguration.AwsvpcConfiguration).toMatchObject({
      AssignPublicIp: 'DISABLED',
      SecurityGroups: scheduled.connections.securityGroups.map((group) => stack.resolve(group.securityGroupId)),
    });
  });

  test('failures wait two weeks in an encrypted queue that only takes TLS', () => {
    template.hasResource('AWS::SQS::Queue', {
      Properties: { MessageRetentionPeriod: 1209600, SqsManagedSseEnabled: true },
      DeletionPolicy: 'RetainExceptOnCreate',
    });
    template.hasResourceProperties('AWS::SQS::QueuePolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
        ]),
      },
    });
    expect(stack.resolve(scheduled.metricFailures().dimensions)).toEqual({
      QueueName: stack.resolve(scheduled.deadLetterQueue.queueName),
    });
  });
});

describe('the scheduler', () => {
  const stack = testStack();
  const props = celeryProps(stack);
  const { encryptionKey } = broughtProps(stack, props);
  const waited = new Queue(stack, 'Waited');
  const scheduled = new ScheduledCommand(stack, 'Clear', {
    ...props,
    encryptionKey,
    command: COMMAND,
    schedule: nightly,
    waitFor: [waited],
  });
  const template = templateOf(stack);
  const statements = statementsOf(template, 'ClearSchedulerRole');

  test('may start any revision of this one task definition, in this one cluster', () => {
    const run = statements.find(({ Action }) => Action === 'ecs:RunTask');
    const { Family } = only(template, 'AWS::ECS::TaskDefinition').resource.Properties;
    expect(JSON.stringify(run.Resource)).toContain(`:task-definition/${Family}:*"`);
    expect(run.Condition).toEqual({ ArnEquals: { 'ecs:cluster': stack.resolve(props.cluster.clusterArn) } });
  });

  test('may hand the task its two roles, and nobody else', () => {
    const { ExecutionRoleArn, TaskRoleArn } = only(template, 'AWS::ECS::TaskDefinition').resource.Properties;
    const pass = statements.find(({ Action }) => Action === 'iam:PassRole');
    expect(pass.Resource).toEqual([TaskRoleArn, ExecutionRoleArn]);
    expect(pass.Condition).toEqual({ StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } });
  });

  test('may send to the dead-letter queue and use its key, and that is all', () => {
    expect(statements.slice(2)).toEqual([
      { Effect: 'Allow', Action: 'sqs:SendMessage', Resource: stack.resolve(scheduled.deadLetterQueue.queueArn) },
      {
        Effect: 'Allow',
        Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
        Resource: stack.resolve(encryptionKey.keyArn),
        Condition: {
          StringEquals: {
            'kms:ViaService': stack.resolve(['com', 'com.cn'].map((end) => `sqs.${stack.region}.amazonaws.${end}`)),
          },
        },
      },
    ]);
  });

  test('acts only for schedules of this account', () => {
    template.hasResourceProperties('AWS::IAM::Role', {
      AssumeRolePolicyDocument: {
        Statement: [
          Match.objectLike({
            Principal: { Service: 'scheduler.amazonaws.com' },
            Condition: { StringEquals: Match.objectLike({ 'aws:SourceAccount': { Ref: 'AWS::AccountId' } }) },
          }),
        ],
      },
    });
  });

  test('waits for every permission, the routes, the report of failures and what it is told to wait for', () => {
    const { DependsOn } = only(template, 'AWS::Scheduler::Schedule').resource;
    const ids = ['AWS::IAM::ManagedPolicy', 'AWS::Events::Rule'].flatMap((type) =>
      Object.keys(template.findResources(type)),
    );
    expect(DependsOn).toEqual(expect.arrayContaining(ids));
    expect(DependsOn).toContain(stack.getLogicalId(waited.node.defaultChild as CfnQueue));
    expect(DependsOn.join()).toContain('DefaultRoute');
    expect(DependsOn.join()).toContain('ClearDeadLettersPolicy');
  });

  test('EventBridge may send the report, by the policies of the queue and of its key', () => {
    const rule = only(template, 'AWS::Events::Rule');
    expect(rule.resource.Properties.Targets).toMatchObject([
      { Arn: stack.resolve(scheduled.deadLetterQueue.queueArn) },
    ]);
    template.hasResourceProperties('AWS::SQS::QueuePolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Effect: 'Allow',
            Action: 'sqs:SendMessage',
            Principal: { Service: 'events.amazonaws.com' },
            Condition: { ArnEquals: { 'aws:SourceArn': { 'Fn::GetAtt': [rule.id, 'Arn'] } } },
          }),
        ]),
      },
    });
    template.hasResourceProperties('AWS::KMS::Key', {
      KeyPolicy: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Action: ['kms:Decrypt', 'kms:GenerateDataKey*'],
            Principal: { Service: 'events.amazonaws.com' },
          }),
        ]),
      },
    });
  });
});

describe('of the tasks that stop', () => {
  const { template } = commandWith();
  const { Family } = only(template, 'AWS::ECS::TaskDefinition').resource.Properties;
  const { detail: pattern, ...rest } = only(template, 'AWS::Events::Rule').resource.Properties.EventPattern;

  /** An event of a task that exited, with changes. */
  const stopped = (changes: object = {}) => ({
    clusterArn: pattern.clusterArn[0],
    taskDefinitionArn: `arn:aws:ecs:eu-west-1:111122223333:task-definition/${Family}:7`,
    lastStatus: 'STOPPED',
    stopCode: 'EssentialContainerExited',
    containers: [{ name: 'scheduled', exitCode: 0 }],
    ...changes,
  });
  const exited = (exitCode: number) => ({ containers: [{ name: 'scheduled', exitCode }] });

  test('only those of ECS are looked at', () => {
    expect(rest).toEqual({ source: ['aws.ecs'], 'detail-type': ['ECS Task State Change'] });
  });

  test.each([
    ['a program that failed', exited(1)],
    ['a program that ran out of memory', exited(137)],
    ['a task that did not start', { stopCode: 'TaskFailedToStart', containers: [{ name: 'scheduled' }] }],
    ['a program that AWS took away', { stopCode: 'TerminationNotice', ...exited(143) }],
  ])('%s is reported', (_, changes) => {
    expect(matches(pattern, stopped(changes))).toBe(true);
  });

  test.each([
    ['a clean end', {}],
    ['a task that somebody stopped', { stopCode: 'UserInitiated', ...exited(143) }],
    ['a task of another cluster', { clusterArn: 'other', ...exited(1) }],
    ['a task that still runs', { lastStatus: 'RUNNING', ...exited(1) }],
    [
      'a task of another definition',
      { taskDefinitionArn: `arn:aws:ecs:eu-west-1:111122223333:task-definition/Web:7`, ...exited(1) },
    ],
    [
      'a clean end beside a sidecar of AWS that did not end well',
      { containers: [...exited(0).containers, { name: 'aws-guardduty-agent-1', exitCode: 143 }] },
    ],
  ])('%s is not', (_, changes) => {
    expect(matches(pattern, stopped(changes))).toBe(false);
  });
});

test('everything given is used', () => {
  const stack = testStack();
  const props = processProps(stack);
  const brought = broughtProps(stack, props);
  const deadLetterQueue = new Queue(stack, 'Mine', { encryptionMasterKey: brought.encryptionKey });
  const scheduled = new ScheduledCommand(stack, 'Clear', {
    ...props,
    ...brought,
    deadLetterQueue,
    command: COMMAND,
    schedule: ScheduleExpression.rate(Duration.hours(1)),
    cpu: 256,
    memoryLimitMiB: 512,
    enabled: false,
    flexibleTimeWindow: Duration.minutes(15),
    retryAttempts: 1,
    maxEventAge: Duration.minutes(5),
    vpcSubnets: { subnetType: SubnetType.PUBLIC },
  });
  const template = templateOf(stack);
  template.resourceCountIs('AWS::SQS::Queue', 1);
  template.hasResourceProperties('AWS::Scheduler::Schedule', {
    ScheduleExpression: 'rate(1 hour)',
    State: 'DISABLED',
    FlexibleTimeWindow: { Mode: 'FLEXIBLE', MaximumWindowInMinutes: 15 },
    Target: {
      DeadLetterConfig: { Arn: stack.resolve(deadLetterQueue.queueArn) },
      RetryPolicy: { MaximumRetryAttempts: 1, MaximumEventAgeInSeconds: 300 },
      EcsParameters: { NetworkConfiguration: { AwsvpcConfiguration: { AssignPublicIp: 'ENABLED' } } },
    },
  });
  template.hasResourceProperties('AWS::ECS::TaskDefinition', { Cpu: '256', Memory: '512' });
  expect(scheduled.connections.securityGroups).toEqual([brought.securityGroup]);
});

test('commands may share a queue for their failures', () => {
  const stack = testStack();
  const props = { ...processProps(stack), command: COMMAND, schedule: nightly };
  const first = new ScheduledCommand(stack, 'First', props);
  new ScheduledCommand(stack, 'Second', { ...props, deadLetterQueue: first.deadLetterQueue });
  const template = templateOf(stack);
  template.resourceCountIs('AWS::SQS::Queue', 1);
  const [policy] = Object.values(template.findResources('AWS::SQS::QueuePolicy'));
  expect(policy.Properties.PolicyDocument.Statement).toHaveLength(3);
});

test('an imported queue works, with a warning that its policy is somebody else’s', () => {
  const stack = testStack();
  const deadLetterQueue = Queue.fromQueueArn(stack, 'Theirs', 'arn:aws:sqs:eu-west-1:111122223333:theirs');
  const common = processProps(stack);
  new ScheduledCommand(stack, 'Clear', { ...common, command: COMMAND, schedule: nightly, deadLetterQueue });
  Annotations.fromStack(stack).hasWarning('/Shop/Clear', Match.stringLikeRegexp('events.amazonaws.com'));
  expect(templateOf(stack).findResources('AWS::SQS::Queue')).toEqual({});
});

test('development takes less, and keeps no queue', () => {
  const { template } = commandWith({ profile: Profile.development() });
  template.hasResourceProperties('AWS::ECS::TaskDefinition', { Cpu: '256', Memory: '512' });
  template.hasResource('AWS::SQS::Queue', { DeletionPolicy: 'Delete' });
});

describe('schedule expressions', () => {
  test.each([
    'cron(0 3 * * ? *)',
    'cron(0/15 8-18 ? * MON-FRI *)',
    'cron(*/5 * * * ? *)',
    'cron(0 8 1,15 JAN,JUL ? 2026-2030)',
    'cron(0 18 L * ? *)',
    'cron(0 18 15W * ? *)',
    'cron(0 18 ? * 6L *)',
    'cron(0 18 ? * TUE#2 *)',
    'rate(1 minute)',
    'rate(12 hours)',
    'at(2027-02-28T23:59:59)',
  ])('%s is one', (expression) => {
    expect(isScheduleExpression(expression)).toBe(true);
  });

  test.each([
    '0 3 * * *',
    'cron(0 3 * * *)',
    'cron(0 3 * * * *)',
    'cron(0 3 ? * ? *)',
    'cron(60 3 * * ? *)',
    'cron(0 24 * * ? *)',
    'cron(0 3 32 * ? *)',
    'cron(0 3 * 13 ? *)',
    'cron(0 3 ? * 0 *)',
    'cron(0 3 ? * FOO *)',
    'cron(0 3 ? * TUE#6 *)',
    'cron(0/0 3 * * ? *)',
    'cron(0 3 * * ? 1969)',
    'rate(0 minutes)',
    'rate(1.5 hours)',
    'rate(10 seconds)',
    'at(2027-13-01T00:00:00)',
    'at(2027-01-01)',
    'daily',
  ])('%s is none', (expression) => {
    expect(isScheduleExpression(expression)).toBe(false);
  });

  test('time zones are those of the IANA database', () => {
    expect([TimeZone.EUROPE_VIENNA, TimeZone.ETC_UTC].map(({ timezoneName }) => isTimeZone(timezoneName))).toEqual([
      true,
      true,
    ]);
    expect(['Mars/Olympus', '+01:00', ''].map(isTimeZone)).toEqual([false, false, false]);
  });
});

test('fails when several things are wrong, and names them all', () => {
  const message = errorOf(() =>
    commandWith({ schedule: ScheduleExpression.expression('every day'), retryAttempts: 186, command: [''] }),
  );
  expect(message.split('\n')).toEqual([
    expect.stringContaining('Shop/Clear: `command` must be a list'),
    expect.stringContaining('Shop/Clear: `schedule` must be cron('),
    expect.stringContaining('Shop/Clear: `retryAttempts` must be a whole number from 0 to 185, got 186.'),
  ]);
});

test('a rate counts in universal time', () => {
  expect(scheduleOf({ schedule: ScheduleExpression.rate(Duration.days(1)) }).ScheduleExpressionTimezone).toBe(
    'Etc/UTC',
  );
});

/** As EventBridge matches: every name of the pattern; of objects in a list, one that fits as a whole. */
function matches(pattern: object, event: { [name: string]: unknown }): boolean {
  return Object.entries(pattern).every(([name, wanted]) => {
    const given = event[name];
    if (name === '$or') {
      return (wanted as object[]).some((alternative) => matches(alternative, event));
    }
    if (!Array.isArray(wanted)) {
      return (given as { [name: string]: unknown }[]).some((element) => matches(wanted, element));
    }
    return given !== undefined && wanted.some((condition) => holds(condition, given));
  });
}

function holds(condition: unknown, given: unknown): boolean {
  const { prefix, 'anything-but': others } = Object(condition);
  if (prefix !== undefined) {
    const [, parts] = prefix['Fn::Join'];
    return String(given).includes(parts.at(-1)); // Before it are partition, region and account.
  }
  return others !== undefined ? !others.includes(given) : condition === given;
}
