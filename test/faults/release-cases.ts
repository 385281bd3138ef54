import { FAULTS, randomFrom } from './chaos';
import { type Figures, someFaults, tally } from './figures';
import { type ReleaseCase, type ReleaseHandlers, runReleaseCase } from './release-model';

/** Calls of one life of a stack that are worth disturbing, beyond which most lives have ended. */
const CALLS = 60;

/** Lives of stacks whose tasks end in every way, with no fault, one at every call, two and three. */
export async function runReleaseCases(handlers: ReleaseHandlers, cases: number): Promise<Figures> {
  return tally(plans(cases), (plan) => runReleaseCase(handlers, plan));
}

function* plans(cases: number): Generator<ReleaseCase> {
  const random = randomFrom(5);
  for (let seed = 0; seed < cases; seed++) {
    if (seed % 4 === 1) {
      const call = Math.floor(seed / 4);
      yield { seed, faults: new Map([[call % CALLS, FAULTS[Math.floor(call / CALLS) % FAULTS.length]]]) };
    } else {
      yield { seed, faults: someFaults(random, CALLS, seed % 4) };
    }
  }
}
