/** Value of a variable; undefined when it is not set. */
export type Variables = (name: string) => string | undefined;

export interface LexerOptions {
  /** The character that takes the meaning of the next one: a backslash, or a backtick by `# escape`. */
  readonly escapeToken?: string;
  /** Quotes stay in the result. */
  readonly rawQuotes?: boolean;
  /** Escape characters stay in the result. */
  readonly rawEscapes?: boolean;
  /** Quotes stand for themselves. */
  readonly plainQuotes?: boolean;
  /** A variable without a value stays as it is written. */
  readonly keepUnset?: boolean;
}

const NONE: Variables = () => undefined;
const SPACE = /\s/;

/** Replaces the variables of a word and takes away its quotes, by the rules of BuildKit's `shell.Lex`. */
export function expand(word: string, variables: Variables = NONE, options: LexerOptions = {}): string {
  return new Lexer(word, variables, options).until(undefined, options.rawEscapes ?? false).text;
}

/** The same, split into words at blanks outside of quotes. */
export function expandWords(text: string, variables: Variables = NONE, options: LexerOptions = {}): string[] {
  return new Lexer(text, variables, options).until(undefined, options.rawEscapes ?? false).words;
}

interface Piece {
  readonly text: string;
  readonly words: string[];
}

class Lexer {
  private readonly characters: string[];
  private readonly escapeToken: string;
  private position = 0;
  private rawEscapes: boolean;

  constructor(
    text: string,
    private readonly variables: Variables,
    private readonly options: LexerOptions,
  ) {
    this.characters = [...text];
    this.escapeToken = options.escapeToken ?? '\\';
    this.rawEscapes = options.rawEscapes ?? false;
  }

  until(stop: string | undefined, rawEscapes: boolean): Piece {
    const before = this.rawEscapes;
    this.rawEscapes = rawEscapes;
    const words = new Words();
    let text = '';
    for (let character = this.peek(); character !== undefined; character = this.peek()) {
      if (character === stop) {
        this.next();
        this.rawEscapes = before;
        return { text, words: words.done() };
      }
      if (character === '$') {
        const value = this.dollar();
        text += value;
        words.addSplit(value);
      } else if (!this.options.plainQuotes && (character === "'" || character === '"')) {
        const value = character === "'" ? this.single() : this.double();
        text += value;
        words.add(value);
      } else {
        const { value, escaped } = this.plain();
        text += value;
        escaped ? words.add(value) : words.addSplit(value);
      }
    }
    this.rawEscapes = before;
    if (stop !== undefined) {
      throw new Error(`the substitution has no closing ${stop}`);
    }
    return { text, words: words.done() };
  }

  private peek(): string | undefined {
    return this.characters[this.position];
  }

  private next(): string | undefined {
    return this.characters[this.position++];
  }

  private plain(): { value: string; escaped: boolean } {
    const character = this.next() as string;
    if (character !== this.escapeToken) {
      return { value: character, escaped: false };
    }
    return { value: (this.rawEscapes ? character : '') + (this.next() ?? ''), escaped: true };
  }

  private single(): string {
    const quote = this.options.rawQuotes ? "'" : '';
    this.next();
    let text = quote;
    for (let character = this.next(); character !== "'"; character = this.next()) {
      if (character === undefined) {
        throw new Error("a single quote (') is not closed");
      }
      text += character;
    }
    return text + quote;
  }

  private double(): string {
    const quote = this.options.rawQuotes ? '"' : '';
    this.next();
    let text = quote;
    for (let character = this.peek(); character !== '"'; character = this.peek()) {
      if (character === undefined) {
        throw new Error('a double quote (") is not closed');
      }
      text += character === '$' ? this.dollar() : this.inDouble();
    }
    this.next();
    return text + quote;
  }

  private inDouble(): string {
    const character = this.next() as string;
    if (character !== this.escapeToken) {
      return character;
    }
    const kept = this.rawEscapes ? character : '';
    const following = this.peek();
    if (following === undefined) {
      return kept;
    }
    const escapable = following === '"' || following === '$' || following === this.escapeToken;
    return kept + (escapable ? this.next() : character);
  }

  private dollar(): string {
    this.next();
    if (this.peek() !== '{') {
      const name = this.name();
      return name === '' ? '$' : this.value(name, `$${name}`);
    }
    this.next();
    const first = this.peek();
    if (first === undefined || '{}:'.includes(first)) {
      throw new Error('${ is not followed by the name of a variable');
    }
    const name = this.name();
    const character = this.next();
    if (character === '}') {
      return this.value(name, `\${${name}}`);
    }
    if (character === '/') {
      return this.replaced(name);
    }
    const colon = character === ':';
    return this.modified(name, colon ? this.next() : character, colon);
  }

