import { type IRole, ManagedPolicy } from 'aws-cdk-lib/aws-iam';
import type { IMail } from '../../mail/mail';

/** What the policy is called, as a child of the mail. */
const POLICY = 'Access';

/**
 * Lets a process send mail, where there is any.
 *
 * All processes may do the same, by one policy: the policy of a process with many queues has no room for it.
 */
export function grantMail(taskRole: IRole, mail: IMail | undefined): void {
  if (mail !== undefined) {
    const made = mail.node.tryFindChild(POLICY) as ManagedPolicy | undefined;
    taskRole.addManagedPolicy(made ?? accessTo(mail));
  }
}

function accessTo(mail: IMail): ManagedPolicy {
  const policy = new ManagedPolicy(mail, POLICY, { description: `Outgoing mail of ${mail.node.path}` });
  mail.grantSend(policy);
  return policy;
}
