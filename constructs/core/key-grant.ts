import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';

/** Services that use a key for whoever calls them, and say so to KMS. */
export type KeyedService = 'secretsmanager' | 'sns' | 'sqs';

/**
 * Lets someone use a key through one AWS service of a region, and in no other way.
 *
 * The statement stands in the policy of the grantee, so it holds for an imported key too, whose own policy
 * cannot be changed from here. It has no effect on other ciphertexts of the key: without the service KMS
 * refuses.
 *
 * @see https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service
 */
export function grantKeyVia(
  service: KeyedService,
  region: string,
  key: IKey,
  grantee: IGrantable,
  ...actions: string[]
): Grant {
  return Grant.addToPrincipalOrResource({
    grantee,
    actions,
    resourceArns: [key.keyArn],
    resource: key,
    resourceSelfArns: ['*'], // In a key policy this is the key itself.
    conditions: { StringEquals: { 'kms:ViaService': `${service}.${region}.amazonaws.com` } },
  });
}
