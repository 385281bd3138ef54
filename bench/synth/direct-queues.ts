import { Duration, RemovalPolicy, type Stack } from 'aws-cdk-lib';
import type { Key } from 'aws-cdk-lib/aws-kms';
import { Queue, QueueEncryption, RedrivePermission } from 'aws-cdk-lib/aws-sqs';
import type { Foundation } from './direct-foundation';

export type Queues = ReturnType<typeof queues>;
export type TaskQueue = Queues[number];

/** The two Celery queues with their dead letters. */
export function queues(stack: Stack, { key }: Foundation) {
  const settings = [
    { name: 'default', visibility: Duration.minutes(30), limit: Duration.minutes(25), maxReceiveCount: 5 },
    { name: 'express', visibility: Duration.seconds(8), limit: Duration.seconds(4), maxReceiveCount: 3 },
  ];
  return settings.map(({ name, visibility, limit, maxReceiveCount }) => {
    const deadLetters = deadLetterQueue(stack, `${name}DeadLetters`, key);
    const queue = new Queue(stack, `${name}Queue`, {
      encryption: QueueEncryption.KMS,
      encryptionMasterKey: key,
      enforceSSL: true,
      removalPolicy: RemovalPolicy.RETAIN,
      visibilityTimeout: visibility,
      retentionPeriod: Duration.days(4),
      receiveMessageWaitTime: Duration.seconds(20),
      deadLetterQueue: { queue: deadLetters, maxReceiveCount },
      redriveAllowPolicy: { redrivePermission: RedrivePermission.DENY_ALL },
    });
    return { name, queue, deadLetters, limit };
  });
}

export function deadLetterQueue(stack: Stack, id: string, key: Key): Queue {
  return new Queue(stack, id, {
    encryption: QueueEncryption.KMS,
    encryptionMasterKey: key,
    enforceSSL: true,
    removalPolicy: RemovalPolicy.RETAIN,
    retentionPeriod: Duration.days(14),
  });
}
