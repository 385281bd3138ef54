import type { CopyStep, Plan, RunStep, Source, StagePlan, Step } from '../../../../rehearsal/image/dockerfile/plan';

const SHELL = '/bin/sh -c ';

function place(from: Source): string {
  switch (from.kind) {
    case 'stage':
      return `stage ${from.stage}:`;
    case 'image':
      return `${from.base.image}:`;
    case 'folder':
      return `${from.folder}:`;
    default:
      return '';
  }
}

function copy(step: CopyStep): string {
  const { from, sources, documents, target, chmod, exclude, parents, unpack } = step;
  const given = [
    ...sources.map((source) => place(from) + source),
    ...documents.map(({ name, content }) => `<<${name}=${JSON.stringify(content)}`),
  ];
  const how = [
    ...(chmod === undefined ? [] : [`mode ${chmod}`]),
    ...exclude.map((one) => `without ${one}`),
    ...(parents ? ['with parents'] : []),
  ];
  return [unpack ? 'add' : 'copy', ...given, '->', target, ...how].join(' ');
}

function run({ command, script, workingDirectory, mounts }: RunStep): string {
  const words = command.join(' ');
  const what =
    script === undefined
      ? words.startsWith(SHELL)
        ? words.slice(SHELL.length)
        : JSON.stringify(command)
      : `script ${script}`;
  const shown = mounts.map(({ type, target, from, source, id }) => {
    return type === 'bind'
      ? ` [${place(from)}${source} at ${target}]`
      : ` [${type} at ${target}${id === target ? '' : ` as ${id}`}]`;
  });
  return `run ${workingDirectory}$ ${what}${shown.join('')}`;
}

function step(stage: StagePlan, one: Step): string {
  switch (one.kind) {
    case 'from':
      return `from ${'stage' in stage.from ? `stage ${stage.from.stage}` : [stage.from.base.kind, stage.from.base.python].filter(Boolean).join(' ')}`;
    case 'copy':
      return copy(one);
    case 'run':
      return run(one);
    case 'folder':
      return `folder ${one.path}`;
    case 'download':
      return `download ${one.url} -> ${one.target}${one.chmod === undefined ? '' : ` mode ${one.chmod}`}`;
    case 'setting':
      return 'setting';
  }
}

/** A plan as lines that a person can compare with the Dockerfile: `3 copy a b -> /app/`. */
export function shown(plan: Plan): string[] {
  return plan.stages.flatMap((stage) =>
    stage.steps
      .map((one) => ({ line: one.line, text: step(stage, one) }))
      .filter(({ text }) => text !== 'setting')
      .map(({ line, text }) => `${line} ${text}`),
  );
}
