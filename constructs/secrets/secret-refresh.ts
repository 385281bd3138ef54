import { Duration, type RemovalPolicy, Stack } from 'aws-cdk-lib';
import { type Metric, type MetricOptions, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { IBaseService } from 'aws-cdk-lib/aws-ecs';
import { Rule } from 'aws-cdk-lib/aws-events';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { EventSourceMapping, type IFunction } from 'aws-cdk-lib/aws-lambda';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { IQueue, Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct, type IConstruct } from 'constructs';
import { Checks } from '../core/checks';
import { checkReservedConcurrency, handlerFunction } from '../core/handler-function';
import { grantKeyVia } from '../core/key-policy';
import { checkKinds } from '../core/kinds';
import { type Profile, profileValues } from '../core/profile';
import { deadLetterQueue, encryptedQueue, sendToQueue } from '../core/queue';
import type { WorkloadRole } from '../core/workload-role';
import {
  COLLECT_SECONDS,
  MAX_RETRIES,
  REFRESH,
  RETRY_SECONDS,
  type RefreshedServices,
} from '../handlers/refresh/contract';

/** In seconds. */
const TIMEOUT = 60;
const MOST_SECRETS = 10;
/** Characters that are left for services in what Lambda allows for environment variables, 4 KB. */
const ROOM_IN_ENVIRONMENT = 2500;
/** Characters that are left for services in what IAM allows for a managed policy, 6,144. */
const ROOM_IN_POLICY = 4800;
/** What CloudFormation puts behind the name of a stack and a logical id, with two dashes. */
const SUFFIX = 14;
/** The longest name that CloudFormation gives a nested stack. */
const NESTED_STACK_NAME = 128;
/** Characters of the ARN of a service without the names of cluster and service. */
const ARN = 55;

/** Properties of `SecretRefresh`. */
export interface SecretRefreshProps {
  /**
   * Secrets that the services read, with their full ARN.
   *
   * `Secret.fromSecretNameV2` does not know the last six characters of it.
   */
  readonly secrets: ISecret[];
  /** Services that read the secrets, all in the stack of this construct or in nested stacks of it. */
  readonly services: IBaseService[];
  /**
   * Environment whose defaults apply.
   *
   * @default Profile.production()
   */
  readonly profile?: Profile;
  /**
   * KMS key of the queues and the log group.
   *
   * @default - keys managed by AWS
   */
  readonly encryptionKey?: IKey;
  /**
   * How long logs are kept.
   *
   * @default - from the profile: production one year, development one month
   */
  readonly logRetention?: RetentionDays;
  /**
   * What happens to the queues and the log group when they leave the stack.
   *
   * @default - from the profile: production RETAIN_ON_UPDATE_OR_DELETE, development DESTROY
   */
  readonly removalPolicy?: RemovalPolicy;
  /**
   * SNS topic for invocations that Lambda gave up on.
   *
   * @default - none
   */
  readonly deadLetterTopic?: ITopic;
  /**
   * Concurrency reserved for the function.
   *
   * New accounts have a concurrency quota of 10, none of which can be reserved.
   *
   * @default - none reserved
   */
  readonly handlerReservedConcurrency?: number;
}

/**
 * Replaces the running tasks of services when a secret that they read has changed: ECS reads secrets only
 * when a task starts.
 *
 * It starts a rolling deployment of the same task definition. Several changes at once make one deployment.
 *
 * It waits while CloudFormation or another deployment is at work, for up to three hours. A change that could
 * not be followed by then goes to the dead-letter queue, for which `ApplicationAlarms` has an alarm.
 *
 * @example
 * declare const secretKey: SecretKey;
 * declare const web: WebService;
 *
 * new SecretRefresh(this, 'Refresh', { secrets: [secretKey.secret], services: [web.service] });
 *
 * @see https://docs.aws.amazon.com/secretsmanager/latest/userguide/event-detail-secret-label-updated-secretsmanager.html
 */
export class SecretRefresh extends Construct {
  /** Queue of changed secrets whose services are not replaced yet. */
  public readonly queue: IQueue;
  /** Dead-letter queue for changes that no deployment followed. */
  public readonly deadLetterQueue: IQueue;
  /** Lambda function that starts the deployments. */
  public readonly handler: IFunction;

  constructor(scope: Construct, id: string, props: SecretRefreshProps) {
    super(scope, id);
    checkKinds(this, 'SecretRefreshProps', props);
    validate(this, props);
    const profile = profileValues(props.profile);
    const removalPolicy = props.removalPolicy ?? profile.removalPolicy;
    const { encryptionKey } = props;

    const common = { fifo: true, encryptionKey, removalPolicy };
    const deadLetters = deadLetterQueue(this, 'DeadLetters', common);
    // FIFO with one group: one invocation at a time, so that no two start a deployment of the same service.
    const queue = encryptedQueue(this, 'Queue', {
      ...common,
      contentBasedDeduplication: true,
      deliveryDelay: Duration.seconds(COLLECT_SECONDS),
      visibilityTimeout: Duration.seconds(RETRY_SECONDS),
      deadLetterQueue: { queue: deadLetters, maxReceiveCount: MAX_RETRIES },
    });
    const { handler, role } = handlerFunction(this, {
      bundle: 'refresh',
      description: 'Replaces the tasks of services when a secret that they read has changed',
      timeout: TIMEOUT,
      environment: {
        [REFRESH.services]: Stack.of(this).toJsonString(grouped(props)),
        [REFRESH.stackId]: Stack.of(this).stackId,
      },
      whyNoDeadLetters:
        'Only its queue invokes it, one invocation at a time; what fails comes again from the queue, and goes to the dead-letter queue in the end.',
      encryptionKey,
      removalPolicy,
      logRetention: props.logRetention ?? profile.logRetention,
      deadLetterTopic: props.deadLetterTopic,
      reservedConcurrentExecutions: props.handlerReservedConcurrency,
    });
    grant(role, queue, props, Stack.of(this).stackId);
    new EventSourceMapping(this, 'Source', {
      target: handler,
      eventSourceArn: queue.queueArn,
      batchSize: 10,
      reportBatchItemFailures: true,
    });
    receiveChanges(this, 'Rule', queue, props.secrets);

    this.queue = queue;
    this.deadLetterQueue = deadLetters;
    this.handler = handler;
  }

  /** Number of changes that no deployment followed within three hours. */
  public metricDeadLetters(options?: MetricOptions): Metric {
    return this.deadLetterQueue.metricApproximateNumberOfMessagesVisible({
      period: Duration.minutes(1),
      statistic: Stats.MAXIMUM,
      ...options,
    });
  }

  /** Failed invocations of the function, sum over 5 minutes. */
  public metricErrors(options?: MetricOptions): Metric {
    return this.handler.metricErrors(options);
  }
}

/**
 * Divides services so that each group fits into one `SecretRefresh`: those of one stack, then those of its
 * nested stacks, whose names are longer.
 *
 * The function is told their names, and its policy holds their ARNs.
 */
export function refreshGroups<T extends IBaseService>(services: T[]): T[][] {
  const ofStack = (isNested: boolean) => services.filter((service) => isInNestedStack(service) === isNested);
  return [ofStack(false), ofStack(true)].flatMap((group) => {
    const size = mostServices(group);
    return Array.from({ length: Math.ceil(group.length / size) }, (_, index) =>
      group.slice(index * size, (index + 1) * size),
    );
  });
}

/** Services that are not made yet: how many, how long the longest name will be, and that of their cluster. */
export interface ServicesToCome {
  readonly count: number;
  readonly longest: number;
  readonly cluster: number;
}

/** How many groups `refreshGroups` will make of services that are not made yet. */
export function refreshesFor({ count, longest, cluster }: ServicesToCome): number {
  return Math.ceil(count / servicesPerRefresh(longest, cluster));
}

/** How many services one refresh can hold, by the length of their names. */
function mostServices(services: IBaseService[]): number {
  const longest = Math.max(0, ...services.map(nameLength));
  return servicesPerRefresh(longest, Math.max(0, ...services.map((service) => nameLength(service.cluster))));
}

function servicesPerRefresh(longest: number, cluster: number): number {
  const most = Math.min(ROOM_IN_ENVIRONMENT / longest, ROOM_IN_POLICY / (ARN + cluster + longest));
  return Math.max(1, Math.floor(most));
}

/** About how long the name is that CloudFormation will generate. */
function nameLength(resource: IConstruct): number {
  const { stackName } = Stack.of(resource);
  return generatedLength(isInNestedStack(resource) ? undefined : stackName, resource.node.path);
}

/**
 * About how long the name is that CloudFormation generates for what has this path, in a stack of this name.
 *
 * A nested stack has a generated name itself, which is left out here.
 */
export function generatedLength(stackName: string | undefined, path: string): number {
  return (stackName?.length ?? NESTED_STACK_NAME) + path.length + SUFFIX;
}

function isInNestedStack(construct: IConstruct): boolean {
  return Stack.of(construct).nestedStackParent !== undefined;
}

/**
 * The services and secrets as the function reads them from its environment.
 *
 * Services of one cluster stand together: the environment of a function is small.
 */
function grouped({ services, secrets }: SecretRefreshProps): RefreshedServices[] {
  const clusters = [...new Set(services.map(({ cluster }) => cluster))];
  return clusters.map((cluster) => ({
    cluster: cluster.clusterName,
    services: services.filter((service) => service.cluster === cluster).map(({ serviceName }) => serviceName),
    secrets: secrets.map(({ secretArn }) => secretArn),
  }));
}

function grant(
  role: WorkloadRole,
  queue: Queue,
  { services, encryptionKey }: SecretRefreshProps,
  stackId: string,
): void {
  const allow = (actions: string[], resources: string[]) =>
    role.addToPrincipalPolicy(new PolicyStatement({ actions, resources }));
  allow(
    ['ecs:DescribeServices', 'ecs:UpdateService'],
    services.map(({ serviceArn }) => serviceArn),
  );
  allow(['cloudformation:DescribeStacks'], [stackId]);
  allow(['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'], [queue.queueArn]);
  if (encryptionKey !== undefined) {
    grantKeyVia({ service: 'sqs', region: Stack.of(queue).region, key: encryptionKey }, role, 'kms:Decrypt');
  }
}

function receiveChanges(scope: Construct, id: string, queue: Queue, secrets: ISecret[]): void {
  const rule = new Rule(scope, id, {
    description: `${scope.node.path}: a secret has a new value`,
    eventPattern: {
      source: ['aws.secretsmanager'],
      detailType: ['Secret Label Updated'],
      detail: { labelUpdated: ['AWSCURRENT'] },
      resources: secrets.map(({ secretArn }) => secretArn),
    },
  });
  sendToQueue(rule, queue, { messageGroupId: 'refresh' });
}

function validate(scope: Construct, props: SecretRefreshProps): void {
  const { secrets, services } = props;
  const most = mostServices(services);
  const checks = new Checks(scope);
  checks
    .that('secrets', secrets.length, secrets.length >= 1 && secrets.length <= MOST_SECRETS, {
      must: `be 1 to ${MOST_SECRETS} secrets`,
      remedy: 'Make one refresh for every set of secrets that services share.',
    })
    .that('services', services.length, services.length >= 1 && services.length <= most, {
      must: `be 1 to ${most} services with names as long as these`,
      remedy: 'Divide them between several refreshes: the environment of a function and a policy hold no more.',
    });
  checkReservedConcurrency(checks, props.handlerReservedConcurrency);
  secrets.forEach((secret, index) => {
    checks.that(`secrets[${index}]`, secret, secret.secretFullArn !== undefined, {
      must: 'have its full ARN',
      remedy: 'Import it with `Secret.fromSecretCompleteArn`: the event of its change names the whole ARN.',
    });
  });
  services.forEach((service, index) => {
    checks.that(`services[${index}]`, service, isDeployedWith(scope, service), {
      must: 'be in the stack of the refresh, or in a nested stack of it',
      remedy: 'Make one refresh in every stack with services: each waits for the deployment of its own stack.',
    });
  });
  checks.throwIfAny();
}

/** Whether a service changes in no other deployment than that of the stack of the refresh. */
function isDeployedWith(scope: IConstruct, service: IConstruct): boolean {
  const stack = Stack.of(service);
  return stack === Stack.of(scope) || stack.nestedStackParent === Stack.of(scope);
}
