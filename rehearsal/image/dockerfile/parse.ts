import { expandWords } from './lexer';

/** A document within a Dockerfile, `<<EOF`. */
export interface Heredoc {
  readonly name: string;
  readonly content: string;
  /** Whether variables in it are replaced; a quoted name forbids it. */
  readonly expand: boolean;
}

/** One instruction as it is written, before variables are replaced. */
export interface Instruction {
  /** In capital letters. */
  readonly name: string;
  /** `--from=x` as written, each. */
  readonly flags: string[];
  /** What follows name and flags. */
  readonly rest: string;
  /** Words of the exec form (a JSON list); undefined in the shell form. */
  readonly json?: string[];
  readonly heredocs: Heredoc[];
  /** Line of the file on which it starts, from 1. */
  readonly line: number;
  /** As written, on one line. */
  readonly text: string;
}

export interface Dockerfile {
  readonly instructions: Instruction[];
  readonly escapeToken: string;
}

/** What makes a Dockerfile one that no builder takes. */
export class DockerfileError extends Error {
  constructor(
    readonly line: number,
    readonly text: string,
    readonly why: string,
  ) {
    super(`line ${line}: ${why}`);
  }
}

const DIRECTIVE = /^#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$/;
const DIRECTIVES = new Set(['syntax', 'escape', 'check']);
const WITH_HEREDOC = /^(?:ONBUILD\s+)?(?:ADD|COPY|RUN)(?=\s|$)/i;

/** Splits a Dockerfile into instructions, by the rules of BuildKit's parser. */
export function parseDockerfile(text: string): Dockerfile {
  return new Parser(text).parse();
}

class Parser {
  private readonly lines: string[];
  private readonly seen = new Set<string>();
  private readonly instructions: Instruction[] = [];
  private at = 0;
  private directives = true;
  private escapeToken = '\\';

  constructor(text: string) {
    // Line ends stay: the content of a heredoc has them.
    this.lines = text.replace(/^\ufeff/, '').match(/[^\n]*\n|[^\n]+$/g) ?? [];
  }

  parse(): Dockerfile {
    while (this.at < this.lines.length) {
      const line = this.at + 1;
      const logical = this.logicalLine();
      if (logical !== undefined) {
        this.instructions.push(this.instruction(logical, line));
      }
    }
    if (this.instructions.length === 0) {
      throw new DockerfileError(Math.max(this.lines.length, 1), '', 'the file has no instruction');
    }
    return { instructions: this.instructions, escapeToken: this.escapeToken };
  }

  private logicalLine(): string | undefined {
    const first = this.lines[this.at++].replace(/[\r\n]+$/, '').trimStart();
    this.directive(first);
    let { text, ends } = this.continuation(first.startsWith('#') ? '' : first);
    if (ends && text === '') {
      return undefined;
    }
    while (!ends && this.at < this.lines.length) {
      const line = this.lines[this.at++].replace(/[\r\n]+$/, '');
      this.directive(line);
      if (line.trimStart() === '' || line.trimStart().startsWith('#')) {
        continue;
      }
      const more = this.continuation(line);
      text += more.text;
      ends = more.ends;
    }
    return text;
  }

  /** `# escape` and `# syntax` count before anything else alone. */
  private directive(line: string): void {
    const match = this.directives ? DIRECTIVE.exec(line) : null;
    if (match === null) {
      this.directives = false;
      return;
    }
    const name = match[1].toLowerCase();
    if (!DIRECTIVES.has(name)) {
      return;
    }
    if (this.seen.has(name)) {
      throw new DockerfileError(this.at, line, `the directive ${name} is given twice`);
    }
    this.seen.add(name);
    if (name === 'escape') {
      if (match[2] !== '\\' && match[2] !== '`') {
        throw new DockerfileError(this.at, line, `escape may be \\ or \`, not ${match[2]}`);
      }
      this.escapeToken = match[2];
    }
  }

  private continuation(line: string): { text: string; ends: boolean } {
    const mark = this.escapeToken === '\\' ? '\\\\' : '`';
    const expression = new RegExp(`(^|[^${mark}])${mark}[ \\t]*$`);
    return expression.test(line) ? { text: line.replace(expression, '$1'), ends: false } : { text: line, ends: true };
  }

  private instruction(text: string, line: number): Instruction {
    const [, word, after = ''] = /^([^\t\v\f\r ]*)(?:[\t\v\f\r ]+([\s\S]*))?$/.exec(text.trim()) as RegExpExecArray;
    const { flags, rest } = splitFlags(after);
    const name = word.toUpperCase();
    const heredocs = WITH_HEREDOC.test(text.trim()) && text.includes('<<') ? this.heredocs(text, line) : [];
    return { name, flags, rest: rest.trim(), json: execForm(name, rest, line), heredocs, line, text: text.trim() };
  }

