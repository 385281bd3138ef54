import { ArnFormat, type RemovalPolicy, Stack } from 'aws-cdk-lib';
import {
  type AddToPrincipalPolicyResult,
  ManagedPolicy,
  PolicyDocument,
  type PolicyStatement,
  Role,
  type RoleProps,
  ServicePrincipal,
} from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';

/** Properties of `WorkloadRole`. */
export interface WorkloadRoleProps extends RoleProps {
  /**
   * Whether statements that differ in nothing but their resources become one: IAM allows 6,144 characters.
   *
   * @default false
   */
  readonly compact?: boolean;
}

/**
 * A role whose grants land in a managed policy of its own instead of an inline one (the compliance packs ask
 * for that).
 *
 * The policy is a child of the role, so whatever depends on the role waits for its permissions too.
 *
 * @internal
 */
export class WorkloadRole extends Role {
  private policy?: ManagedPolicy;

  private readonly compact: boolean;

  constructor(scope: Construct, id: string, { compact, ...props }: WorkloadRoleProps) {
    super(scope, id, props);
    this.compact = compact ?? false;
  }

  public override addToPrincipalPolicy(statement: PolicyStatement): AddToPrincipalPolicyResult {
    this.policy ??= new ManagedPolicy(this, 'Policy', {
      roles: [this],
      document: this.compact ? new PolicyDocument({ minimize: true }) : undefined,
    });
    this.policy.addStatements(statement);
    return { statementAdded: true, policyDependable: this.policy };
  }

  /** The permissions that the role has by now stay or go with it. */
  public override applyRemovalPolicy(policy: RemovalPolicy): void {
    super.applyRemovalPolicy(policy);
    this.policy?.applyRemovalPolicy(policy);
  }
}

/**
 * An AWS service that assumes a role for resources of this account and region alone.
 *
 * Only for services whose documentation says that they send both keys when they assume a role: a condition on
 * a key that is not sent keeps the service out. AWS Backup and Lambda document neither for their roles;
 * nobody can pass a role of this account to them from another account.
 *
 * @param source service and resources, as in their ARN
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
 */
export function serviceForUs(
  scope: Construct,
  service: string,
  source: { service: string; resource: string },
): ServicePrincipal {
  const stack = Stack.of(scope);
  return new ServicePrincipal(service, {
    conditions: {
      StringEquals: { 'aws:SourceAccount': stack.account },
      ArnLike: { 'aws:SourceArn': stack.formatArn({ ...source, arnFormat: ArnFormat.NO_RESOURCE_NAME }) },
    },
  });
}

/** ECS, which starts tasks with a role and hands them another one. */
export function ecsTasksForUs(scope: Construct): ServicePrincipal {
  return serviceForUs(scope, 'ecs-tasks.amazonaws.com', { service: 'ecs', resource: '*' });
}
