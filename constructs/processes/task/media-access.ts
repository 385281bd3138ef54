import { Stack } from 'aws-cdk-lib';
import { type IRole, ManagedPolicy } from 'aws-cdk-lib/aws-iam';
import { acknowledge, findingOf } from '../../core/acknowledge';
import type { ICeleryBroker } from '../../queues/celery-broker';
import type { IMediaStorage } from '../../storage/media-storage';

/** With more queues than this, the policy of a process would outgrow what IAM allows. */
const MANY_QUEUES = 8;

/** What the policy of a process is long by. */
interface LongPolicy {
  readonly broker?: ICeleryBroker;
  readonly mediaStorage?: IMediaStorage;
}

/** Whether a process may send to so many queues that its policy must be short of words. */
export function hasManyQueues({ broker }: LongPolicy): boolean {
  return Object.keys(broker?.queues ?? {}).length > MANY_QUEUES;
}

/** Whether the policy of a process has no room for its media files, which get a policy of their own then. */
export function hasMediaPolicy(process: LongPolicy): boolean {
  return process.mediaStorage !== undefined && hasManyQueues(process);
}

/** Lets a process read and write media files, where there is a storage of them. */
export function grantMedia(taskRole: IRole, process: LongPolicy): void {
  const { mediaStorage } = process;
  if (mediaStorage === undefined) {
    return;
  }
  mediaStorage.grantReadWrite(
    hasMediaPolicy(process) ? new ManagedPolicy(taskRole, 'Media', { roles: [taskRole] }) : taskRole,
  );
  acknowledge(
    taskRole,
    `IAM5[Resource::${findingOf(Stack.of(taskRole).resolve(mediaStorage.bucket.arnForObjects('*')))}]`,
    'Files have no names before users upload them. The four actions on all of them are for this one bucket, and none of them reaches an older version or a setting of the bucket.',
  );
}
