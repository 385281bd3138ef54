import { request } from 'node:https';

/** What CloudFormation sends to the function of a custom resource. */
export interface CustomResourceEvent<Properties> {
  readonly RequestType: 'Create' | 'Update' | 'Delete';
  readonly ResponseURL: string;
  readonly StackId: string;
  readonly RequestId: string;
  readonly LogicalResourceId: string;
  readonly ResourceType: string;
  readonly PhysicalResourceId?: string;
  readonly ResourceProperties: Properties;
  readonly OldResourceProperties?: Properties;
}

export interface LambdaContext {
  readonly logStreamName: string;
  getRemainingTimeInMillis(): number;
}

/** What `Fn::GetAtt` finds at a custom resource. */
export interface Attributes {
  readonly [name: string]: string;
}

/** Sends an answer to the signed address of CloudFormation. */
export type Respond = (url: string, body: string) => Promise<void>;

/**
 * A function that answers CloudFormation itself: with success, or with the message of the error that `handle`
 * throws.
 */
export function customResource<Properties>(
  handle: (event: CustomResourceEvent<Properties>, context: LambdaContext) => Promise<void>,
  respond: Respond = put,
): (event: CustomResourceEvent<Properties>, context: LambdaContext) => Promise<void> {
  return resourceWithAttributes<Properties>(async (event, context) => {
    await handle(event, context);
    return undefined;
  }, respond);
}

/** The same for a resource that has attributes: `handle` gives them. */
export function resourceWithAttributes<Properties>(
  handle: (event: CustomResourceEvent<Properties>, context: LambdaContext) => Promise<Attributes | undefined>,
  respond: Respond = put,
): (event: CustomResourceEvent<Properties>, context: LambdaContext) => Promise<void> {
  return async (event, context) => {
    const { attributes, reason } = await handle(event, context).then(
      (given) => ({ attributes: given, reason: undefined }),
      (error: Error) => ({ attributes: undefined, reason: error.message.slice(0, 1_000) }),
    );
    console.log(JSON.stringify({ message: reason ?? 'finished', requestType: event.RequestType }));
    const body = answerTo(event, context, reason, attributes);
    await respond(event.ResponseURL, body).catch(() => respond(event.ResponseURL, body));
  };
}

/** What CloudFormation is told: success, or the reason of a failure. */
export function answerTo(
  event: Omit<CustomResourceEvent<unknown>, 'ResourceType'>,
  context: LambdaContext,
  reason: string | undefined,
  attributes?: Attributes,
): string {
  return JSON.stringify({
    Status: reason === undefined ? 'SUCCESS' : 'FAILED',
    Reason: reason === undefined ? undefined : `${reason} (log stream ${context.logStreamName})`,
    PhysicalResourceId: event.PhysicalResourceId ?? event.LogicalResourceId,
    StackId: event.StackId,
    RequestId: event.RequestId,
    LogicalResourceId: event.LogicalResourceId,
    Data: attributes,
  });
}

/** By HTTPS; rejects when the address does not take the answer. */
export const put: Respond = (url, body) =>
  new Promise((resolve, reject) => {
    // The signature of the address covers an empty content type.
    const headers = { 'content-type': '', 'content-length': Buffer.byteLength(body) };
    const answer = request(url, { method: 'PUT', headers, timeout: 10_000 }, (response) => {
      response.resume();
      const status = Number(response.statusCode); // NaN without one, which is no success
      response.on('end', () => (status < 300 ? resolve() : reject(new Error(`CloudFormation answered ${status}`))));
    });
    answer.on('timeout', () => answer.destroy(new Error('no answer from S3 within 10 seconds')));
    answer.on('error', reject);
    answer.end(body);
  });
