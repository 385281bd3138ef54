import { Stack } from 'aws-cdk-lib';
import { Grant, type IGrantable, PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';

const CLOUDWATCH = 'cloudwatch.amazonaws.com';

/**
 * Lets CloudWatch Logs encrypt the log groups of this account and region with the key.
 *
 * Repeated calls add one statement.
 */
export function allowLogGroups(scope: Construct, key: IKey | undefined): void {
  const stack = Stack.of(scope);
  key?.addToResourcePolicy(
    new PolicyStatement({
      sid: 'AllowLogGroups',
      principals: [new ServicePrincipal(`logs.${stack.region}.amazonaws.com`)],
      actions: ['kms:Encrypt*', 'kms:Decrypt*', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:Describe*'],
      resources: ['*'], // In a key policy this is the key itself.
      conditions: {
        ArnLike: { 'kms:EncryptionContext:aws:logs:arn': stack.formatArn({ service: 'logs', resource: '*' }) },
      },
    }),
  );
}

/**
 * Lets AWS services send to what the key encrypts (topics, queues).
 *
 * Only CloudWatch is held to this account. EventBridge tells KMS nothing about the source, and a condition
 * would silence it; for RDS AWS documents conditions in the policy of the topic alone. That policy, or that
 * of the queue, says who may send. The statement has no sid, so that for EventBridge it equals the one that
 * the L2 constructs add, and appears in the policy once.
 *
 * @see https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services
 */
export function allowSenders(key: IKey | undefined, ...services: string[]): void {
  for (const service of services) {
    key?.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal(service)],
        actions: ['kms:Decrypt', 'kms:GenerateDataKey*'],
        resources: ['*'], // In a key policy this is the key itself.
        conditions:
          service === CLOUDWATCH ? { StringEquals: { 'aws:SourceAccount': Stack.of(key).account } } : undefined,
      }),
    );
  }
}

/** Services that use a key for whoever calls them, and say so to KMS. */
export type KeyedService = 'secretsmanager' | 'sns' | 'sqs';

/** A key, and the service of a region that uses it for its callers. */
export interface KeyUse {
  readonly service: KeyedService;
  readonly region: string;
  readonly key: IKey;
}

/**
 * Lets someone use a key through one AWS service of a region, and in no other way.
 *
 * The statement stands in the policy of the grantee, so it holds for an imported key too, whose own policy
 * cannot be changed from here. It has no effect on other ciphertexts of the key: without the service KMS
 * refuses.
 *
 * @see https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service
 */
export function grantKeyVia({ service, region, key }: KeyUse, grantee: IGrantable, ...actions: string[]): Grant {
  return Grant.addToPrincipalOrResource({
    grantee,
    actions,
    resourceArns: [key.keyArn],
    resource: key,
    resourceSelfArns: ['*'], // In a key policy this is the key itself.
    conditions: { StringEquals: { 'kms:ViaService': `${service}.${region}.amazonaws.com` } },
  });
}
