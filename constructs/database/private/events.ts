import { CfnEventSubscription, type DatabaseCluster } from 'aws-cdk-lib/aws-rds';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';

/** Categories of events that are reported for an instance. */
const INSTANCE_EVENTS = [
  'availability',
  'configuration change',
  'deletion',
  'failover',
  'failure',
  'low storage',
  'maintenance',
  'recovery',
];

/** Categories of events that are reported for a cluster, beside those of its instances. */
const CLUSTER_EVENTS = ['configuration change', 'deletion', 'failover', 'failure', 'maintenance', 'notification'];
const GROUP_EVENTS = ['configuration change', 'failure'];

/** Reports events of the instances, of their parameters and of their security groups to a topic. */
export function databaseEvents(
  scope: Construct,
  topic: ITopic,
  sources: { instanceIdentifiers: string[]; parameterGroupName: string },
): void {
  const { instanceIdentifiers, parameterGroupName } = sources;
  subscribe(scope, 'InstanceEvents', topic, ['db-instance', INSTANCE_EVENTS, instanceIdentifiers]);
  subscribe(scope, 'ParameterEvents', topic, ['db-parameter-group', ['configuration change'], [parameterGroupName]]);
  subscribe(scope, 'SecurityGroupEvents', topic, ['db-security-group', GROUP_EVENTS]);
}

/** Reports events of a cluster and its instances to a topic. RDS has none of the parameters of a cluster. */
export function clusterEvents(scope: Construct, topic: ITopic, cluster: DatabaseCluster): void {
  subscribe(scope, 'ClusterEvents', topic, ['db-cluster', CLUSTER_EVENTS, [cluster.clusterIdentifier]]);
  subscribe(scope, 'InstanceEvents', topic, ['db-instance', INSTANCE_EVENTS, cluster.instanceIdentifiers]);
  subscribe(scope, 'SecurityGroupEvents', topic, ['db-security-group', GROUP_EVENTS]);
}

type Events = [sourceType: string, eventCategories: string[], sourceIds?: string[]];

function subscribe(scope: Construct, id: string, topic: ITopic, events: Events): void {
  const [sourceType, eventCategories, sourceIds] = events;
  const subscription = new CfnEventSubscription(scope, id, {
    snsTopicArn: topic.topicArn,
    enabled: true,
    sourceType,
    sourceIds,
    eventCategories,
  });
  subscription.node.addDependency(topic); // Its policy is a child of the topic; RDS tries the topic at once.
}
