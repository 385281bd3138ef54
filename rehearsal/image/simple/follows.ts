import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import type { ImageAsset } from '../../template/assembly';
import { baseOf } from '../dockerfile/base';
import { RDS } from '../dockerfile/copy-step';
import { DockerfileError } from '../dockerfile/parse';
import { ignoreOf } from '../ignored-files';
import type { ImageOverrides } from '../image';
import { shortened } from '../shortened';
import { type Instruction, instructionsOf, ofFinalStage, workingDirectoryAt } from './dockerfile';

/**
 * Why the simple way does not follow this Dockerfile: the first line that it does not, or what was given
 * beside. Undefined when it follows all of it.
 */
export function whyNotSimple(text: string, asset: ImageAsset, overrides: ImageOverrides): string | undefined {
  const { target, buildArgs = {}, contexts = {} } = asset;
  if (Object.values(overrides).some((value) => value !== undefined)) {
    return 'an option says what the image is';
  }
  if (target !== undefined || Object.keys({ ...buildArgs, ...contexts }).length > 0) {
    return 'the asset has a target, build arguments or contexts';
  }
  if (ignoreOf(asset.directory, asset.dockerFile)?.exceptions) {
    return '.dockerignore has exceptions';
  }
  if (/^\s*#\s*escape\s*=/im.test(text) || REPEATED_BLANKS.test(text.replace(/\\\n\s*/g, ''))) {
    return 'an escape character of its own, or blanks that count';
  }
  try {
    return new Simple(text, asset.directory).why();
  } catch (error) {
    if (error instanceof DockerfileError) {
      return error.message;
    }
    throw error;
  }
}

