import type { Announce } from '../announce';
import type { Rehearsal } from '../rehearsal';

/** Code of a program that Ctrl-C ended. */
const INTERRUPTED = 130;
const FAILED = 1;

/** How a rehearsal ends: Ctrl-C drains in order, a second one ends at once. */
export class Ending {
  /** The exit code. */
  readonly ended: Promise<number>;
  private readonly asking = new AbortController();
  private readonly end: (code: number) => void;

  /** `before` is called first, so that the terminal is free for lines. */
  constructor(
    private readonly rehearsal: Pick<Rehearsal, 'stop' | 'close'>,
    private readonly announce: Pick<Announce, 'progress'>,
    private readonly before: () => void,
  ) {
    let end: (code: number) => void = () => undefined;
    this.ended = new Promise((resolve) => {
      end = resolve;
    });
    this.end = end;
    process.on('SIGINT', () => this.ask());
    process.on('SIGTERM', () => this.ask());
  }

  /** Aborted by the first Ctrl-C: nothing new is started from then on. */
  get asked(): AbortSignal {
    return this.asking.signal;
  }

  ask(): void {
    if (this.asked.aborted) {
      this.rehearsal.close();
      this.end(INTERRUPTED);
      return;
    }
    this.asking.abort();
    this.before();
    this.announce.progress('draining: once more Ctrl-C ends at once');
    void this.drain();
  }

  private async drain(): Promise<void> {
    try {
      await this.rehearsal.stop();
      this.announce.progress('stopped');
      this.end(0);
    } catch (error) {
      this.announce.progress(`it could not be drained, and ends at once: ${(error as Error).message}`);
      this.rehearsal.close();
      this.end(FAILED);
    }
  }
}
