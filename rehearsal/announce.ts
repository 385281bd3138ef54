/** Reports progress to the terminal. */
export interface Announce {
  /** A step of the set-up. */
  progress(text: string): void;
  /**
   * Something that differs from AWS: a substitution, a trigger, a limit of this machine.
   *
   * Each is printed once.
   */
  substitution(text: string): void;
  /** Something that happened to a process or a target. */
  event(text: string): void;
}

/** Prints lines with the seconds since the start. Values of secrets are masked. */
export class PlainAnnounce implements Announce {
  private readonly start = Date.now();
  private readonly said = new Set<string>();

  constructor(
    private readonly mask: (text: string) => string = (text) => text,
    private readonly write: (line: string) => void = (line) => process.stdout.write(`${line}\n`),
    private readonly quiet = false,
  ) {}

  progress(text: string): void {
    this.line('·', text);
  }

  substitution(text: string): void {
    if (!this.said.has(text)) {
      this.said.add(text);
      this.line('≈', text);
    }
  }

  event(text: string): void {
    if (!this.quiet) {
      this.line('→', text);
    }
  }

  private line(sign: string, text: string): void {
    const seconds = ((Date.now() - this.start) / 1000).toFixed(1).padStart(6);
    this.write(`${seconds} ${sign} ${this.mask(text)}`);
  }
}
