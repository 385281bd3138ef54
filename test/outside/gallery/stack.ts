import { join } from 'node:path';
import { Peer } from 'aws-cdk-lib/aws-ec2';
import { Platform } from 'aws-cdk-lib/aws-ecr-assets';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { ContainerHealthCheck, DatabaseVariables, DjangoStack, Egress, Profile } from 'cdk-django-fargate';
import type { Construct } from 'constructs';

/** Pages under ASGI, Celery with its schedule in the database, and a cache and a bucket that somebody else made. */
export class GalleryStack extends DjangoStack {
  constructor(scope: Construct, id: string) {
    super(scope, id, {
      profile: Profile.development(),
      image: ContainerImage.fromAsset(join(__dirname, 'app'), {
        platform: Platform.LINUX_ARM64,
        file: 'compose/production/django/Dockerfile',
      }),
      settingsModule: 'config.settings.production',
      domainName: 'gallery.example.com',
      hostedZoneId: 'Z0123456789ABCDEFGHIJ',
      databaseOptions: { variables: DatabaseVariables.POSTGRES },
      environment: {
        REDIS_URL: 'rediss://gallery.abc123.euc1.cache.amazonaws.com:6379/0',
        DJANGO_AWS_STORAGE_BUCKET_NAME: 'gallery-files',
        DJANGO_AWS_S3_ENDPOINT_URL: 'https://s3.eu-central-1.amazonaws.com',
      },
      egress: [Egress.https(), Egress.tcp(6379, 'the cache', Peer.ipv4('10.0.0.0/16'))],
      asgi: { command: ['/start'], paths: ['/*'], healthCheckPath: '/up/' },
      queues: { default: {}, thumbnails: {} },
      workers: {
        worker: { queueNames: ['default', 'thumbnails'], healthCheck: ContainerHealthCheck.none() },
      },
      beat: { healthCheck: ContainerHealthCheck.none() },
    });
  }
}
