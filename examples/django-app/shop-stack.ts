import { join } from 'node:path';
import { Annotations, Duration, SymlinkFollowMode } from 'aws-cdk-lib';
import { Platform } from 'aws-cdk-lib/aws-ecr-assets';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import { DjangoStack, type DjangoStackProps } from 'cdk-django-fargate';
import type { Construct } from 'constructs';

export interface ShopStackProps
  extends Partial<
    Pick<
      DjangoStackProps,
      | 'env'
      | 'profile'
      | 'staticFiles'
      | 'databaseDump'
      | 'restoreDrill'
      | 'cdn'
      | 'domainName'
      | 'redirectedDomainNames'
      | 'hostedZoneId'
      | 'hostedZoneName'
    >
  > {
  readonly notificationEmail?: string;
  /** Whether links for a new password are mailed. @default - with a domain, which Amazon SES sends them from */
  readonly mail?: boolean;
}

/**
 * The full example: web, WebSockets, two queues with a worker each, beat, a scheduled command, files of users, a
 * cache, mail, backups and alarms.
 */
export class ShopStack extends DjangoStack {
  constructor(scope: Construct, id: string, { notificationEmail, mail, ...props }: ShopStackProps) {
    const { domainName } = props;
    const sendsMail = mail ?? domainName !== undefined;
    super(scope, id, {
      ...props,
      image: ContainerImage.fromAsset(join(__dirname), {
        platform: Platform.LINUX_ARM64,
        followSymlinks: SymlinkFollowMode.EXTERNAL, // vendor/django-fargate leads to runtime/
        exclude: ['*.ts', 'cdk.json', 'cdk.out', 'node_modules', 'package.json'],
      }),
      settingsModule: 'config.settings',
      // Pictures. A page of the site may send one to the bucket itself; without a domain nobody knows its name yet.
      media: { corsAllowedOrigins: domainName === undefined ? undefined : [`https://${domainName.toLowerCase()}`] },
      // The channel layer, and a page that is made once a minute.
      cache: {},
      // Links for a new password. Amazon SES sends from a domain of yours, so without one there is no mail.
      mail: sendsMail ? {} : undefined,
      asgi: { paths: ['/ws/*'] },
      queues: {
        default: {},
        // Short limits, so that redelivery and poison tasks can be watched in real time.
        express: { taskTimeLimit: Duration.seconds(4), visibilityTimeout: Duration.seconds(8), maxReceiveCount: 3 },
      },
      workers: {
        general: { queueNames: ['default'] },
        express: { queueNames: ['express'], spot: true, stopTimeout: Duration.seconds(30) },
      },
      beat: {},
      scheduledCommands: {
        'prune-messages': {
          command: ['python', 'manage.py', 'prune_messages'],
          schedule: ScheduleExpression.cron({ minute: '15', hour: '3' }),
        },
      },
      // Files come to the admin and to the page of pictures; in development there is no firewall.
      firewallOptions: props.profile?.name === 'development' ? undefined : { uploadPaths: ['/admin/*', '/pictures/'] },
      // A production account has a quota of 1,000; a new one may have 10, of which none can be reserved.
      handlerReservedConcurrency: props.profile?.name === 'development' ? undefined : 1,
      notificationEmails: notificationEmail === undefined ? undefined : [notificationEmail],
    });
    Annotations.of(this).acknowledgeWarning('cdk-django-fargate:backupCopies', 'A guestbook can start anew.');
  }
}
