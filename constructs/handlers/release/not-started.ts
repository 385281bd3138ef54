import { Failure } from '../shared/failure';

/** What passes by itself: Fargate is short of machines in a zone, or of vCPU until other tasks have ended. */
const PASSES = /capacity is unavailable|reached the limit on the number of vCPUs|^.*RESOURCE:(ENI|CPU|MEMORY)/i;

/**
 * The answer of ECS that it has started no task. Nothing has run, so the same call may be repeated: an error
 * that passes says so, and is the answer once there is no more time.
 */
export function notStarted(message: string): Failure {
  return PASSES.test(message) ? Object.assign(new Failure(message), { $retryable: {} }) : new Failure(message);
}
