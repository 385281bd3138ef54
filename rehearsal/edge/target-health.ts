export type TargetState = 'initial' | 'healthy' | 'unhealthy';

export interface HealthThresholds {
  readonly healthyThresholdCount: number;
  readonly unhealthyThresholdCount: number;
}

/**
 * Counts the results of a target's health checks as the load balancer does: a new target is healthy after its
 * first success; an unhealthy one needs the whole threshold.
 */
export class TargetHealth {
  private current: TargetState = 'initial';
  private successes = 0;
  private failures = 0;

  constructor(private readonly thresholds: HealthThresholds) {}

  get state(): TargetState {
    return this.current;
  }

  /** Takes one result; gives the state that follows from it. */
  record(passed: boolean): TargetState {
    this.successes = passed ? this.successes + 1 : 0;
    this.failures = passed ? 0 : this.failures + 1;
    const needed = this.current === 'initial' ? 1 : this.thresholds.healthyThresholdCount;
    if (passed && this.successes >= needed) {
      this.current = 'healthy';
    } else if (!passed && this.failures >= this.thresholds.unhealthyThresholdCount) {
      this.current = 'unhealthy';
    }
    return this.current;
  }
}

/** Whether a status is one that a target group's matcher (`200`, `200,301`, `200-299`) accepts. */
export function matchesCodes(matcher: string, status: number): boolean {
  return matcher.split(',').some((part) => {
    const [low, high] = part.trim().split('-').map(Number);
    return status >= low && status <= (high ?? low);
  });
}
