import { join } from 'node:path';
import { Platform } from 'aws-cdk-lib/aws-ecr-assets';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { DjangoStage, PipelineStack, Profile } from 'cdk-django-fargate';
import type { Construct } from 'constructs';

export interface NotesPipelineStackProps {
  /** Account of the pipeline and of both environments. */
  readonly account: string;
  readonly region: string;
  /** The connection to the host of the repository. */
  readonly connectionArn: string;
}

/**
 * Staging and production of the minimal example, deployed from its repository. Bootstrap the account, deploy this stack once
 * from a laptop, and push from then on.
 */
export class NotesPipelineStack extends PipelineStack {
  constructor(scope: Construct, id: string, { account, region, connectionArn }: NotesPipelineStackProps) {
    const env = { account, region };
    super(scope, id, {
      env,
      repository: 'example/notes',
      connectionArn,
      staging: new DjangoStage(scope, 'Staging', {
        env,
        application: { ...notes(), profile: Profile.development() },
      }),
      production: new DjangoStage(scope, 'Production', {
        env,
        application: {
          ...notes(),
          profile: Profile.production(),
          domainName: 'notes.example.com',
          hostedZoneId: 'Z0123456789ABCDEFGHIJ',
          notificationEmails: ['ops@example.com'],
        },
      }),
    });
  }
}

/** What both environments have in common. */
function notes() {
  return {
    image: ContainerImage.fromAsset(join(__dirname, '..', 'minimal', 'app'), { platform: Platform.LINUX_ARM64 }),
    settingsModule: 'notes.settings',
    web: { healthCheckPath: '/up' },
  };
}
