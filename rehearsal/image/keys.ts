import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type Entry, entriesOf, type Origin } from './copy';
import type { Base } from './dockerfile/base';
import { bindStep } from './dockerfile/copy-step';
import type { CopyStep, Plan, RunMount, Source, StagePlan } from './dockerfile/plan';
import type { Interpreter } from './interpreters';
import { contentOf, keyOf } from './layers';
import { followed } from './step-errors';

/** What does the work is part of the name of its result. */
const MACHINERY = ['view.sh', 'stand-in.sh', ...['bases', 'skeleton', 'copy', 'poetry'].map(source)].map(text);

/** The same for what is done to the files of an image after its last step. */
export const FINISHED_BY = ['relocate', 'moved-paths'].map(source).map(text);

function text(name: string): string {
  return readFileSync(path.join(__dirname, name), 'utf8');
}

/** A file beside this one: TypeScript in a clone, JavaScript in the package. */
function source(name: string): string {
  return `${name}${path.extname(__filename)}`;
}

/** Names of what stages are after each of their steps, by all that they depend on. */
export class Keys {
  private readonly known = new Map<string, string>();

  constructor(
    private readonly plan: Plan,
    private readonly context: Origin,
    private readonly pythonOf: (base: Base) => Interpreter | undefined,
  ) {}

  /** Name of what a stage is after some of its steps. It is known before any of them is done. */
  after(stage: StagePlan, steps: number): string {
    const name = `${stage.index}/${steps}`;
    const known = this.known.get(name);
    if (known !== undefined) {
      return known;
    }
    const key = steps === 0 ? keyOf(MACHINERY, process.arch) : this.keyOfStep(stage, steps);
    this.known.set(name, key);
    return key;
  }

  private keyOfStep(stage: StagePlan, steps: number): string {
    const { line, text, ...step } = stage.steps[steps - 1];
    const before = this.after(stage, steps - 1);
    switch (step.kind) {
      case 'from':
        return keyOf(before, this.keyOfOrigin(stage));
      case 'copy':
        return keyOf(before, step, this.keyOfSource(step.from, { ...step, line, text }));
      case 'run':
        return keyOf(
          before,
          step,
          step.mounts.filter(hasContent).map(({ from, source }) => this.keyOfSource(from, bindStep(from, source))),
        );
      case 'setting':
        // Variables are part of the steps that have them.
        return before;
      default:
        return keyOf(before, step);
    }
  }

  private keyOfOrigin({ from }: StagePlan): unknown {
    if ('stage' in from) {
      return this.keyOfStage(from.stage);
    }
    return [from.base, this.pythonOf(from.base)];
  }

  private keyOfStage(index: number): string {
    const stage = this.plan.stages.find((one) => one.index === index) as StagePlan;
    return this.after(stage, stage.steps.length);
  }

  private keyOfSource(from: Source, step: CopyStep): unknown {
    if (from.kind === 'stage') {
      return this.keyOfStage(from.stage);
    }
    if (from.kind === 'image') {
      return from.base;
    }
    const origin = from.kind === 'context' ? this.context : { root: from.folder };
    const entries: Entry[] = followed(step, () => entriesOf(step, origin, '/nonexistent'));
    return contentOf(entries);
  }
}

/** Whether a mount brings files of its source into a step: a cache without `from` and a tmpfs start empty. */
function hasContent({ type, from }: RunMount): boolean {
  return type === 'bind' || (type === 'cache' && from.kind !== 'context');
}
