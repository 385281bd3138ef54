/** Memory that one server or worker process of a Django application takes, as a rule of thumb, in MiB. */
export const MEMORY_PER_PROCESS = 200;

/** Space of /tmp in MiB: it counts against the memory of the task. */
export function tmpfsSize(memoryLimitMiB: number): number {
  return Math.floor(memoryLimitMiB / 8);
}

/** Processes that fit into the memory of a task beside /tmp. */
export function processesByMemory(memoryLimitMiB: number): number {
  return Math.max(1, Math.floor((memoryLimitMiB - tmpfsSize(memoryLimitMiB)) / MEMORY_PER_PROCESS));
}

/** gunicorn: twice the vCPUs and one more, at least two. Never `cpu_count()`: Fargate shows a fraction of a vCPU as two CPUs. */
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
