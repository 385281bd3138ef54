import { type CustomResourceProps, makeCustomResources } from '../aws/custom-resource';

const TYPE = 'Custom::DatabaseRoles';

/**
 * Runs the stack's own handler that makes the database roles, as CloudFormation would, and waits for its
 * answer.
 */
export async function makeDatabaseRoles(props: CustomResourceProps): Promise<void> {
  if (props.intrinsics.created(TYPE).length > 0) {
    props.announce.substitution("the role-making handler trusts the local certificate authority beside RDS's own");
  }
  await makeCustomResources(props, TYPE, 'database roles: the handler of');
}
