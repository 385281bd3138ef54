import { type Base, baseOf } from './base';
import { copySteps, imageSource, type Surroundings } from './copy-step';
import { expanded, flagsOf } from './flags';
import { DockerfileError, type Instruction, parseDockerfile } from './parse';
import {
  type BuildOptions,
  DEFAULT_PATH,
  type Note,
  type Place,
  type Plan,
  Scope,
  type SettingStep,
  type Source,
  type StagePlan,
  type Step,
} from './plan';
import { Refused, RULES } from './rules';
import { runStep } from './run-step';
import { readArguments, settingSteps } from './setting-step';

/** `x64` of Node is `amd64` of the images. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm: 'arm/v7', ia32: '386' };
const HERE = `linux/${ARCHITECTURES[process.arch] ?? process.arch}`;

/** Reads a Dockerfile into what is to be done for its target. Never throws: what is wrong is refused. */
export function readDockerfile(text: string, options: BuildOptions = {}): Plan {
  return new Reader(options).read(text);
}

interface StageLines {
  readonly index: number;
  readonly from: Instruction;
  readonly name?: string;
  readonly lines: Instruction[];
}

class Reader {
  private readonly announced: Note[] = [];
  private readonly refused: Note[] = [];
  private readonly globals: SettingStep[] = [];
  /** ARG before the first FROM, and the predefined ones. */
  private readonly global = new Map<string, string>();
  private readonly stages: StageLines[] = [];
  private readonly planned = new Map<number, { plan: StagePlan; scope: Scope }>();
  private readonly buildArgs: Readonly<Record<string, string>>;
  private escapeToken = '\\';

  constructor(private readonly options: BuildOptions) {
    this.buildArgs = options.buildArgs ?? {};
  }

  read(text: string): Plan {
    try {
      const { instructions, escapeToken } = parseDockerfile(text);
      this.escapeToken = escapeToken;
      this.predefine();
      this.split(instructions);
    } catch (error) {
      this.refuse(error, { line: 1, text: '' });
    }
    const target = this.refused.length > 0 ? undefined : this.target();
    if (target !== undefined) {
      this.stage(target);
      for (const { from, name, index } of this.stages) {
        if (!this.planned.has(index)) {
          const why = `${RULES.otherStage.what}: stage ${name ?? index}, with all of its lines`;
          this.announced.push({ line: from.line, text: from.text, why });
        }
      }
    }
    const stages = [...this.planned.values()].map(({ plan }) => plan).sort((a, b) => a.index - b.index);
    const ofTarget = stages.find(({ index }) => index === target);
    const { globals } = this;
    return { stages, target: ofTarget, globals, announced: byLine(this.announced), refused: byLine(this.refused) };
  }

  private predefine(): void {
    const platform = this.options.platform ?? HERE;
    for (const [prefix, written] of [
      ['BUILD', HERE],
      ['TARGET', platform],
    ]) {
      const [os, architecture, variant = ''] = written.split('/');
      this.global.set(`${prefix}PLATFORM`, written);
      this.global.set(`${prefix}OS`, os);
      this.global.set(`${prefix}ARCH`, architecture);
      this.global.set(`${prefix}VARIANT`, variant);
    }
    this.global.set('TARGETSTAGE', this.options.target ?? 'default');
    for (const [name, value] of Object.entries(this.buildArgs)) {
      if (this.global.has(name)) {
        this.global.set(name, value);
      }
    }
  }

  private split(instructions: Instruction[]): void {
    for (const instruction of instructions) {
      const { name, line, text, rest } = instruction;
      const current = this.stages[this.stages.length - 1];
      if (name === 'FROM') {
        const words = rest.split(/\s+/);
        if (words[0] === '' || (words.length !== 1 && (words.length !== 3 || !/^as$/i.test(words[1])))) {
          throw new DockerfileError(line, text, 'FROM takes an image, and AS with a name');
        }
        if (words[2] !== undefined && !/^[a-z][a-z0-9-_.]*$/.test(words[2].toLowerCase())) {
          throw new DockerfileError(line, text, `${words[2]} is no name for a stage`);
        }
        const stage = words[2]?.toLowerCase();
        this.stages.push({ index: this.stages.length, from: instruction, name: stage, lines: [] });
      } else if (current !== undefined) {
        current.lines.push(instruction);
      } else if (name === 'ARG') {
        const { escapeToken, buildArgs, global: globals } = this;
        readArguments(instruction, globals, { escapeToken, buildArgs, globals });
        this.globals.push({ kind: 'setting', line, text });
      } else {
        throw new DockerfileError(line, text, 'only ARG may stand before the first FROM');
      }
    }
    if (this.stages.length === 0) {
      throw new DockerfileError(instructions[0].line, instructions[0].text, 'the file has no FROM');
    }
  }

  /** Number of the stage that is asked for; the last by default. */
  private target(): number | undefined {
    const { target } = this.options;
    const last = this.stages[this.stages.length - 1];
    if (target === undefined || target === '') {
      return last.index;
    }
    const found = this.stageNamed(target, this.stages.length);
    if (found === undefined) {
      const names = this.stages.map(({ name, index }) => name ?? index).join(', ');
      this.refused.push({
        line: last.from.line,
        text: last.from.text,
        why: `no stage is named ${target}, only: ${names}`,
      });
    }
    return found;
  }

