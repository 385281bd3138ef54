import type { FargateTaskDefinition } from 'aws-cdk-lib/aws-ecs';
import type { IRole } from 'aws-cdk-lib/aws-iam';
import type { AwsvpcConfiguration } from './placement';

/** A task that a schedule starts, and whose failure is reported. */
export interface StartedTask {
  readonly taskDefinition: FargateTaskDefinition;
  readonly taskRole: IRole;
  readonly executionRole: IRole;
  /** Names of the containers that must end well, and of those only. */
  readonly containerNames: string[];
  readonly network: AwsvpcConfiguration;
}
