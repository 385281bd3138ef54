import type { LambdaContext } from './custom-resource';

const PAUSE_MS = 5_000;

/** When to try again: after which errors, and how much of the function's time to leave untouched. */
export interface Retry {
  readonly reserveMs: number;
  worthIt(error: Error): boolean;
  /** Hears of each error after which it is tried again. */
  again?(error: Error): void;
}

/**
 * Repeats what fails every five seconds, as long as that is worth it and time is left; throws the last error.
 */
export async function retrying<T>(
  world: { sleep(milliseconds: number): Promise<void> },
  context: LambdaContext,
  retry: Retry,
  act: () => Promise<T>,
): Promise<T> {
  for (;;) {
    try {
      return await act();
    } catch (error) {
      if (!retry.worthIt(error as Error) || context.getRemainingTimeInMillis() < retry.reserveMs + PAUSE_MS) {
        throw error;
      }
      retry.again?.(error as Error);
      await world.sleep(PAUSE_MS);
    }
  }
}
