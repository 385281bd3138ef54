import { type Assembly, placeOf, type Resource } from '../template/assembly';
import type { Intrinsics } from '../template/intrinsics';
import type { Doubles } from './doubles';

export interface Queue {
  readonly name: string;
  readonly url: string;
  readonly arn: string;
  readonly maxReceiveCount?: number;
  readonly deadLetterArn?: string;
  readonly visibilityTimeout: number;
}

/** Queues with their redrive policies: dead-letter queues first, since the others name them. */
export async function provisionQueues(
  assembly: Assembly,
  intrinsics: Intrinsics,
  doubles: Doubles,
): Promise<Map<string, Queue>> {
  const queues = new Map<string, Queue>();
  const all = intrinsics.created('AWS::SQS::Queue');
  const redrives = ({ resource }: { resource: Resource }) => resource.Properties?.RedrivePolicy !== undefined;
  for (const { id, resource } of [...all.filter((one) => !redrives(one)), ...all.filter(redrives)]) {
    const properties = intrinsics.properties(resource);
    const fifo = properties.FifoQueue === true;
    const attributes: Record<string, string> = fifo ? { FifoQueue: 'true' } : {};
    for (const name of [
      'VisibilityTimeout',
      'ReceiveMessageWaitTimeSeconds',
      'MessageRetentionPeriod',
      'DelaySeconds',
      'MaximumMessageSize',
    ]) {
      if (properties[name] !== undefined) {
        attributes[name] = String(properties[name]);
      }
    }
    if (properties.RedrivePolicy !== undefined) {
      attributes.RedrivePolicy = JSON.stringify(properties.RedrivePolicy);
    }
    const name = `${assembly.stackName}-${id}`.slice(0, 75) + (fifo ? '.fifo' : '');
    const { url, arn } = await doubles.createQueue(name, attributes);
    queues.set(id, {
      name: placeOf(resource) ?? id,
      url,
      arn,
      maxReceiveCount: properties.RedrivePolicy?.maxReceiveCount,
      deadLetterArn: properties.RedrivePolicy?.deadLetterTargetArn,
      visibilityTimeout: Number(properties.VisibilityTimeout ?? 30),
    });
    intrinsics.register(id, { ref: url, attributes: { Arn: arn, QueueName: name, QueueUrl: url } });
  }
  return queues;
}
