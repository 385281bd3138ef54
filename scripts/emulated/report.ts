import { isDeepStrictEqual } from 'node:util';

/** Counts checks, and prints them under the step that they belong to, with its time. */
export class Report {
  passed = 0;
  failed = 0;
  private began = performance.now();

  constructor(private readonly write: (line: string) => void = (line) => process.stdout.write(`${line}\n`)) {}

  /** A step: an error in it is a failed check. */
  async step<T>(name: string, act: () => Promise<T>): Promise<T | undefined> {
    this.write(`== ${name}`);
    this.began = performance.now();
    try {
      return await act();
    } catch (error) {
      this.say(false, 'ends without an error', (error as Error).stack ?? String(error));
      return undefined;
    } finally {
      this.write(`   ${((performance.now() - this.began) / 1000).toFixed(1)} s`);
    }
  }

  /** What was found must be what is expected. */
  same(what: string, found: unknown, expected: unknown): void {
    const shown = (value: unknown) => JSON.stringify(value)?.slice(0, 1500);
    this.say(isDeepStrictEqual(found, expected), what, `found ${shown(found)}\n       expected ${shown(expected)}`);
  }

  that(what: string, holds: boolean, otherwise: string): void {
    this.say(holds, what, otherwise);
  }

  private say(holds: boolean, what: string, otherwise: string): void {
    this.passed += holds ? 1 : 0;
    this.failed += holds ? 0 : 1;
    this.write(holds ? `ok     ${what}` : `FAILED ${what}: ${otherwise}`);
  }
}