  private stageNamed(name: string, before: number): number | undefined {
    const earlier = this.stages.slice(0, before);
    const named = earlier.filter((stage) => stage.name === name.toLowerCase()).pop();
    return named?.index ?? (/^\d+$/.test(name) && Number(name) < before ? Number(name) : undefined);
  }

  private stage(index: number): Scope {
    const done = this.planned.get(index);
    if (done !== undefined) {
      return done.scope;
    }
    const { from, name, lines } = this.stages[index];
    const { origin, scope } = this.origin(index);
    const steps: Step[] = [{ kind: 'from', line: from.line, text: from.text }];
    // Noted before its lines are read: a stage that is refused is read once.
    const plan: StagePlan = { index, name, from: origin, steps, defaults: scope.defaults };
    this.planned.set(index, { plan, scope });
    for (const instruction of lines) {
      try {
        steps.push(...this.steps(instruction, scope, index));
      } catch (error) {
        this.refuse(error, instruction);
      }
    }
    this.planned.set(index, { plan: { ...plan, defaults: scope.defaults }, scope });
    return scope;
  }

  private origin(index: number): { origin: StagePlan['from']; scope: Scope } {
    const { from } = this.stages[index];
    const nothing = { origin: { base: { image: 'scratch', kind: 'scratch' } as Base }, scope: new Scope() };
    try {
      const variables = (name: string) => this.global.get(name);
      const platform = flagsOf(from, variables, this.escapeToken)('platform');
      if (platform !== undefined) {
        this.announced.push({ ...placeOf(from), why: `--platform=${platform[0]}: ${RULES.platform.what}` });
      }
      const image = expanded(from.rest.split(/\s+/)[0], variables, this.escapeToken);
      if (image === '') {
        throw new Refused('the name of the image is empty: its ARG has no value');
      }
      const stage = this.stages
        .slice(0, index)
        .filter(({ name }) => name === image.toLowerCase())
        .pop();
      return stage === undefined ? this.fromImage(image, from) : this.fromStage(stage.index);
    } catch (error) {
      this.refuse(error, from);
      nothing.scope.env('PATH', DEFAULT_PATH);
      return nothing;
    }
  }

  private fromStage(stage: number): { origin: StagePlan['from']; scope: Scope } {
    const parent = this.stage(stage);
    if (parent.onbuild) {
      throw new Refused(RULES.inheritedOnbuild.what);
    }
    return { origin: { stage }, scope: parent.child() };
  }

  private fromImage(image: string, place: Place): { origin: StagePlan['from']; scope: Scope } {
    let base = baseOf(image);
    if (base.kind === 'unknown') {
      if (this.options.python === undefined) {
        throw new Refused(`${RULES.unknownBase.what}: ${image}`);
      }
      base = { image, kind: 'python', python: this.options.python };
      this.announced.push({ ...placeOf(place), why: `${image} is taken for an image with Python ${base.python}` });
    }
    if (base.isAssumed) {
      this.announced.push({ ...placeOf(place), why: `${image} is ${RULES.assumedBase.what}` });
    }
    const scope = new Scope();
    if (base.kind !== 'scratch' && base.kind !== 'uv') {
      scope.env('PATH', DEFAULT_PATH);
    }
    if (base.entryPoint !== undefined) {
      scope.entryPoint = [...base.entryPoint];
    } else if (base.kind === 'python') {
      scope.command = ['python3'];
    }
    return { origin: { base }, scope };
  }

  private steps(instruction: Instruction, scope: Scope, stage: number): Step[] {
    const place = placeOf(instruction);
    const around: Surroundings = {
      scope,
      escapeToken: this.escapeToken,
      source: (name) => this.source(name, stage),
      announce: (why) => this.announced.push({ ...place, why }),
      buildArgs: this.buildArgs,
      globals: this.global,
    };
    if (instruction.flags.length > 0 && !/^(?:COPY|ADD|RUN|HEALTHCHECK)$/.test(instruction.name)) {
      throw new Refused(`${instruction.name} has no flag ${instruction.flags[0].replace(/=.*/s, '')}`);
    }
    switch (instruction.name) {
      case 'COPY':
      case 'ADD':
        return copySteps(instruction, around);
      case 'RUN':
        return [runStep(instruction, around)];
      default:
        return settingSteps(instruction, around);
    }
  }

  private source(name: string, stage: number): Source {
    if (name.includes('$')) {
      throw new Refused(`--from=${name} may hold no variable: give the image to a stage of its own`);
    }
    const folder = this.options.contexts?.[name];
    if (folder !== undefined) {
      return { kind: 'folder', folder };
    }
    const found = this.stageNamed(name, stage);
    if (found !== undefined) {
      this.stage(found);
      return { kind: 'stage', stage: found };
    }
    if (/^\d+$/.test(name)) {
      throw new Refused(`--from=${name}: only earlier stages have a number, and there are ${stage}`);
    }
    return imageSource(name);
  }

  private refuse(error: unknown, place: Place): void {
    if (error instanceof DockerfileError) {
      const { line, text, why } = error;
      this.refused.push({ line, text, why: `${RULES.invalid.what}: ${why}` });
    } else if (error instanceof Refused) {
      this.refused.push({ ...placeOf(place), why: error.message });
    } else {
      throw error;
    }
  }
}

function placeOf({ line, text }: Place): Place {
  return { line, text };
}

function byLine(notes: Note[]): Note[] {
  return [...notes].sort((a, b) => a.line - b.line);
}
