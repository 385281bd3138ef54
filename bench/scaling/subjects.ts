import { App, Duration, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Vpc } from 'aws-cdk-lib/aws-ec2';
import { Cluster, ContainerImage, FargateService, FargateTaskDefinition } from 'aws-cdk-lib/aws-ecs';
import { QueueProcessingFargateService } from 'aws-cdk-lib/aws-ecs-patterns';
import { WorkerService, type WorkerServiceOptions } from '../../constructs/processes/worker-service';
import { CeleryBroker } from '../../constructs/queues/celery-broker';
import { type Scaling, type ScalingTemplate, scalingIn } from '../aws/scaling-template';

/** What is simulated: each is synthesized, and its scaling read from the template. */
export function ourWorker(options: WorkerServiceOptions = {}): Scaling {
  const { stack, cluster } = place();
  new WorkerService(stack, 'Worker', {
    cluster,
    broker: new CeleryBroker(stack, 'Broker', { queues: { default: {} } }),
    image: ContainerImage.fromRegistry('shop'),
    settingsModule: 'config.settings',
    ...options,
  });
  return scalingIn(templateOf(stack), 'Worker');
}

/** The CDK's own pattern with its defaults, but for the ceiling. */
export function ecsPatterns(maxScalingCapacity: number): Scaling {
  const { stack, cluster } = place();
  new QueueProcessingFargateService(stack, 'Pattern', {
    cluster,
    image: ContainerImage.fromRegistry('shop'),
    minScalingCapacity: 1,
    maxScalingCapacity,
  });
  return scalingIn(templateOf(stack), 'Pattern');
}

/** A service that follows its CPU, as most do. */
export function cpuTracking(maxCapacity: number): Scaling {
  const { stack, cluster } = place();
  const taskDefinition = new FargateTaskDefinition(stack, 'Task');
  taskDefinition.addContainer('worker', { image: ContainerImage.fromRegistry('shop') });
  const service = new FargateService(stack, 'Service', { cluster, taskDefinition });
  service.autoScaleTaskCount({ minCapacity: 1, maxCapacity }).scaleOnCpuUtilization('Cpu', {
    targetUtilizationPercent: 60,
    scaleOutCooldown: Duration.minutes(1),
    scaleInCooldown: Duration.minutes(5),
  });
  return scalingIn(templateOf(stack), 'Service');
}

function place(): { stack: Stack; cluster: Cluster } {
  const app = new App({ stackTraces: false, treeMetadata: false, analyticsReporting: false });
  const stack = new Stack(app, 'Bench');
  const vpc = new Vpc(stack, 'Vpc', { maxAzs: 2, natGateways: 1, restrictDefaultSecurityGroup: false });
  return { stack, cluster: new Cluster(stack, 'Cluster', { vpc, enableFargateCapacityProviders: true }) };
}

function templateOf(stack: Stack): ScalingTemplate {
  return Template.fromStack(stack).toJSON() as ScalingTemplate;
}
