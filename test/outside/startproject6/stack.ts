import { join } from 'node:path';
import { Duration, SymlinkFollowMode } from 'aws-cdk-lib';
import { Platform } from 'aws-cdk-lib/aws-ecr-assets';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { DjangoStack, Profile } from 'cdk-django-fargate';
import type { Construct } from 'constructs';

/** The lines of the README in production, around what `startproject` of Django 6.0 writes. */
export class Startproject6Stack extends DjangoStack {
  constructor(scope: Construct, id: string) {
    super(scope, id, {
      profile: Profile.production(),
      image: ContainerImage.fromAsset(join(__dirname, 'app'), {
        platform: Platform.LINUX_ARM64,
        followSymlinks: SymlinkFollowMode.EXTERNAL, // vendor/django-fargate leads to runtime/
      }),
      settingsModule: 'config.settings',
      domainName: 'notes.example.com',
      hostedZoneId: 'Z0123456789ABCDEFGHIJ',
      asgi: { paths: ['/ws/*'] },
      queues: { default: {}, reports: { taskTimeLimit: Duration.hours(1) } },
      workers: {
        general: { queueNames: ['default'] },
        reports: { queueNames: ['reports'], cpu: 1024, memoryLimitMiB: 2048 },
      },
      beat: {},
      notificationEmails: ['ops@example.com'],
    });
  }
}
