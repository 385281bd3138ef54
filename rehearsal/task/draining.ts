import type { Target, TargetGroup } from '../edge/target-group';
import type { Exit, Task } from './process';

/** Where a task is registered, if it is behind the load balancer. */
export interface Registration {
  readonly group: TargetGroup;
  readonly target: Target;
}

export type StopOrder = 'deregister-first' | 'sigterm-first';

/**
 * Takes a task out of service in ECS's order: deregister (no new requests, idle connections closed), wait
 * until nothing is in flight or the deregistration delay is over, SIGTERM, SIGKILL after `stopTimeout`.
 */
export async function drain(
  task: Task,
  registration: Registration | undefined,
  order: StopOrder = 'deregister-first',
): Promise<Exit> {
  if (registration === undefined) {
    return task.stop();
  }
  const { group, target } = registration;
  if (order === 'sigterm-first') {
    const exit = await task.stop();
    group.deregister(target);
    group.remove(target);
    return exit;
  }
  group.deregister(target);
  await idle(target, group.deregistrationDelay * 1000, task);
  group.remove(target);
  return task.stop();
}

function idle(target: Target, delay: number, task: Task): Promise<void> {
  return new Promise((resolve) => {
    if (target.inFlight === 0) {
      resolve();
      return;
    }
    const timer = setTimeout(resolve, delay);
    target.onIdle = () => {
      clearTimeout(timer);
      resolve();
    };
    void task.exited.then(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
