import { join } from 'node:path';
import { App, Size, SymlinkFollowMode } from 'aws-cdk-lib';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { Platform } from 'aws-cdk-lib/aws-ecr-assets';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { DjangoStack, Profile } from 'cdk-django-fargate';

/**
 * Web and ASGI, with temporary storage where the context says so.
 *
 * `npm run load -- --only uploads` rehearses both.
 */
const app = new App();
const temporaryStorage = app.node.tryGetContext('storage') === undefined ? undefined : Size.gibibytes(10);
new DjangoStack(app, 'Uploads', {
  image: ContainerImage.fromAsset(join(__dirname, '..', '..', 'examples', 'django-app'), {
    platform: Platform.LINUX_ARM64,
    followSymlinks: SymlinkFollowMode.EXTERNAL,
    exclude: ['*.ts', 'cdk.json', 'cdk.out', 'node_modules', 'package.json'],
  }),
  settingsModule: 'config.settings',
  profile: Profile.development(),
  domainNames: ['shop.example.com'],
  certificate: Certificate.fromCertificateArn(
    app,
    'Certificate',
    'arn:aws:acm:eu-central-1:123456789012:certificate/12345678-1234-1234-1234-123456789012',
  ),
  web: { temporaryStorage },
  asgi: { paths: ['/ws/*'], temporaryStorage },
});
