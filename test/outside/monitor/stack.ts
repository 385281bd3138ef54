import { join } from 'node:path';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { DatabaseVariables, DjangoStack, Profile } from 'cdk-django-fargate';
import type { Construct } from 'constructs';

/** A site that shows nothing before the login; its uwsgi starts loops beside the requests. */
export class MonitorStack extends DjangoStack {
  constructor(scope: Construct, id: string) {
    super(scope, id, {
      profile: Profile.development(),
      image: ContainerImage.fromAsset(join(__dirname, 'app')),
      settingsModule: 'config.settings',
      domainName: 'monitor.example.com',
      hostedZoneId: 'Z0123456789ABCDEFGHIJ',
      databaseOptions: {
        variables: DatabaseVariables.of({
          host: 'DB_HOST',
          port: 'DB_PORT',
          name: 'DB_NAME',
          user: 'DB_USER',
          password: 'DB_PASSWORD',
        }),
      },
      environment: { DB: 'postgres', DB_SSLMODE: 'verify-full' },
      web: { command: ['uwsgi', 'uwsgi.ini'], healthCheckPath: '/api/status/', threads: 4, connectionsPerProcess: 4 },
    });
  }
}
