import { Duration } from 'aws-cdk-lib';
import type { Metric, MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import type { Connections } from 'aws-cdk-lib/aws-ec2';
import type { FargateService, FargateTaskDefinition } from 'aws-cdk-lib/aws-ecs';
import {
  ApplicationListenerRule,
  ApplicationProtocol,
  ApplicationTargetGroup,
  HttpCodeTarget,
  TargetGroupLoadBalancingAlgorithmType,
  TargetType,
} from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type { IRole } from 'aws-cdk-lib/aws-iam';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { Checks } from '../../core/checks';
import { CONTAINER_PORT, HEALTH_PATH } from '../../core/contract';
import { namesInProfile, profileValues } from '../../core/profile';
import { FORWARDED_PROTO } from '../../edge/origin-header';
import { checkSameVpc, checkTrustedProxies, vpcOfCluster } from '../../network/same-vpc';
import { ContainerHealthCheck } from '../container-health-check';
import type { ILoadBalancedService } from '../django-service';
import type { LoadBalancedServiceProps } from '../process-props';
import { scaleOnThreads } from '../scaling/thread-scaling';
import { type Capacity, capacityOf, checkCapacity } from './capacity';
import type { ServiceAlarm } from './deployment-alarm';
import { fargateService } from './fargate-service';
import { checkProcess, HardenedTask, type ProcessKind } from './hardened-task';
import { checkRouting, conditionsOf, type Routing, routingOf, withAddress } from './routing';
import { checkScalingEffects, checkServiceEffects } from './service-effects';
import {
  checkTimings,
  HEALTH_INTERVAL,
  HEALTH_SECONDS,
  type ServerTimings,
  timingsOf,
  warnOfCutRequests,
} from './timings';

/** What tells one kind of server from another. */
export interface Server {
  readonly kind: ProcessKind;
  readonly paths: string[];
  readonly priority: number;
  readonly processes: (cpu: number, memoryLimitMiB: number) => number;
  readonly connectionsPerProcess: number;
  /** Requests that a process works on at the same time, where something bounds their number. */
  readonly threads?: number;
  readonly command: (timings: ServerTimings) => string[];
  readonly alarm: ServiceAlarm;
  readonly check: (checks: Checks, capacity: Capacity) => void;
}

/** What a service comes to once every default is filled in. */
interface ServerPlan {
  readonly props: LoadBalancedServiceProps;
  readonly server: Server;
  readonly capacity: Capacity;
  readonly timings: ServerTimings;
  readonly routing: Routing;
}

/**
 * A service behind the load balancer, whatever server runs in it.
 *
 * @internal
 */
export abstract class LoadBalancedService extends Construct implements ILoadBalancedService {
  public readonly service: FargateService;
  public readonly taskDefinition: FargateTaskDefinition;
  public readonly taskRole: IRole;
  public readonly logGroup: ILogGroup;
  public readonly changingSecrets: ISecret[];
  public readonly targetGroup: ApplicationTargetGroup;
  public readonly connections: Connections;
  public readonly minCapacity: number;
  public readonly maxCapacity: number;
  public readonly connectionsPerTask: number;

  constructor(scope: Construct, id: string, props: LoadBalancedServiceProps, server: Server) {
    super(scope, id);

    const plan = planOf(props, server);
    validate(this, plan);
    const { capacity, routing } = plan;

    const task = serverTask(this, plan);
    this.targetGroup = targets(this, plan);
    const rule = new ApplicationListenerRule(this, 'Rule', {
      listener: props.loadBalancer.listener,
      priority: routing.priority,
      conditions: conditionsOf(routing, props.loadBalancer),
      targetGroups: [this.targetGroup],
    });
    this.service = fargateService(this, 'Service', {
      task,
      service: props,
      spot: props.spot ?? false,
      deploymentAlarms: [server.alarm(this, this.targetGroup, props.loadBalancer, props.alarmTopic)],
      healthCheckGracePeriod: Duration.seconds(60),
      waitFor: [rule],
    });
    this.targetGroup.addTarget(this.service);
    scale(this.service, this.targetGroup, plan);

    this.taskDefinition = task.taskDefinition;
    this.taskRole = task.taskRole;
    this.logGroup = task.logGroup;
    this.changingSecrets = task.changingSecrets;
    this.connections = this.service.connections;
    this.minCapacity = capacity.minCapacity;
    this.maxCapacity = capacity.maxCapacity;
    this.connectionsPerTask = capacity.processes * server.connectionsPerProcess;
  }

  /** Requests that reached the tasks. Sum over 5 minutes unless changed. */
  public metricRequests(options?: MetricOptions): Metric {
    return this.targetGroup.metrics.requestCount(options);
  }

  /** Time from request to first byte of the answer, in seconds. Average over 5 minutes unless changed. */
  public metricResponseTime(options?: MetricOptions): Metric {
    return this.targetGroup.metrics.targetResponseTime(options);
  }

  /** Answers with a status of 500 or more from the tasks. Sum over 5 minutes unless changed. */
  public metricServerErrors(options?: MetricOptions): Metric {
    return this.targetGroup.metrics.httpCodeTarget(HttpCodeTarget.TARGET_5XX_COUNT, options);
  }
}

/** What a service takes from the profile where it is left out. */
const FROM_PROFILE = {
  cpu: 'webCpu',
  memoryLimitMiB: 'webMemoryLimitMiB',
  minCapacity: 'webMinCapacity',
  maxCapacity: 'webMaxCapacity',
} as const;

function planOf(props: LoadBalancedServiceProps, server: Server): ServerPlan {
  const profile = profileValues(props.profile);
  const capacity = capacityOf(props, {
    cpu: profile.webCpu,
    memoryLimitMiB: profile.webMemoryLimitMiB,
    minCapacity: profile.webMinCapacity,
    maxCapacity: profile.webMaxCapacity,
    processes: server.processes,
  });
  const routing = routingOf(props, server.paths, server.priority);
  return { props, server, capacity, routing, timings: timingsOf(props) };
}

function validate(scope: Construct, { props, server, capacity, routing, timings }: ServerPlan): void {
  const checks = new Checks(scope).called(namesInProfile(props, FROM_PROFILE));
  checkProcess(checks, props);
  checkServiceEffects(checks, props);
  checkCapacity(checks, capacity);
  checkRouting(checks, scope, props, routing);
  const vpc = vpcOfCluster(props.cluster);
  if (vpc !== undefined) {
    checkSameVpc(checks, 'loadBalancer', props.loadBalancer.loadBalancer.vpc, vpc);
    checkTrustedProxies(checks, 'cluster', vpc, props.environment);
  }
  checks.that('healthCheck', props.healthCheck?._kind, props.healthCheck?._kind !== 'livenessFile', {
    must: 'be one that a server can pass: it touches no liveness file',
    remedy: 'Use ContainerHealthCheck.http(), or leave it out.',
  });
  checkTimings(checks, props, timings);
  checkScalingEffects(checks, scope, { props, capacity }, ['targetCpuPercent', 'requestsPerTarget']);
  server.check(checks, capacity);
  checks.throwIfAny();
  warnOfCutRequests(scope, props, timings);
}

function serverTask(scope: Construct, { props, server, capacity, routing, timings }: ServerPlan): HardenedTask {
  return new HardenedTask(scope, 'Task', {
    kind: server.kind,
    process: withAddress(props, routing),
    command: props.command ?? server.command(timings),
    cpu: capacity.cpu,
    memoryLimitMiB: capacity.memoryLimitMiB,
    temporaryStorage: props.temporaryStorage,
    stopTimeout: timings.stopTimeout,
    port: CONTAINER_PORT,
    healthCheck: props.healthCheck ?? ContainerHealthCheck.http(props.healthCheckPath),
    enableExecuteCommand: props.enableExecuteCommand,
    databaseAccess: props.databaseAccess,
    environment: {
      PORT: String(CONTAINER_PORT),
      WEB_CONCURRENCY: String(capacity.processes),
      DJANGO_FARGATE_CONNECTIONS: String(server.connectionsPerProcess),
      FORWARDED_ALLOW_IPS: props.environment?.FORWARDED_ALLOW_IPS ?? props.cluster.vpc.vpcCidrBlock,
      // The load balancer says by which protocol the distribution came; another header has the viewer's.
      ...(props.loadBalancer.originHeader && { SECURE_PROXY_SSL_HEADER: FORWARDED_PROTO }),
    },
  });
}

function targets(scope: Construct, { props, timings }: ServerPlan): ApplicationTargetGroup {
  return new ApplicationTargetGroup(scope, 'Targets', {
    vpc: props.cluster.vpc,
    targetType: TargetType.IP,
    protocol: ApplicationProtocol.HTTP,
    port: CONTAINER_PORT,
    deregistrationDelay: timings.deregistrationDelay,
    loadBalancingAlgorithmType: TargetGroupLoadBalancingAlgorithmType.LEAST_OUTSTANDING_REQUESTS,
    healthCheck: {
      path: props.healthCheckPath ?? HEALTH_PATH,
      healthyHttpCodes: '200',
      interval: Duration.seconds(HEALTH_INTERVAL),
      timeout: Duration.seconds(4),
      healthyThresholdCount: 2,
      unhealthyThresholdCount: HEALTH_SECONDS / HEALTH_INTERVAL,
    },
  });
}

/** CPU, requests per target and, where requests have threads, how many are busy decide how many tasks run. */
function scale(
  service: FargateService,
  targetGroup: ApplicationTargetGroup,
  { props, server, capacity }: ServerPlan,
): void {
  const { minCapacity, maxCapacity, processes } = capacity;
  const cooldowns = { scaleOutCooldown: Duration.seconds(60), scaleInCooldown: Duration.minutes(5) };
  const scaling = service.autoScaleTaskCount({ minCapacity, maxCapacity });
  scaling.scaleOnCpuUtilization('Cpu', {
    targetUtilizationPercent: props.targetCpuPercent ?? 60,
    ...cooldowns,
  });
  scaling.scaleOnRequestCount('Requests', {
    targetGroup,
    requestsPerTarget: props.requestsPerTarget ?? 1000,
    ...cooldowns,
  });
  if (server.threads !== undefined) {
    const { loadBalancer } = props;
    scaleOnThreads(scaling, { targetGroup, loadBalancer, processes, threads: server.threads, cooldowns });
  }
}
