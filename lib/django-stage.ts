import { Stage, type StageProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { checkKinds, pathOf } from '../constructs/core/kinds';
import { DjangoStack, type DjangoStackProps } from './django-stack';

/** Properties of `DjangoStage`. */
export interface DjangoStageProps extends StageProps {
  /** The application of this environment. */
  readonly application: DjangoStackProps;
}

/**
 * One environment, such as staging or production: what a pipeline deploys as a unit.
 *
 * @example
 * new DjangoStage(app, 'Staging', {
 *   env: { account: '111122223333', region: 'eu-central-1' },
 *   application: {
 *     profile: Profile.development(),
 *     image: ecs.ContainerImage.fromAsset('app'),
 *     settingsModule: 'config.settings',
 *   },
 * });
 *
 * @see https://docs.aws.amazon.com/cdk/v2/guide/stages.html
 */
export class DjangoStage extends Stage {
  /** The stack with the application of this environment. */
  public readonly stack: DjangoStack;

  constructor(scope: Construct, id: string, props: DjangoStageProps) {
    checkKinds(pathOf(scope, id), 'DjangoStageProps', props, new.target !== DjangoStage);
    super(scope, id, props);
    this.stack = new DjangoStack(this, 'Django', props.application);
  }
}
