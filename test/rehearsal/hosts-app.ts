import { join } from 'node:path';
import { App, SymlinkFollowMode } from 'aws-cdk-lib';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { Platform } from 'aws-cdk-lib/aws-ecr-assets';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { DjangoStack, Profile } from 'cdk-django-fargate';

/**
 * Two load-balanced services with three host names each, one of them a wildcard.
 *
 * `npm start -- --check --hosts` rehearses it: each process must allow the host names of its own rules and no
 * others.
 */
const app = new App();
new DjangoStack(app, 'Hosts', {
  image: ContainerImage.fromAsset(join(__dirname, '..', '..', 'examples', 'django-app'), {
    platform: Platform.LINUX_ARM64,
    followSymlinks: SymlinkFollowMode.EXTERNAL,
    exclude: ['*.ts', 'cdk.json', 'cdk.out', 'node_modules', 'package.json'],
  }),
  settingsModule: 'config.settings',
  profile: Profile.development(),
  domainNames: ['shop.example.com', 'www.example.com', 'live.example.com', 'push.example.com'],
  certificate: Certificate.fromCertificateArn(
    app,
    'Certificate',
    'arn:aws:acm:eu-central-1:123456789012:certificate/12345678-1234-1234-1234-123456789012',
  ),
  web: { hostNames: ['shop.example.com', 'www.example.com', '*.shops.example.com'] },
  asgi: { hostNames: ['live.example.com', 'push.example.com', '*.rooms.example.com'], paths: ['/ws/*'] },
});
