import path from 'node:path';
import type { Base } from './base';
import type { Note, Plan, RunStep, StagePlan, Step } from './plan';

const LEFT_OUT = 'left out, because --requirements says what is installed';
const DJANGO = /\bmanage\.py\b|\bdjango-admin\b/;

/**
 * A plan that installs the packages of a file in the place of what the Dockerfile installs. Of its steps
 * remain copies from the build context and those that call Django.
 */
export function withRequirements(plan: Plan, file: string, python: string | undefined): Plan {
  const { target } = plan;
  if (target === undefined) {
    return plan;
  }
  const chain = chainOf(plan, target);
  const steps = chain.flatMap((stage) => stage.steps);
  const kept = steps.filter(isKept);
  const others = plan.stages.filter((stage) => !chain.includes(stage)).flatMap((stage) => stage.steps);
  const dropped = [...others, ...steps.filter((step) => !isKept(step) && step.kind !== 'from')];
  const base = baseOf(plan, python);
  const from: Step = { kind: 'from', line: target.steps[0].line, text: target.steps[0].text };
  const stage: StagePlan = {
    ...target,
    index: 0,
    from: { base },
    steps: [from, install(file, target), ...kept],
  };
  const isFollowed = ({ line }: Step) => plan.refused.every((note) => note.line !== line);
  const announced: Note[] = [
    ...plan.announced,
    ...plan.refused.map((note) => ({ ...note, why: `${note.why}; ${LEFT_OUT}` })),
    ...dropped.filter(isFollowed).map(({ line, text }) => ({ line, text, why: LEFT_OUT })),
  ];
  return { ...plan, stages: [stage], target: stage, announced: announced.sort((a, b) => a.line - b.line), refused: [] };
}

/** Stages that the target is built upon, from the first to itself. */
function chainOf(plan: Plan, target: StagePlan): StagePlan[] {
  const { from } = target;
  const parent = 'stage' in from ? plan.stages.find(({ index }) => index === from.stage) : undefined;
  return parent === undefined ? [target] : [...chainOf(plan, parent), target];
}

function isKept(step: Step): boolean {
  switch (step.kind) {
    case 'run':
      return DJANGO.test(step.script ?? step.command.join(' '));
    case 'copy':
      return step.from.kind === 'context' || step.from.kind === 'folder';
    case 'from':
      return false;
    default:
      return true;
  }
}

function baseOf(plan: Plan, python: string | undefined): Base {
  const named = plan.stages.flatMap(({ from }) => ('base' in from && from.base.python ? [from.base] : []));
  const found = python === undefined ? named.pop() : undefined;
  return { image: found?.image ?? 'the image', kind: 'python', python: python ?? found?.python };
}

function install(file: string, target: StagePlan): RunStep {
  const place = '/.machine-requirements.txt';
  const absolute = path.resolve(file);
  const from = { kind: 'folder', folder: path.dirname(absolute) } as const;
  return {
    kind: 'run',
    line: target.steps[0].line,
    text: `pip install -r ${path.basename(file)}`,
    command: ['/usr/local/bin/pip', 'install', '--requirement', place],
    workingDirectory: '/',
    environment: target.defaults.environment,
    mounts: [{ type: 'bind', target: place, from, source: path.basename(file), id: place }],
  };
}
