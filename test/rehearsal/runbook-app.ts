import { join } from 'node:path';
import { App, SymlinkFollowMode } from 'aws-cdk-lib';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { DjangoStack, Profile } from 'cdk-django-fargate';

/**
 * The guestbook with a web service and a worker, for the runbooks: with `snapshot` in the context its
 * database is the one that was restored, under another name.
 */
const app = new App();
const snapshot = app.node.tryGetContext('snapshot');
const folder = join(__dirname, '..', '..', 'examples', 'django-app');

new DjangoStack(app, 'Guestbook', {
  profile: Profile.development(),
  image: ContainerImage.fromAsset(folder, {
    followSymlinks: SymlinkFollowMode.EXTERNAL, // vendor/django-fargate leads to runtime/
    exclude: ['*.ts', 'cdk.json', 'cdk.out', 'node_modules', 'package.json'],
  }),
  settingsModule: 'config.settings',
  media: {},
  cache: {},
  queues: { default: {}, express: {} },
  workers: { general: { queueNames: ['default', 'express'] } },
  databaseDump: {},
  restoreDrill: {
    environment: {
      CACHE_URL: 'rediss://localhost',
      AWS_STORAGE_BUCKET_NAME: 'none',
      AWS_S3_REGION_NAME: 'eu-central-1',
    },
  },
  databaseOptions:
    snapshot === undefined ? {} : { snapshotIdentifier: snapshot, instanceIdentifier: `guestbook-${snapshot}` },
});
