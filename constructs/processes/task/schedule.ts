import { Duration } from 'aws-cdk-lib';
import type { ICluster } from 'aws-cdk-lib/aws-ecs';
import type { IRole } from 'aws-cdk-lib/aws-iam';
import type { ScheduleExpression, ScheduleTargetConfig } from 'aws-cdk-lib/aws-scheduler';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Checks } from '../../core/checks';
import { isScheduleExpression, isTimeZone } from '../../core/schedule-expression';
import type { StartedTask } from './started-task';

/** What a schedule starts, and who may. */
export interface TaskTargetProps {
  readonly cluster: ICluster;
  readonly task: StartedTask;
  readonly role: IRole;
  readonly deadLetterQueue: IQueue;
  /** How often and for how long starting it is tried again: 3 times within an hour unless given. */
  readonly retry?: { readonly retryAttempts?: number; readonly maxEventAge?: Duration };
}

/** A single task on Fargate, as EventBridge Scheduler starts it. */
export function taskTarget({ cluster, task, role, deadLetterQueue, retry }: TaskTargetProps): ScheduleTargetConfig {
  return {
    arn: cluster.clusterArn,
    role,
    deadLetterConfig: { arn: deadLetterQueue.queueArn },
    retryPolicy: {
      maximumRetryAttempts: retry?.retryAttempts ?? 3,
      maximumEventAgeInSeconds: (retry?.maxEventAge ?? Duration.hours(1)).toSeconds(),
    },
    ecsParameters: {
      taskDefinitionArn: task.taskDefinition.taskDefinitionArn,
      launchType: 'FARGATE',
      platformVersion: 'LATEST',
      taskCount: 1,
      networkConfiguration: {
        awsvpcConfiguration: task.network,
      },
    },
  };
}

/** Validates an expression of EventBridge Scheduler and its time zone. */
export function checkSchedule(checks: Checks, prop: string, { expressionString, timeZone }: ScheduleExpression): void {
  checks
    .optional(prop, expressionString, () => isScheduleExpression(expressionString), {
      must: 'be cron(minutes hours day-of-month month day-of-week year) with `?` for one of the days, rate(value unit) or at(yyyy-mm-ddThh:mm:ss)',
      remedy: 'Use ScheduleExpression.cron(), rate() or at().',
    })
    .optional(prop, timeZone?.timezoneName, () => isTimeZone(String(timeZone?.timezoneName)), {
      must: 'be in a time zone of the IANA database',
      remedy: 'Choose one from TimeZone, for example TimeZone.EUROPE_VIENNA.',
    });
}
