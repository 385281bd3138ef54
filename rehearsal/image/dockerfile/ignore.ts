import path from 'node:path';

/** Whether a file of the build context is left out; `file` is relative to the context. */
export interface Ignored {
  (file: string): boolean;
  /** Whether a file may count in a folder that is left out, by a pattern with `!`. */
  readonly exceptions: boolean;
}

interface Pattern {
  readonly negated: boolean;
  readonly expression: RegExp;
}

/** The patterns of a .dockerignore, by the rules of moby/patternmatcher: the last that matches decides. */
export function ignoredBy(text: string): Ignored {
  return matcher(
    text
      .replace(/^\ufeff/, '')
      .split('\n')
      .filter((line) => !line.startsWith('#'))
      .map((line) => line.trim())
      .filter((line) => line !== ''),
  );
}

/** The same for patterns that are given one by one, as `--exclude` has them. */
export function matcher(lines: string[]): Ignored {
  const patterns = lines.map(pattern).filter((one) => one !== undefined);
  const ignored = (file: string) => {
    const parts = file.split('/');
    // A pattern that matches a folder matches what is in it.
    const paths = parts.map((_, index) => parts.slice(0, index + 1).join('/'));
    let left = false;
    for (const { negated, expression } of patterns) {
      if (left === negated && paths.some((one) => expression.test(one))) {
        left = !negated;
      }
    }
    return left;
  };
  return Object.assign(ignored, { exceptions: patterns.some(({ negated }) => negated) });
}

function pattern(line: string): Pattern | undefined {
  const negated = line.startsWith('!');
  const written = negated ? line.slice(1).trim() : line;
  if (written === '') {
    throw new Error('a line of .dockerignore is "!" alone');
  }
  const clean = path.posix.normalize(written).replace(/(?<=.)\/$/, '');
  const relative = clean.length > 1 && clean.startsWith('/') ? clean.slice(1) : clean;
  return { negated, expression: new RegExp(`^${globExpression(relative)}$`, 's') };
}

/** `**` for any number of folders, `*` and `?` within a name, `[a-z]` as Go has it. */
export function globExpression(glob: string): string {
  let out = '';
  for (let index = 0; index < glob.length; index++) {
    const character = glob[index];
    if (character === '*' && glob[index + 1] === '*') {
      index++;
      if (glob[index + 1] === '/') {
        index++;
      }
      out += index + 1 >= glob.length ? '.*' : '(?:.*/)?';
    } else if (character === '*') {
      out += '[^/]*';
    } else if (character === '?') {
      out += '[^/]';
    } else if (character === '[') {
      const { text, end } = bracket(glob, index);
      out += text;
      index = end;
    } else if (character === '\\') {
      index++;
      out += literal(glob[index] ?? '\\');
    } else {
      out += literal(character);
    }
  }
  return out;
}

function bracket(glob: string, start: number): { text: string; end: number } {
  let index = start + 1;
  const negated = glob[index] === '^';
  if (negated) {
    index++;
  }
  let inside = '';
  for (; index < glob.length && (glob[index] !== ']' || inside === ''); index++) {
    if (glob[index] === '\\') {
      index++;
      inside += `\\${glob[index] ?? ''}`;
    } else {
      inside += glob[index] === '-' ? '-' : glob[index].replace(/[\][\\^]/, '\\$&');
    }
  }
  if (index >= glob.length) {
    throw new Error(`the pattern ${glob} has a [ without its ]`);
  }
  return { text: `(?!/)[${negated ? '^' : ''}${inside}]`, end: index };
}

function literal(character: string): string {
  return character.replace(/[\\^$.*+?()[\]{}|/-]/, '\\$&');
}