/** In quotes; the simple reader makes one of them. */
const REPEATED_BLANKS = /^\s*(?!RUN\b|#)\w+.*(["'])[^"'\n]*[ \t]{2,}[^"'\n]*\1/im;
const PLAIN = String.raw`[^\s"'$\x60\\;|&<>()*?#/][^\s"'$\x60\\;|&<>()*?#]*`;
/** A variable for one program; its value is plain, or what a program writes. */
const VARIABLE = String.raw`[A-Z_]\w*=(?:${PLAIN}|"\$\([^"\x60\\|&<>/]*\)")\s+`;
const FOLDER = '/[\\w./-]+';

/** Parts of a step, between `&&`. */
const PARTS = [
  `python3? -m venv (?<venv>${FOLDER})`,
  `(?:PYTHONPATH=${FOLDER} )?(?:${FOLDER}/)?(?:python3? -m )?pip3? install (?<requirements>.+)`,
  `(?:${VARIABLE})*python3? (?:\\./)?manage\\.py collectstatic(?: --?[\\w=-]+)*`,
  `(?:${FOLDER}/)?python3? -m compileall(?: [\\w./-]+)+`,
  '(?:groupadd|useradd|addgroup|adduser)(?: [\\w./:-]+)+',
].map((form) => new RegExp(`^${form}$`));
/** An argument of `pip install`: what the simple way installs, and flags that change nothing of it. */
const REQUIREMENT =
  /^(-r|--requirement|--target|--require-hashes|--no-deps|--no-build-isolation|--no-cache-dir|--no-compile|--upgrade|-U|--quiet|-q|--disable-pip-version-check|--root-user-action=ignore|[\w./][\w./-]*(\[[\w,-]+\])?(==[\w.]+)?)$/;

const SETTING = /^([A-Za-z_]\w*)=("[^"\\$]*"|'[^'\\$]*'|[^\s"'\\$]+)$/;
/** Variables of a build that change nothing of what it makes. */
const OF_THE_BUILD =
  /^(PATH|VIRTUAL_ENV|PYTHON(DONTWRITEBYTECODE|UNBUFFERED)|PIP_(NO_CACHE_DIR|DISABLE_PIP_VERSION_CHECK))$/;
/** Variables with a place that steps of a build see as it is; PATH is the one of the virtual environment. */
const PLACES = /^(PATH|VIRTUAL_ENV|HOME)$/;

class Simple {
  private readonly instructions: Instruction[];
  private readonly final: Instruction[];
  private readonly stages = new Set<string>();
  private readonly environments = new Set<string>();

  constructor(
    text: string,
    private readonly context: string,
  ) {
    this.instructions = instructionsOf(text);
    this.final = ofFinalStage(this.instructions);
    for (const { name, rest } of this.instructions) {
      for (const part of name === 'RUN' ? partsOf(rest) : []) {
        const folder = PARTS[0].exec(part)?.groups?.venv;
        this.environments.add(folder ?? '');
      }
    }
    this.environments.delete('');
  }

  why(): string | undefined {
    const line = this.instructions.findIndex((instruction, index) => !this.follows(instruction, index));
    if (line >= 0) {
      const { name, rest } = this.instructions[line];
      return shortened(`${name} ${rest}`);
    }
    if (!this.instructions.some(({ name, rest }) => name === 'RUN' && /\bpip3? install /.test(rest))) {
      return 'no step installs with pip';
    }
    return this.whyNotTogether();
  }

  private whyNotTogether(): string | undefined {
    const [environment] = this.environments;
    const names = this.final.map(({ name }) => name);
    const has = (kind: RegExp, text: string) =>
      this.final.some(({ name, rest }) => kind.test(name) && rest.includes(text));
    if (this.environments.size > 1) {
      return 'several virtual environments';
    }
    if (
      names.includes('ENTRYPOINT') &&
      names.lastIndexOf('ENTRYPOINT') > names.indexOf('CMD') &&
      names.includes('CMD')
    ) {
      return 'CMD before ENTRYPOINT';
    }
    if (environment === undefined) {
      return undefined;
    }
    // Its programs are found by PATH alone: on this machine it lies elsewhere.
    const isByPath = has(/^ENV$/, `${environment}/bin:$PATH`) && !has(/^(CMD|ENTRYPOINT|WORKDIR)$/, environment);
    return isByPath ? undefined : `programs of ${environment} that PATH does not find`;
  }

  private follows(instruction: Instruction, index: number): boolean {
    const { name, flags, rest, stage } = instruction;
    if (stage < 0 || /<<|\\/.test(rest) || (Object.keys(flags).length > 0 && !/^(COPY|ADD)$/.test(name))) {
      return false;
    }
    switch (name) {
      case 'FROM':
        return this.followsBase(rest);
      case 'RUN':
        return partsOf(rest).every((part) => this.followsPart(part, index));
      case 'COPY':
      case 'ADD':
        return this.followsCopy(instruction, index);
      case 'ENV':
        return this.followsSettings(rest, stage);
      case 'WORKDIR':
        return /^[\w./-]+$/.test(rest);
      case 'CMD':
      case 'ENTRYPOINT':
        return isListOrShell(rest);
      case 'STOPSIGNAL':
        return /^SIG[A-Z]+$/.test(rest);
      default:
        return /^(USER|EXPOSE|LABEL|MAINTAINER)$/.test(name) && !rest.includes('$');
    }
  }

  private followsBase(rest: string): boolean {
    const [, base, alias] = /^([\w./:@-]+)(?: as ([a-z][\w.-]*))?$/i.exec(rest) ?? [];
    const isStage = base !== undefined && this.stages.has(base);
    if (alias !== undefined) {
      this.stages.add(alias);
    }
    if (base === undefined || isStage) {
      return isStage;
    }
    const { kind, uv, entryPoint } = baseOf(base);
    return kind === 'python' && uv === undefined && entryPoint === undefined;
  }

  private followsPart(part: string, index: number): boolean {
    const { stage } = this.instructions[index];
    const found = PARTS.map((form) => form.exec(part)).find((match) => match !== null);
    const requirements = found?.groups?.requirements?.split(' ');
    if (requirements !== undefined) {
      return requirements.every((word) => REQUIREMENT.test(word)) && this.reachesTheFinalStage(stage);
    }
    const isMade = !part.includes('collectstatic') || this.isFinal(stage);
    return found !== undefined && (isMade || this.isCopied(workingDirectoryAt(this.instructions, index)));
  }

  /** Whether what a stage installs is in the image: the simple way has one environment for all stages. */
  private reachesTheFinalStage(stage: number): boolean {
    const [environment] = this.environments;
    if (this.isFinal(stage)) {
      return true;
    }
    return environment !== undefined && this.isCopied(environment);
  }

  private isFinal(stage: number): boolean {
    return this.final.some((one) => one.stage === stage);
  }

  /** Whether the final stage has a folder of an earlier one, at the same place. */
  private isCopied(folder: string): boolean {
    return this.final.some(({ name, flags, rest }) => {
      const [source, target] = rest.split(' ').map((one) => path.posix.join(one, '/'));
      return name === 'COPY' && flags.from !== undefined && source === target && `${folder}/`.startsWith(source);
    });
  }

  private followsCopy({ name, flags, rest, stage }: Instruction, index: number): boolean {
    const words = rest.split(' ');
    const target = words.pop() as string;
    if (/^https:/.test(rest)) {
      return name === 'ADD' && words.length === 1 && RDS.test(rest);
    }
    if (Object.keys(flags).some((flag) => flag !== 'from' && flag !== 'chown') || !/^[\w./ @+-]+$/.test(rest)) {
      return false;
    }
    if (flags.from !== undefined) {
      // One folder stands for all stages, so a copy is followed that leaves everything where it is.
      const [source] = words;
      const isSame = path.posix.join(source, '/') === path.posix.join(target, '/');
      return words.length === 1 && source.startsWith('/') && isSame && this.stages.has(flags.from);
    }
    const directory = path.posix.resolve(workingDirectoryAt(this.instructions, index), target);
    const intoFolder = /(^|\/)\.?$/.test(target) || words.length > 1;
    return (
      words.length > 0 &&
      words.every((source) => this.isCopyable(source, { isArchived: name === 'ADD', intoFolder, target })) &&
      (this.isFinal(stage) || this.isCopied(directory))
    );
  }

  private isCopyable(source: string, to: { isArchived: boolean; intoFolder: boolean; target: string }): boolean {
    const from = path.join(this.context, source);
    if (!existsSync(from) || path.posix.normalize(source).startsWith('..')) {
      return false;
    }
    // A file's target without a slash may be a folder that is there.
    const isClear = statSync(from).isDirectory() || to.intoFolder || path.posix.extname(to.target) !== '';
    return isClear && !(to.isArchived && /\.(tar|t?gz|bz2|t?xz|zst)$/.test(source));
  }

  private followsSettings(rest: string, stage: number): boolean {
    return rest.split(' ').every((word) => {
      const [environment] = this.environments;
      if (
        environment !== undefined &&
        [`PATH=${environment}/bin:$PATH`, `PATH="${environment}/bin:$PATH"`].includes(word)
      ) {
        return true;
      }
      const [, name, value] = SETTING.exec(word) ?? [];
      if (name === undefined || name === 'PATH' || (name.startsWith('PIP_') && !OF_THE_BUILD.test(name))) {
        return false;
      }
      const isPlace = /^["']?\//.test(value) && !PLACES.test(name);
      return !isPlace && (this.isFinal(stage) || OF_THE_BUILD.test(name));
    });
  }
}

function partsOf(rest: string): string[] {
  return rest.split('&&').map((part) => part.trim().replace(/\s+/g, ' '));
}

/** A list of texts in JSON, or the shell form. */
function isListOrShell(rest: string): boolean {
  if (!rest.startsWith('[')) {
    return true;
  }
  try {
    const list: unknown = JSON.parse(rest);
    return Array.isArray(list) && list.every((word) => typeof word === 'string');
  } catch {
    return false;
  }
}
