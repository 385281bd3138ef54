import { join } from 'node:path';
import { Platform } from 'aws-cdk-lib/aws-ecr-assets';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { DatabaseVariables, DjangoStack, Profile } from 'cdk-django-fargate';
import type { Construct } from 'constructs';

/** The project is in a folder of its own, with settings for each environment. */
export class NewsroomStack extends DjangoStack {
  constructor(scope: Construct, id: string) {
    super(scope, id, {
      profile: Profile.development(),
      image: ContainerImage.fromAsset(join(__dirname, 'app'), {
        platform: Platform.LINUX_ARM64,
        file: 'docker/Dockerfile',
        target: 'site',
        buildArgs: { ENVIRONMENT: 'production' },
      }),
      settingsModule: 'newsroom.settings.production',
      domainName: 'newsroom.example.com',
      hostedZoneId: 'Z0123456789ABCDEFGHIJ',
      databaseOptions: { variables: DatabaseVariables.LIBPQ },
      web: { healthCheckPath: '/-/health', threads: 8, connectionsPerProcess: 8 },
    });
  }
}
