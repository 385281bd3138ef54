import { parseDockerfile } from '../dockerfile/parse';
import type { ImageDefaults } from '../dockerfile/plan';

/** One instruction of a Dockerfile: flags such as `--from` apart, and one blank between words. */
export interface Instruction {
  readonly name: string;
  readonly flags: Readonly<Record<string, string>>;
  readonly rest: string;
  readonly stage: number;
}

/** The instructions of a Dockerfile in order, with the number of their stage. */
export function instructionsOf(text: string): Instruction[] {
  let stage = -1;
  return parseDockerfile(text).instructions.map(({ name, flags, rest }) => {
    stage += name === 'FROM' ? 1 : 0;
    const pairs = flags.map((flag) => /^--([^=]*)=?([\s\S]*)$/.exec(flag)?.slice(1) ?? []);
    return { name, flags: Object.fromEntries(pairs), rest: rest.split(/\s+/).join(' '), stage };
  });
}

/** What the final stage, and the stages it builds upon, set for the container. */
export function imageDefaults(instructions: Instruction[]): ImageDefaults {
  let workingDirectory = '/';
  let entryPoint: string[] = [];
  let command: string[] = [];
  let stopSignal: NodeJS.Signals = 'SIGTERM';
  const environment: Record<string, string> = {};
  for (const { name, rest } of ofFinalStage(instructions)) {
    if (name === 'WORKDIR') {
      workingDirectory = rest.startsWith('/') ? rest : `${workingDirectory.replace(/\/$/, '')}/${rest}`;
    } else if (name === 'ENV') {
      Object.assign(environment, variables(rest));
    } else if (name === 'ENTRYPOINT') {
      entryPoint = words(rest);
      command = [];
    } else if (name === 'CMD') {
      command = words(rest);
    } else if (name === 'STOPSIGNAL') {
      stopSignal = rest as NodeJS.Signals;
    }
  }
  return { workingDirectory, environment, entryPoint, command, stopSignal };
}

/** Working directory in force at an instruction, within its own stage. */
export function workingDirectoryAt(instructions: Instruction[], index: number): string {
  const { stage } = instructions[index];
  return imageDefaults(instructions.slice(0, index + 1).filter((one) => one.stage <= stage)).workingDirectory;
}

/**
 * Arguments of each `pip install` in a RUN instruction.
 *
 * Flags about where and how to install are left out.
 */
export function pipArguments(command: string): string[][] {
  return command
    .split(/&&|;/)
    .map((part) => part.trim().split(/\s+/))
    .flatMap((tokens) => {
      const install = tokens.indexOf('install');
      if (install < 1 || !tokens.slice(0, install).some((token) => /(^|\/)(pip3?|uv)$/.test(token))) {
        return [];
      }
      const kept: string[] = [];
      for (let index = install + 1; index < tokens.length; index++) {
        const token = tokens[index].replace(/^["']|["']$/g, '');
        if (token === '-r' || token === '--requirement') {
          kept.push('-r', tokens[++index]);
        } else if (token.startsWith('--requirement=')) {
          kept.push('-r', token.slice('--requirement='.length));
        } else if (/^--(prefix|target|root|python|cache-dir|find-links|index-url)$/.test(token)) {
          index++;
        } else if (!token.startsWith('-')) {
          kept.push(token);
        }
      }
      return kept.length > 0 ? [kept] : [];
    });
}

/** Exec form (a JSON list) as it is; shell form through `sh -c`. */
function words(text: string): string[] {
  return text.startsWith('[') ? JSON.parse(text) : ['/bin/sh', '-c', text];
}

function variables(text: string): Record<string, string> {
  const found = [...text.matchAll(/([A-Za-z_]\w*)=("(?:[^"\\]|\\.)*"|'[^']*'|\S*)/g)];
  if (found.length === 0) {
    const [name, ...value] = text.split(/\s+/);
    return { [name]: value.join(' ') };
  }
  return Object.fromEntries(found.map(([, name, value]) => [name, value.replace(/^(["'])(.*)\1$/s, '$2')]));
}

/** FROM may name an earlier stage, whose settings then go on. */
export function ofFinalStage(instructions: Instruction[]): Instruction[] {
  const names = new Map<string, number>();
  const parents: (number | undefined)[] = [];
  for (const { name, rest, stage } of instructions) {
    if (name === 'FROM') {
      const [base, , alias] = rest.split(/\s+/);
      parents[stage] = names.get(base);
      names.set(alias ?? String(stage), stage);
    }
  }
  const chain: number[] = [];
  for (let stage: number | undefined = parents.length - 1; stage !== undefined && stage >= 0; stage = parents[stage]) {
    chain.unshift(stage);
  }
  return chain.flatMap((stage) => instructions.filter((one) => one.stage === stage));
}
