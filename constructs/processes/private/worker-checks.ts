import { Duration } from 'aws-cdk-lib';
import { type Checks, secondsOf } from '../../core/checks';
import type { WorkerServiceProps } from '../worker-service';
import { MAX_QUEUES } from './backlog-scaling';
import type { Capacity } from './capacity';

const DEFAULT_LATENCY = Duration.minutes(1);
const DEFAULT_TASK_DURATION = Duration.seconds(5);

/** What can be wrong with the queues of a worker. */
export function checkQueues(checks: Checks, props: WorkerServiceProps): void {
  const names = props.queueNames ?? [];
  const known = Object.keys(props.broker?.queues ?? {});
  checks.optional('queueNames', props.queueNames, () => names.length >= 1 && names.length <= MAX_QUEUES, {
    must: `be from 1 to ${MAX_QUEUES} names`,
    remedy: 'Make a WorkerService for each set of queues: CloudWatch cannot add up more of them for scaling.',
  });
  checks.optional('queueNames', props.queueNames, () => new Set(names).size === names.length, {
    must: 'name every queue once',
    remedy: 'Leave out the repeated name.',
  });
  for (const name of props.broker === undefined ? [] : names) {
    checks.that('queueNames', name, known.includes(name), {
      must: `be queues of the broker: ${known.join(', ')}`,
      remedy: 'Correct the name, or add the queue to the broker.',
    });
  }
}

/** What can be wrong with what it is scaled by. */
export function checkScaling(checks: Checks, props: WorkerServiceProps): void {
  const { acceptableLatency, taskDuration } = props;
  const latency = acceptableLatency ?? DEFAULT_LATENCY;
  const duration = taskDuration ?? DEFAULT_TASK_DURATION;
  checks
    .number('backlogPerTask', props.backlogPerTask, {
      min: 1,
      remedy: 'Give the messages that one task may have to do.',
    })
    .optional(
      'backlogPerTask',
      props.backlogPerTask,
      () => acceptableLatency === undefined && taskDuration === undefined,
      {
        must: 'not be given together with `acceptableLatency` or `taskDuration`',
        remedy: 'Keep it alone, or the other two.',
      },
    )
    .duration('taskDuration', taskDuration, { min: 0.001, remedy: 'Give the average time of a Celery task.' })
    .optional(
      acceptableLatency === undefined ? 'taskDuration' : 'acceptableLatency',
      acceptableLatency ?? taskDuration,
      () => secondsOf(latency) >= secondsOf(duration),
      {
        must:
          acceptableLatency === undefined
            ? `be at most \`acceptableLatency\`, ${secondsOf(latency)} seconds`
            : `be at least \`taskDuration\`, ${secondsOf(duration)} seconds`,
        remedy: 'A busy task would ask for another one for ever: raise `acceptableLatency`.',
      },
    );
}

/** Messages that there should be for each running task. */
export function targetOf(props: WorkerServiceProps, capacity: Capacity): number {
  const latency = secondsOf(props.acceptableLatency ?? DEFAULT_LATENCY);
  const duration = secondsOf(props.taskDuration ?? DEFAULT_TASK_DURATION);
  return props.backlogPerTask ?? (latency / duration) * capacity.processes;
}
