import { constants } from 'node:os';
import { type Base, baseOf } from './base';
import { copySteps, imageSource, resolved, type Surroundings } from './copy-step';
import { expanded, flagsOf } from './flags';
import { assignments, DockerfileError, type Instruction, parseDockerfile, quotedWords } from './parse';
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

/** `x64` of Node is `amd64` of the images. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm: 'arm/v7', ia32: '386' };
const HERE = `linux/${ARCHITECTURES[process.arch] ?? process.arch}`;
/** Build arguments that a step has without an ARG. */
const PROXIES = new Set(['HTTP_PROXY', 'HTTPS_PROXY', 'FTP_PROXY', 'NO_PROXY', 'ALL_PROXY']);
/** Instructions that ONBUILD may not hold. */
const NOT_ON_BUILD = /^(?:ONBUILD|FROM|MAINTAINER)$/;

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
  private escapeToken = '\\';

  constructor(private readonly options: BuildOptions) {}

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
    for (const [name, value] of Object.entries(this.options.buildArgs ?? {})) {
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
        this.arguments(instruction, this.global, (variable) => this.global.get(variable));
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
    const scope = new Scope();
    if (base.kind !== 'scratch' && base.kind !== 'uv') {
      scope.env('PATH', DEFAULT_PATH);
    }
    if (base.kind === 'python') {
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
      proxies: Object.fromEntries(
        Object.entries(this.options.buildArgs ?? {}).filter(([name]) => PROXIES.has(name.toUpperCase())),
      ),
    };
    if (instruction.flags.length > 0 && !/^(?:COPY|ADD|RUN|HEALTHCHECK)$/.test(instruction.name)) {
      throw new Refused(`${instruction.name} has no flag ${instruction.flags[0].replace(/=.*/s, '')}`);
    }
    const setting: Step = { kind: 'setting', ...place };
    const word = () => expanded(this.required(instruction), scope.variables, this.escapeToken);
    switch (instruction.name) {
      case 'COPY':
      case 'ADD':
        return copySteps(instruction, around);
      case 'RUN':
        return [runStep(instruction, around)];
      case 'WORKDIR':
        scope.workingDirectory = resolved(scope.workingDirectory, word()).replace(/(?<=.)\/$/, '');
        return [{ ...place, kind: 'folder', path: scope.workingDirectory }];
      case 'ENV':
        this.environment(instruction, scope);
        return [setting];
      case 'ARG':
        this.arguments(instruction, scope.all, scope.variables);
        return [setting];
      case 'SHELL':
        scope.shell = shellOf(instruction);
        return [setting];
      case 'CMD':
        scope.command = this.words(instruction, scope);
        scope.commandSet = true;
        return [setting];
      case 'ENTRYPOINT':
        scope.entryPoint = this.words(instruction, scope);
        // The command of the base belongs to the base's entry point.
        scope.command = scope.commandSet ? scope.command : [];
        return [setting];
      case 'STOPSIGNAL':
        scope.stopSignal = signalOf(word());
        return [setting];
      default:
        return this.withoutEffect(instruction, scope, around);
    }
  }

  private withoutEffect(instruction: Instruction, scope: Scope, around: Surroundings): Step[] {
    const { name, rest, json } = instruction;
    this.required(instruction);
    switch (name) {
      case 'USER':
        scope.user = expanded(rest, scope.variables, this.escapeToken);
        break;
      case 'LABEL':
        assignments(rest, this.escapeToken, instruction);
        break;
      case 'HEALTHCHECK':
        flagsOf(instruction, scope.variables, this.escapeToken);
        if (!/^none$/i.test(rest) && !/^cmd\s+\S/i.test(rest)) {
          throw new Refused('HEALTHCHECK takes NONE, or CMD with a command');
        }
        break;
      case 'ONBUILD':
        if (NOT_ON_BUILD.test(rest.split(/\s+/)[0].toUpperCase())) {
          throw new Refused(`ONBUILD may not hold ${rest.split(/\s+/)[0]}`);
        }
        scope.onbuild = true;
        break;
      case 'VOLUME':
        if (json?.some((volume) => volume === '')) {
          throw new Refused('VOLUME may not be empty');
        }
        break;
      case 'EXPOSE':
      case 'MAINTAINER':
        break;
      default:
        throw new Refused(`no instruction is named ${name}`);
    }
    around.announce(name === 'MAINTAINER' ? RULES.LABEL.what : RULES[name as 'USER'].what);
    return [];
  }

  private required({ name, rest }: Instruction): string {
    if (rest === '') {
      throw new Refused(`${name} needs a value`);
    }
    return rest;
  }

  private environment(instruction: Instruction, scope: Scope): void {
    // All values are read before one of them is set.
    const values = assignments(instruction.rest, this.escapeToken, instruction).map(([name, value]) => [
      expanded(name, scope.variables, this.escapeToken),
      expanded(value, scope.variables, this.escapeToken),
    ]);
    for (const [name, value] of values) {
      if (name === '') {
        throw new Refused('ENV has a variable without a name');
      }
      scope.env(name, value);
    }
  }

  private arguments(instruction: Instruction, into: Map<string, string>, variables: Scope['variables']): void {
    const words = quotedWords(this.required(instruction), this.escapeToken);
    for (const word of words) {
      const [name, ...rest] = word.split('=');
      if (name === '') {
        throw new Refused('ARG has a variable without a name');
      }
      const given = this.options.buildArgs?.[name];
      const value = rest.length === 0 ? undefined : expanded(rest.join('='), variables, this.escapeToken);
      const found = given ?? value ?? (into === this.global ? undefined : this.global.get(name));
      if (found !== undefined) {
        into.set(name, found);
      }
    }
  }

  private words({ json, rest, name }: Instruction, scope: Scope): string[] {
    if (json !== undefined) {
      return json;
    }
    if (rest === '') {
      return [];
    }
    if (rest.startsWith('[') && !/^\[\s/.test(rest)) {
      throw new Refused(`${name} looks like a list in JSON, and is none: it would be run by ${scope.shell[0]}`);
    }
    return [...scope.shell, rest];
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

function shellOf({ json }: Instruction): string[] {
  if (json === undefined || json.length === 0) {
    throw new Refused('SHELL takes a list in JSON');
  }
  if (/powershell|pwsh|cmd(?:\.exe)?$/i.test(json[0])) {
    throw new Refused(`${json[0]}: ${RULES.foreignShell.what}`);
  }
  return json;
}

/** `SIGINT`, `int` or `2`. */
function signalOf(word: string): NodeJS.Signals {
  const signals = Object.entries(constants.signals) as [NodeJS.Signals, number][];
  const upper = word.toUpperCase();
  const found = signals.find(([name, number]) => name === upper || name === `SIG${upper}` || String(number) === word);
  if (found === undefined) {
    throw new Refused(`${word} is no signal of this machine`);
  }
  return found[0];
}

function placeOf({ line, text }: Place): Place {
  return { line, text };
}

function byLine(notes: Note[]): Note[] {
  return [...notes].sort((a, b) => a.line - b.line);
}
