import { expand, type Variables } from './lexer';
import type { Instruction } from './parse';
import { Refused, RULES } from './rules';

/** Flags that BuildKit knows. The values of those in the second list are taken as written. */
const KNOWN: Readonly<Record<string, string[]>> = {
  FROM: ['platform'],
  COPY: ['from', 'chown', 'chmod', 'link', 'parents', 'exclude'],
  ADD: ['chown', 'chmod', 'link', 'exclude', 'checksum', 'keep-git-dir', 'unpack'],
  RUN: ['mount', 'network', 'security', 'device'],
  HEALTHCHECK: ['interval', 'timeout', 'start-period', 'start-interval', 'retries'],
};
const SWITCHES = new Set(['link', 'parents', 'keep-git-dir', 'unpack']);

/** Flags of an instruction by name, with their values, of which `exclude` and `mount` may have several. */
export function flagsOf(
  instruction: Instruction,
  variables: Variables,
  escapeToken: string,
): (name: string) => string[] | undefined {
  const found = new Map<string, string[]>();
  for (const flag of instruction.flags) {
    const [, name, value] = /^--([^=]*)(?:=([\s\S]*))?$/.exec(flag) as RegExpExecArray;
    if (!(KNOWN[instruction.name] ?? []).includes(name)) {
      throw new Refused(`${instruction.name} has no flag --${name}`);
    }
    if (value === undefined && !SWITCHES.has(name)) {
      throw new Refused(`--${name} needs a value, --${name}=…`);
    }
    if (SWITCHES.has(name) && !/^(?:true|false)$/i.test(value ?? 'true')) {
      throw new Refused(`--${name} is true or false, got ${value}`);
    }
    // Without --unpack an archive of the build context is unpacked, and one of an address is not.
    if (SWITCHES.has(name) && value?.toLowerCase() === 'false' && name !== 'unpack') {
      continue;
    }
    const before = found.get(name) ?? [];
    if (before.length > 0 && name !== 'exclude' && name !== 'mount' && name !== 'device') {
      throw new Refused(`--${name} is given twice`);
    }
    found.set(name, [
      ...before,
      name === 'from' || name === 'mount' ? (value ?? '') : expanded(value, variables, escapeToken),
    ]);
  }
  return (name) => found.get(name);
}

/** A word with its variables; what BuildKit refuses is refused. */
export function expanded(word: string | undefined, variables: Variables, escapeToken: string): string {
  try {
    return expand(word ?? '', variables, { escapeToken });
  } catch (error) {
    throw new Refused(`${RULES.invalid.what}: ${(error as Error).message}`);
  }
}
