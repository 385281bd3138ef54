import { Stack } from 'aws-cdk-lib';
import { Match, Rule } from 'aws-cdk-lib/aws-events';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct, IDependable } from 'constructs';
import { sendToQueue } from '../../core/queue';
import type { StartedTask } from './started-task';

/**
 * Sends the event of every task that did not start or whose program failed to a queue.
 *
 * The service that starts a task is not told how the task ends.
 *
 * Revisions that an earlier deployment started count too.
 *
 * @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_task_events.html
 */
export function reportFailures(scope: Construct, task: StartedTask, clusterArn: string, queue: IQueue): IDependable[] {
  const rule = new Rule(scope, 'Failures', {
    description: `${scope.node.path}: tasks that failed`,
    eventPattern: {
      source: ['aws.ecs'],
      detailType: ['ECS Task State Change'],
      detail: {
        clusterArn: [clusterArn],
        taskDefinitionArn: Match.prefix(`${familyArn(task)}:`),
        lastStatus: ['STOPPED'],
        $or: [
          { stopCode: ['TaskFailedToStart'] },
          {
            // Not UserInitiated: a person or a deployment stopped the task on purpose. The container's name
            // excludes sidecars that AWS adds.
            stopCode: ['EssentialContainerExited', 'SpotInterruption', 'TerminationNotice'],
            containers: { name: task.containerNames, exitCode: Match.anythingBut(0) },
          },
        ],
      },
    },
  });
  const policy = sendToQueue(rule, queue);
  return policy === undefined ? [rule] : [rule, policy];
}

/** ARN of the task definition without its revision. */
export function familyArn(task: StartedTask): string {
  return Stack.of(task.taskDefinition).formatArn({
    service: 'ecs',
    resource: 'task-definition',
    resourceName: task.taskDefinition.family,
  });
}
