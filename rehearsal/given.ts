import { existsSync, readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';

/** What the command line says about values that the template only names. */
export interface GivenOptions {
  /** `NAME=VALUE` each. */
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
      secrets.set(text.slice(0, equals), text.slice(equals + 1));
    }
    if (envFile !== undefined && !existsSync(envFile)) {
      throw new Error(`--env-file must be a file with lines NAME=VALUE: there is no ${envFile}.`);
    }
    const lines = envFile === undefined ? {} : parseEnv(readFileSync(envFile, 'utf8'));
    return new Given(secrets, new Map(Object.entries(lines as Record<string, string>)));
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
