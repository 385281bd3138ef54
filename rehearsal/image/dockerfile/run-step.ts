import path from 'node:path';
import { resolved, type Surroundings } from './copy-step';
import { expanded, flagsOf } from './flags';
import type { Instruction } from './parse';
import type { RunMount, RunStep } from './plan';
import { Refused, RULES, standInsOf } from './rules';

/** Build arguments that a step has without an ARG. */
const PROXIES = new Set(['HTTP_PROXY', 'HTTPS_PROXY', 'FTP_PROXY', 'NO_PROXY', 'ALL_PROXY']);

/** The step of one RUN. */
export function runStep(instruction: Instruction, around: Surroundings): RunStep {
  const { scope, escapeToken } = around;
  const { line, text, json, rest, heredocs } = instruction;
  const flags = flagsOf(instruction, scope.variables, escapeToken);
  if (flags('device') !== undefined || flags('security')?.[0] === 'insecure') {
    throw new Refused(RULES.security.what);
  }
  if (flags('network') !== undefined && flags('network')?.[0] !== 'default') {
    around.announce(`--network=${flags('network')?.[0]}: ${RULES.network.what}`);
  }
  if (rest === '') {
    throw new Refused('RUN needs a command');
  }
  const mounts = (flags('mount') ?? []).flatMap((mount) => mountOf(mount, around));
  const script = scriptOf(instruction);
  const shell = json ?? [
    ...scope.shell,
    [rest, ...heredocs.map(({ name, content }) => `${content}${name}`)].join('\n'),
  ];
  const lines = script ?? (json === undefined ? bodyOf(instruction) : json.join(' '));
  for (const { programs, why } of standInsOf(commandsOf(lines))) {
    around.announce(`${programs.join(', ')}: ${why}`);
  }
  const plain = json === undefined && script === undefined && isDocument(rest);
  return {
    ...{ kind: 'run', line, text, script, mounts },
    command: plain ? [...scope.shell, heredocs[0].content] : shell,
    workingDirectory: scope.workingDirectory,
    environment: { ...proxiesOf(around), ...Object.fromEntries(scope.all) },
  };
}

function proxiesOf({ buildArgs }: Surroundings): Record<string, string> {
  return Object.fromEntries(Object.entries(buildArgs).filter(([name]) => PROXIES.has(name.toUpperCase())));
}

/** `RUN <<EOF` whose first line names an interpreter. */
function scriptOf({ json, rest, heredocs }: Instruction): string | undefined {
  const content = heredocs[0]?.content;
  return json === undefined && isDocument(rest) && content?.startsWith('#!') ? content : undefined;
}

function bodyOf({ rest, heredocs }: Instruction): string {
  return isDocument(rest) ? heredocs[0].content : rest;
}

function isDocument(rest: string): boolean {
  return /^\d*<<-?[^<\s]+$/.test(rest);
}

const BEFORE = /^(?:if|then|else|elif|do|while|until|time|!|exec|sudo|command|env|\{|\(|[A-Za-z_]\w*=\S*)$/;

/** First words of the commands of a script, as far as they can be told without running it. */
function commandsOf(script: string): string[] {
  return script
    .replace(/\\\n/g, ' ')
    .split(/&&|\|\||[;|&\n()`]|\$\(/)
    .flatMap((part) => {
      const words = part.trim().split(/\s+/);
      const first = words.find((word) => !BEFORE.test(word));
      return first === undefined || first === '' ? [] : [path.posix.basename(first.replace(/["']/g, ''))];
    });
}

function mountOf(written: string, around: Surroundings): RunMount[] {
  const options = new Map<string, string>();
  for (const field of fieldsOf(written)) {
    const [key, ...value] = field.split('=');
    const given = value.length === 0 ? 'true' : value.join('=');
    options.set(
      { src: 'source', dst: 'target', destination: 'target' }[key] ?? key.toLowerCase(),
      key === 'from' ? given : expanded(given, around.scope.variables, around.escapeToken),
    );
  }
  const type = options.get('type') ?? 'bind';
  if (type === 'secret' || type === 'ssh') {
    return withoutSecret(type, options, around);
  }
  if (type !== 'bind' && type !== 'cache' && type !== 'tmpfs') {
    throw new Refused(`--mount has no type ${type}`);
  }
  const target = options.get('target');
  if (target === undefined) {
    throw new Refused(`--mount=${written} needs a target`);
  }
  const from = options.get('from');
  const absolute = resolved(around.scope.workingDirectory, target).replace(/(?<=.)\/$/, '');
  return [
    {
      type,
      target: absolute,
      from: from === undefined ? { kind: 'context' } : around.source(from),
      source: options.get('source') ?? '/',
      id: options.get('id') ?? absolute,
    },
  ];
}

function withoutSecret(type: string, options: ReadonlyMap<string, string>, around: Surroundings): RunMount[] {
  if (options.has('required') && options.get('required') !== 'false') {
    throw new Refused(`--mount=type=${type},required: ${RULES.requiredMount.what}`);
  }
  around.announce(`--mount=type=${type}: ${RULES.secretMount.what}`);
  return [];
}

/** Fields of one line of CSV. */
function fieldsOf(line: string): string[] {
  return [...line.matchAll(/("(?:[^"]|"")*"|[^,]*)(?:,|$)/g)]
    .map(([, field]) => field.replace(/^"([\s\S]*)"$/, '$1').replaceAll('""', '"'))
    .filter((field) => field !== '');
}
