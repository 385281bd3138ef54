import { join } from 'node:path';
import { type App, SymlinkFollowMode } from 'aws-cdk-lib';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { Platform } from 'aws-cdk-lib/aws-ecr-assets';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { Profile } from 'cdk-django-fargate';

/** What the stacks of this folder have in common: the example's application, what it stores in, and a certificate. */
export function exampleProps(app: App) {
  return {
    image: ContainerImage.fromAsset(join(__dirname, '..', '..', 'examples', 'django-app'), {
      platform: Platform.LINUX_ARM64,
      followSymlinks: SymlinkFollowMode.EXTERNAL,
      exclude: ['*.ts', 'cdk.json', 'cdk.out', 'node_modules', 'package.json'],
    }),
    settingsModule: 'config.settings',
    profile: Profile.development(),
    media: {},
    cache: {},
    certificate: Certificate.fromCertificateArn(
      app,
      'Certificate',
      'arn:aws:acm:eu-central-1:123456789012:certificate/12345678-1234-1234-1234-123456789012',
    ),
  };
}
