import type { Faults } from '../provision';
import type { Rehearsal } from '../rehearsal';
import { Turns } from '../wait';
import { advised } from './advice';
import { Disturbance, type Subject } from './disturbance';
import { FrontDoor } from './front-door';

/** What all checks of a run share. */
export interface RunContext {
  readonly rehearsal: Rehearsal;
  /** Another rehearsal of the same stack, changed, for what must not be done to this one. */
  readonly another: (change: Faults) => Promise<Rehearsal>;
  /** A second rehearsal of the same stack, released and started when it is asked for first. */
  readonly copy: () => Promise<Rehearsal>;
  /** Everything that was printed so far. */
  readonly printed: () => string;
  /** Whether the application is the guestbook of examples/django-app, with its drills. */
  readonly guestbook: boolean;
  /** Paths that the user names as pages. @default - `/`, the login of the admin, the health check path */
  readonly pages?: readonly string[];
  /** Paths that the user names as WebSockets. @default - routes that are found in the ASGI application */
  readonly webSockets?: readonly string[];
}

/** What a check may use. Where it runs in the copy, all of it is the copy's. */
export interface CheckContext extends RunContext {
  /** A visitor of this check alone: the load balancer counts its requests by themselves. */
  readonly front: FrontDoor;
  /** Breaks what the check declares. */
  readonly disturbance: Disturbance;
}

export interface Check {
  readonly name: string;
  /** Checks of a lane run one after the other; lanes run side by side. */
  readonly lane: string;
  /** Names of checks that must have passed; it is not reached when one has failed. */
  readonly needs?: string[];
  /**
   * Names of checks that must be over, however they ended.
   *
   * They would disturb this one, or this one would take processors from the longest chain of checks.
   */
  readonly after?: string[];
  /**
   * Names of checks whose traces it looks at: they must be over, however they ended.
   *
   * Whoever chooses this check chooses those, too.
   */
  readonly follows?: string[];
  /**
   * What it breaks on purpose. Whoever counts lost tasks meanwhile leaves those out.
   *
   * Only one check at a time takes SQS away. The database and the cache are taken away in the copy alone.
   */
  readonly disturbs?: readonly Subject[];
  /** Whether it runs in the copy, so that what it takes away is missed by no other check. @default false */
  readonly inCopy?: boolean;
  /** Whether the stack has what it is about. @default true */
  readonly applies?: (context: CheckContext) => boolean;
  /** Whether the checks that need it do not apply where it does not. @default false: they run all the same */
  readonly isGate?: boolean;
  /** What a stack has where `applies` is true: read after "for want of". */
  readonly about?: string | ((context: CheckContext) => string);
  /** Whether a mutation is named after it, or it is quick: these run in the mutation proof. */
  readonly proof?: boolean;
  /** Throws when it fails; may give a figure. */
  run(context: CheckContext): Promise<string | undefined>;
}

/** What checks are about that only the guestbook has. */
export const EXAMPLE = 'the pages and drills of the example';

/** What a check needs that asks the database, or takes it away. */
export const DATABASE_OF_TEMPLATE = 'a database of the template';
export const hasDatabase = ({ rehearsal }: RunContext) => rehearsal.postgres !== undefined;

/** For any project but the example, which has richer checks of its own. */
export function anyProject(
  about: string,
  applies: (context: CheckContext) => boolean = () => true,
): Pick<Check, 'about' | 'applies'> {
  return {
    about: ({ guestbook }) =>
      guestbook ? 'a project other than the example, which has richer checks of its own' : about,
    applies: (context) => !context.guestbook && applies(context),
  };
}

export function expect(condition: boolean, message: string): asserts condition {
  if (!condition) {
    throw new Error(message);
  }
}

/** Thrown when a check finds nothing to check while it runs. The message is read after "for want of". */
export class NotApplicable extends Error {}

export type Verdict = 'passed' | 'failed' | 'not reached' | 'not applicable';

export interface Outcome {
  readonly name: string;
  readonly verdict: Verdict;
  /** A figure, why it failed, or what it needs to apply. */
  readonly detail: string;
  readonly seconds: number;
  /** As in `Check`. */
  readonly isGate?: boolean;
}

/** Names of the checks that are chosen, and of those that they need or follow, and so on. */
export function withNeeded(checks: readonly Check[], isChosen: (check: Check) => boolean): ReadonlySet<string> {
  const names = new Set<string>();
  const add = (check: Check | undefined): void => {
    if (check !== undefined && !names.has(check.name)) {
      names.add(check.name);
      for (const needed of [...(check.needs ?? []), ...(check.follows ?? [])]) {
        add(checks.find(({ name }) => name === needed));
      }
    }
  };
  checks.filter(isChosen).forEach(add);
  return names;
}

/** Runs checks lane by lane and reports each when it is over. */
export async function runChecks(
  checks: Check[],
  context: RunContext,
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
  const outages = new Turns();
  await Promise.all(
    [...lanes.values()].map(async (lane) => {
      for (const check of lane) {
        const outcome = await one(check, context, settled, outages);
        report(outcome);
        resolvers.get(check.name)?.(outcome);
      }
    }),
  );
  return Promise.all(settled.values());
}

function contextOf({ name, disturbs }: Check, context: RunContext, rehearsal = context.rehearsal): CheckContext {
  return {
    ...context,
    rehearsal,
    front: new FrontDoor(rehearsal, name),
    disturbance: new Disturbance(rehearsal, name, disturbs),
  };
}

async function one(
  check: Check,
  context: RunContext,
  settled: Map<string, Promise<Outcome>>,
  outages: Turns,
): Promise<Outcome> {
  const outcome = (verdict: Verdict, detail = '', seconds = 0): Outcome => ({
    ...{ name: check.name, verdict, detail, seconds },
    ...(check.isGate && { isGate: true }),
  });
  const usual = contextOf(check, context);
  if (check.applies?.(usual) === false) {
    return outcome('not applicable', typeof check.about === 'function' ? check.about(usual) : check.about);
  }
  await Promise.all([...(check.after ?? []), ...(check.follows ?? [])].map((name) => settled.get(name)));
  const needed = await Promise.all((check.needs ?? []).map((name) => settled.get(name)));
  const missing = needed.find((other) => other?.verdict === 'failed' || other?.verdict === 'not reached');
  if (missing !== undefined) {
    return outcome('not reached', `needs: ${missing.name}`);
  }
  const gate = needed.find((other) => other?.verdict === 'not applicable' && other.isGate);
  if (gate !== undefined) {
    return { ...outcome('not applicable', gate.detail), isGate: true };
  }
  const takesAway = check.disturbs?.includes('sqs') === true;
  let started = Date.now();
  const run = (own: CheckContext) => {
    started = Date.now();
    return check.run(own);
  };
  const seconds = () => (Date.now() - started) / 1000;
  try {
    if (check.inCopy) {
      return outcome('passed', await run(contextOf(check, context, await context.copy())), seconds());
    }
    return outcome('passed', await (takesAway ? outages.take(() => run(usual)) : run(usual)), seconds());
  } catch (error) {
    const verdict = error instanceof NotApplicable ? 'not applicable' : 'failed';
    const { message } = error as Error;
    return outcome(verdict, verdict === 'failed' ? advised(message) : message, seconds());
  }
}
