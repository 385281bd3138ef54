import { Duration, type Stack } from 'aws-cdk-lib';
import { SubnetType } from 'aws-cdk-lib/aws-ec2';
import { Match, Rule } from 'aws-cdk-lib/aws-events';
import { ManagedPolicy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Schedule, ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { Foundation } from './direct-foundation';
import { deadLetterQueue } from './direct-queues';
import { statement, type Task, type Tasks } from './direct-tasks';

/** A command at a set time, and a queue that tells when it fails. */
export function scheduledCommand(stack: Stack, base: Foundation, tasks: Tasks) {
  const task = tasks.make({ id: 'Prune', kind: 'scheduled', command: ['python', 'manage.py', 'prune_messages'] });
  const family = stack.formatArn({
    service: 'ecs',
    resource: 'task-definition',
    resourceName: task.definition.family,
  });
  const deadLetters = deadLetterQueue(stack, 'PruneDeadLetters', base.key);
  const failures = failureRule(stack, base, family, deadLetters);
  const { role, policy } = schedulerRole(stack, base, tasks, task, family, deadLetters);
  const { cluster, vpc, securityGroup } = base;
  const schedule = new Schedule(stack, 'Prune', {
    schedule: ScheduleExpression.cron({ minute: '15', hour: '3' }),
    description: 'Prunes messages',
    enabled: true,
    target: {
      bind: () => ({
        arn: cluster.clusterArn,
        role,
        deadLetterConfig: { arn: deadLetters.queueArn },
        retryPolicy: { maximumRetryAttempts: 3, maximumEventAgeInSeconds: Duration.hours(1).toSeconds() },
        ecsParameters: {
          taskDefinitionArn: task.definition.taskDefinitionArn,
          launchType: 'FARGATE',
          platformVersion: 'LATEST',
          taskCount: 1,
          networkConfiguration: {
            awsvpcConfiguration: {
              subnets: vpc.selectSubnets({ subnetType: SubnetType.PRIVATE_WITH_EGRESS }).subnetIds,
              securityGroups: [securityGroup.securityGroupId],
              assignPublicIp: 'DISABLED',
            },
          },
        },
      }),
    },
  });
  schedule.node.addDependency(role, policy, ...task.prerequisites, ...failures);
  return { deadLetters };
}

function failureRule(stack: Stack, { cluster }: Foundation, family: string, queue: Queue) {
  const rule = new Rule(stack, 'PruneFailures', {
    description: 'Tasks that failed',
    eventPattern: {
      source: ['aws.ecs'],
      detailType: ['ECS Task State Change'],
      detail: {
        clusterArn: [cluster.clusterArn],
        taskDefinitionArn: Match.prefix(`${family}:`),
        lastStatus: ['STOPPED'],
        $or: [
          { stopCode: ['TaskFailedToStart'] },
          {
            stopCode: ['EssentialContainerExited', 'SpotInterruption', 'TerminationNotice'],
            containers: { name: ['scheduled'], exitCode: Match.anythingBut(0) },
          },
        ],
      },
    },
  });
  rule.addTarget({ bind: () => ({ arn: queue.queueArn }) });
  const { policyDependable } = queue.addToResourcePolicy(
    new PolicyStatement({
      principals: [new ServicePrincipal('events.amazonaws.com')],
      actions: ['sqs:SendMessage'],
      resources: [queue.queueArn],
      conditions: { ArnEquals: { 'aws:SourceArn': rule.ruleArn } },
    }),
  );
  return policyDependable === undefined ? [rule] : [rule, policyDependable];
}

function schedulerRole(stack: Stack, base: Foundation, tasks: Tasks, task: Task, family: string, queue: Queue) {
  const role = new Role(stack, 'SchedulerRole', {
    assumedBy: new ServicePrincipal('scheduler.amazonaws.com', {
      conditions: {
        StringEquals: {
          'aws:SourceAccount': stack.account,
          'aws:SourceArn': stack.formatArn({
            service: 'scheduler',
            resource: 'schedule-group',
            resourceName: 'default',
          }),
        },
      },
    }),
  });
  const policy = new ManagedPolicy(stack, 'SchedulerPolicy', {
    roles: [role],
    statements: [
      new PolicyStatement({
        actions: ['ecs:RunTask'],
        resources: [`${family}:*`],
        conditions: { ArnEquals: { 'ecs:cluster': base.cluster.clusterArn } },
      }),
      new PolicyStatement({
        actions: ['iam:PassRole'],
        resources: [task.taskRole.roleArn, tasks.executionRole.roleArn],
        conditions: { StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } },
      }),
      statement(['sqs:SendMessage'], queue.queueArn),
      statement(['kms:Decrypt', 'kms:GenerateDataKey'], base.key.keyArn),
    ],
  });
  return { role, policy };
}