  private value(name: string, written: string): string {
    return this.variables(name) ?? (this.options.keepUnset ? written : '');
  }

  private modified(name: string, modifier: string | undefined, colon: boolean): string {
    if (modifier === undefined || !'+-?#%'.includes(modifier) || (colon && '#%'.includes(modifier))) {
      throw new Error(`\${${name}${colon ? ':' : ''}${modifier ?? ''}…} is no substitution that BuildKit knows`);
    }
    const { text: word } = this.until('}', modifier === '#' || modifier === '%');
    const value = this.variables(name);
    if (value === undefined && this.options.keepUnset) {
      return `\${${name}${colon ? ':' : ''}${modifier}${word}}`;
    }
    const set = value !== undefined && !(colon && value === '');
    switch (modifier) {
      case '-':
        return set ? value : word;
      case '+':
        return set ? word : '';
      case '?':
        if (!set) {
          throw new Error(`${name}: ${word || `is not allowed to be ${value === undefined ? 'unset' : 'empty'}`}`);
        }
        return value;
      default: {
        const greedy = word.startsWith(modifier);
        return trimmed(value ?? '', greedy ? word.slice(1) : word, { prefix: modifier === '#', greedy });
      }
    }
  }

  private replaced(name: string): string {
    const all = this.peek() === '/';
    if (all) {
      this.next();
    }
    const pattern = this.until('/', true).text;
    const replacement = this.until('}', true).text;
    const value = this.variables(name);
    if (value === undefined && this.options.keepUnset) {
      return `\${${name}/${pattern}/${replacement}}`;
    }
    const expression = new RegExp(wildcards(pattern, true), all ? 'gsu' : 'su');
    return (value ?? '').replace(expression, () => replacement);
  }

  private name(): string {
    const first = this.peek();
    if (first !== undefined && '@*#?-$!0'.includes(first) && !/\d/.test(first)) {
      this.position++;
      return first;
    }
    const digits = first !== undefined && /\d/.test(first);
    const allowed = digits ? /\d/ : /[\p{L}\p{Nd}_]/u;
    let name = '';
    for (let character = first; character !== undefined && allowed.test(character); character = this.peek()) {
      name += character;
      this.position++;
    }
    return name;
  }
}

class Words {
  private readonly words: string[] = [];
  private word = '';

  add(text: string): void {
    this.word += text;
  }

  addSplit(text: string): void {
    for (const character of text) {
      if (SPACE.test(character)) {
        this.end();
      } else {
        this.word += character;
      }
    }
  }

  done(): string[] {
    this.end();
    return this.words;
  }

  private end(): void {
    if (this.word !== '') {
      this.words.push(this.word);
      this.word = '';
    }
  }
}

function trimmed(value: string, pattern: string, how: { prefix: boolean; greedy: boolean }): string {
  // The end of a text is the beginning of its mirror image: so the shortest and the longest match stay
  // simple.
  const mirror = (text: string) => [...text].reverse().join('');
  const subject = how.prefix ? value : mirror(value);
  const parts = patternParts(pattern);
  const expression = (how.prefix ? parts : parts.reverse()).map((part) => regular(part, how.greedy)).join('');
  const rest = subject.replace(new RegExp(`^(?:${expression})`, 'su'), '');
  return how.prefix ? rest : mirror(rest);
}

function wildcards(pattern: string, greedy: boolean): string {
  return patternParts(pattern)
    .map((part) => regular(part, greedy))
    .join('');
}

/** `*`, `?`, or a character for itself, which has a backslash in front. */
function patternParts(pattern: string): string[] {
  const characters = [...pattern];
  const parts: string[] = [];
  for (let index = 0; index < characters.length; index++) {
    const character = characters[index];
    if (character !== '\\') {
      parts.push(character === '*' || character === '?' ? character : `\\${character}`);
      continue;
    }
    const following = characters[++index];
    if (following === undefined || !'}/*?\\'.includes(following)) {
      throw new Error(`the pattern escapes '${following ?? ''}', which BuildKit refuses`);
    }
    parts.push(`\\${following}`);
  }
  return parts;
}

function regular(part: string, greedy: boolean): string {
  if (part === '*') {
    return greedy ? '.*' : '.*?';
  }
  return part === '?' ? '.' : part.slice(1).replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}
