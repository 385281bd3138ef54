import { join } from 'node:path';
import { SymlinkFollowMode } from 'aws-cdk-lib';
import { Platform } from 'aws-cdk-lib/aws-ecr-assets';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { DjangoStack, Profile } from 'cdk-django-fargate';
import type { Construct } from 'constructs';

/** A site that runs under ASGI as a whole, its WebSockets too. */
export class ChatStack extends DjangoStack {
  constructor(scope: Construct, id: string) {
    super(scope, id, {
      profile: Profile.development(),
      image: ContainerImage.fromAsset(join(__dirname, 'app'), {
        platform: Platform.LINUX_ARM64,
        followSymlinks: SymlinkFollowMode.EXTERNAL, // vendor/django-fargate leads to runtime/
      }),
      settingsModule: 'chat.settings',
      domainName: 'chat.example.com',
      hostedZoneId: 'Z0123456789ABCDEFGHIJ',
      asgi: { paths: ['/*'] },
    });
  }
}
