import { Stack } from 'aws-cdk-lib';
import type { ICluster } from 'aws-cdk-lib/aws-ecs';
import { type IRole, PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { acknowledge, findingOf } from '../../core/acknowledge';
import { grantKeyVia } from '../../core/key-policy';
import { WorkloadRole } from '../../core/workload-role';
import type { StartedTask } from './started-task';
import { familyArn } from './task-failure-rule';

/**
 * EventBridge Scheduler, for schedules of this account: start the task, give it its two roles, report that it
 * could not.
 */
export function schedulerRole(scope: Construct, task: StartedTask, cluster: ICluster, queue: IQueue): IRole {
  const stack = Stack.of(scope);
  const role = new WorkloadRole(scope, 'SchedulerRole', {
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
  role.addToPrincipalPolicy(
    new PolicyStatement({
      actions: ['ecs:RunTask'],
      resources: [`${familyArn(task)}:*`], // A run that falls into a deployment must find the old and the new revision allowed.
      conditions: { ArnEquals: { 'ecs:cluster': cluster.clusterArn } },
    }),
  );
  role.addToPrincipalPolicy(
    new PolicyStatement({
      actions: ['iam:PassRole'],
      resources: [task.taskRole.roleArn, task.executionRole.roleArn],
      conditions: { StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } },
    }),
  );
  role.addToPrincipalPolicy(new PolicyStatement({ actions: ['sqs:SendMessage'], resources: [queue.queueArn] }));
  if (queue.encryptionMasterKey !== undefined) {
    grantKeyVia(
      { service: 'sqs', region: stack.region, key: queue.encryptionMasterKey },
      role,
      'kms:Decrypt',
      'kms:GenerateDataKey',
    );
  }
  acknowledge(
    role,
    `IAM5[Resource::${findingOf(stack.resolve(`${familyArn(task)}:*`))}]`,
    'Any revision of this one task definition, in this one cluster: a run that falls into a deployment must find both revisions allowed.',
  );
  return role;
}
