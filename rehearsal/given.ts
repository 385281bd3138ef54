import { readFileSync, statSync } from 'node:fs';

/** What the command line says about values that the template only names. */
export interface GivenOptions {
  /** `NAME=VALUE` each, or `NAME=file://PATH`, whose value is what the file holds. */
  readonly secret?: readonly string[];
  readonly envFile?: string;
}

/**
 * Values that the user gives for variables, secrets of Secrets Manager and parameters of Systems Manager.
 *
 * A name is the one of a variable, or the one of a secret or a parameter.
 */
export class Given {
  /** Nothing is given. */
  static readonly NOTHING = new Given(new Map(), new Map());

  /** Throws when an option has the wrong form. */
  static read({ secret = [], envFile }: GivenOptions): Given {
    const secrets = new Map<string, string>();
    for (const text of secret) {
      const equals = text.indexOf('=');
      if (equals < 1) {
        // The text is not repeated: it may be a password.
        throw new Error(
          '--secret must be NAME=VALUE, for example EMAIL_HOST_PASSWORD=secret; one has no NAME or no "=".',
        );
      }
      const name = text.slice(0, equals);
      secrets.set(name, secretOf(name, text.slice(equals + 1)));
    }
    return new Given(secrets, envFile === undefined ? new Map() : readEnvFile(envFile));
  }

  private readonly used = new Set<string>();

  private constructor(
    private readonly secrets: ReadonlyMap<string, string>,
    private readonly variables: ReadonlyMap<string, string>,
  ) {}

  /** What `--secret` says of the first of these names that it knows. */
  secret(...names: string[]): string | undefined {
    return this.find(this.secrets, names);
  }

  /** What `--secret`, or else the file, says of the first of these names that it knows. */
  value(...names: string[]): string | undefined {
    return this.secret(...names) ?? this.find(this.variables, names);
  }

  /** Names that nobody asked for. */
  get unused(): { readonly secrets: string[]; readonly variables: string[] } {
    const rest = (values: ReadonlyMap<string, string>) => [...values.keys()].filter((name) => !this.used.has(name));
    return { secrets: rest(this.secrets), variables: rest(this.variables) };
  }

  private find(values: ReadonlyMap<string, string>, names: string[]): string | undefined {
    const name = names.find((one) => values.has(one));
    if (name !== undefined) {
      this.used.add(name);
    }
    return name === undefined ? undefined : values.get(name);
  }
}

/** What begins the path of a file that holds the value, as with the AWS CLI. */
const FILE = 'file://';

/** The value of a `--secret`, or the content of the file that it names, with the newline at its end. */
function secretOf(name: string, given: string): string {
  return given.startsWith(FILE)
    ? textOf(given.slice(FILE.length), `--secret ${name}=${FILE}PATH`, 'with the value')
    : given;
}

/**
 * Reads a file as docker does for its own `--env-file`: a line is NAME=VALUE, and the value is all that
 * follows the first "=", as it stands. Quotes, "#" and spaces have no meaning in it.
 *
 * Empty lines count for nothing, nor do those that begin with "#", nor does the mark by which some editors
 * begin a file (BOM). Of several lines with one name the last one holds. Two things that docker takes are
 * refused: a name without "=", for which docker takes a value from your own environment, and a value in
 * quotes, which other programs take off. Any other line is an error, too, which names the file and the line
 * and repeats no value.
 */
function readEnvFile(file: string): Map<string, string> {
  const values = new Map<string, string>();
  for (const [index, line] of textOf(file, '--env-file', 'with lines NAME=VALUE').split(/\r?\n/).entries()) {
    const text = line.trimStart();
    if (text !== '' && !text.startsWith('#')) {
      const wrong = problemOf(text);
      if (wrong !== undefined) {
        throw new Error(`${file}, line ${index + 1}: ${wrong}`);
      }
      const equals = text.indexOf('=');
      values.set(text.slice(0, equals), text.slice(equals + 1));
    }
  }
  return values;
}

/** Without the mark at its beginning; throws where there is no file, or no text in it. */
function textOf(file: string, option: string, content: string): string {
  if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true) {
    throw new Error(`${option} must be a file ${content}: there is no ${file}.`);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file));
  } catch (error) {
    throw new Error(`${option} must be a file of text in UTF-8, and ${file} is none: ${(error as Error).message}`);
  }
}

function problemOf(line: string): string | undefined {
  const [, name, value] = /^([^=]*)=(.*)$/.exec(line) ?? [];
  if (name === undefined) {
    return 'a line must be NAME=VALUE, and this one has no "=". A value has one line.';
  }
  if (name === '' || /\s/.test(name)) {
    return `a line must be NAME=VALUE, and a name has no spaces${name === '' ? '; this one is empty' : `; got "${name}"`}.`;
  }
  return /^(["']).*\1\s*$/.test(value)
    ? `the value of ${name} is in quotes, which would be part of it. Leave them out: a value is taken as it stands.`
    : undefined;
}
