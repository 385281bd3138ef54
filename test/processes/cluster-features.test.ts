import { App, Stack } from 'aws-cdk-lib';
import {
  CfnClusterCapacityProviderAssociations,
  Cluster,
  type ClusterProps,
  ContainerInsights,
  type ICluster,
} from 'aws-cdk-lib/aws-ecs';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { ApplicationAlarms } from '../../constructs/monitoring/application-alarms';
import { WorkerService } from '../../constructs/processes/worker-service';
import { Annotations, errorOf, Match, templateOf, testStack, testVpc } from '../support';
import { celeryProps } from './background';

const ON = { containerInsightsV2: ContainerInsights.ENHANCED };
const OFF = { containerInsightsV2: ContainerInsights.DISABLED };

function made(stack: Stack, props: ClusterProps): Cluster {
  return new Cluster(stack, 'Theirs', { vpc: testVpc(new Stack(stack, 'Network')), ...props });
}

function imported(stack: Stack): ICluster {
  const vpc = testVpc(new Stack(stack, 'Network'));
  return Cluster.fromClusterAttributes(stack, 'Theirs', { clusterName: 'theirs', vpc });
}

function workerIn(
  stack: Stack,
  cluster: ICluster,
  options: { spot?: boolean; maxCapacity?: number } = {},
): WorkerService {
  return new WorkerService(stack, 'Worker', { ...celeryProps(stack), cluster, ...options });
}

/** Warnings of clusters, as `/path id`. */
function warnings(stack: Stack): string[] {
  return Annotations.fromStack(stack)
    .findWarning('*', Match.stringLikeRegexp('this cluster'))
    .map(({ id, entry }) => `${id} ${/\[ack: (.*)\]/.exec(String(entry.data))?.[1]}`)
    .sort();
}

const SPOT = '/Shop/Theirs cdk-django-fargate:clusterSpot';

describe('Container Insights', () => {
  test.each<[string, (stack: Stack) => ICluster]>([
    ['of this app where they are off', (stack) => made(stack, OFF)],
    ['of this app that says nothing', (stack) => made(stack, {})],
    ['that is imported', imported],
  ])('are not needed in a cluster %s, by alarms that count tasks as little as by workers that scale', (_, cluster) => {
    const stack = testStack();
    const worker = workerIn(stack, cluster(stack));
    new ApplicationAlarms(stack, 'Alarms', { topic: new Topic(stack, 'Topic'), services: [worker] });
    const namespaces = templateOf(stack).findResources('AWS::CloudWatch::Alarm');
    expect(JSON.stringify(namespaces)).not.toContain('ECS/ContainerInsights');
    expect(warnings(stack)).toEqual([]);
  });
});

describe('Spot', () => {
  test('needs the capacity providers in a cluster of this app, when everything is there', () => {
    const stack = testStack();
    workerIn(stack, made(stack, ON), { spot: true });
    expect(errorOf(() => templateOf(stack))).toContain(
      'Shop/Worker: `cluster` must have the capacity provider FARGATE_SPOT, for a service on Spot, got Shop/Theirs. Give the cluster `enableFargateCapacityProviders: true`, or set `spot`, or `webSpot` or `workerSpot` of the profile, to false.',
    );
  });

  test('takes a cluster that gets them later, by a method or by an association of its own', () => {
    for (const give of [
      (cluster: Cluster) => cluster.enableFargateCapacityProviders(),
      (cluster: Cluster) =>
        new CfnClusterCapacityProviderAssociations(cluster.stack, 'Association', {
          cluster: cluster.clusterName,
          capacityProviders: ['FARGATE', 'FARGATE_SPOT'],
          defaultCapacityProviderStrategy: [],
        }),
    ]) {
      const stack = new Stack(new App(), 'Shop');
      const cluster = made(stack, ON);
      workerIn(stack, cluster, { spot: true });
      give(cluster);
      expect(warnings(stack)).toEqual([]);
    }
  });

  test('is warned of in an imported cluster, and only where something runs on it', () => {
    const stack = testStack();
    workerIn(stack, imported(stack), { spot: true });
    expect(warnings(stack)).toEqual([SPOT]);
  });
});
