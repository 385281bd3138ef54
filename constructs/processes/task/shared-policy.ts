import { Stack } from 'aws-cdk-lib';
import { type IRole, ManagedPolicy } from 'aws-cdk-lib/aws-iam';
import type { IConstruct } from 'constructs';
import { acknowledge, findingOf } from '../../core/acknowledge';
import type { IMail } from '../../mail/mail';
import type { IMediaStorage } from '../../storage/media-storage';

/** What the policy is called, as a child of the part that it is for. */
const POLICY = 'Access';

/** Lets a process read and write media files, where there is a storage of them. */
export function grantMedia(taskRole: IRole, mediaStorage: IMediaStorage | undefined): void {
  share(taskRole, mediaStorage, 'Media files in', (policy, storage) => {
    storage.grantReadWrite(policy);
    acknowledge(
      policy,
      `IAM5[Resource::${findingOf(Stack.of(policy).resolve(storage.bucket.arnForObjects('*')))}]`,
      'Files have no names before users upload them. The four actions on all of them are for this one bucket, and none of them reaches an older version or a setting of the bucket.',
    );
  });
}

/** Lets a process send mail, where there is any. */
export function grantMail(taskRole: IRole, mail: IMail | undefined): void {
  share(taskRole, mail, 'Outgoing mail of', (policy, sender) => sender.grantSend(policy));
}

/**
 * Attaches the one policy of a part that all processes have: the policy of a process with many queues has no
 * room for what it allows. `fill` is called when the first process needs it.
 */
function share<Part extends IConstruct>(
  taskRole: IRole,
  part: Part | undefined,
  what: string,
  fill: (policy: ManagedPolicy, part: Part) => void,
): void {
  if (part === undefined) {
    return;
  }
  const made = part.node.tryFindChild(POLICY) as ManagedPolicy | undefined;
  const policy = made ?? new ManagedPolicy(part, POLICY, { description: `${what} ${part.node.path}` });
  if (made === undefined) {
    fill(policy, part);
  }
  taskRole.addManagedPolicy(policy);
}
