import { Cron } from 'croner';
import type { Announce } from '../announce';
import { lastError } from '../task/last-error';
import { type Exit, Task } from '../task/process';
import { type Assembly, resourcesOfType } from '../template/assembly';
import { matchesEvent } from '../template/event-pattern';
import type { Intrinsics } from '../template/intrinsics';
import { parseScheduleExpression } from '../template/schedule-expression';
import { type TaskDefinition, withOverrides } from '../template/task-definition';
import type { Doubles } from './doubles';

/** An AWS::Scheduler::Schedule that starts a task. */
export interface Schedule {
  readonly id: string;
  readonly expression: string;
  readonly timezone: string;
  /** Where it starts its task: also a cluster that is in no template. */
  readonly clusterArn: string;
  readonly definition: TaskDefinition;
  readonly enabled: boolean;
}

/** What came of a schedule's task. */
export interface Triggered {
  readonly task: Task;
  readonly exit: Exit;
  /** URLs of the queues that hold a report of its failure. */
  readonly reports: readonly string[];
}

export interface SchedulerProps {
  readonly assembly: Assembly;
  readonly intrinsics: Intrinsics;
  readonly doubles: Doubles;
  readonly definitions: ReadonlyMap<string, TaskDefinition>;
  readonly run: (definition: TaskDefinition, name: string) => Promise<Task>;
  readonly announce: Announce;
}

/**
 * Starts what EventBridge Scheduler would start, and reports failures where the template's event rules send
 * them.
 */
export class Scheduler {
  readonly schedules: Schedule[];
  private readonly jobs: Cron[] = [];
  private missed = 0;

  constructor(private readonly props: SchedulerProps) {
    const { intrinsics, definitions } = props;
    this.schedules = intrinsics.created('AWS::Scheduler::Schedule').flatMap(({ id, resource }) => {
      const properties = intrinsics.properties(resource);
      const definition = definitions.get(properties.Target?.EcsParameters?.TaskDefinitionArn);
      if (definition === undefined) {
        return [];
      }
      const input = properties.Target.Input === undefined ? {} : JSON.parse(properties.Target.Input);
      return [
        {
          id,
          expression: properties.ScheduleExpression,
          timezone: properties.ScheduleExpressionTimezone ?? 'UTC',
          clusterArn: properties.Target.Arn,
          definition: withOverrides(definition, input.containerOverrides),
          enabled: properties.State !== 'DISABLED',
        },
      ];
    });
  }

  /** How often the clock fired and the schedule could not be carried out. */
  get unstarted(): number {
    return this.missed;
  }

  /** From here on schedules fire by the clock. */
  start(): void {
    for (const schedule of this.schedules.filter(({ enabled }) => enabled)) {
      const timing = parseScheduleExpression(schedule.expression);
      const fire = () => void this.fire(schedule);
      if (timing.kind === 'rate') {
        this.jobs.push(new Cron('* * * * * *', { interval: timing.milliseconds / 1000, unref: true }, fire));
      } else {
        const when = timing.kind === 'cron' ? timing.pattern : timing.time;
        this.jobs.push(new Cron(when, { timezone: schedule.timezone, unref: true }, fire));
      }
    }
  }

  stop(): void {
    for (const job of this.jobs) {
      job.stop();
    }
  }

  /** Runs a schedule's task now; a failure of its container goes where the template's rules send it. */
  async trigger(schedule: Schedule, change: Partial<TaskDefinition> = {}): Promise<Triggered> {
    const { announce, run } = this.props;
    announce.event(`schedule ${schedule.id} (${schedule.expression} ${schedule.timezone}) starts its task`);
    const task = await run({ ...schedule.definition, ...change }, 'scheduled');
    const exit = await task.exited;
    if (!Task.isClean(exit)) {
      announce.event(`${task.id} failed with exit code ${exit.code}: ${lastError(task)}`);
    }
    const reports = await this.publish(stateChange(task, exit, schedule.clusterArn));
    return { task, exit, reports };
  }

  /** By the clock, where nobody else would catch what goes wrong. */
  private async fire(schedule: Schedule): Promise<void> {
    try {
      await this.trigger(schedule);
    } catch (error) {
      this.missed++;
      const count = this.missed === 1 ? '' : ` (${this.missed} times so far)`;
      this.props.announce.event(`schedule ${schedule.id} failed to run${count}: ${(error as Error).message}`);
    }
  }

  /** Gives the URLs of the queues that the event was sent to. */
  private async publish(event: object): Promise<string[]> {
    const urls: string[] = [];
    const { assembly, intrinsics, doubles, announce } = this.props;
    for (const { id, resource } of resourcesOfType(assembly.template, 'AWS::Events::Rule')) {
      const properties = intrinsics.properties(resource);
      if (properties.EventPattern === undefined || !matchesEvent(properties.EventPattern, event as never)) {
        continue;
      }
      for (const { Arn } of properties.Targets ?? []) {
        if (/^arn:aws:sqs:/.test(Arn)) {
          const { QueueUrl } = await doubles.sqs<{ QueueUrl: string }>('GetQueueUrl', {
            QueueName: Arn.split(':').pop(),
          });
          await doubles.sqs('SendMessage', { QueueUrl, MessageBody: JSON.stringify(event) });
          urls.push(QueueUrl);
          announce.event(`event rule ${id} reported the failure to ${Arn.split(':').pop()}`);
        } else {
          announce.event(`event rule ${id} would report the failure to ${Arn}`);
        }
      }
    }
    return urls;
  }
}

function stateChange(task: Task, exit: Exit, clusterArn: string): object {
  const { definition } = task;
  return {
    source: 'aws.ecs',
    'detail-type': 'ECS Task State Change',
    detail: {
      clusterArn,
      taskArn: `${clusterArn.replace(':cluster/', ':task/')}/${task.id}`,
      taskDefinitionArn: definition.id,
      lastStatus: 'STOPPED',
      desiredStatus: 'STOPPED',
      stopCode: exit.stopped ? 'UserInitiated' : 'EssentialContainerExited',
      stoppedReason: 'Essential container in task exited',
      containers: [{ name: definition.name, exitCode: exit.code ?? 137, lastStatus: 'STOPPED' }],
      group: `family:${definition.family}`,
    },
  };
}
