import type { Announce } from '../announce';
import { sleep } from '../wait';
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
 * An ENTRYPOINT that starts a server in the place of its arguments never ends: so a question about it is
 * printed early.
 */
export async function released(
  task: Pick<Task, 'exited' | 'kill'>,
  { timeout, entryPoint }: ReleaseLimits,
  announce: Announce,
): Promise<Exit> {
  const timers = new AbortController();
  const question = setTimeout(() => announce.progress(stillRuns(entryPoint)), QUESTION_SECONDS * 1000);
  try {
    const exit = await Promise.race([task.exited, sleep(timeout * 1000, timers.signal)]);
    if (exit === undefined) {
      task.kill();
      const why = entryPoint.length > 0 ? ` ${questionAbout(entryPoint)}` : '';
      throw new Error(`the release did not end within ${timeout} s, its timeout in the template: it was ended.${why}`);
    }
    return exit;
  } finally {
    clearTimeout(question);
    timers.abort();
  }
}

function stillRuns(entryPoint: readonly string[]): string {
  const question = entryPoint.length > 0 ? `. ${questionAbout(entryPoint)}` : '';
  return `the release still runs after ${QUESTION_SECONDS} s${question}`;
}

function questionAbout(entryPoint: readonly string[]): string {
  return `Its ENTRYPOINT is ${entryPoint.join(' ')}: does it run its arguments? It must end in \`exec "$@"\`.`;
}