  private heredocs(text: string, line: number): Heredoc[] {
    return heredocNames(text).map(({ name, expand, chomp }) => {
      let content = '';
      while (this.at < this.lines.length) {
        const whole = this.lines[this.at++];
        const bare = whole.replace(/[\r\n]+$/, '');
        if ((chomp ? bare.replace(/^\t+/, '') : bare) === name) {
          return { name, expand, content: chomp ? content.replace(/^\t+/gm, '') : content };
        }
        content += whole;
      }
      throw new DockerfileError(line, text, `the heredoc ${name} does not end`);
    });
  }
}

function heredocNames(text: string): { name: string; expand: boolean; chomp: boolean }[] {
  const raw = { rawQuotes: true, rawEscapes: true, keepUnset: true };
  return words(text, raw).flatMap((word) => {
    const [, chomp, rest] = /^\d*<<(-?)([^<]+)$/.exec(word) ?? [];
    if (rest === undefined) {
      return [];
    }
    const names = words(rest, { keepUnset: true });
    const quoted = words(rest, { keepUnset: true, rawQuotes: true });
    const quotes = (given: string) => given.replace(/[^'"]/g, '').length;
    return names.length === 1
      ? [{ name: names[0], expand: quotes(names[0]) === quotes(quoted[0]), chomp: chomp === '-' }]
      : [];
  });
}

/** A text whose quotes do not close has no words. */
function words(text: string, options: Parameters<typeof expandWords>[2]): string[] {
  try {
    return expandWords(text, undefined, options);
  } catch {
    return [];
  }
}

/** Words that begin with `--`, up to the first that does not. */
function splitFlags(text: string): { flags: string[]; rest: string } {
  const flags: string[] = [];
  let position = 0;
  for (;;) {
    while (/\s/.test(text[position] ?? '')) {
      position++;
    }
    if (!text.startsWith('--', position)) {
      return { flags, rest: text.slice(position) };
    }
    const { word, end } = flagAt(text, position);
    position = end;
    if (word === '--') {
      return { flags, rest: text.slice(position) };
    }
    flags.push(word);
  }
}

function flagAt(text: string, start: number): { word: string; end: number } {
  let word = '';
  let quote: string | undefined;
  let position = start;
  for (; position < text.length; position++) {
    let character = text[position];
    if (quote === undefined && /\s/.test(character)) {
      break;
    }
    if (character === quote) {
      quote = undefined;
      continue;
    }
    if (quote === undefined && (character === '"' || character === "'")) {
      quote = character;
      continue;
    }
    if (character === '\\') {
      character = text[++position] ?? '';
    }
    word += character;
  }
  return { word, end: position };
}

const EXEC_FORM = new Set(['ADD', 'CMD', 'COPY', 'ENTRYPOINT', 'RUN', 'SHELL', 'VOLUME']);

function execForm(name: string, rest: string, line: number): string[] | undefined {
  if (!EXEC_FORM.has(name)) {
    return undefined;
  }
  return jsonWords(rest, line);
}

/** A JSON list of texts; undefined when it is none, and then the shell form. */
function jsonWords(rest: string, line: number): string[] | undefined {
  if (!rest.trimStart().startsWith('[')) {
    return undefined;
  }
  let list: unknown;
  try {
    list = JSON.parse(rest);
  } catch {
    return undefined;
  }
  if (Array.isArray(list) && list.every((one) => typeof one === 'string')) {
    return list;
  }
  throw new DockerfileError(line, rest, 'a list in JSON may hold texts alone');
}

/** `a=b c="d e"`, or in the old form one name and its value. Quotes stay. */
export function assignments(
  rest: string,
  escapeToken: string,
  place: { line: number; text: string },
): [string, string][] {
  const found = quotedWords(rest, escapeToken);
  if (found.length === 0) {
    throw new DockerfileError(place.line, place.text, 'it needs a name and a value');
  }
  if (!found[0].includes('=')) {
    const [, name, value] = /^(\S+)[\t\v\f\r ]+([\s\S]+)$/.exec(rest) ?? [];
    if (name === undefined) {
      throw new DockerfileError(place.line, place.text, 'it needs a name and a value');
    }
    return [[name, value]];
  }
  return found.map((word) => {
    const equals = word.indexOf('=');
    if (equals < 1) {
      throw new DockerfileError(place.line, place.text, `${word} is not of the form NAME=VALUE`);
    }
    return [word.slice(0, equals), word.slice(equals + 1)];
  });
}

/** Words at blanks outside of quotes, with their quotes. */
export function quotedWords(rest: string, escapeToken: string): string[] {
  const found: string[] = [];
  let word = '';
  let quote: string | undefined;
  const characters = [...rest];
  for (let index = 0; index < characters.length; index++) {
    const character = characters[index];
    if (quote === undefined && /\s/.test(character)) {
      if (word !== '') {
        found.push(word);
      }
      word = '';
      continue;
    }
    if (character === escapeToken && quote !== "'") {
      // An escape character at the end of the line stands for nothing.
      const following = characters[++index];
      word += following === undefined ? '' : character + following;
      continue;
    }
    if (quote === undefined && (character === '"' || character === "'")) {
      quote = character;
    } else if (character === quote) {
      quote = undefined;
    }
    word += character;
  }
  return word === '' ? found : [...found, word];
}
