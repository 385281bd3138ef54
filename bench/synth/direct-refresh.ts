import { Duration, RemovalPolicy, type Stack } from 'aws-cdk-lib';
import type { FargateService } from 'aws-cdk-lib/aws-ecs';
import { Rule } from 'aws-cdk-lib/aws-events';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { EventSourceMapping } from 'aws-cdk-lib/aws-lambda';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { encryptedLogs, type Foundation } from './direct-foundation';
import { handler, handlerRole } from './direct-handlers';
import { statement } from './direct-tasks';

export type Refresh = ReturnType<typeof refresh>;

/** A new value of a secret goes through a queue to the function that replaces the tasks of the services. */
export function refresh(stack: Stack, base: Foundation, secrets: ISecret[], services: FargateService[]) {
  const { queue, deadLetters } = refreshQueues(stack, base);
  const logGroup = encryptedLogs(stack, 'RefreshLogs', base.key);
  const role = handlerRole(stack, 'RefreshRole', base, logGroup, [
    statement(['ecs:DescribeServices', 'ecs:UpdateService'], ...services.map(({ serviceArn }) => serviceArn)),
    statement(['cloudformation:DescribeStacks'], stack.stackId),
    statement(['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'], queue.queueArn),
    statement(['kms:Decrypt'], base.key.keyArn),
  ]);
  const target = handler(stack, 'RefreshHandler', base, {
    bundle: 'refresh',
    description: 'Replaces the tasks of services when a secret that they read has changed',
    timeout: Duration.minutes(1),
    environment: {
      SERVICES: stack.toJsonString([
        {
          cluster: base.cluster.clusterName,
          services: services.map(({ serviceName }) => serviceName),
          secrets: secrets.map(({ secretArn }) => secretArn),
        },
      ]),
      STACK_ID: stack.stackId,
    },
    role,
    logGroup,
  });
  new EventSourceMapping(stack, 'RefreshSource', {
    target,
    eventSourceArn: queue.queueArn,
    batchSize: 10,
    reportBatchItemFailures: true,
  });
  changes(stack, secrets, queue);
  return { handler: target, deadLetters };
}

function refreshQueues(stack: Stack, { key }: Foundation) {
  const common = {
    fifo: true,
    encryption: QueueEncryption.KMS,
    encryptionMasterKey: key,
    enforceSSL: true,
    removalPolicy: RemovalPolicy.RETAIN,
  };
  const deadLetters = new Queue(stack, 'RefreshDeadLetters', { ...common, retentionPeriod: Duration.days(14) });
  const queue = new Queue(stack, 'RefreshQueue', {
    ...common,
    contentBasedDeduplication: true,
    deliveryDelay: Duration.minutes(1),
    visibilityTimeout: Duration.minutes(5),
    deadLetterQueue: { queue: deadLetters, maxReceiveCount: 36 },
  });
  return { queue, deadLetters };
}

/** The target of the L2 asks a feature flag who may send to an encrypted queue. */
function changes(stack: Stack, secrets: ISecret[], queue: Queue): void {
  const rule = new Rule(stack, 'Refresh', {
    description: 'A secret has a new value',
    eventPattern: {
      source: ['aws.secretsmanager'],
      detailType: ['Secret Label Updated'],
      detail: { labelUpdated: ['AWSCURRENT'] },
      resources: secrets.map(({ secretArn }) => secretArn),
    },
    targets: [{ bind: () => ({ arn: queue.queueArn, sqsParameters: { messageGroupId: 'refresh' } }) }],
  });
  queue.addToResourcePolicy(
    new PolicyStatement({
      principals: [new ServicePrincipal('events.amazonaws.com')],
      actions: ['sqs:SendMessage'],
      resources: [queue.queueArn],
      conditions: { ArnEquals: { 'aws:SourceArn': rule.ruleArn } },
    }),
  );
}
