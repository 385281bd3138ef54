import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { freePort, LOOPBACK } from '../edge/ports';
import { virtualEnvironment } from '../image/python';
import type { Sandbox } from '../task/sandbox';
import type { Assembly } from '../template/assembly';
import { eventually, HANG_SECONDS } from '../wait';
import { type AwsCall, awsCall, createBucket, idleFunction } from './aws';
import { Gate } from './gate';

/**
 * Doubles of the APIs of SQS, Secrets Manager and S3, on loopback.
 *
 * They answer the rehearsal's own processes alone: those know the token at the start of the path.
 * They prove nothing about IAM or CloudFormation.
 */
export class Doubles {
  private rotator?: Promise<string>;
  /** Names of the queues that the rehearsal has made. */
  private readonly made = new Set<string>();
  /** Addresses of services that have a double of their own, by the name that SDKs give them in variables. */
  readonly endpoints = { ofHandlers: new Map<string, string>(), ofTasks: new Map<string, string>() };

  static async install(cache: string): Promise<string> {
    const requirements = path.join(__dirname, 'requirements.txt');
    return virtualEnvironment(cache, 'doubles', {
      installs: [['-r', requirements]],
      key: [readFileSync(requirements, 'utf8')],
    });
  }

  /** Starts them for one region of one account. */
  static async start(sandbox: Sandbox, venv: string, where: Pick<Assembly, 'region' | 'account'>): Promise<Doubles> {
    const port = await freePort();
    const log = openSync(path.join(sandbox.directory, 'doubles.log'), 'a');
    const token = randomBytes(16).toString('hex');
    sandbox.spawn(path.join(venv, 'bin', 'python'), [path.join(__dirname, 'guarded_doubles.py'), String(port)], {
      stdio: ['ignore', log, log],
      cwd: sandbox.directory,
      env: {
        ...{ PATH: process.env.PATH, HOME: sandbox.directory, DOUBLES_TOKEN: token },
        ...{ AWS_DEFAULT_REGION: where.region, MOTO_ACCOUNT_ID: where.account },
      },
    });
    closeSync(log);
    await eventually(
      'the doubles answer',
      HANG_SECONDS,
      async () => (await fetch(`http://${LOOPBACK}:${port}/${token}/moto-api/data.json`)).ok,
    );
    const gate = await Gate.open(port);
    sandbox.atEnd(() => void gate.close().catch(() => undefined));
    return new Doubles(gate, port, token, where);
  }

  private constructor(
    readonly gate: Gate,
    private readonly port: number,
    private readonly token: string,
    private readonly where: Pick<Assembly, 'region' | 'account'>,
  ) {}

  get region(): string {
    return this.where.region;
  }

  /** Behind the gate: for the rehearsal itself. */
  get behind(): string {
    return `http://${LOOPBACK}:${this.port}/${this.token}`;
  }

  /** For the processes of the application. */
  get endpoint(): string {
    return `http://${LOOPBACK}:${this.gate.port}/${this.token}`;
  }

  /** What tells an SDK where the services are, in a function of the stack or in a task. */
  variables(of: keyof Doubles['endpoints']): Record<string, string> {
    const own = [...this.endpoints[of]].map(([service, url]) => [`AWS_ENDPOINT_URL_${service}`, url]);
    return { AWS_ENDPOINT_URL: this.endpoint, ...Object.fromEntries(own) };
  }

  sqs<T>(action: string, input: object): Promise<T> {
    return this.call<T>('sqs', action, input);
  }

  secrets<T>(action: string, input: object): Promise<T> {
    return this.call<T>('secretsmanager', action, input);
  }

  /** Makes a queue; gives its URL as the application sees it, and its ARN. */
  async createQueue(name: string, attributes: Record<string, string>): Promise<{ url: string; arn: string }> {
    this.made.add(name);
    const { QueueUrl } = await this.sqs<{ QueueUrl: string }>('CreateQueue', {
      QueueName: name,
      Attributes: attributes,
    });
    const url = this.endpoint + new URL(QueueUrl).pathname;
    const { Attributes } = await this.sqs<{ Attributes: { QueueArn: string } }>('GetQueueAttributes', {
      QueueUrl: url,
      AttributeNames: ['QueueArn'],
    });
    return { url, arn: Attributes.QueueArn };
  }

  /** Names of queues that a process of the application has made, as no task may in AWS. */
  async foreignQueues(): Promise<string[]> {
    const { QueueUrls = [] } = await this.sqs<{ QueueUrls?: string[] }>('ListQueues', {});
    return QueueUrls.map((url) => url.slice(url.lastIndexOf('/') + 1)).filter((name) => !this.made.has(name));
  }

  /** Messages that wait and messages that somebody works on. */
  async depth(url: string): Promise<{ visible: number; inFlight: number }> {
    const names = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'];
    const { Attributes } = await this.sqs<{ Attributes: Record<string, string> }>('GetQueueAttributes', {
      QueueUrl: url,
      AttributeNames: names,
    });
    return { visible: Number(Attributes[names[0]]), inFlight: Number(Attributes[names[1]]) };
  }

  /** What waits in a queue, without taking it: bodies, decoded where kombu encoded them. */
  async bodies(url: string): Promise<string[]> {
    const { Messages = [] } = await this.sqs<{ Messages?: { Body: string }[] }>('ReceiveMessage', {
      QueueUrl: url,
      MaxNumberOfMessages: 10,
      VisibilityTimeout: 0,
    });
    return Messages.map(({ Body }) => decoded(Body));
  }

  /** Everything in a queue, whether somebody works on it or not, and without taking it. */
  async messages(url: string): Promise<string[]> {
    const name = new URL(url).pathname.split('/').pop();
    const response = await fetch(`${this.behind}/rehearsal/messages/${name}`);
    return ((await response.json()) as string[]).map(decoded);
  }

  async createSecret(name: string, value: string): Promise<string> {
    const { ARN } = await this.secrets<{ ARN: string }>('CreateSecret', { Name: name, SecretString: value });
    return ARN;
  }

  async putSecret(arn: string, value: string): Promise<void> {
    await this.secrets('PutSecretValue', { SecretId: arn, SecretString: value });
  }

  async secretValue(arn: string, stage = 'AWSCURRENT'): Promise<string> {
    const { SecretString } = await this.secrets<{ SecretString: string }>('GetSecretValue', {
      SecretId: arn,
      VersionStage: stage,
    });
    return SecretString;
  }

  /**
   * Makes a version that is AWSPENDING and has no value, as RotateSecret does before it calls the function.
   */
  async startRotation(arn: string, token: string): Promise<void> {
    this.rotator ??= idleFunction(this.behind, this.where);
    const RotationLambdaARN = await this.rotator;
    await this.secrets('RotateSecret', { SecretId: arn, ClientRequestToken: token, RotationLambdaARN });
  }

  /** Names of the objects in a bucket. */
  async keysOf(bucket: string): Promise<string[]> {
    const list = await (await fetch(`${this.behind}/${bucket}?list-type=2`)).text();
    return [...list.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key]) => key);
  }

  createBucket(name: string): Promise<void> {
    return createBucket(this.behind, name, this.region);
  }

  private call<T>(service: AwsCall['service'], action: string, input: object): Promise<T> {
    return awsCall<T>({ endpoint: this.behind, region: this.region, service, action, input });
  }
}

/** A message as Celery wrote it, before kombu encoded it. */
function decoded(body: string): string {
  return body.startsWith('{') ? body : Buffer.from(body, 'base64').toString();
}
