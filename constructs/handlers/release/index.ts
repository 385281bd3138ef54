import { setTimeout as sleep } from 'node:timers/promises';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { CloudWatchLogsClient, GetLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
import {
  DescribeTasksCommand,
  ECSClient,
  ListTasksCommand,
  RunTaskCommand,
  StopTaskCommand,
} from '@aws-sdk/client-ecs';
import { Failure, isTransient } from '../shared/failure';
import { notStarted } from './not-started';
import { type IReleaseWorld, isReleaseComplete, type ReleaseEvent, startRelease } from './release';

const stacks = new CloudFormationClient({ maxAttempts: 5 });
const ecs = new ECSClient({ maxAttempts: 5 });
const logs = new CloudWatchLogsClient({ maxAttempts: 5 });

const world: IReleaseWorld = {
  async stack(stackId) {
    const [stack] = (await stacks.send(new DescribeStacksCommand({ StackName: stackId }))).Stacks ?? [];
    return { status: stack?.StackStatus ?? '', updated: String(stack?.LastUpdatedTime ?? stack?.CreationTime) };
  },
  async runningTasks(cluster, family) {
    const { taskArns: tasks = [] } = await ecs.send(new ListTasksCommand({ cluster, family }));
    const found =
      tasks.length === 0 ? [] : ((await ecs.send(new DescribeTasksCommand({ cluster, tasks }))).tasks ?? []);
    return found
      .filter(({ lastStatus }) => lastStatus !== 'STOPPED')
      .map(({ taskArn = '', startedBy = '' }) => ({ arn: taskArn, startedBy }));
  },
  async runTask(properties, startedBy, clientToken) {
    const { tasks, failures } = await ecs
      .send(
        new RunTaskCommand({
          cluster: properties.Cluster,
          taskDefinition: properties.TaskDefinition,
          launchType: 'FARGATE',
          startedBy,
          clientToken,
          propagateTags: 'TASK_DEFINITION',
          networkConfiguration: {
            awsvpcConfiguration: {
              subnets: properties.Subnets,
              securityGroups: properties.SecurityGroups,
              assignPublicIp: properties.AssignPublicIp,
            },
          },
        }),
      )
      .catch((error) => {
        // ECS's own words hold no secret, and say what is missing.
        throw isTransient(error) ? error : new Failure(`Release: RunTask: ${(error as Error).message}`);
      });
    const arn = tasks?.[0]?.taskArn;
    if (arn === undefined) {
      const reasons = failures?.map(({ reason, detail }) => [reason, detail].filter(Boolean).join(': ')).join('; ');
      throw notStarted(`Release: ECS started no task: ${reasons}`);
    }
    return arn;
  },
  async describeTask(cluster, arn, container) {
    const task = (await ecs.send(new DescribeTasksCommand({ cluster, tasks: [arn] }))).tasks?.[0];
    const found = task?.containers?.find(({ name }) => name === container);
    const reasons = [task?.stoppedReason, found?.reason].filter(Boolean).join(': ');
    return task && { arn, status: task.lastStatus ?? '', exitCode: found?.exitCode, reason: reasons || undefined };
  },
  async stopTask(cluster, task, reason) {
    await ecs.send(new StopTaskCommand({ cluster, task, reason }));
  },
  async lastLines(logGroupName, logStreamName, limit) {
    const { events } = await logs.send(
      new GetLogEventsCommand({ logGroupName, logStreamName, limit, startFromHead: false }),
    );
    return (events ?? []).map(({ message }) => message ?? '');
  },
  now: () => Date.now() / 1000,
  sleep: (seconds) => sleep(seconds * 1000),
  log: console.log,
};

/** Starts the release task: called by the provider framework once for each change of the custom resource. */
export async function onEvent(event: ReleaseEvent): Promise<object> {
  return startRelease(event, world);
}

/** Called by the provider framework again and again until the release has finished. */
export async function isComplete(event: ReleaseEvent): Promise<object> {
  return isReleaseComplete(event, world);
}
