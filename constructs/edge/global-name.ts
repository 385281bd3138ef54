import { Names } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { endOfStackId } from '../core/removal';

/** Characters of the end of a stack's id, and of the two hyphens. */
const REST = 12 + 2;

/**
 * The name of something of CloudFront, which an account has once for all Regions.
 *
 * The CDK makes most of these names from the place in the tree alone: a stack of the same id in another
 * Region, or under another name, could not be deployed.
 */
export function globalName(scope: Construct, id: string, longest: number): string {
  const place = Names.uniqueResourceName(scope, { maxLength: longest - id.length - REST, separator: '-' });
  return `${place}-${id}-${endOfStackId()}`;
}
