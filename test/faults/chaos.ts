/** What can go wrong with one call of a client. */
export type Fault = 'crash-before' | 'crash-after' | 'throttle';
export const FAULTS: readonly Fault[] = ['crash-before', 'crash-after', 'throttle'];

/** The process is gone: nobody can catch this, so every later call of the same invocation throws it too. */
export class Crash extends Error {}

/** A small seeded generator (mulberry32): every case can be run again. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** One delivery of an event to a handler. Its calls are counted together with those of all others, and fail as planned. */
export class Invocation {
  private crashed = false;

  public constructor(private readonly chaos: Chaos) {}

  /** What a handler throws then is seen by nobody. */
  public get isCrashed(): boolean {
    return this.crashed;
  }

  public async call<T>(effect: () => T): Promise<T> {
    await this.chaos.turn();
    if (this.crashed) {
      throw new Crash();
    }
    const fault = this.chaos.nextFault();
    if (fault === 'throttle') {
      throw this.chaos.throttled();
    }
    if (fault === 'crash-before') {
      this.crashed = true;
      throw new Crash();
    }
    const result = effect();
    this.chaos.afterCall();
    if (fault === 'crash-after') {
      this.crashed = true;
      throw new Crash();
    }
    return result;
  }
}

export interface ChaosOptions {
  /** Which fault at which call, counted over the whole case. */
  readonly faults?: ReadonlyMap<number, Fault>;
  /** Runs after every call that had its effect: invariants go here. */
  readonly afterCall?: () => void;
  /** Text in the messages of foreign errors: the worst a service could echo. */
  readonly echo?: () => string;
}

export class Chaos {
  public calls = 0;
  private waiting: (() => void)[] | undefined;

  public constructor(private readonly options: ChaosOptions = {}) {}

  public nextFault(): Fault | undefined {
    return this.options.faults?.get(this.calls++);
  }

  public afterCall(): void {
    this.options.afterCall?.();
  }

  public throttled(): Error {
    const error = new Error(`Rate exceeded for request ${this.options.echo?.() ?? ''}`);
    return Object.assign(error, { name: 'ThrottlingException', $retryable: { throttling: true } });
  }

  /** While deliveries run side by side, a call waits here until it is picked. */
  public async turn(): Promise<void> {
    if (this.waiting !== undefined) {
      await new Promise<void>((resolve) => this.waiting?.push(resolve));
    }
  }

  /** Runs deliveries side by side, their calls in an order of chance. */
  public async sideBySide(runs: (() => Promise<void>)[], random: () => number): Promise<void> {
    this.waiting = [];
    let open = runs.length;
    const ends = runs.map((run) => run().finally(() => open--));
    while (open > 0) {
      await new Promise((resolve) => setImmediate(resolve));
      const [next] = this.waiting.splice(Math.floor(random() * this.waiting.length), 1);
      next?.();
    }
    this.waiting = undefined;
    await Promise.all(ends);
  }
}
