import type { Duration } from 'aws-cdk-lib';
import type { Metric, MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import type { Connections } from 'aws-cdk-lib/aws-ec2';
import type { FargateService, FargateTaskDefinition } from 'aws-cdk-lib/aws-ecs';
import type { IRole } from 'aws-cdk-lib/aws-iam';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { Checks } from '../core/checks';
import { LIVENESS_FILE, WRITABLE_PATH } from '../core/contract';
import { checkKinds } from '../core/kinds';
import { ContainerHealthCheck } from './container-health-check';
import type { IDjangoService } from './django-service';
import { celery, checkCelery } from './private/celery';
import { fargateService } from './private/fargate-service';
import { checkProcess, HardenedTask } from './private/hardened-task';
import { checkServiceEffects } from './private/service-effects';
import { checkStopTimeout, STOP_TIMEOUTS } from './private/timings';
import type { ProcessProps, ServiceOptions } from './process-props';
import { samplesOfTasks } from './service-metrics';
import { checkFargateSize } from './task/fargate-size';

/** What can be tuned in the beat service. Its size is 256 CPU units and 512 MiB unless changed. */
export interface BeatServiceOptions extends ServiceOptions {
  /**
   * Python module of the Celery application, as for `celery --app`.
   *
   * @default - the first package of `settingsModule`
   */
  readonly application?: string;
  /**
   * Scheduler class, for example `django_celery_beat.schedulers:DatabaseScheduler`, which keeps the last runs
   * in the database.
   *
   * @default - Celery's own, with its file in /tmp: it forgets the last runs when ECS replaces the container
   */
  readonly scheduler?: string;
  /**
   * Time between SIGTERM and SIGKILL, at most 120 seconds.
   *
   * @default Duration.seconds(30)
   */
  readonly stopTimeout?: Duration;
  /**
   * How ECS finds out that beat is alive.
   *
   * @default ContainerHealthCheck.livenessFile()
   */
  readonly healthCheck?: ContainerHealthCheck;
}

/** Properties of `BeatService`. */
export interface BeatServiceProps extends ProcessProps, BeatServiceOptions {}

/**
 * Celery beat: sends the periodic tasks of the application to its queues.
 *
 * Never two at once, so that nothing is sent twice.
 *
 * A deployment therefore stops the old process before it starts the new one, and beat does not run on Spot.
 * For single commands at set times use `ScheduledCommand`, which needs no process that always runs.
 *
 * @example
 * declare const cluster: ecs.Cluster;
 * declare const broker: CeleryBroker;
 *
 * new BeatService(this, 'Beat', {
 *   cluster,
 *   broker,
 *   image: ecs.ContainerImage.fromAsset('app'),
 *   settingsModule: 'config.settings',
 *   scheduler: 'django_celery_beat.schedulers:DatabaseScheduler',
 * });
 *
 * @see https://docs.celeryq.dev/en/stable/userguide/periodic-tasks.html
 */
export class BeatService extends Construct implements IDjangoService {
  public readonly service: FargateService;
  public readonly taskDefinition: FargateTaskDefinition;
  public readonly taskRole: IRole;
  public readonly logGroup: ILogGroup;
  public readonly changingSecrets: ISecret[];
  public readonly connections: Connections;
  public readonly minCapacity: number = 1;
  public readonly maxCapacity: number = 1;
  public readonly connectionsPerTask: number = 1;

  constructor(scope: Construct, id: string, props: BeatServiceProps) {
    super(scope, id);
    checkKinds(this, 'BeatServiceProps', props);

    const cpu = props.cpu ?? 256;
    const memoryLimitMiB = props.memoryLimitMiB ?? 512;
    validate(this, props, cpu, memoryLimitMiB);

    const task = new HardenedTask(this, 'Task', {
      kind: 'beat',
      process: props,
      command: props.command ?? beat(props),
      cpu,
      memoryLimitMiB,
      temporaryStorage: props.temporaryStorage,
      stopTimeout: props.stopTimeout ?? STOP_TIMEOUTS.beat,
      healthCheck: props.healthCheck ?? ContainerHealthCheck.livenessFile(),
      enableExecuteCommand: props.enableExecuteCommand,
      databaseAccess: props.databaseAccess,
      environment: { CELERY_LIVENESS_FILE: LIVENESS_FILE },
    });
    this.service = fargateService(this, 'Service', { task, service: props, spot: false, singleton: true });

    this.taskDefinition = task.taskDefinition;
    this.taskRole = task.taskRole;
    this.logGroup = task.logGroup;
    this.changingSecrets = task.changingSecrets;
    this.connections = this.service.connections;
  }

  /**
   * Running tasks: 1, or no data while it is replaced. A task sends one sample of its CPU a minute.
   *
   * Number of samples over one minute unless changed: a longer period holds more samples of the task.
   *
   * @see https://docs.aws.amazon.com/AmazonECS/latest/developerguide/available-metrics.html
   */
  public metricRunningTasks(options?: MetricOptions): Metric {
    return samplesOfTasks(this.service, options);
  }

  /** CPU that the task uses, in percent of what it has. Average over 5 minutes unless changed. */
  public metricCpuUtilization(options?: MetricOptions): Metric {
    return this.service.metricCpuUtilization(options);
  }

  /** Memory that the task uses, in percent of what it has. Average over 5 minutes unless changed. */
  public metricMemoryUtilization(options?: MetricOptions): Metric {
    return this.service.metricMemoryUtilization(options);
  }
}

function validate(scope: Construct, props: BeatServiceProps, cpu: number, memoryLimitMiB: number): void {
  const checks = new Checks(scope);
  checkProcess(checks, props);
  checkServiceEffects(checks, props);
  checkStopTimeout(checks, props.stopTimeout);
  checkCelery(checks, props);
  checkFargateSize(checks, cpu, memoryLimitMiB);
  checks
    .that('spot', props.spot, props.spot !== true, {
      must: 'not be true',
      remedy:
        'beat cannot run on Spot: an interruption would skip periodic tasks. Remove `spot`; beat is already of the smallest size.',
    })
    .matches('scheduler', props.scheduler, /^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*[.:][A-Za-z_]\w*$/, {
      must: 'be a Python module and a class in it',
      remedy:
        'Write it as for `celery beat --scheduler`, for example "django_celery_beat.schedulers:DatabaseScheduler".',
    })
    .throwIfAny();
}

function beat(props: BeatServiceProps): string[] {
  // Celery would keep its schedule in the working directory, which is read-only. It writes no PID file by
  // itself.
  const store =
    props.scheduler === undefined
      ? ['--schedule', `${WRITABLE_PATH}/celerybeat-schedule`]
      : ['--scheduler', props.scheduler];
  return [...celery(props), 'beat', ...store, '--loglevel', 'INFO'];
}
