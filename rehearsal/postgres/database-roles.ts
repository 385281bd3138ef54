import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Announce } from '../announce';
import { ACCOUNT } from '../aws/aws';
import type { Doubles } from '../aws/doubles';
import { invoke, type LambdaFunction, lambdaFunction } from '../aws/lambda';
import type { Certificate } from '../edge/certificates';
import { LOOPBACK } from '../edge/ports';
import { type Assembly, resourcesOfType } from '../template/assembly';
import type { Intrinsics } from '../template/intrinsics';

export interface DatabaseRolesProps {
  readonly assembly: Assembly;
  readonly intrinsics: Intrinsics;
  readonly doubles: Doubles;
  readonly ca: Certificate;
  readonly server: Certificate;
  readonly region: string;
  readonly announce: Announce;
}

/**
 * Runs the stack's own handler that makes the database roles, as CloudFormation would, and waits for its
 * answer.
 */
export async function makeDatabaseRoles(props: DatabaseRolesProps): Promise<void> {
  const { assembly, intrinsics, announce } = props;
  for (const { id, resource } of resourcesOfType(assembly.template, 'Custom::DatabaseRoles')) {
    announce.progress(`database roles: the handler of ${id}`);
    const { ServiceToken, ...properties } = intrinsics.properties(resource);
    const handler = lambdaFunction(assembly, intrinsics, resource.Properties?.ServiceToken);
    const answer = await answerOf(props, id, handler, properties);
    if (answer.Status !== 'SUCCESS') {
      throw new Error(`${id}: the handler of the database roles failed: ${answer.Reason}`);
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

async function answerOf(
  props: DatabaseRolesProps,
  id: string,
  handler: LambdaFunction,
  properties: Record<string, unknown>,
): Promise<Answer> {
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
    StackId: `arn:aws:cloudformation:${props.region}:${ACCOUNT}:stack/rehearsal/1`,
    RequestId: 'rehearsal-1',
    LogicalResourceId: id,
    ResourceType: 'Custom::DatabaseRoles',
    ResourceProperties: properties,
  };
  props.announce.substitution("the role-making handler trusts the local certificate authority beside RDS's own");
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
