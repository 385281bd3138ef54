import type { Duration } from 'aws-cdk-lib';
import type { MathExpression, MathExpressionOptions, Metric, MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import type { Connections } from 'aws-cdk-lib/aws-ec2';
import type { FargateService, FargateTaskDefinition } from 'aws-cdk-lib/aws-ecs';
import type { IRole } from 'aws-cdk-lib/aws-iam';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { Checks, secondsOf } from '../core/checks';
import { LIVENESS_FILE } from '../core/contract';
import { checkKinds } from '../core/kinds';
import { namesInProfile, profileValues } from '../core/profile';
import type { ITaskQueue } from '../queues/task-queue';
import { ContainerHealthCheck } from './container-health-check';
import type { IDjangoService } from './django-service';
import { type Capacity, checkCapacity } from './private/capacity';
import { brokerOf, celery, checkCelery } from './private/celery';
import { deadLetterAlarms } from './private/deployment-alarm';
import { fargateService } from './private/fargate-service';
import { checkProcess, HardenedTask } from './private/hardened-task';
import { checkScalingEffects, checkServiceEffects } from './private/service-effects';
import { protectTasks } from './private/task-protection';
import { checkStopTimeout, STOP_TIMEOUTS } from './private/timings';
import type { ServiceOptions, ServiceProps } from './process-props';
import {
  backlogPerTask,
  checkQueues,
  checkSpotBase,
  checkWorkerScaling,
  scaleOnBacklog,
  type WorkerScaling,
  workerCapacityOf,
  workerScalingOf,
} from './scaling/worker-scaling';
import { samplesOfTasks } from './service-metrics';

/** What can be tuned in a worker service. */
export interface WorkerServiceOptions extends ServiceOptions {
  /**
   * Names of the broker's queues that this service works on, at most four.
   *
   * @default - the broker's default queue
   */
  readonly queueNames?: string[];
  /**
   * Python module of the Celery application, as for `celery --app`.
   *
   * @default - the first package of `settingsModule`
   */
  readonly application?: string;
  /**
   * Child processes of a container, each of which runs one Celery task at a time.
   *
   * @default - two for each vCPU, as far as the memory goes
   */
  readonly concurrency?: number;
  /**
   * How ECS finds out that the worker is alive.
   *
   * @default ContainerHealthCheck.livenessFile()
   */
  readonly healthCheck?: ContainerHealthCheck;
  /**
   * Fewest ECS tasks of the service.
   *
   * With 0 the service costs nothing while its queues are empty. The first message then waits until a task
   * has started, which takes about three minutes, and up to 18 after six hours without any message: SQS
   * reports nothing about a queue that nobody uses.
   *
   * @default - from the profile
   */
  readonly minCapacity?: number;
  /**
   * Most ECS tasks of the service.
   *
   * A task costs only while it runs, and runs only while messages wait.
   *
   * @default - from the profile; an application takes fewer where the database has no connections for so many
   */
  readonly maxCapacity?: number;
  /**
   * ECS tasks that run on demand before any runs on Spot.
   *
   * With 1 the work goes on where AWS has no Spot capacity left, one task at a time.
   *
   * @default 0
   */
  readonly spotBase?: number;
  /**
   * Time between SIGTERM and SIGKILL, 30 to 120 seconds.
   *
   * A Celery task that takes longer is cut off, and delivered again if it acknowledges late.
   *
   * @default Duration.seconds(120)
   */
  readonly stopTimeout?: Duration;
  /**
   * How long a message may wait: the service starts as many ECS tasks as get all messages done in this time.
   *
   * Fewer messages than `acceptableLatency` ÷ `taskDuration` × `concurrency` start none. Give long tasks a
   * queue of their own, or set `taskDuration` for them.
   *
   * @default Duration.minutes(1)
   */
  readonly acceptableLatency?: Duration;
  /**
   * How long a Celery task takes on average.
   *
   * @default Duration.seconds(5)
   */
  readonly taskDuration?: Duration;
  /**
   * Messages that may wait before one more ECS task is started, beside those that are in work.
   *
   * Give it instead of `acceptableLatency` and `taskDuration`.
   *
   * @default - `acceptableLatency` ÷ `taskDuration` × `concurrency`
   */
  readonly backlogPerTask?: number;
}

/** Properties of `WorkerService`. */
export interface WorkerServiceProps extends ServiceProps, WorkerServiceOptions {}

/**
 * A Celery worker for one set of queues, scaled by the number of messages that wait and are in work.
 *
 * Makes a hardened task definition, a service, its scaling, and an alarm that rolls back a deployment during
 * which many messages end in a dead-letter queue. ECS tasks are added a minute after CloudWatch has seen too
 * many messages, as many as are missing at once. They are taken away after five minutes in which fewer would
 * have done, and never while messages are in work for them.
 *
 * On SIGTERM the worker has `stopTimeout` (120 seconds unless changed) to finish what it works on. With
 * `django-fargate` it gives back what its open polls still bring, and shortly before the end what is not
 * finished, so that another worker starts it at once; without, both are delivered again after the queue's
 * visibility timeout. The hard time limit of every Celery task is the shortest `taskTimeLimit` of the queues.
 * Where it is longer than `stopTimeout`, `django-fargate` protects an ECS task from scale-in while a Celery
 * task runs, and a deployment waits for it.
 *
 * @example
 * declare const cluster: ecs.Cluster;
 * declare const broker: CeleryBroker;
 *
 * new WorkerService(this, 'Reports', {
 *   cluster,
 *   broker,
 *   image: ecs.ContainerImage.fromAsset('app'),
 *   settingsModule: 'config.settings',
 *   queueNames: ['reports'],
 *   taskDuration: Duration.seconds(30),
 *   acceptableLatency: Duration.minutes(5),
 * });
 *
 * @see https://docs.aws.amazon.com/autoscaling/application/userguide/step-scaling-policy-overview.html
 */
export class WorkerService extends Construct implements IDjangoService {
  public readonly service: FargateService;
  public readonly taskDefinition: FargateTaskDefinition;
  public readonly taskRole: IRole;
  public readonly logGroup: ILogGroup;
  public readonly changingSecrets: ISecret[];
  public readonly connections: Connections;
  public readonly minCapacity: number;
  public readonly maxCapacity: number;
  public readonly connectionsPerTask: number;
  /** Names of the queues that it works on. */
  public readonly queueNames: string[];
  /** Child processes of a container. */
  public readonly concurrency: number;
  private readonly queues: ITaskQueue[];

  constructor(scope: Construct, id: string, props: WorkerServiceProps) {
    super(scope, id);
    checkKinds(this, 'WorkerServiceProps', props);

    const profile = profileValues(props.profile);
    const capacity = workerCapacityOf(props);
    const spot = props.spot ?? profile.workerSpot;
    const scaling = workerScalingOf(props, capacity);
    validate(this, props, { ...capacity, ...scaling, spot });

    const broker = brokerOf(props);
    this.queueNames = props.queueNames ?? [broker.defaultQueueName];
    this.queues = this.queueNames.map((name) => broker.queues[name]);
    const stopTimeout = props.stopTimeout ?? STOP_TIMEOUTS.worker;
    const timeLimit = Math.min(...this.queues.map((queue) => secondsOf(queue.taskTimeLimit)));
    const isLong = timeLimit > secondsOf(stopTimeout);
    const task = new HardenedTask(this, 'Task', {
      kind: 'worker',
      process: props,
      command: props.command ?? worker(props, this.queueNames, timeLimit, capacity.processes),
      cpu: capacity.cpu,
      memoryLimitMiB: capacity.memoryLimitMiB,
      temporaryStorage: props.temporaryStorage,
      stopTimeout,
      healthCheck: props.healthCheck ?? ContainerHealthCheck.livenessFile(),
      enableExecuteCommand: props.enableExecuteCommand,
      databaseAccess: props.databaseAccess,
      environment: { CELERY_LIVENESS_FILE: LIVENESS_FILE, ...stopping(stopTimeout, isLong ? timeLimit : undefined) },
    });
    protectTasks(this, { task, cluster: props.cluster, needed: isLong });
    broker.grantConsume(task.taskRole, ...this.queueNames);
    this.service = fargateService(this, 'Service', {
      task,
      service: props,
      spot,
      spotBase: props.spotBase,
      rebalances: false,
      deploymentAlarms: deadLetterAlarms(this, this.queues, props.alarmTopic),
    });
    scaleOnBacklog(this.service, this.queues, { ...capacity, ...scaling });

    this.taskDefinition = task.taskDefinition;
    this.taskRole = task.taskRole;
    this.logGroup = task.logGroup;
    this.changingSecrets = task.changingSecrets;
    this.connections = this.service.connections;
    this.minCapacity = capacity.minCapacity;
    this.maxCapacity = capacity.maxCapacity;
    this.concurrency = capacity.processes;
    this.connectionsPerTask = capacity.processes;
  }

  /**
   * Messages, waiting and in work, for each running task.
   *
   * Over one minute unless changed.
   */
  public metricBacklogPerTask(options?: MathExpressionOptions): MathExpression {
    return backlogPerTask(this.service, this.queues, options);
  }

  /**
   * Running tasks: each sends one sample of its CPU a minute. No data where none runs.
   *
   * Number of samples over one minute unless changed: a longer period holds more samples of each task.
   *
   * @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/available-metrics.html
   */
  public metricRunningTasks(options?: MetricOptions): Metric {
    return samplesOfTasks(this.service, options);
  }

  /** CPU that the tasks use, in percent of what they have. Average over 5 minutes unless changed. */
  public metricCpuUtilization(options?: MetricOptions): Metric {
    return this.service.metricCpuUtilization(options);
  }

  /** Memory that the tasks use, in percent of what they have. Average over 5 minutes unless changed. */
  public metricMemoryUtilization(options?: MetricOptions): Metric {
    return this.service.metricMemoryUtilization(options);
  }
}

/** Seconds in which the polls of a worker end, of 20 seconds each, and what they bring is given back. */
const SHORTEST_STOP = 30;

/** What a worker takes from the profile where it is left out. */
const FROM_PROFILE = {
  cpu: 'workerCpu',
  memoryLimitMiB: 'workerMemoryLimitMiB',
  minCapacity: 'workerMinCapacity',
  maxCapacity: 'workerMaxCapacity',
} as const;

interface WorkerPlan extends Capacity, WorkerScaling {
  readonly spot: boolean;
}

function validate(scope: Construct, props: WorkerServiceProps, plan: WorkerPlan): void {
  const checks = new Checks(scope).called(namesInProfile(props, FROM_PROFILE));
  checkProcess(checks, props);
  checkServiceEffects(checks, props);
  checkStopTimeout(checks, props.stopTimeout);
  checks.duration('stopTimeout', props.stopTimeout, {
    min: SHORTEST_STOP,
    where: 'for a worker',
    remedy: 'Raise it: for up to 20 seconds SQS may still bring a task, which the worker gives back.',
  });
  checkCelery(checks, props);
  checkCapacity(checks, plan, { processes: 'concurrency', least: 0 });
  checkQueues(checks, props);
  checkWorkerScaling(checks, props, plan);
  checkSpotBase(checks, props, plan);
  checkScalingEffects(checks, scope, { props, capacity: plan }, [
    'acceptableLatency',
    'taskDuration',
    'backlogPerTask',
  ]);
  checks.throwIfAny();
}

/** What `runtime/` must know to stop well. */
function stopping(stopTimeout: Duration, longTimeLimit: number | undefined): { [name: string]: string } {
  return {
    DJANGO_FARGATE_STOP_TIMEOUT: String(secondsOf(stopTimeout)),
    ...(longTimeLimit === undefined ? {} : { DJANGO_FARGATE_TASK_PROTECTION: String(longTimeLimit) }),
  };
}

function worker(props: WorkerServiceProps, names: string[], timeLimit: number, concurrency: number): string[] {
  return [
    ...celery(props),
    'worker',
    ...['--queues', names.join(',')],
    ...['--concurrency', String(concurrency)],
    // A message that is fetched ahead waits unseen behind a long task while its visibility runs out.
    ...['--prefetch-multiplier', '1'],
    ...['--time-limit', String(timeLimit)],
    // Recycles processes against slow leaks.
    ...['--max-tasks-per-child', '1000'],
    // SQS has no broadcast: these would only send messages to queues that nobody reads.
    ...['--without-gossip', '--without-mingle', '--without-heartbeat'],
    ...['--loglevel', 'INFO'],
  ];
}
