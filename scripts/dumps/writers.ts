import { randomUUID } from 'node:crypto';
import { FrontDoor } from '../../rehearsal/checks/front-door';
import type { Rehearsal } from '../../rehearsal/rehearsal';
import { sleep } from '../../rehearsal/wait';

const WRITERS = 4;
const PAUSE_MS = 100;

/** A message of a visitor whom the site told that it was kept. */
export interface Acknowledged {
  readonly text: string;
  readonly sentAt: number;
  readonly at: number;
}

/** Visitors of the guestbook who write all the time, whatever they are answered. */
export class Writers {
  readonly acknowledged: Acknowledged[] = [];
  /** What was not kept, by the answer. */
  readonly refused = new Map<string, number>();
  private isOver = false;
  private readonly loops: Promise<void>[];

  constructor(private readonly rehearsal: Rehearsal) {
    this.loops = Array.from({ length: WRITERS }, (_, index) => this.write(index));
  }

  /** Waits until so many more messages were kept. */
  async more(count: number): Promise<void> {
    const wanted = this.acknowledged.length + count;
    for (let round = 0; this.acknowledged.length < wanted; round++) {
      if (round > 600) {
        throw new Error(`only ${this.acknowledged.length} messages of ${wanted}: ${JSON.stringify([...this.refused])}`);
      }
      await sleep(100);
    }
  }

  async end(): Promise<void> {
    this.isOver = true;
    await Promise.all(this.loops);
  }

  private async write(index: number): Promise<void> {
    const front = new FrontDoor(this.rehearsal, `writer ${index}`);
    while (!this.isOver) {
      const text = randomUUID();
      const sentAt = Date.now();
      const answer = await front.submit('/', '/', { text }).then(
        ({ status }) => String(status),
        ({ code, message }: NodeJS.ErrnoException) => code ?? message,
      );
      if (answer === '302') {
        this.acknowledged.push({ text, sentAt, at: Date.now() });
      } else {
        this.refused.set(answer, (this.refused.get(answer) ?? 0) + 1);
      }
      await sleep(PAUSE_MS);
    }
  }
}
