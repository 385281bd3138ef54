import type { Announce } from '../announce';
import { PartialDeployment } from './deploy';

/** Milliseconds without a change after which files count as saved. */
const QUIET = 500;

/** Deploys after changes, until the rehearsal ends: once for all that come together, never twice at once. */
export class Rolls {
  private timer?: NodeJS.Timeout;
  private isRolling = false;
  private isAsked = false;

  constructor(
    private readonly deploy: () => Promise<string>,
    private readonly announce: Pick<Announce, 'progress'>,
    private readonly ending: AbortSignal,
    private readonly quiet: number = QUIET,
  ) {}

  /** Says that something has changed. */
  ask(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.roll(), this.quiet);
  }

  private async roll(): Promise<void> {
    if (this.ending.aborted) {
      return;
    }
    if (this.isRolling) {
      this.isAsked = true; // What changes meanwhile may have come too late for the build.
      return;
    }
    this.isRolling = true;
    this.announce.progress('the source has changed: the image is prepared again');
    const said = await this.deploy().catch((error: Error) =>
      error instanceof PartialDeployment ? error.message : `what ran before still runs. ${error.message}`,
    );
    if (!this.ending.aborted) {
      this.announce.progress(said);
    }
    this.isRolling = false;
    if (this.isAsked) {
      this.isAsked = false;
      await this.roll();
    }
  }
}
