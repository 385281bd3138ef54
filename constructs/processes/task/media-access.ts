import { Stack } from 'aws-cdk-lib';
import type { IRole } from 'aws-cdk-lib/aws-iam';
import { acknowledge, findingOf } from '../../core/acknowledge';
import type { IMediaStorage } from '../../storage/media-storage';

/** Lets a process read and write media files, where there is a storage of them. */
export function grantMedia(taskRole: IRole, mediaStorage: IMediaStorage | undefined): void {
  if (mediaStorage === undefined) {
    return;
  }
  mediaStorage.grantReadWrite(taskRole);
  acknowledge(
    taskRole,
    `IAM5[Resource::${findingOf(Stack.of(taskRole).resolve(mediaStorage.bucket.arnForObjects('*')))}]`,
    'Files have no names before users upload them. The four actions on all of them are for this one bucket, and none of them reaches an older version or a setting of the bucket.',
  );
}
