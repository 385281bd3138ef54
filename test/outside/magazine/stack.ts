import { join } from 'node:path';
import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { Platform } from 'aws-cdk-lib/aws-ecr-assets';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { BlockPublicAccess, Bucket, BucketEncryption } from 'aws-cdk-lib/aws-s3';
import { DatabaseVariables, DjangoApplication, Profile } from 'cdk-django-fargate';
import type { Construct } from 'constructs';

const CERTIFICATE = 'arn:aws:acm:eu-central-1:123456789012:certificate/12345678-1234-1234-1234-123456789012';

/** Wagtail behind uwsgi, with a bucket of the same stack for images and documents. */
export class MagazineStack extends Stack {
  constructor(scope: Construct, id: string) {
    super(scope, id);
    const media = new Bucket(this, 'Media', {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      removalPolicy: RemovalPolicy.RETAIN,
    });
    const { web } = new DjangoApplication(this, 'App', {
      profile: Profile.development(),
      image: ContainerImage.fromAsset(join(__dirname, 'app'), { platform: Platform.LINUX_ARM64 }),
      settingsModule: 'magazine.settings.production',
      domainNames: ['magazine.example.com'],
      certificate: Certificate.fromCertificateArn(this, 'Certificate', CERTIFICATE),
      databaseOptions: { variables: DatabaseVariables.LIBPQ },
      environment: { AWS_STORAGE_BUCKET_NAME: media.bucketName },
      web: {
        command: ['uwsgi', '--http=:8000', '--show-config'],
        healthCheckPath: '/health-check',
        threads: 4,
        connectionsPerProcess: 4,
      },
    });
    if (web !== undefined) {
      media.grantReadWrite(web.taskDefinition.taskRole);
    }
  }
}
