import { Aws, Fn, RemovalPolicy } from 'aws-cdk-lib';

/**
 * The end of the stack's id, twelve characters: in a fixed name it lets a new stack live beside what an old
 * one has left.
 */
export function endOfStackId(): string {
  const stackUuid = Fn.select(2, Fn.split('/', Aws.STACK_ID));
  return Fn.select(4, Fn.split('-', stackUuid));
}

/** Whether something stays when it leaves the stack. */
export function isKept(removalPolicy: RemovalPolicy): boolean {
  return removalPolicy === RemovalPolicy.RETAIN || removalPolicy === RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE;
}

/**
 * For what belongs to something that is kept, snapshotted or destroyed, and that cannot be snapshotted
 * itself.
 */
export function keptOrDestroyed(removalPolicy: RemovalPolicy): RemovalPolicy {
  return isKept(removalPolicy) ? removalPolicy : RemovalPolicy.DESTROY;
}

/**
 * For a store that is written to while the stack is made: it can be full when a creation is rolled back, and
 * CloudFormation deletes empty ones only.
 */
export function keptWhenFull(removalPolicy: RemovalPolicy): RemovalPolicy {
  return isKept(removalPolicy) ? RemovalPolicy.RETAIN : removalPolicy;
}
