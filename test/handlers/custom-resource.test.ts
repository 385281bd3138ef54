import { EventEmitter } from 'node:events';
import https from 'node:https';
import { PassThrough } from 'node:stream';
import { resourceWithAttributes } from '../../constructs/handlers/shared/custom-resource';

const EVENT = {
  RequestType: 'Update' as const,
  ResponseURL: 'https://answers.example.com/signed',
  StackId: 'arn:stack',
  RequestId: 'r',
  LogicalResourceId: 'Keys',
  PhysicalResourceId: 'keys-1',
  ResourceType: 'Custom::X',
  ResourceProperties: {},
};
const CONTEXT = { logStreamName: 'stream', getRemainingTimeInMillis: () => 1_000 };

interface Call {
  readonly url: string;
  readonly method?: string;
  body: string;
}

/** Answers each request with the next status, or with none; undefined: not at all, until the time is over. */
function answering(statuses: (number | 'none' | undefined)[]): Call[] {
  const calls: Call[] = [];
  jest.spyOn(https, 'request').mockImplementation(((url: string, options: object, answered: (r: object) => void) => {
    const call: Call = { url, ...(options as { method: string }), body: '' };
    calls.push(call);
    const status = statuses.shift();
    const request = new EventEmitter();
    return Object.assign(request, {
      destroy: (error: Error) => request.emit('error', error),
      end: (body: string) => {
        call.body = body;
        if (status === undefined) {
          request.emit('timeout');
        } else {
          answered(Object.assign(new PassThrough().end(), { statusCode: status === 'none' ? undefined : status }));
        }
      },
    });
  }) as never);
  return calls;
}

beforeEach(() => jest.spyOn(console, 'log').mockImplementation());
afterEach(() => jest.restoreAllMocks());

describe('the answer of a resource with attributes', () => {
  test('is sent to the address of the event, with the id that the resource has', async () => {
    const calls = answering([200]);
    await resourceWithAttributes(async () => ({ Id: 'G1' }))(EVENT, CONTEXT);
    expect(calls).toMatchObject([{ url: EVENT.ResponseURL, method: 'PUT' }]);
    expect(JSON.parse(calls[0].body)).toEqual({
      Status: 'SUCCESS',
      PhysicalResourceId: 'keys-1',
      StackId: 'arn:stack',
      RequestId: 'r',
      LogicalResourceId: 'Keys',
      Data: { Id: 'G1' },
    });
  });

  test('has no attributes where it is a failure, whose reason is cut', async () => {
    const calls = answering([200]);
    await resourceWithAttributes(async () => Promise.reject(new Error('x'.repeat(5_000))))(EVENT, CONTEXT);
    const { Status, Reason, Data } = JSON.parse(calls[0].body);
    expect([Status, Data]).toEqual(['FAILED', undefined]);
    expect(Reason).toBe(`${'x'.repeat(1_000)} (log stream stream)`);
  });

  test('does not count as taken by an answer without a status', async () => {
    const calls = answering(['none', 200]);
    await resourceWithAttributes(async () => undefined)(EVENT, CONTEXT);
    expect(calls).toHaveLength(2);
  });

  test('is sent again where nobody takes it in time, and then the invocation fails', async () => {
    const calls = answering([undefined, 200]);
    await resourceWithAttributes(async () => undefined)(EVENT, CONTEXT);
    expect(calls).toHaveLength(2);
    answering([503, undefined]);
    await expect(resourceWithAttributes(async () => undefined)(EVENT, CONTEXT)).rejects.toThrow(
      'no answer from S3 within 10 seconds',
    );
  });
});
