import { Duration, type RemovalPolicy } from 'aws-cdk-lib';
import type { CfnRule, Rule } from 'aws-cdk-lib/aws-events';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { type IQueue, Queue, QueueEncryption, type QueueProps } from 'aws-cdk-lib/aws-sqs';
import type { Construct, IDependable } from 'constructs';
import { allowSenders } from './key-policy';

/** How long a dead-letter queue keeps a message: the longest that SQS allows. */
export const DEAD_LETTER_RETENTION = Duration.days(14);

/** Properties of `encryptedQueue`. */
export interface EncryptedQueueProps
  extends Omit<QueueProps, 'encryption' | 'encryptionMasterKey' | 'enforceSSL' | 'removalPolicy'> {
  /**
   * Key of the queue.
   *
   * @default - a key managed by SQS
   */
  readonly encryptionKey?: IKey;
  readonly removalPolicy: RemovalPolicy;
}

/** A queue that is encrypted and takes requests over TLS only. */
export function encryptedQueue(scope: Construct, id: string, props: EncryptedQueueProps): Queue {
  const { encryptionKey, ...rest } = props;
  return new Queue(scope, id, {
    ...rest,
    encryption: encryptionKey ? QueueEncryption.KMS : QueueEncryption.SQS_MANAGED,
    encryptionMasterKey: encryptionKey,
    enforceSSL: true,
  });
}

/** An encrypted queue that keeps what could not be delivered or done. */
export function deadLetterQueue(scope: Construct, id: string, props: EncryptedQueueProps): Queue {
  return encryptedQueue(scope, id, { ...props, retentionPeriod: DEAD_LETTER_RETENTION });
}

/**
 * Sends the events of a rule to a queue, and lets that rule alone do so.
 *
 * By hand, because the L2's target for SQS asks a feature flag who may send to an encrypted queue.
 *
 * @returns what must exist before an event can arrive; undefined for an imported queue, whose owner decides
 * who may send to it
 */
export function sendToQueue(
  rule: Rule,
  queue: IQueue,
  sqsParameters?: CfnRule.SqsParametersProperty,
): IDependable | undefined {
  rule.addTarget({ bind: () => ({ arn: queue.queueArn, sqsParameters }) });
  allowSenders(queue.encryptionMasterKey, 'events.amazonaws.com');
  return queue.addToResourcePolicy(
    new PolicyStatement({
      principals: [new ServicePrincipal('events.amazonaws.com')],
      actions: ['sqs:SendMessage'],
      resources: [queue.queueArn],
      conditions: { ArnEquals: { 'aws:SourceArn': rule.ruleArn } },
    }),
  ).policyDependable;
}
