import { randomUUID } from 'node:crypto';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Announce } from '../announce';
import type { Certificate } from '../edge/certificates';
import { LOOPBACK } from '../edge/ports';
import type { Assembly } from '../template/assembly';
import type { Intrinsics } from '../template/intrinsics';
import type { Doubles } from './doubles';
import { invoke, type LambdaFunction, lambdaFunction } from './lambda';

export interface CustomResourceProps {
  readonly assembly: Assembly;
  readonly intrinsics: Intrinsics;
  readonly doubles: Doubles;
  readonly ca: Certificate;
  /** What the place shows to which handlers send their answers. */
  readonly server: Certificate;
  readonly region: string;
  readonly announce: Announce;
}

/** The one event of a resource that is made. */
interface Creation {
  readonly id: string;
  readonly type: string;
  readonly handler: LambdaFunction;
  readonly properties: Record<string, unknown>;
}

/**
 * Runs the stack's own handlers for every custom resource of a type, as CloudFormation would when it makes
 * them, and waits for their answers. Throws when one fails.
 */
export async function makeCustomResources(props: CustomResourceProps, type: string, progress: string): Promise<void> {
  const { assembly, intrinsics, announce } = props;
  for (const { id, resource } of intrinsics.created(type)) {
    announce.progress(`${progress} ${id}`);
    const { ServiceToken, ServiceTimeout, ...properties } = intrinsics.properties(resource);
    const handler = lambdaFunction(assembly, intrinsics, resource.Properties?.ServiceToken);
    const answer = await answerOf(props, { id, type, handler, properties });
    if (answer.Status !== 'SUCCESS') {
      throw new Error(`${id}: the handler of ${type} failed: ${answer.Reason}`);
    }
    intrinsics.register(id, { ref: answer.PhysicalResourceId ?? id, attributes: answer.Data });
  }
}

interface Answer {
  readonly Status: string;
  readonly Reason?: string;
  readonly PhysicalResourceId?: string;
  readonly Data?: Record<string, string>;
}

async function answerOf(props: CustomResourceProps, { id, type, handler, properties }: Creation): Promise<Answer> {
  let received: Answer | undefined;
  const bucket = createServer({ cert: props.server.cert, key: props.server.key }, (request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      received = JSON.parse(body);
      response.end();
    });
  });
  await new Promise<void>((resolve) => bucket.listen(0, LOOPBACK, resolve));
  const event = {
    RequestType: 'Create',
    ResponseURL: `https://localhost:${(bucket.address() as AddressInfo).port}/answer`,
    StackId: props.intrinsics.resolve({ Ref: 'AWS::StackId' }),
    RequestId: randomUUID(),
    LogicalResourceId: id,
    ResourceType: type,
    ResourceProperties: properties,
  };
  try {
    await invoke({ ...props, handler, events: [event], seconds: 90 });
  } catch (error) {
    if (received === undefined) {
      throw new Error(`the handler of ${id} ended without an answer: ${(error as Error).message}`);
    }
  } finally {
    bucket.close();
  }
  return received ?? { Status: 'FAILED', Reason: 'it ended without an answer' };
}
