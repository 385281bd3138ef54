import { Aws, Fn, Names, RemovalPolicy } from 'aws-cdk-lib';
import type { Construct } from 'constructs';

/** Characters of the end of a stack's id, and of the hyphen before it. */
const END = '-123456789012'.length;

/**
 * The end of the stack's id, twelve characters: in a fixed name it lets a new stack live beside what an old
 * one has left.
 */
export function endOfStackId(): string {
  const stackUuid = Fn.select(2, Fn.split('/', Aws.STACK_ID));
  return Fn.select(4, Fn.split('-', stackUuid));
}

/**
 * A name from the place in the tree, with an id behind it where one is given, that no other stack has.
 *
 * The CDK makes names from the place in the tree alone: what an account has once for all Regions, as much of
 * CloudFront, could not be made by a stack of the same id in another Region, or under another name.
 */
export function nameOfThisStack(scope: Construct, longest: number, id?: string): string {
  const behind = id === undefined ? '' : `-${id}`;
  const place = Names.uniqueResourceName(scope, { maxLength: longest - behind.length - END, separator: '-' });
  return `${place}${behind}-${endOfStackId()}`;
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
