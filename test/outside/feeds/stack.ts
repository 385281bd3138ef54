import { join } from 'node:path';
import { Platform } from 'aws-cdk-lib/aws-ecr-assets';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import { DatabaseVariables, DjangoStack, Profile } from 'cdk-django-fargate';
import type { Construct } from 'constructs';

/** An image with an ENTRYPOINT that composes DATABASE_URL, and style sheets of a stage with Node. */
export class FeedsStack extends DjangoStack {
  constructor(scope: Construct, id: string) {
    super(scope, id, {
      profile: Profile.development(),
      image: ContainerImage.fromAsset(join(__dirname, 'app'), { platform: Platform.LINUX_ARM64, target: 'feeds' }),
      settingsModule: 'config.settings',
      domainName: 'feeds.example.com',
      hostedZoneId: 'Z0123456789ABCDEFGHIJ',
      databaseOptions: { variables: DatabaseVariables.POSTGRES },
      web: { command: ['web'], healthCheckPath: '/up', threads: 8, connectionsPerProcess: 8 },
      releaseOptions: {
        command: ['sh', '-c', 'python manage.py createcachetable && python manage.py migrate --noinput'],
      },
      scheduledCommands: {
        fetch: {
          command: ['python', 'manage.py', 'fetch'],
          schedule: ScheduleExpression.cron({ minute: '*/15' }),
        },
      },
    });
  }
}
