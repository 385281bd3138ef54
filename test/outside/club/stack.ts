import { join } from 'node:path';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { ContainerHealthCheck, DjangoStack, Profile } from 'cdk-django-fargate';
import type { Construct } from 'constructs';

/** CloudFront takes a certificate of us-east-1. */
const CERTIFICATE = 'arn:aws:acm:us-east-1:111122223333:certificate/12345678-1234-1234-1234-123456789012';

/** What the settings ask for beside the database: a drill has no other part of the application. */
const NOWHERE = {
  CACHE_URL: 'rediss://localhost:6379',
  AWS_STORAGE_BUCKET_NAME: 'none',
  AWS_S3_REGION_NAME: 'eu-central-1',
  AWS_S3_CUSTOM_DOMAIN: 'club.example.com',
  AWS_SES_REGION_NAME: 'eu-central-1',
  AWS_SES_CONFIGURATION_SET: 'none',
  DEFAULT_FROM_EMAIL: 'club@example.com',
};

/** Pictures in S3 and by way of a distribution, cache and groups of sockets on Valkey, mail by SES; two tasks of each service share them. */
export class ClubStack extends DjangoStack {
  constructor(scope: Construct, id: string) {
    super(scope, id, {
      profile: Profile.development(),
      image: ContainerImage.fromAsset(join(__dirname, 'app')),
      settingsModule: 'config.settings',
      domainName: 'club.example.com',
      hostedZoneId: 'Z0123456789ABCDEFGHIJ',
      cdn: {
        certificate: Certificate.fromCertificateArn(scope, 'Certificate', CERTIFICATE),
        publicMediaPaths: ['/public/*'],
        signedMediaPaths: ['/media/*'],
      },
      databaseDump: {},
      restoreDrill: { command: ['python', 'manage.py', 'count_pictures'], environment: NOWHERE },
      media: { corsAllowedOrigins: ['https://club.example.com'] },
      cache: {},
      mail: {},
      web: { minCapacity: 2, healthCheckPath: '/up/' },
      asgi: { minCapacity: 2, paths: ['/ws/*'], healthCheckPath: '/up/' },
      queues: { default: {} },
      workers: { worker: { healthCheck: ContainerHealthCheck.none() } },
    });
  }
}
