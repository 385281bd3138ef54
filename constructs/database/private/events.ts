import { CfnEventSubscription } from 'aws-cdk-lib/aws-rds';
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

/** Reports events of the instances, of their parameters and of their security groups to a topic. */
export function databaseEvents(
  scope: Construct,
  topic: ITopic,
  sources: { instanceIdentifiers: string[]; parameterGroupName: string },
): void {
  const subscribe = (id: string, sourceType: string, eventCategories: string[], sourceIds?: string[]) => {
    const subscription = new CfnEventSubscription(scope, id, {
      snsTopicArn: topic.topicArn,
      enabled: true,
      sourceType,
      sourceIds,
      eventCategories,
    });
    subscription.node.addDependency(topic); // Its policy is a child of the topic; RDS tries the topic at once.
  };
  subscribe('InstanceEvents', 'db-instance', INSTANCE_EVENTS, sources.instanceIdentifiers);
  subscribe('ParameterEvents', 'db-parameter-group', ['configuration change'], [sources.parameterGroupName]);
  subscribe('SecurityGroupEvents', 'db-security-group', ['configuration change', 'failure']);
}
