import { Stack } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';

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
 * The statement has no condition on the source, which EventBridge does not support; the policy of the topic
 * or queue says who may send to it. It has no sid, so that it equals the statement that the L2 constructs
 * add, and appears in the policy once.
 */
export function allowSenders(key: IKey | undefined, ...services: string[]): void {
  for (const service of services) {
    key?.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal(service)],
        actions: ['kms:Decrypt', 'kms:GenerateDataKey*'],
        resources: ['*'], // In a key policy this is the key itself.
      }),
    );
  }
}
