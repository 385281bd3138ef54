import type { Announce } from '../announce';
import { sleep } from '../wait';
import { lastError } from './last-error';
import type { Exit, Task } from './process';

/** Most releases are over by then. */
const QUESTION_SECONDS = 20;

/** What is known of a release before it runs. */
export interface ReleaseLimits {
  /** Seconds after which the deployment fails. */
  readonly timeout: number;
  /** The ENTRYPOINT that gets the command as its arguments; empty where there is none. */
  readonly entryPoint: readonly string[];
}

/**
 * Waits for a release as long as the deployment does; throws when it takes longer.
 *
 * An ENTRYPOINT that starts a server in the place of its arguments never ends, and neither does one that
 * waits for what never comes: a question about it is printed early, with what the release has last written.
 */
export async function released(
  task: Pick<Task, 'exited' | 'kill' | 'logs'>,
  { timeout, entryPoint }: ReleaseLimits,
  announce: Announce,
): Promise<Exit> {
  const timers = new AbortController();
  const question = setTimeout(() => announce.progress(stillRuns(task, entryPoint)), QUESTION_SECONDS * 1000);
  try {
    const exit = await Promise.race([task.exited, sleep(timeout * 1000, timers.signal)]);
    if (exit === undefined) {
      task.kill();
      throw new Error(
        `the release did not end within ${timeout} s, its timeout in the template: it was ended. ${more(task, entryPoint)}`,
      );
    }
    return exit;
  } finally {
    clearTimeout(question);
    timers.abort();
  }
}

function stillRuns(task: Pick<Task, 'logs'>, entryPoint: readonly string[]): string {
  return `the release still runs after ${QUESTION_SECONDS} s. ${more(task, entryPoint)}`;
}

function more(task: Pick<Task, 'logs'>, entryPoint: readonly string[]): string {
  const written = `It last wrote: ${lastError(task)}`;
  return entryPoint.length === 0
    ? written
    : `Its ENTRYPOINT is ${entryPoint.join(' ')}: does it run its arguments? It must end in \`exec "$@"\`. ${written}`;
}
