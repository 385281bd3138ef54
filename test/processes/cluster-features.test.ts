import { App, Annotations as CdkAnnotations, Stack } from 'aws-cdk-lib';
import {
  CfnClusterCapacityProviderAssociations,
  Cluster,
  type ClusterProps,
  ContainerInsights,
  type ICluster,
} from 'aws-cdk-lib/aws-ecs';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { ApplicationAlarms } from '../../constructs/monitoring/application-alarms';
import { BeatService } from '../../constructs/processes/beat-service';
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

const INSIGHTS = '/Shop/Theirs cdk-django-fargate:clusterContainerInsights';
const SPOT = '/Shop/Theirs cdk-django-fargate:clusterSpot';

describe('Container Insights', () => {
  test('must be on in a cluster of this app for alarms that count tasks, and not for workers that scale', () => {
    const stack = testStack();
    const worker = workerIn(stack, made(stack, OFF));
    const topic = new Topic(stack, 'Topic');
    expect(errorOf(() => new ApplicationAlarms(stack, 'Alarms', { topic, services: [worker] }))).toBe(
      'Shop/Alarms: `services` must have Container Insights on, got Shop/Theirs. Without it, TasksMissing fires for ever. Give the cluster `containerInsightsV2: ContainerInsights.ENABLED`.',
    );
  });

  test.each<[string, (stack: Stack) => ICluster, string[]]>([
    ['that has them on: no warning', (stack) => made(stack, ON), []],
    ['of this app that says nothing: the account decides', (stack) => made(stack, {}), [INSIGHTS]],
    ['that is imported', (stack) => imported(stack), [INSIGHTS]],
  ])('are asked for in a cluster %s', (_, cluster, expected) => {
    const stack = testStack();
    const worker = workerIn(stack, cluster(stack));
    new ApplicationAlarms(stack, 'Alarms', { topic: new Topic(stack, 'Topic'), services: [worker] });
    expect(warnings(stack)).toEqual(expected);
  });

  test('are not asked for by what scales alone, and the warning can be acknowledged on the cluster', () => {
    const stack = testStack();
    const cluster = imported(stack);
    const props = { ...celeryProps(stack), cluster };
    new BeatService(stack, 'Beat', props);
    const worker = new WorkerService(stack, 'Worker', props);
    expect(warnings(stack)).toEqual([]);
    new ApplicationAlarms(stack, 'Alarms', { topic: new Topic(stack, 'Topic'), services: [worker] });
    expect(warnings(stack)).toEqual([INSIGHTS]);
    CdkAnnotations.of(cluster).acknowledgeWarning('cdk-django-fargate:clusterContainerInsights');
    expect(warnings(stack)).toEqual([]);
  });
});

describe('Spot', () => {
  test('needs the capacity providers in a cluster of this app, when everything is there', () => {
    const stack = testStack();
    workerIn(stack, made(stack, ON), { spot: true });
    expect(errorOf(() => templateOf(stack))).toContain(
      'Shop/Worker: `cluster` must have the capacity provider FARGATE_SPOT, for a service on Spot, got Shop/Theirs. Give the cluster `enableFargateCapacityProviders: true`, or set `spot`, or `workerSpot` of the profile, to false.',
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
