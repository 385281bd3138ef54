import { join } from 'node:path';
import { Platform } from 'aws-cdk-lib/aws-ecr-assets';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { ContainerHealthCheck, DjangoStack, Profile } from 'cdk-django-fargate';
import type { Construct } from 'constructs';

/** Installed by poetry, settings by django-environ; Celery with beat, without anything of `runtime/`. */
export class LedgerStack extends DjangoStack {
  constructor(scope: Construct, id: string) {
    super(scope, id, {
      profile: Profile.development(),
      image: ContainerImage.fromAsset(join(__dirname, 'app'), { platform: Platform.LINUX_ARM64 }),
      settingsModule: 'ledger.settings',
      domainName: 'ledger.example.com',
      hostedZoneId: 'Z0123456789ABCDEFGHIJ',
      web: { healthCheckPath: '/ping' },
      queues: { default: {} },
      workers: { worker: { healthCheck: ContainerHealthCheck.none() } },
      beat: { healthCheck: ContainerHealthCheck.none() },
    });
  }
}
