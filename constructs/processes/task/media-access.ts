import { Stack } from 'aws-cdk-lib';
import { type IRole, ManagedPolicy } from 'aws-cdk-lib/aws-iam';
import { acknowledge, findingOf } from '../../core/acknowledge';
import type { IMediaStorage } from '../../storage/media-storage';

/** What the policy is called, as a child of the storage. */
const POLICY = 'Access';

/**
 * Lets a process read and write media files, where there is a storage of them.
 *
 * All processes may do the same, by one policy: the policy of a process with many queues has no room for it.
 */
export function grantMedia(taskRole: IRole, mediaStorage: IMediaStorage | undefined): void {
  if (mediaStorage !== undefined) {
    const made = mediaStorage.node.tryFindChild(POLICY) as ManagedPolicy | undefined;
    taskRole.addManagedPolicy(made ?? accessTo(mediaStorage));
  }
}

function accessTo(mediaStorage: IMediaStorage): ManagedPolicy {
  const policy = new ManagedPolicy(mediaStorage, POLICY, {
    description: `Media files in ${mediaStorage.node.path}`,
  });
  mediaStorage.grantReadWrite(policy);
  acknowledge(
    policy,
    `IAM5[Resource::${findingOf(Stack.of(policy).resolve(mediaStorage.bucket.arnForObjects('*')))}]`,
    'Files have no names before users upload them. The four actions on all of them are for this one bucket, and none of them reaches an older version or a setting of the bucket.',
  );
  return policy;
}
