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
import { Construct } from 'constructs';
import { Checks } from '../../core/checks';
import { CONTAINER_PORT, HEALTH_PATH } from '../../core/contract';
import { profileValues } from '../../core/profile';
import { ContainerHealthCheck } from '../container-health-check';
import type { ILoadBalancedService } from '../django-service';
import type { LoadBalancedServiceProps } from '../process-props';
import { type Capacity, capacityOf, checkCapacity } from './capacity';
import { errorAlarm } from './deployment-alarm';
import { checkService, fargateService } from './fargate-service';
import { checkProcess, HardenedTask, type ProcessKind } from './hardened-task';
import { checkRouting, conditionsOf, type Routing, routingOf, withAddress } from './routing';

/** What tells one kind of server from another. */
export interface Server {
  readonly kind: ProcessKind;
  readonly paths: string[];
  readonly priority: number;
  readonly processes: (cpu: number, memoryLimitMiB: number) => number;
  readonly connectionsPerProcess: number;
  readonly command: (routing: Routing) => string[];
  readonly check: (checks: Checks) => void;
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
  public readonly targetGroup: ApplicationTargetGroup;
  public readonly connections: Connections;
  public readonly minCapacity: number;
  public readonly maxCapacity: number;
  public readonly connectionsPerTask: number;

  constructor(scope: Construct, id: string, props: LoadBalancedServiceProps, server: Server) {
    super(scope, id);

    const profile = profileValues(props.profile);
    const capacity = capacityOf(props, {
      cpu: profile.webCpu,
      memoryLimitMiB: profile.webMemoryLimitMiB,
      minCapacity: profile.webMinCapacity,
      maxCapacity: profile.webMaxCapacity,
      processes: server.processes,
    });
    const routing = routingOf(props, server.paths, server.priority);
    validate(this, props, capacity, routing, server);

    const task = serverTask(this, props, capacity, routing, server);
    this.targetGroup = targets(this, props, routing);
    const rule = new ApplicationListenerRule(this, 'Rule', {
      listener: props.loadBalancer.listener,
      priority: routing.priority,
      conditions: conditionsOf(routing),
      targetGroups: [this.targetGroup],
    });
    this.service = fargateService(this, 'Service', {
      task,
      service: props,
      spot: props.spot ?? false,
      deploymentAlarms: [errorAlarm(this, this.targetGroup, props.loadBalancer, props.alarmTopic)],
      healthCheckGracePeriod: Duration.seconds(60),
      waitFor: [rule],
    });
    this.targetGroup.addTarget(this.service);
    scale(this.service, this.targetGroup, props, capacity);

    this.taskDefinition = task.taskDefinition;
    this.taskRole = task.taskRole;
    this.logGroup = task.logGroup;
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

function validate(
  scope: Construct,
  props: LoadBalancedServiceProps,
  capacity: Capacity,
  routing: Routing,
  server: Server,
): void {
  const checks = new Checks(scope);
  checkProcess(checks, props);
  checkService(checks, props);
  checkCapacity(checks, capacity);
  checkRouting(checks, scope, props, routing);
  server.check(checks);
  checks.throwIfAny();
}

function serverTask(
  scope: Construct,
  props: LoadBalancedServiceProps,
  capacity: Capacity,
  routing: Routing,
  server: Server,
): HardenedTask {
  return new HardenedTask(scope, 'Task', {
    kind: server.kind,
    process: withAddress(props, routing),
    command: props.command ?? server.command(routing),
    cpu: capacity.cpu,
    memoryLimitMiB: capacity.memoryLimitMiB,
    stopTimeout: routing.stopTimeout,
    port: CONTAINER_PORT,
    healthCheck: props.healthCheck ?? ContainerHealthCheck.http(props.healthCheckPath),
    enableExecuteCommand: props.enableExecuteCommand,
    databaseAccess: props.databaseAccess,
    environment: {
      PORT: String(CONTAINER_PORT),
      WEB_CONCURRENCY: String(capacity.processes),
      FORWARDED_ALLOW_IPS: props.cluster.vpc.vpcCidrBlock,
    },
  });
}

function targets(scope: Construct, props: LoadBalancedServiceProps, routing: Routing): ApplicationTargetGroup {
  return new ApplicationTargetGroup(scope, 'Targets', {
    vpc: props.cluster.vpc,
    targetType: TargetType.IP,
    protocol: ApplicationProtocol.HTTP,
    port: CONTAINER_PORT,
    deregistrationDelay: routing.deregistrationDelay,
    loadBalancingAlgorithmType: TargetGroupLoadBalancingAlgorithmType.LEAST_OUTSTANDING_REQUESTS,
    healthCheck: {
      path: props.healthCheckPath ?? HEALTH_PATH,
      healthyHttpCodes: '200',
      interval: Duration.seconds(15),
      timeout: Duration.seconds(5),
      healthyThresholdCount: 2,
      unhealthyThresholdCount: 3,
    },
  });
}

/** CPU and requests per target decide how many tasks run. */
function scale(
  service: FargateService,
  targetGroup: ApplicationTargetGroup,
  props: LoadBalancedServiceProps,
  capacity: Capacity,
): void {
  const scaling = service.autoScaleTaskCount({ minCapacity: capacity.minCapacity, maxCapacity: capacity.maxCapacity });
  scaling.scaleOnCpuUtilization('Cpu', {
    targetUtilizationPercent: props.targetCpuPercent ?? 60,
    scaleOutCooldown: Duration.seconds(60),
    scaleInCooldown: Duration.minutes(5),
  });
  scaling.scaleOnRequestCount('Requests', {
    targetGroup,
    requestsPerTarget: props.requestsPerTarget ?? 1000,
    scaleOutCooldown: Duration.seconds(60),
    scaleInCooldown: Duration.minutes(5),
  });
}
