import { FAULTS, type Fault } from './chaos';

/** What a run over many cases found. */
export interface Figures {
  readonly cases: number;
  readonly failed: number;
  readonly calls: number;
  /** How many cases violated each invariant. */
  readonly violations: { [kind: string]: number };
  /** The first case that failed: enough to run it again. */
  readonly example?: string;
}

interface Case {
  readonly faults: ReadonlyMap<number, Fault>;
}

/** Runs every case and counts. */
export async function tally<C extends Case>(
  plans: Iterable<C>,
  run: (plan: C) => Promise<{ violations: string[]; calls: number }>,
): Promise<Figures> {
  const violations: { [kind: string]: number } = {};
  let [cases, failed, calls] = [0, 0, 0];
  let example: string | undefined;
  for (const plan of plans) {
    const outcome = await run(plan);
    cases += 1;
    calls += outcome.calls;
    if (outcome.violations.length > 0) {
      failed += 1;
      example ??= `${JSON.stringify({ ...plan, faults: [...plan.faults] })}: ${outcome.violations.join('; ')}`;
      for (const kind of new Set(outcome.violations.map((violation) => violation.split(':')[0]))) {
        violations[kind] = (violations[kind] ?? 0) + 1;
      }
    }
  }
  return { cases, failed, calls, violations, example };
}

/** A number of faults at calls of chance. */
export function someFaults(random: () => number, length: number, count: number): Map<number, Fault> {
  const faults = new Map<number, Fault>();
  while (faults.size < count) {
    faults.set(Math.floor(random() * length), FAULTS[Math.floor(random() * FAULTS.length)]);
  }
  return faults;
}
