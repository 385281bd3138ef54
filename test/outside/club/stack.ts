import { join } from 'node:path';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { ContainerHealthCheck, DjangoStack, Profile } from 'cdk-django-fargate';
import type { Construct } from 'constructs';

/** CloudFront takes a certificate of us-east-1. */
const CERTIFICATE = 'arn:aws:acm:us-east-1:111122223333:certificate/12345678-1234-1234-1234-123456789012';

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
