import { join } from 'node:path';
import { Platform } from 'aws-cdk-lib/aws-ecr-assets';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { DatabaseVariables, DjangoStack, Profile } from 'cdk-django-fargate';
import type { Construct } from 'constructs';

/** Bundles of Webpack beside pages of Django, and settings that are classes. */
export class BookshopStack extends DjangoStack {
  constructor(scope: Construct, id: string) {
    super(scope, id, {
      profile: Profile.development(),
      image: ContainerImage.fromAsset(join(__dirname, 'app'), { platform: Platform.LINUX_ARM64 }),
      settingsModule: 'config.settings',
      domainName: 'bookshop.example.com',
      hostedZoneId: 'Z0123456789ABCDEFGHIJ',
      databaseOptions: { variables: DatabaseVariables.POSTGRES },
      environment: { DJANGO_CONFIGURATION: 'Production' },
      web: { healthCheckPath: '/health/', threads: 8, connectionsPerProcess: 8 },
    });
  }
}
