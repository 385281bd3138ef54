import type { Assembly } from '../template/assembly';

/** One call of an API. */
export interface AwsCall {
  readonly endpoint: string;
  readonly region: string;
  readonly service: 'sqs' | 'secretsmanager';
  readonly action: string;
  readonly input: object;
}

/**
 * Calls the double of an AWS service with a JSON protocol, as the SDKs do.
 *
 * The double checks no signature.
 */
export async function awsCall<T>({ endpoint, region, service, action, input }: AwsCall): Promise<T> {
  const target = service === 'sqs' ? `AmazonSQS.${action}` : `secretsmanager.${action}`;
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: {
      'content-type': service === 'sqs' ? 'application/x-amz-json-1.0' : 'application/x-amz-json-1.1',
      'x-amz-target': target,
      authorization: authorization(service, region),
    },
    body: JSON.stringify(input),
  });
  const text = await response.text();
  if (!response.ok) {
    throw new Error(`${target}: ${response.status} ${text.slice(0, 300)}`);
  }
  return (text === '' ? {} : JSON.parse(text)) as T;
}

/** Puts an empty bucket. */
export async function createBucket(endpoint: string, name: string, region: string): Promise<void> {
  const constraint =
    region === 'us-east-1'
      ? undefined
      : `<CreateBucketConfiguration><LocationConstraint>${region}</LocationConstraint></CreateBucketConfiguration>`;
  const response = await fetch(`${endpoint}/${name}`, {
    method: 'PUT',
    headers: { authorization: authorization('s3', region) },
    body: constraint,
  });
  if (!response.ok) {
    throw new Error(`bucket ${name}: ${response.status} ${(await response.text()).slice(0, 300)}`);
  }
}

/** A function of the double that answers and does nothing, for calls that must name one; gives its ARN. */
export async function idleFunction(
  endpoint: string,
  { region, account }: Pick<Assembly, 'region' | 'account'>,
): Promise<string> {
  const call = async (service: string, path: string, type: string, body: string) => {
    const response = await fetch(endpoint + path, {
      method: 'POST',
      body,
      headers: { 'content-type': type, authorization: authorization(service, region) },
    });
    const text = await response.text();
    if (!response.ok) {
      throw new Error(`${service}: ${response.status} ${text.slice(0, 300)}`);
    }
    return text;
  };
  const json = 'application/json';
  await call('iam', '/moto-api/config', json, JSON.stringify({ lambda: { use_docker: false } }));
  const role = new URLSearchParams({
    Action: 'CreateRole',
    Version: '2010-05-08',
    RoleName: 'rehearsal',
    AssumeRolePolicyDocument: '{}',
  });
  await call('iam', '/', 'application/x-www-form-urlencoded', role.toString());
  const description = {
    FunctionName: 'rehearsal',
    Runtime: 'nodejs22.x',
    Role: `arn:aws:iam::${account}:role/rehearsal`,
    Handler: 'index.handler',
    Code: { ZipFile: EMPTY_ZIP },
  };
  return JSON.parse(await call('lambda', '/2015-03-31/functions', json, JSON.stringify(description))).FunctionArn;
}

const EMPTY_ZIP = 'UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA==';

function authorization(service: string, region: string): string {
  return `AWS4-HMAC-SHA256 Credential=rehearsal/20260101/${region}/${service}/aws4_request, SignedHeaders=host, Signature=0`;
}
