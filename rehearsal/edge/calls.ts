import type { Target } from './target-group';

/**
 * Header that names a visitor of the rehearsal.
 *
 * The load balancer removes it before it forwards a request.
 */
export const CALLER_HEADER = 'x-rehearsal-caller';

/**
 * The requests of one caller that reached a target.
 *
 * Checks run side by side, so a number for all requests says nothing about the requests of one check.
 */
export class Calls {
  /** The target of the latest request. */
  last?: Target;
  private readonly counts = new Map<Target, { requests: number; open: number }>();

  begin(target: Target): void {
    const count = this.of(target);
    count.requests++;
    count.open++;
    this.last = target;
  }

  end(target: Target): void {
    this.of(target).open--;
  }

  /** How many requests reached one of these targets, or any. */
  requests(targets: Iterable<Target> = this.counts.keys()): number {
    return [...targets].reduce((sum, target) => sum + (this.counts.get(target)?.requests ?? 0), 0);
  }

  /** How many requests to one of these targets, or to any, have no complete answer yet. */
  open(targets: Iterable<Target> = this.counts.keys()): number {
    return [...targets].reduce((sum, target) => sum + (this.counts.get(target)?.open ?? 0), 0);
  }

  private of(target: Target): { requests: number; open: number } {
    const count = this.counts.get(target) ?? { requests: 0, open: 0 };
    this.counts.set(target, count);
    return count;
  }
}
