import { Stack } from 'aws-cdk-lib';
import type { ICluster } from 'aws-cdk-lib/aws-ecs';
import { EventField, type EventPattern, Match, Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { runbookUrl } from '../../core/runbook';
import type { AlarmContext, Reported } from './alarm-table';

/** An event without a metric, which is sent to the topic as a sentence. */
export interface EventRow<T> extends Reported {
  readonly description: string;
  readonly pattern: (subject: T) => EventPattern;
  readonly sentence: string;
}

const field = EventField.fromPath;

export const CLUSTER_EVENTS: EventRow<ICluster>[] = [
  {
    id: 'DeploymentFailed',
    runbook: 'deployment-failed',
    description: 'A deployment of an ECS service failed',
    pattern: (cluster) => ({
      source: ['aws.ecs'],
      detailType: ['ECS Deployment State Change'],
      detail: { eventName: ['SERVICE_DEPLOYMENT_FAILED'] },
      resources: Match.prefix(
        Stack.of(cluster).formatArn({ service: 'ecs', resource: 'service', resourceName: `${cluster.clusterName}/` }),
      ),
    }),
    sentence: `The deployment of ${field('$.resources[0]')} failed and is rolled back: ${field('$.detail.reason')}`,
  },
  {
    id: 'TaskCrashed',
    runbook: 'task-crashed',
    description: 'A task of an ECS service ended by itself, ran out of memory or could not start',
    // Only tasks of services: a one-off task is meant to end. Not by exit code: uvicorn exits with 143 when
    // ECS stops it. Running out of memory ends the only container, so it arrives here as well, with its own
    // reason.
    pattern: (cluster) => ({
      source: ['aws.ecs'],
      detailType: ['ECS Task State Change'],
      detail: {
        clusterArn: [cluster.clusterArn],
        lastStatus: ['STOPPED'],
        stopCode: ['EssentialContainerExited', 'TaskFailedToStart'],
        group: Match.prefix('service:'),
      },
    }),
    sentence: `A task of ${field('$.detail.group')} stopped (${field('$.detail.stopCode')}): ${field('$.detail.stoppedReason')} ${field('$.detail.containers[0].reason')} Task: ${field('$.detail.taskArn')}`,
  },
];

export const SECRET_EVENTS: EventRow<ISecret[]>[] = [
  {
    id: 'RotationFailed',
    runbook: 'rotation-failed',
    description: 'The rotation of a secret failed',
    pattern: (secrets) => ({
      source: ['aws.secretsmanager'],
      detailType: ['AWS Service Event via CloudTrail'],
      detail: {
        eventName: ['RotationFailed'],
        additionalEventData: { SecretId: secrets.map((secret) => secret.secretArn) },
      },
    }),
    sentence: `The rotation of ${field('$.detail.additionalEventData.SecretId')} failed.`,
  },
];

/**
 * Rules that send each event to the topic as a sentence.
 *
 * They leave the topic's policy alone, which `Notifications` opens to EventBridge.
 */
export function makeEventRules<T>(scope: Construct, rows: EventRow<T>[], subject: T, { topic }: AlarmContext): Rule[] {
  return rows.map((row) => {
    const input = RuleTargetInput.fromText(
      `${scope.node.path}: ${row.sentence} What to do: ${runbookUrl(scope, row.runbook)}`,
    );
    return new Rule(scope, row.id, {
      description: `${row.description}; tells ${topic.node.path}`,
      eventPattern: row.pattern(subject),
      targets: [{ bind: () => ({ arn: topic.topicArn, input }) }],
    });
  });
}
