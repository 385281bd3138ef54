import type { IRole } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { acknowledge } from '../core/acknowledge';
import { ecsTasksForUs, WorkloadRole } from '../core/workload-role';

/** A role that ECS starts tasks with. */
export function executionRole(scope: Construct, id: string): IRole {
  const role = new WorkloadRole(scope, id, { assumedBy: ecsTasksForUs(scope) });
  acknowledge(
    role,
    'IAM5[Resource::*]',
    'Amazon ECR gives its authorization token on every resource or on none; the token opens only the repositories that the role names.',
  );
  return role;
}
