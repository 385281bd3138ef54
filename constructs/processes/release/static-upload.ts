import { Stack } from 'aws-cdk-lib';
import type { IRole } from 'aws-cdk-lib/aws-iam';
import { acknowledge, findingOf } from '../../core/acknowledge';
import type { IStaticFiles } from '../../storage/static-files';

const MIGRATE = ['python', 'manage.py', 'migrate', '--noinput'];

/**
 * What a release runs unless told otherwise.
 *
 * Files come before the schema: a failure then leaves everything as it was. The shell ends with the status of
 * whichever command fails, and gives its place to the last one, which gets the signals.
 */
export function releaseCommand(staticFiles: IStaticFiles | undefined): string[] {
  return staticFiles === undefined
    ? MIGRATE
    : ['sh', '-c', `python manage.py uploadstatic && exec ${MIGRATE.join(' ')}`];
}

/** Lets a release write static files, where there is a bucket of them. */
export function grantUpload(taskRole: IRole, staticFiles: IStaticFiles | undefined): void {
  if (staticFiles === undefined) {
    return;
  }
  staticFiles.grantWrite(taskRole);
  const files = Stack.of(taskRole).resolve(staticFiles.bucket.arnForObjects('*'));
  acknowledge(
    taskRole,
    `IAM5[Resource::${findingOf(files)}]`,
    'Only the image knows the names of its static files. The one action on all of them writes a new version in this one bucket, whose files are public, and neither reads nor deletes any.',
  );
}
