import type { Checks } from '../../core/checks';
import { checkFargateSize } from './fargate-size';
import { MEMORY_PER_PROCESS, tmpfsSize } from './sizing';

/** Size of a task, how many processes share it, and how many tasks there are. */
export interface Capacity {
  readonly cpu: number;
  readonly memoryLimitMiB: number;
  readonly minTasks: number;
  readonly maxTasks: number;
  readonly processes: number;
}

interface CapacityProps extends Partial<Capacity> {}

interface CapacityDefaults extends Omit<Capacity, 'processes'> {
  readonly processes: (cpu: number, memoryLimitMiB: number) => number;
}

/** Fills in the defaults; the number of processes follows from the size. A larger `minTasks` alone raises `maxTasks` with it. */
export function capacityOf(props: CapacityProps, defaults: CapacityDefaults): Capacity {
  const cpu = props.cpu ?? defaults.cpu;
  const memoryLimitMiB = props.memoryLimitMiB ?? defaults.memoryLimitMiB;
  const minTasks = props.minTasks ?? Math.min(defaults.minTasks, props.maxTasks ?? defaults.minTasks);
  return {
    cpu,
    memoryLimitMiB,
    minTasks,
    maxTasks: props.maxTasks ?? Math.max(defaults.maxTasks, minTasks),
    processes: props.processes ?? defaults.processes(cpu, memoryLimitMiB),
  };
}

/** What can be wrong with it. */
export function checkCapacity(checks: Checks, capacity: Capacity, processesProp = 'processes'): void {
  const { cpu, memoryLimitMiB, minTasks, maxTasks, processes } = capacity;
  const fitting = Math.floor((memoryLimitMiB - tmpfsSize(memoryLimitMiB)) / MEMORY_PER_PROCESS);
  checkFargateSize(checks, cpu, memoryLimitMiB);
  checks
    .integer('minTasks', minTasks, { min: 1, remedy: 'Keep at least one task; the first request or message needs it.' })
    .integer('maxTasks', maxTasks, { min: 1, remedy: 'Give the most tasks that may run at once.' })
    .that('maxTasks', maxTasks, !(maxTasks < minTasks), {
      must: `be at least \`minTasks\`, ${minTasks}`,
      remedy: 'Raise it, or lower `minTasks`.',
    })
    .integer(processesProp, processes, { min: 1, remedy: 'Leave it out to have it follow from the size of the task.' })
    .that(processesProp, processes, !(processes > fitting), {
      must: `be at most ${fitting} with \`memoryLimitMiB\` ${memoryLimitMiB}, at ${MEMORY_PER_PROCESS} MiB a process beside /tmp`,
      remedy: 'Lower it, or raise `memoryLimitMiB`.',
    });
}
