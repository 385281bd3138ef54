import { Annotations, type Duration } from 'aws-cdk-lib';
import type { IAlarm } from 'aws-cdk-lib/aws-cloudwatch';
import {
  AlarmBehavior,
  AvailabilityZoneRebalancing,
  type CapacityProviderStrategy,
  type CfnService,
  FargatePlatformVersion,
  FargateService,
  PropagatedTagSource,
} from 'aws-cdk-lib/aws-ecs';
import type { Construct, IDependable } from 'constructs';
import { needSpot } from '../cluster-features';
import type { ServiceProps } from '../process-props';
import type { HardenedTask } from './hardened-task';

export interface FargateServiceOptions {
  readonly task: HardenedTask;
  readonly service: ServiceProps;
  readonly spot: boolean;
  /**
   * Tasks that run on demand before any runs on Spot.
   *
   * @default 0
   */
  readonly spotBase?: number;
  /**
   * Whether ECS may stop a task to start it in another zone.
   *
   * @default true
   */
  readonly rebalances?: boolean;
  /**
   * Never two tasks at once: stops the old one before the new one starts.
   *
   * @default false
   */
  readonly singleton?: boolean;
  /**
   * A deployment that sets one of these off is rolled back.
   *
   * They must exist before the service and not read its own metrics.
   *
   * @default - none
   */
  readonly deploymentAlarms?: IAlarm[];
  /**
   * Time in which failing health checks of a new task do not count.
   *
   * @default - none without a load balancer
   */
  readonly healthCheckGracePeriod?: Duration;
  /**
   * What this kind of service waits for, beside what every process does.
   *
   * @default - nothing
   */
  readonly waitFor?: IDependable[];
}

/**
 * The one place where a task becomes a service: deployment safety, placement, and the order in which things
 * are made.
 */
export function fargateService(scope: Construct, id: string, options: FargateServiceOptions): FargateService {
  const { task, service: props } = options;
  const { cluster } = props;
  const service = new FargateService(scope, id, {
    cluster,
    taskDefinition: task.taskDefinition,
    securityGroups: [task.securityGroup],
    vpcSubnets: task.placement.vpcSubnets,
    assignPublicIp: task.placement.assignPublicIp,
    platformVersion: FargatePlatformVersion.LATEST,
    ...rollout(options),
    circuitBreaker: { enable: true, rollback: true },
    deploymentAlarms: options.deploymentAlarms && {
      alarmNames: options.deploymentAlarms.map((alarm) => alarm.alarmName),
      behavior: AlarmBehavior.ROLLBACK_ON_ALARM,
    },
    capacityProviderStrategies: options.spot ? spotStrategies(options.spotBase) : undefined,
    healthCheckGracePeriod: options.healthCheckGracePeriod,
    enableExecuteCommand: props.enableExecuteCommand,
    enableECSManagedTags: true,
    propagateTags: PropagatedTagSource.SERVICE,
  });
  // Only the service itself waits: its scaling, which is a child of the construct, follows by reference.
  const resource = service.node.defaultChild as CfnService;
  resource.deploymentConfiguration = {
    ...(resource.deploymentConfiguration as CfnService.DeploymentConfigurationProperty),
    deploymentCircuitBreaker: circuitBreaker(options.singleton === true),
  };
  const { node } = resource;
  node.addDependency(...task.prerequisites, ...(options.waitFor ?? []), ...(props.waitFor ?? []));
  if (options.spot) {
    needSpot(scope, cluster);
    node.addDependency(cluster); // Its association with the Spot capacity provider is a child of the cluster.
  }
  if (props.enableExecuteCommand) {
    Annotations.of(scope).addWarningV2(
      'cdk-django-fargate:execCostsReadOnlyRoot',
      '`enableExecuteCommand` gives up the read-only root file system, since the ECS Exec agent cannot run with one, and whoever may call ecs:ExecuteCommand is root in the container, not the user of the application. Switch it off when you are done.',
    );
  }
  return service;
}

/**
 * Gives a deployment up after two tasks that failed one after another, and never three as by default: that
 * many rounds take minutes where one task runs. Of beat a first failure is enough, since nothing runs
 * meanwhile.
 *
 * A task that becomes healthy sets the count back, so that failures among many tasks do not add up.
 */
function circuitBreaker(singleton: boolean): CfnService.DeploymentCircuitBreakerProperty {
  return {
    enable: true,
    rollback: true,
    resetOnHealthyTask: true,
    thresholdConfiguration: { type: 'COUNT', value: singleton ? 1 : 2 },
  };
}

/** Beyond the base one task in a thousand would run on demand: ECS refuses to use a provider of weight 0. */
function spotStrategies(base = 0): CapacityProviderStrategy[] {
  return base === 0
    ? [{ capacityProvider: 'FARGATE_SPOT', weight: 1 }]
    : [
        { capacityProvider: 'FARGATE', base, weight: 1 },
        { capacityProvider: 'FARGATE_SPOT', weight: 1000 },
      ];
}

function rollout({ singleton = false, rebalances = true }: FargateServiceOptions) {
  return singleton
    ? {
        desiredCount: 1,
        minHealthyPercent: 0,
        maxHealthyPercent: 100,
        // ECS turns rebalancing on by itself where nothing is said, and then starts a second task before it
        // stops the first.
        availabilityZoneRebalancing: AvailabilityZoneRebalancing.DISABLED,
      }
    : {
        minHealthyPercent: 100,
        maxHealthyPercent: 200,
        // ECS gives a task that it moves no more than `stopTimeout`, whatever it works on.
        availabilityZoneRebalancing: rebalances
          ? AvailabilityZoneRebalancing.ENABLED
          : AvailabilityZoneRebalancing.DISABLED,
      };
}
