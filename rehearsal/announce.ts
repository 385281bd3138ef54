/** Tells the person at the terminal what happens; the live view and plain lines are two ways of doing it. */
export interface Announce {
  /** A step of the set-up. */
  progress(text: string): void;
  /** Something that is not as on AWS: a substitution, a trigger, a limit of this machine. Each is said once. */
  substitution(text: string): void;
  /** Something that happened to a process or a target. */
  event(text: string): void;
}

/** Lines on standard output with seconds since the start. Nothing secret ever passes through: values of secrets are masked. */
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
