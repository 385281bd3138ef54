/**
 * Only something that hangs takes so long, even on a busy machine. A wait that is no promise ends after it.
 */
export const HANG_SECONDS = 180;

/** A signal ends it early. */
export function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal?.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/**
 * Asks until the answer is neither undefined nor false; throws with `what` when the time is over.
 *
 * An error that `ask` throws is an answer, too: the last one is part of the message.
 */
export async function eventually<T>(
  what: string,
  seconds: number,
  ask: () => Promise<T | undefined | false> | T | undefined | false,
  every = 200,
): Promise<T> {
  const end = Date.now() + seconds * 1000;
  let last: string;
  for (;;) {
    last = '';
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== false) {
        return answer;
      }
    } catch (error) {
      last = ` (last: ${(error as Error).message})`;
    }
    if (Date.now() > end) {
      throw new Error(`${what}: not within ${seconds} s${last}`);
    }
    await sleep(every);
  }
}

/** Lets one piece of work go on at a time. */
export class Turns {
  private last: Promise<unknown> = Promise.resolve();

  take<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.last.then(work);
    this.last = turn.catch(() => undefined);
    return turn;
  }
}
