import { type AddToPrincipalPolicyResult, ManagedPolicy, type PolicyStatement, Role } from 'aws-cdk-lib/aws-iam';

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

  public override addToPrincipalPolicy(statement: PolicyStatement): AddToPrincipalPolicyResult {
    this.policy ??= new ManagedPolicy(this, 'Policy', { roles: [this] });
    this.policy.addStatements(statement);
    return { statementAdded: true, policyDependable: this.policy };
  }
}
