import { FAULTS, randomFrom } from './chaos';
import { type Figures, someFaults, tally } from './figures';
import { type Clock, type ModelOptions, type RotationCase, runRotationCase, type Subject } from './rotation-model';

export interface Breadth {
  /** Every pair of calls with every pair of faults, or only every single call. */
  readonly pairs: boolean;
  /** Triples of faults, by chance. */
  readonly triples: number;
  /** Cases with deliveries side by side, replays and the rest, by chance, with up to three faults each. */
  readonly disturbed: number;
}

const RESTARTS = ['step', 'all'] as const;

/** Runs a subject through single faults, pairs, triples and disturbances. */
export async function runRotationCases(
  subjectFor: (clock: Clock, random: () => number) => Subject,
  breadth: Breadth,
  options: ModelOptions,
): Promise<Figures> {
  const { calls: length } = await runRotationCase(subjectFor, { faults: new Map(), restart: 'step' }, options);
  return tally(plans(length, breadth), (plan) => runRotationCase(subjectFor, plan, options));
}

function* plans(length: number, { pairs, triples, disturbed }: Breadth): Generator<RotationCase> {
  for (const restart of RESTARTS) {
    yield { faults: new Map(), restart };
  }
  for (let first = 0; first < length; first++) {
    for (const fault of FAULTS) {
      const restart = RESTARTS[first % 2];
      yield { faults: new Map([[first, fault]]), restart };
      for (let second = first + 1; pairs && second < length + 8; second++) {
        for (const other of FAULTS) {
          yield {
            faults: new Map([
              [first, fault],
              [second, other],
            ]),
            restart: RESTARTS[second % 2],
          };
        }
      }
    }
  }
  const random = randomFrom(4);
  for (let index = 0; index < triples; index++) {
    yield { faults: someFaults(random, length + 12, 3), restart: RESTARTS[index % 2] };
  }
  for (let index = 0; index < disturbed; index++) {
    const faults = someFaults(random, 2 * length, Math.floor(random() * 4));
    yield { faults, restart: RESTARTS[index % 2], seed: index + 1 };
  }
}
