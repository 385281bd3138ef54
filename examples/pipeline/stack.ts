import { join } from 'node:path';
import { Annotations } from 'aws-cdk-lib';
import { Platform } from 'aws-cdk-lib/aws-ecr-assets';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { DjangoStage, PipelineStack, Profile } from 'cdk-django-fargate';
import type { Construct } from 'constructs';

export interface NotesPipelineStackProps {
  /** Account of the pipeline and of staging. */
  readonly account: string;
  /** Account of production, which holds nothing else. */
  readonly productionAccount: string;
  readonly region: string;
  /** The connection to the host of the repository. */
  readonly connectionArn: string;
}

/**
 * Staging and production of the minimal example, each in an account of its own, deployed from its repository.
 *
 * Bootstrap both accounts, that of production so that it trusts the other one and limits what a deployment may do; deploy
 * this stack once from a laptop, and push from then on. docs/your-project.md has the commands.
 */
export class NotesPipelineStack extends PipelineStack {
  constructor(scope: Construct, id: string, props: NotesPipelineStackProps) {
    const { account, productionAccount, region, connectionArn } = props;
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
        env: { account: productionAccount, region },
        application: {
          ...notes(),
          profile: Profile.production(),
          domainName: 'notes.example.com',
          hostedZoneId: 'Z0123456789ABCDEFGHIJ',
          notificationEmails: ['ops@example.com'],
        },
      }),
    });
    Annotations.of(scope).acknowledgeWarning('cdk-django-fargate:backupCopies', 'Notes of an example can start anew.');
  }
}

/** What both environments have in common. */
function notes() {
  return {
    image: ContainerImage.fromAsset(join(__dirname, '..', 'minimal', 'app'), { platform: Platform.LINUX_ARM64 }),
    settingsModule: 'project.settings',
    web: { healthCheckPath: '/up' },
  };
}
