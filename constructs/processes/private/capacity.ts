import type { Checks } from '../../core/checks';
import { checkFargateSize } from '../task/fargate-size';

/** Memory that one server or worker process of a Django application takes, as a rule of thumb, in MiB. */
const MEMORY_PER_PROCESS = 200;

/** Tasks that ECS runs for one service: a quota that AWS does not raise. */
const MOST_TASKS = 5000;

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

/**
 * Fills in the defaults; the number of processes follows from the size.
 *
 * A larger `minCapacity` alone raises `maxCapacity` with it.
 */
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

/** What a kind of service calls the number of its processes, and how few tasks it may have. */
interface CapacityRules {
  readonly processes: string;
  readonly least: number;
}

/** Validates the size of a task, its processes and how many tasks there are. */
export function checkCapacity(
  checks: Checks,
  capacity: Capacity,
  { processes: processesProp, least }: CapacityRules = { processes: 'processes', least: 1 },
): void {
  const { cpu, memoryLimitMiB, minCapacity, maxCapacity, processes } = capacity;
  const fitting = Math.floor((memoryLimitMiB - tmpfsSize(memoryLimitMiB)) / MEMORY_PER_PROCESS);
  checkFargateSize(checks, cpu, memoryLimitMiB);
  checks
    .integer('minCapacity', minCapacity, {
      min: least,
      max: MOST_TASKS,
      remedy:
        least === 0
          ? 'Give 0 to run none while there is no message.'
          : 'Keep at least one task; the first request needs it.',
    })
    .integer('maxCapacity', maxCapacity, {
      min: 1,
      max: MOST_TASKS,
      where: 'in a service of ECS',
      remedy: 'Give the most tasks that may run at once.',
    })
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

/** Space of /tmp in MiB: it counts against the memory of the task. */
export function tmpfsSize(memoryLimitMiB: number): number {
  return Math.floor(memoryLimitMiB / 8);
}

/** Processes that fit into the memory of a task beside /tmp. */
export function processesByMemory(memoryLimitMiB: number): number {
  return Math.max(1, Math.floor((memoryLimitMiB - tmpfsSize(memoryLimitMiB)) / MEMORY_PER_PROCESS));
}

/**
 * gunicorn: twice the vCPUs and one more, at least two.
 *
 * Never `cpu_count()`: Fargate shows a fraction of a vCPU as two CPUs.
 */
export function webProcesses(cpu: number, memoryLimitMiB: number): number {
  return Math.min(Math.max(2, Math.floor((2 * cpu) / 1024 + 1)), processesByMemory(memoryLimitMiB));
}

/** uvicorn: an event loop for each whole vCPU. */
export function asgiProcesses(cpu: number, memoryLimitMiB: number): number {
  return Math.min(Math.max(1, Math.floor(cpu / 1024)), processesByMemory(memoryLimitMiB));
}

/** Celery: two child processes for each vCPU. */
export function workerConcurrency(cpu: number, memoryLimitMiB: number): number {
  return Math.min(Math.max(1, Math.round((2 * cpu) / 1024)), processesByMemory(memoryLimitMiB));
}
