import type { Refusal } from './account';
import type { CloudFormation, Failure, Stack, Status } from './cloudformation';
import type { Resources } from './template';

/** A stack of the assembly: its template, and what the manifest says about termination protection. */
export interface Artifact {
  readonly stackName: string;
  readonly resources: Resources;
  readonly terminationProtection: boolean;
  /** The names under which the application answers, where a scenario asks for them. */
  readonly names?: readonly string[];
}

/** How a command of the CDK ended: the status of the stack, or what was refused before anything happened. */
export interface Outcome {
  readonly status: Status | 'REFUSED';
  readonly reasons: readonly string[];
}

/**
 * `cdk deploy`, in the steps of aws-cdk 2.1148.1 (lib/index.js).
 *
 * A stack whose creation failed is deleted at first (`deployStack`, lines 113649 to 113660), and the status of that
 * must be DELETE_COMPLETE. The termination protection of the manifest is set after the change set was made and before
 * it is executed (`changeSetDeployment`, line 113994; `updateTerminationProtection`, lines 114153 to 114171).
 */
export function deploy(cloudFormation: CloudFormation, artifact: Artifact, failure?: Failure): Outcome {
  const existing = cloudFormation.stacks.get(artifact.stackName);
  if (existing?.status.startsWith('ROLLBACK_')) {
    const deleted = destroy(cloudFormation, artifact.stackName);
    if (deleted.status !== 'DELETE_COMPLETE') {
      return deleted;
    }
    return deploy(cloudFormation, artifact, failure);
  }
  if (existing === undefined) {
    return outcome(
      cloudFormation.create(artifact.stackName, artifact.resources, artifact.terminationProtection, failure),
    );
  }
  if (existing.status === 'UPDATE_ROLLBACK_FAILED') {
    return { status: 'REFUSED', reasons: [`${artifact.stackName} is in UPDATE_ROLLBACK_FAILED`] };
  }
  existing.terminationProtection = artifact.terminationProtection;
  cloudFormation.update(existing, artifact.resources, failure);
  return outcome(existing);
}

/** `cdk destroy`: DeleteStack, and nothing else. */
export function destroy(cloudFormation: CloudFormation, stackName: string): Outcome {
  const stack = cloudFormation.stacks.get(stackName);
  if (stack === undefined) {
    return { status: 'DELETE_COMPLETE', reasons: [] };
  }
  try {
    cloudFormation.delete(stack);
  } catch (error) {
    return { status: 'REFUSED', reasons: [(error as Refusal).message] };
  }
  return outcome(stack);
}

function outcome({ status, reasons }: Stack): Outcome {
  return { status, reasons };
}
