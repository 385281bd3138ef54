import type { Rehearsal } from '../rehearsal';
import type { FrontDoor } from './front-door';

/** What a check may use. */
export interface CheckContext {
  readonly rehearsal: Rehearsal;
  readonly front: FrontDoor;
  /** Another rehearsal of the same stack, changed, for what must not be done to this one. */
  readonly another: (change: import('../rehearsal').Faults) => Promise<Rehearsal>;
  /** Everything that was printed so far. */
  readonly printed: () => string;
  /** Whether the application is the guestbook of examples/django-app, with its drills. */
  readonly guestbook: boolean;
}

export interface Check {
  readonly name: string;
  /** Checks of a lane run one after the other; lanes run side by side. */
  readonly lane: string;
  /** Names of checks that must have passed; it is not reached when one has failed. */
  readonly needs?: string[];
  /** Names of checks that must be over, however they ended: they would disturb it. */
  readonly after?: string[];
  /** Whether the stack has what it is about. @default true */
  readonly applies?: (context: CheckContext) => boolean;
  /** Whether a mutation is named after it, or it is quick: these run in the mutation proof. */
  readonly proof?: boolean;
  /** Throws when it fails; may give a figure. */
  run(context: CheckContext): Promise<string | undefined>;
}

export function expect(condition: boolean, message: string): asserts condition {
  if (!condition) {
    throw new Error(message);
  }
}

export type Verdict = 'passed' | 'failed' | 'not reached' | 'not applicable';

export interface Outcome {
  readonly name: string;
  readonly verdict: Verdict;
  readonly detail: string;
  readonly seconds: number;
}

/** Runs checks lane by lane and reports each when it is over. */
export async function runChecks(
  checks: Check[],
  context: CheckContext,
  report: (outcome: Outcome) => void,
): Promise<Outcome[]> {
  const settled = new Map<string, Promise<Outcome>>();
  const resolvers = new Map<string, (outcome: Outcome) => void>();
  for (const { name } of checks) {
    settled.set(name, new Promise((resolve) => resolvers.set(name, resolve)));
  }
  const lanes = new Map<string, Check[]>();
  for (const check of checks) {
    lanes.set(check.lane, [...(lanes.get(check.lane) ?? []), check]);
  }
  await Promise.all(
    [...lanes.values()].map(async (lane) => {
      for (const check of lane) {
        const outcome = await one(check, context, settled);
        report(outcome);
        resolvers.get(check.name)?.(outcome);
      }
    }),
  );
  return Promise.all(settled.values());
}

async function one(check: Check, context: CheckContext, settled: Map<string, Promise<Outcome>>): Promise<Outcome> {
  const outcome = (verdict: Verdict, detail = '', seconds = 0) => ({ name: check.name, verdict, detail, seconds });
  if (check.applies?.(context) === false) {
    return outcome('not applicable');
  }
  await Promise.all((check.after ?? []).map((name) => settled.get(name)));
  const needed = await Promise.all((check.needs ?? []).map((name) => settled.get(name)));
  const missing = needed.find((other) => other?.verdict === 'failed' || other?.verdict === 'not reached');
  if (missing !== undefined) {
    return outcome('not reached', `needs: ${missing.name}`);
  }
  const started = Date.now();
  const seconds = () => (Date.now() - started) / 1000;
  try {
    return outcome('passed', await check.run(context), seconds());
  } catch (error) {
    return outcome('failed', (error as Error).message, seconds());
  }
}
