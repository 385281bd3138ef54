import { type Announce, PlainAnnounce } from './announce';
import { type Check, type Outcome, type RunContext, runChecks } from './checks/check';
import { notApplicable } from './checks/not-applicable';
import { allChecks } from './checks/secrets';
import type { Engine } from './engine/engine';
import type { Given } from './given';
import type { ImageOverrides } from './image/image';
import { LastFailure } from './last-failure';
import type { Faults } from './provision';
import { type Rehearsal, rehearse, serve } from './rehearsal';
import type { Assembly } from './template/assembly';
import { coverageLine } from './template/coverage';

export interface CheckRunProps {
  readonly assembly: Assembly;
  readonly app?: string;
  readonly overrides?: ImageOverrides;
  /** As in `RehearsalProps`. */
  readonly engine?: Engine;
  /** As in `RehearsalProps`. */
  readonly platform?: string;
  readonly given?: Given;
  readonly cache: string;
  readonly write: (line: string) => void;
  /** Whether what happens to processes is printed too. */
  readonly verbose: boolean;
  readonly faults?: Faults;
  /** @default - the checks of the rehearsal */
  readonly checks?: readonly Check[];
  readonly choose?: (check: Check) => boolean;
  /** Whether the example is looked at as a project like any other, without its own pages and drills. */
  readonly isAnyProject?: boolean;
  /** As in `RunContext`. */
  readonly pages?: readonly string[];
  readonly webSockets?: readonly string[];
  /** As in `RehearsalProps`. */
  readonly isHurried?: boolean;
  /** Whatever ports are free instead of 8443 and 8080. */
  readonly anyPort?: boolean;
}

/** Rehearses a stack once and runs the checks against it. */
export async function checkRun(props: CheckRunProps): Promise<Outcome[]> {
  const printed: string[] = [];
  let rehearsal: Rehearsal | undefined;
  const write = (line: string) => {
    printed.push(line);
    props.write(line);
  };
  const announce = new PlainAnnounce((text) => rehearsal?.secrets.mask(text) ?? text, write, !props.verbose);
  const silent: Announce = { progress: () => undefined, substitution: () => undefined, event: () => undefined };
  const { assembly, app, cache, overrides, engine, platform, given, isHurried } = props;
  const common = { assembly, app, cache, overrides, engine, platform, given, isHurried };
  const ports = props.anyPort ? { httpPort: 0, httpsPort: 0 } : {};
  rehearsal = await rehearse({ ...common, ...ports, announce, faults: props.faults });
  const running = rehearsal;
  const logs = new LastFailure(cache);
  logs.add(running.sandbox);
  announce.progress(coverageLine(assembly.template));
  const another = (faults?: Faults) => rehearse({ ...common, announce: silent, faults, httpPort: 0, httpsPort: 0 });
  let copy: Promise<Rehearsal> | undefined;
  const stop = () => {
    logs.close();
    running.close();
    process.exit(130);
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  try {
    const context: RunContext = {
      rehearsal,
      another,
      copy: () => {
        copy ??= another(props.faults).then(async (made) => {
          logs.add(made.sandbox, 'copy');
          await serve(made);
          return made;
        });
        return copy;
      },
      printed: () => printed.join('\n'),
      guestbook: !props.isAnyProject && rehearsal.imageHas('guestbook/drills.py'),
      pages: props.pages,
      webSockets: props.webSockets,
    };
    const outcomes = await runChecks(
      (props.checks ?? allChecks).filter(props.choose ?? (() => true)),
      context,
      (outcome) => {
        if (outcome.verdict !== 'not applicable') {
          announce.progress(line(outcome));
        }
      },
    );
    for (const text of notApplicable(outcomes)) {
      announce.progress(text);
    }
    if (props.faults === undefined && !summary(outcomes).passed) {
      announce.progress(`logs of the processes are kept in ${logs.keep()}`);
    }
    return outcomes;
  } finally {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
    logs.close();
    rehearsal.close();
    (await copy?.catch(() => undefined))?.close();
  }
}

/** How a run ended. */
export interface Summary {
  /** The last line. */
  readonly text: string;
  readonly passed: boolean;
  /** Why it has not passed although no check failed: printed before the last line. */
  readonly problem?: string;
}

/**
 * Counts what came of the checks.
 *
 * A run in which none of those passed that somebody asked for has shown nothing, so it has not passed.
 * `isAsked` says which these are; those that they need are none of them.
 */
export function summary(outcomes: readonly Outcome[], isAsked?: (name: string) => boolean): Summary {
  const count = (verdict: Outcome['verdict']) => outcomes.filter((one) => one.verdict === verdict).length;
  const notReached = count('not reached');
  const failed = count('failed');
  const isClean = failed === 0 && notReached === 0;
  const shown = outcomes.some(({ name, verdict }) => verdict === 'passed' && isAsked?.(name) !== false);
  const asked = isAsked === undefined ? 'no check applies to this stack' : 'no check that was asked for applies';
  return {
    text: `${count('passed')} passed, ${failed} failed${notReached > 0 ? `, ${notReached} not reached` : ''}`,
    passed: isClean && shown,
    problem: isClean && !shown ? `${asked}, so that nothing is shown: the run has not passed` : undefined,
  };
}

function line({ name, verdict, detail, seconds }: Outcome): string {
  const sign = { passed: '✓', failed: '✗', 'not reached': '-', 'not applicable': ' ' }[verdict];
  const tail = detail === '' || detail === undefined ? '' : `: ${detail}`;
  return `${sign} ${name} [${seconds.toFixed(1)} s]${tail}`;
}
