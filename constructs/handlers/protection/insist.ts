import type { LambdaContext } from '../shared/custom-resource';
import { Failure, isTransient, nameOf } from '../shared/failure';
import { retrying } from '../shared/retrying';

/** Kept for the answer. */
const RESERVE_MS = 60_000;

/** What AWS has accepted, and does not show yet. */
export class NotYet extends Error {}

/**
 * Tries as often as time allows. A failure names what could not be done, and the error of AWS by its name
 * alone.
 */
export async function insist<T>(
  world: { sleep(milliseconds: number): Promise<void> },
  context: LambdaContext,
  what: string,
  act: () => Promise<T>,
): Promise<T> {
  const worthIt = (error: Error) =>
    error instanceof NotYet || isTransient(error) || /InvalidDB(Instance|Cluster)State/.test(nameOf(error));
  return retrying(world, context, { reserveMs: RESERVE_MS, worthIt }, act).catch((error: Error) => {
    throw new Failure(`${error instanceof NotYet ? error.message : nameOf(error)} (${what})`);
  });
}
