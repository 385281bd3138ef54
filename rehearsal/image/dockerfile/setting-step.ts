import { constants } from 'node:os';
import { resolved, type Surroundings } from './copy-step';
import { expanded, flagsOf } from './flags';
import { assignments, type Instruction, quotedWords } from './parse';
import type { Scope, Step } from './plan';
import { Refused, RULES } from './rules';

/** Instructions that ONBUILD may not hold. */
const NOT_ON_BUILD = /^(?:ONBUILD|FROM|MAINTAINER)$/;

/** Steps of an instruction that sets what later ones and a container start with, or that has no effect. */
export function settingSteps(instruction: Instruction, around: Surroundings): Step[] {
  const { scope, escapeToken } = around;
  const { line, text } = instruction;
  const setting: Step = { kind: 'setting', line, text };
  const word = () => expanded(required(instruction), scope.variables, escapeToken);
  switch (instruction.name) {
    case 'WORKDIR':
      scope.workingDirectory = resolved(scope.workingDirectory, word()).replace(/(?<=.)\/$/, '');
      return [{ line, text, kind: 'folder', path: scope.workingDirectory }];
    case 'ENV':
      setEnvironment(instruction, around);
      return [setting];
    case 'ARG':
      readArguments(instruction, scope.all, around);
      return [setting];
    case 'SHELL':
      scope.shell = shellOf(instruction);
      return [setting];
    case 'CMD':
      scope.command = wordsOf(instruction, scope);
      scope.commandSet = true;
      return [setting];
    case 'ENTRYPOINT':
      scope.entryPoint = wordsOf(instruction, scope);
      // The command of the base belongs to the base's entry point.
      scope.command = scope.commandSet ? scope.command : [];
      return [setting];
    case 'STOPSIGNAL':
      scope.stopSignal = signalOf(word());
      return [setting];
    default:
      return withoutEffect(instruction, around);
  }
}

/** Variables of ARG: the build argument, the default, or the value from before the first FROM. */
export function readArguments(
  instruction: Instruction,
  into: Map<string, string>,
  { escapeToken, buildArgs, globals }: Pick<Surroundings, 'escapeToken' | 'buildArgs' | 'globals'>,
): void {
  for (const word of quotedWords(required(instruction), escapeToken)) {
    const [name, ...rest] = word.split('=');
    if (name === '') {
      throw new Refused('ARG has a variable without a name');
    }
    const value = rest.length === 0 ? undefined : expanded(rest.join('='), (one) => into.get(one), escapeToken);
    const found = buildArgs[name] ?? value ?? globals.get(name);
    if (found !== undefined) {
      into.set(name, found);
    }
  }
}

function setEnvironment(instruction: Instruction, { scope, escapeToken }: Surroundings): void {
  // All values are read before one of them is set.
  const values = assignments(instruction.rest, escapeToken, instruction).map(([name, value]) => [
    expanded(name, scope.variables, escapeToken),
    expanded(value, scope.variables, escapeToken),
  ]);
  for (const [name, value] of values) {
    if (name === '') {
      throw new Refused('ENV has a variable without a name');
    }
    scope.env(name, value);
  }
}

function wordsOf({ json, rest, name }: Instruction, scope: Scope): string[] {
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

/** What concerns no process: it is announced. */
function withoutEffect(instruction: Instruction, around: Surroundings): Step[] {
  const { name, rest, json } = instruction;
  const { scope, escapeToken } = around;
  required(instruction);
  switch (name) {
    case 'USER':
      scope.user = expanded(rest, scope.variables, escapeToken);
      break;
    case 'LABEL':
      assignments(rest, escapeToken, instruction);
      break;
    case 'HEALTHCHECK':
      flagsOf(instruction, scope.variables, escapeToken);
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

function required({ name, rest }: Instruction): string {
  if (rest === '') {
    throw new Refused(`${name} needs a value`);
  }
  return rest;
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
