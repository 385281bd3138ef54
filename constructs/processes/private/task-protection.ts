import { Stack } from 'aws-cdk-lib';
import type { ICluster } from 'aws-cdk-lib/aws-ecs';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { acknowledge, findingOf } from '../../core/acknowledge';
import type { HardenedTask } from './hardened-task';

/** A task that may ask ECS to leave it alone while it works. */
export interface TaskProtection {
  readonly task: HardenedTask;
  readonly cluster: ICluster;
  /** Whether it may work on something for longer than it has to stop. */
  readonly needed: boolean;
}

/**
 * Lets a worker protect its own ECS task from scale-in, where it needs to.
 *
 * @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-scale-in-protection.html
 */
export function protectTasks(scope: Construct, { task, cluster, needed }: TaskProtection): void {
  if (!needed) {
    return;
  }
  // ECS invents the ids of tasks; the name before them leaves those of this cluster.
  const resource = Stack.of(scope).formatArn({
    service: 'ecs',
    resource: 'task',
    resourceName: `${cluster.clusterName}/*`,
  });
  task.taskRole.addToPrincipalPolicy(
    new PolicyStatement({ actions: ['ecs:UpdateTaskProtection', 'ecs:GetTaskProtection'], resources: [resource] }),
  );
  acknowledge(
    task.taskRole,
    `IAM5[Resource::${findingOf(Stack.of(scope).resolve(resource))}]`,
    'ECS invents the ids of tasks. The action stops nothing: it delays scale-in of a task of this cluster, for at most 48 hours.',
  );
}
