/** Ends the command with an exit code of its own: nothing was found wrong, and nothing was rehearsed. */
export class NotRunnableHere extends Error {}

/**
 * Exit code of a command that could not run here: what automake and Meson take for a test that was skipped.
 */
export const NOT_RUNNABLE_HERE = 77;

/** How a command ends that failed: never with 0. */
export function exitCodeOf(error: Error): number {
  return error instanceof NotRunnableHere ? NOT_RUNNABLE_HERE : 1;
}
