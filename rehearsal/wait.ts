export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
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
