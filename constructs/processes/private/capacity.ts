import type { Checks } from '../../core/checks';
import { checkFargateSize } from './fargate-size';
import { MEMORY_PER_PROCESS, tmpfsSize } from './sizing';

/** Size of a task, how many processes share it, and how many tasks there are. */
export interface Capacity {
  readonly cpu: number;
  readonly memoryLimitMiB: number;
  readonly minCapacity: number;
  readonly maxCapacity: number;
  readonly processes: number;
}

interface CapacityProps extends Partial<Capacity> {}

interface CapacityDefaults extends Omit<Capacity, 'processes'> {
  readonly processes: (cpu: number, memoryLimitMiB: number) => number;
}

/** Fills in the defaults; the number of processes follows from the size. A larger `minCapacity` alone raises `maxCapacity` with it. */
export function capacityOf(props: CapacityProps, defaults: CapacityDefaults): Capacity {
  const cpu = props.cpu ?? defaults.cpu;
  const memoryLimitMiB = props.memoryLimitMiB ?? defaults.memoryLimitMiB;
  const minCapacity = props.minCapacity ?? Math.min(defaults.minCapacity, props.maxCapacity ?? defaults.minCapacity);
  return {
    cpu,
    memoryLimitMiB,
    minCapacity,
    maxCapacity: props.maxCapacity ?? Math.max(defaults.maxCapacity, minCapacity),
    processes: props.processes ?? defaults.processes(cpu, memoryLimitMiB),
  };
}

/** What can be wrong with it. */
export function checkCapacity(checks: Checks, capacity: Capacity, processesProp = 'processes'): void {
  const { cpu, memoryLimitMiB, minCapacity, maxCapacity, processes } = capacity;
  const fitting = Math.floor((memoryLimitMiB - tmpfsSize(memoryLimitMiB)) / MEMORY_PER_PROCESS);
  checkFargateSize(checks, cpu, memoryLimitMiB);
  checks
    .integer('minCapacity', minCapacity, {
      min: 1,
      remedy: 'Keep at least one task; the first request or message needs it.',
    })
    .integer('maxCapacity', maxCapacity, { min: 1, remedy: 'Give the most tasks that may run at once.' })
    .that('maxCapacity', maxCapacity, !(maxCapacity < minCapacity), {
      must: `be at least \`minCapacity\`, ${minCapacity}`,
      remedy: 'Raise it, or lower `minCapacity`.',
    })
    .integer(processesProp, processes, { min: 1, remedy: 'Leave it out to have it follow from the size of the task.' })
    .that(processesProp, processes, !(processes > fitting), {
      must: `be at most ${fitting} with \`memoryLimitMiB\` ${memoryLimitMiB}, at ${MEMORY_PER_PROCESS} MiB a process beside /tmp`,
      remedy: 'Lower it, or raise `memoryLimitMiB`.',
    });
}
