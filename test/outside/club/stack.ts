import { join } from 'node:path';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { ContainerHealthCheck, DjangoStack, Profile } from 'cdk-django-fargate';
import type { Construct } from 'constructs';

/** Pictures in S3, cache and groups of sockets on Valkey, mail by SES; two tasks of each service share them. */
export class ClubStack extends DjangoStack {
  constructor(scope: Construct, id: string) {
    super(scope, id, {
      profile: Profile.development(),
      image: ContainerImage.fromAsset(join(__dirname, 'app')),
      settingsModule: 'config.settings',
      domainName: 'club.example.com',
      hostedZoneId: 'Z0123456789ABCDEFGHIJ',
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
