import { join } from 'node:path';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { DjangoStack, Profile } from 'cdk-django-fargate';
import type { Construct } from 'constructs';

/** gunicorn and PostgreSQL, and nothing else: a plain Django project that uses nothing of `runtime/`. */
export class MinimalStack extends DjangoStack {
  constructor(scope: Construct, id: string) {
    super(scope, id, {
      profile: Profile.development(),
      image: ContainerImage.fromAsset(join(__dirname, 'app')),
      settingsModule: 'notes.settings',
      web: { healthCheckPath: '/up' },
    });
  }
}
