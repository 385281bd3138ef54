/** A line that a process wrote. */
export interface Entry {
  readonly process: string;
  readonly text: string;
  /** Its place among all lines. */
  readonly number: number;
}

/** The process that stands for the rehearsal itself. */
export const REHEARSAL = 'rehearsal';
/** Every process. */
export const ALL = 'all';

/** How many lines stay of each process, and of all together. */
const KEPT = 2000;
const KEPT_OF_ALL = 5000;
/** How many processes stay that have not written anything for the longest time. */
const PROCESSES = 40;

/** The last lines of each process, in the order in which they came. */
export class Journal {
  private readonly all: Entry[] = [];
  private readonly byProcess = new Map<string, Entry[]>();
  private readonly listeners = new Set<() => void>();
  private count = 0;

  add(process: string, text: string): void {
    const entry = { process, text, number: this.count++ };
    const own = this.byProcess.get(process) ?? [];
    // Moved to the end: the first one is who was silent for the longest time.
    this.byProcess.delete(process);
    this.byProcess.set(process, own);
    keep(own, entry, KEPT);
    keep(this.all, entry, KEPT_OF_ALL);
    const [silent] = this.byProcess.keys();
    if (this.byProcess.size > PROCESSES) {
      this.byProcess.delete(silent);
    }
    for (const listener of this.listeners) {
      listener();
    }
  }

  /** Calls back after each line. */
  onLine(listener: () => void): void {
    this.listeners.add(listener);
  }

  /** Names of those who wrote. */
  get processes(): string[] {
    return [...this.byProcess.keys()];
  }

  /** The lines of a process, of all tasks of a service, or of everybody. */
  of(name: string): readonly Entry[] {
    if (name === ALL) {
      return this.all;
    }
    const own = this.byProcess.get(name);
    if (own !== undefined) {
      return own;
    }
    return [...this.byProcess]
      .filter(([process]) => process.startsWith(`${name}/`))
      .flatMap(([, entries]) => entries)
      .sort((one, other) => one.number - other.number);
  }
}

function keep(entries: Entry[], entry: Entry, most: number): void {
  entries.push(entry);
  if (entries.length > most) {
    entries.splice(0, entries.length - most);
  }
}
