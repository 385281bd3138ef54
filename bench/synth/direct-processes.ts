import { Duration, type Stack } from 'aws-cdk-lib';
import { CfnScalingPolicy, type ScalableTarget } from 'aws-cdk-lib/aws-applicationautoscaling';
import {
  Alarm,
  ComparisonOperator,
  type IMetric,
  MathExpression,
  Metric,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { SubnetType } from 'aws-cdk-lib/aws-ec2';
import {
  AlarmBehavior,
  AvailabilityZoneRebalancing,
  type CfnService,
  FargatePlatformVersion,
  FargateService,
  PropagatedTagSource,
} from 'aws-cdk-lib/aws-ecs';
import {
  ApplicationListenerRule,
  ApplicationProtocol,
  ApplicationTargetGroup,
  ListenerCondition,
  TargetGroupLoadBalancingAlgorithmType,
  TargetType,
} from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type { IDependable } from 'constructs';
import type { Database } from './direct-database';
import { DOMAIN_NAME, type Edge } from './direct-edge';
import { type Foundation, MINUTE } from './direct-foundation';
import type { Queues, TaskQueue } from './direct-queues';
import { releaseRun } from './direct-release';
import { scheduledCommand } from './direct-schedule';
import { CONTAINER_PORT, type Task, Tasks } from './direct-tasks';

export type Processes = ReturnType<typeof processes>;

export interface Routed {
  readonly id: string;
  readonly service: FargateService;
  readonly targets: ApplicationTargetGroup;
}

const RUNBOOKS = 'https://github.com/cdk-django-fargate/cdk-django-fargate/blob/main/docs/runbooks.md';
const SERVER = "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz', timeout=4)";
const LIVENESS =
  "import os,sys,time; sys.exit(time.time() - os.path.getmtime(os.environ['CELERY_LIVENESS_FILE']) > 90)";
const COOLDOWNS = { scaleOutCooldown: Duration.minutes(1), scaleInCooldown: Duration.minutes(5) };

export function runbook(section: string): string {
  return `What to do: ${RUNBOOKS}#${section}`;
}

/** The seven processes: release, web, ASGI, two workers, beat and the scheduled command. */
export function processes(stack: Stack, base: Foundation, data: Database, queues: Queues, door: Edge) {
  const tasks = new Tasks(stack, base, data, queues);
  const release = tasks.make({
    id: 'Release',
    kind: 'release',
    login: data.ownerSecret,
    command: ['python', 'manage.py', 'migrate', '--noinput'],
    environment: { PGOPTIONS: '-c lock_timeout=10000' },
  });
  tasks.waitFor.push(releaseRun(stack, base, tasks, release));
  const web = routed(stack, base, door, tasks, { id: 'Web', priority: 200, processes: 2, command: gunicorn() });
  const asgi = routed(stack, base, door, tasks, {
    id: 'Asgi',
    priority: 100,
    processes: 1,
    paths: ['/ws/*'],
    command: uvicorn(),
  });
  const workers = [
    worker(stack, base, tasks, queues[0], { stopTimeout: 120 }),
    worker(stack, base, tasks, queues[1], { stopTimeout: 30, spot: true }),
  ];
  const beat = beatService(stack, base, tasks);
  const schedule = scheduledCommand(stack, base, tasks);
  return { secretKey: tasks.secretKey, release: release.definition, web, asgi, workers, beat, schedule };
}

function gunicorn(): string[] {
  return [
    ...['gunicorn', 'config.wsgi:application', '--bind', '0.0.0.0:8000', '--worker-class', 'gthread'],
    ...['--threads', '4', '--keep-alive', '75', '--graceful-timeout', '30', '--timeout', '60'],
    ...['--max-requests', '10000', '--max-requests-jitter', '1000', '--worker-tmp-dir', '/tmp'],
    ...['--access-logfile', '-'],
  ];
}

function uvicorn(): string[] {
  return [
    ...['uvicorn', 'config.asgi:application', '--host', '0.0.0.0', '--port', '8000'],
    ...['--timeout-keep-alive', '75', '--timeout-graceful-shutdown', '30', '--no-server-header'],
  ];
}

interface RoutedSettings {
  readonly id: string;
  readonly priority: number;
  readonly processes: number;
  readonly paths?: string[];
  readonly command: string[];
}

function routed(stack: Stack, base: Foundation, door: Edge, tasks: Tasks, settings: RoutedSettings): Routed {
  const { id, paths } = settings;
  const task = tasks.make({
    id,
    kind: id.toLowerCase(),
    command: settings.command,
    stopTimeout: 45,
    port: CONTAINER_PORT,
    healthCheck: SERVER,
    environment: {
      PORT: String(CONTAINER_PORT),
      WEB_CONCURRENCY: String(settings.processes),
      FORWARDED_ALLOW_IPS: base.vpc.vpcCidrBlock,
    },
  });
  const targets = targetGroup(stack, `${id}Targets`, base);
  const hosts = ListenerCondition.hostHeaders([DOMAIN_NAME]);
  const rule = new ApplicationListenerRule(stack, `${id}Rule`, {
    listener: door.listener,
    priority: settings.priority,
    conditions: paths === undefined ? [hosts] : [hosts, ListenerCondition.pathPatterns(paths)],
    targetGroups: [targets],
  });
  const service = fargateService(stack, id, base, task, {
    alarm: errorAlarm(stack, id, base, door, targets),
    healthCheckGracePeriod: Duration.seconds(60),
    waitFor: [rule],
  });
  targets.addTarget(service);
  const scaling = service.autoScaleTaskCount({ minCapacity: 2, maxCapacity: 4 });
  scaling.scaleOnCpuUtilization('Cpu', { targetUtilizationPercent: 60, ...COOLDOWNS });
  scaling.scaleOnRequestCount('Requests', { targetGroup: targets, requestsPerTarget: 1000, ...COOLDOWNS });
  return { id, service, targets };
}

function targetGroup(stack: Stack, id: string, { vpc }: Foundation): ApplicationTargetGroup {
  return new ApplicationTargetGroup(stack, id, {
    vpc,
    targetType: TargetType.IP,
    protocol: ApplicationProtocol.HTTP,
    port: CONTAINER_PORT,
    deregistrationDelay: Duration.seconds(30),
    loadBalancingAlgorithmType: TargetGroupLoadBalancingAlgorithmType.LEAST_OUTSTANDING_REQUESTS,
    healthCheck: {
      path: '/healthz',
      healthyHttpCodes: '200',
      interval: Duration.seconds(15),
      timeout: Duration.seconds(5),
      healthyThresholdCount: 2,
      unhealthyThresholdCount: 3,
    },
  });
}

export function targetMetric(
  door: Edge,
  targets: ApplicationTargetGroup,
  metricName: string,
  statistic: string,
  label?: string,
): Metric {
  return new Metric({
    namespace: 'AWS/ApplicationELB',
    metricName,
    dimensionsMap: {
      LoadBalancer: door.loadBalancer.loadBalancerFullName,
      TargetGroup: targets.targetGroupFullName,
    },
    statistic,
    label,
    period: MINUTE,
  });
}

function errorAlarm(stack: Stack, id: string, base: Foundation, door: Edge, targets: ApplicationTargetGroup): Alarm {
  return deploymentAlarm(stack, id, base, {
    text: 'More than 5 % of the answers are errors of the application',
    metric: new MathExpression({
      expression: 'IF(requests > 20, 100 * errors / requests, 0)',
      label: 'errors, %',
      period: MINUTE,
      usingMetrics: {
        errors: targetMetric(door, targets, 'HTTPCode_Target_5XX_Count', 'Sum'),
        requests: targetMetric(door, targets, 'RequestCount', 'Sum'),
      },
    }),
    threshold: 5,
    evaluationPeriods: 3,
    datapointsToAlarm: 2,
  });
}

interface Sign {
  readonly text: string;
  readonly metric: IMetric;
  readonly threshold: number;
  readonly evaluationPeriods: number;
  readonly datapointsToAlarm: number;
}

function deploymentAlarm(stack: Stack, id: string, { topic }: Foundation, { text, ...sign }: Sign): Alarm {
  const alarm = new Alarm(stack, `${id}DeploymentAlarm`, {
    ...sign,
    alarmDescription: `Shop/App/${id}: ${text}; a running deployment is rolled back. ${runbook('deployment-alarm')}`,
    comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
    treatMissingData: TreatMissingData.NOT_BREACHING,
  });
  alarm.addAlarmAction(new SnsAction(topic));
  alarm.addOkAction(new SnsAction(topic));
  return alarm;
}

interface ServiceSettings {
  readonly alarm?: Alarm;
  readonly spot?: boolean;
  readonly singleton?: boolean;
  readonly healthCheckGracePeriod?: Duration;
  readonly waitFor?: IDependable[];
}

function fargateService(
  stack: Stack,
  id: string,
  base: Foundation,
  task: Task,
  settings: ServiceSettings,
): FargateService {
  const { alarm, spot, singleton } = settings;
  const service = new FargateService(stack, id, {
    cluster: base.cluster,
    taskDefinition: task.definition,
    securityGroups: [base.securityGroup],
    vpcSubnets: { subnetType: SubnetType.PRIVATE_WITH_EGRESS },
    assignPublicIp: false,
    platformVersion: FargatePlatformVersion.LATEST,
    desiredCount: singleton ? 1 : undefined,
    minHealthyPercent: singleton ? 0 : 100,
    maxHealthyPercent: singleton ? 100 : 200,
    availabilityZoneRebalancing: singleton ? AvailabilityZoneRebalancing.DISABLED : AvailabilityZoneRebalancing.ENABLED,
    circuitBreaker: { enable: true, rollback: true },
    deploymentAlarms: alarm && { alarmNames: [alarm.alarmName], behavior: AlarmBehavior.ROLLBACK_ON_ALARM },
    capacityProviderStrategies: spot ? [{ capacityProvider: 'FARGATE_SPOT', weight: 1 }] : undefined,
    healthCheckGracePeriod: settings.healthCheckGracePeriod,
    enableECSManagedTags: true,
    propagateTags: PropagatedTagSource.SERVICE,
  });
  const { node } = service.node.defaultChild as CfnService;
  node.addDependency(...task.prerequisites, ...(settings.waitFor ?? []), ...(spot ? [base.cluster] : []));
  return service;
}

function worker(
  stack: Stack,
  base: Foundation,
  tasks: Tasks,
  queue: TaskQueue,
  settings: { readonly stopTimeout: number; readonly spot?: boolean },
) {
  const id = `${queue.name}Worker`;
  const task = tasks.make({
    id,
    kind: 'worker',
    command: [
      ...['celery', '--app', 'config', 'worker', '--queues', queue.name, '--concurrency', '1'],
      ...['--prefetch-multiplier', '1', '--time-limit', String(queue.limit.toSeconds())],
      ...['--max-tasks-per-child', '1000', '--without-gossip', '--without-mingle', '--without-heartbeat'],
      ...['--loglevel', 'INFO'],
    ],
    stopTimeout: settings.stopTimeout,
    healthCheck: LIVENESS,
    environment: { CELERY_LIVENESS_FILE: '/tmp/celery-liveness' },
    consumes: queue.name,
  });
  const alarm = deploymentAlarm(stack, id, base, {
    text: 'Messages ended in a dead-letter queue',
    metric: queue.deadLetters.metricApproximateNumberOfMessagesVisible({ period: MINUTE, statistic: 'Maximum' }),
    threshold: 0,
    evaluationPeriods: 1,
    datapointsToAlarm: 1,
  });
  const service = fargateService(stack, id, base, task, { alarm, spot: settings.spot });
  scaleOnBacklog(service, queue);
  return { id, service };
}

/** The L2 has no target tracking on metric math. */
function scaleOnBacklog(service: FargateService, { queue }: TaskQueue): void {
  const scaling = service.autoScaleTaskCount({ minCapacity: 1, maxCapacity: 6 });
  const metric = (
    id: string,
    namespace: string,
    metricName: string,
    stat: string,
    values: { [name: string]: string },
  ) => {
    const dimensions = Object.entries(values).map(([name, value]) => ({ name, value }));
    return { id, metricStat: { metric: { namespace, metricName, dimensions }, stat }, returnData: false };
  };
  const queued = { QueueName: queue.queueName };
  new CfnScalingPolicy(scaling, 'Backlog', {
    policyName: 'backlog',
    policyType: 'TargetTrackingScaling',
    scalingTargetId: (scaling.node.findChild('Target') as ScalableTarget).scalableTargetId,
    targetTrackingScalingPolicyConfiguration: {
      targetValue: 12,
      scaleOutCooldown: 60,
      scaleInCooldown: 300,
      customizedMetricSpecification: {
        metrics: [
          metric('waiting0', 'AWS/SQS', 'ApproximateNumberOfMessagesVisible', 'Maximum', queued),
          metric('held0', 'AWS/SQS', 'ApproximateNumberOfMessagesNotVisible', 'Maximum', queued),
          metric('running', 'ECS/ContainerInsights', 'RunningTaskCount', 'Average', {
            ClusterName: service.cluster.clusterName,
            ServiceName: service.serviceName,
          }),
          {
            id: 'backlog',
            expression: '(FILL(waiting0, 0) + FILL(held0, 0)) / IF(running > 0, running, 1)',
            label: 'messages per running task',
            returnData: true,
          },
        ],
      },
    },
  });
}

function beatService(stack: Stack, base: Foundation, tasks: Tasks) {
  const task = tasks.make({
    id: 'Beat',
    kind: 'beat',
    command: ['celery', '--app', 'config', 'beat', '--schedule', '/tmp/celerybeat-schedule', '--loglevel', 'INFO'],
    cpu: 256,
    memoryLimitMiB: 512,
    tmpfs: 64,
    stopTimeout: 30,
    healthCheck: LIVENESS,
    environment: { CELERY_LIVENESS_FILE: '/tmp/celery-liveness' },
  });
  return { id: 'Beat', service: fargateService(stack, 'Beat', base, task, { singleton: true }) };
}
