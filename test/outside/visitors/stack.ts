import { join } from 'node:path';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { DjangoStack, Profile } from 'cdk-django-fargate';
import type { Construct } from 'constructs';

/** Every path is the ASGI service's: pages that ask the database, and WebSockets. */
export class VisitorsStack extends DjangoStack {
  constructor(scope: Construct, id: string) {
    super(scope, id, {
      profile: Profile.development(),
      image: ContainerImage.fromAsset(join(__dirname, 'app')),
      settingsModule: 'visitors.settings',
      asgi: { paths: ['/*'], healthCheckPath: '/up/' },
    });
  }
}
