import { randomBytes } from 'node:crypto';
import type { Announce } from '../announce';
import type { Given } from '../given';
import type { Intrinsics } from '../template/intrinsics';
import { isPaper } from '../template/intrinsics';
import type { TaskDefinition } from '../template/task-definition';
import { secretName, secretReference } from './secret-strings';
import type { SecretStore } from './secrets';

/** Where ECS reads the value of a variable from. */
interface Source {
  /** Of a secret, a parameter, or whatever the template calls it. */
  readonly name: string;
  readonly kind: 'secret' | 'parameter' | 'value';
  /** Of a secret that is JSON. */
  readonly key?: string;
}

export interface OutsideValuesProps {
  readonly given: Given;
  readonly secrets: SecretStore;
  readonly announce: Announce;
  /** Values of the parameters that the template makes, by name. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** Parameters that the template makes, by name. Tells `intrinsics` what references to them mean. */
export function provisionParameters(stackName: string, intrinsics: Intrinsics): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const { id, resource } of intrinsics.created('AWS::SSM::Parameter')) {
    const { Name, Value } = intrinsics.properties(resource);
    const name = String(Name ?? `${stackName}-${id}`);
    values.set(name.replace(/^\//, ''), String(Value));
    intrinsics.register(id, { ref: name, attributes: { Value: String(Value) } });
  }
  return values;
}

/**
 * Gives task definitions the values that the template only names: secrets and parameters that somebody else
 * has made, and variables that the user gives.
 *
 * What nobody gives a value for gets one that is made up, and announced.
 */
export class OutsideValues {
  private readonly placeholders = new Map<string, string>();

  constructor(private readonly props: OutsideValuesProps) {}

  async fill(definitions: ReadonlyMap<string, TaskDefinition>): Promise<ReadonlyMap<string, TaskDefinition>> {
    const filled = new Map<string, TaskDefinition>();
    for (const [arn, definition] of definitions) {
      const secrets = await this.secretsOf(definition);
      filled.set(arn, { ...definition, environment: this.environmentOf(definition), secrets });
    }
    this.reportUnused(definitions);
    return filled;
  }

  private environmentOf({ environment }: TaskDefinition): Record<string, string> {
    const changed = Object.keys(environment).flatMap((name) => {
      const value = this.props.given.value(name);
      return value === undefined ? [] : [[name, value] as const];
    });
    if (changed.length > 0) {
      const names = changed.map(([name]) => name).join(', ');
      this.props.announce.substitution(`variables with a value that you gave: ${names}`);
    }
    return { ...environment, ...Object.fromEntries(changed) };
  }

  private async secretsOf({ secrets }: TaskDefinition): Promise<Record<string, string>> {
    const filled: Record<string, string> = {};
    for (const [variable, valueFrom] of Object.entries(secrets)) {
      const value = this.props.secrets.made(valueFrom)
        ? this.props.given.secret(variable)
        : this.outside(variable, sourceOf(valueFrom));
      filled[variable] = value === undefined ? valueFrom : await this.stored(variable, value);
    }
    return filled;
  }

  private readonly arns = new Map<string, Promise<string>>();

  /** The ARN of a secret with this value alone. */
  private stored(variable: string, value: string): Promise<string> {
    const name = `outside/${variable}/${value}`;
    const arn = this.arns.get(name) ?? this.props.secrets.create(`outside-${this.arns.size + 1}`, value);
    this.arns.set(name, arn);
    return arn;
  }

  private outside(variable: string, source: Source): string {
    const { given, parameters } = this.props;
    const { name, kind } = source;
    const own = given.value(variable);
    if (own !== undefined) {
      return own;
    }
    const whole = given.value(name, secretName(name)) ?? (kind === 'parameter' ? parameters.get(name) : undefined);
    return whole === undefined ? this.placeholder(variable, source) : fieldOf(whole, source);
  }

  private placeholder(variable: string, { name, kind, key = '' }: Source): string {
    const place = `${kind} ${name} ${key}`;
    const value = this.placeholders.get(place) ?? `placeholder-${randomBytes(12).toString('hex')}`;
    this.placeholders.set(place, value);
    this.props.announce.substitution(
      `${variable} has a made-up value, since the ${kind} ${name} is not in the template. Give it one with --secret ${variable}=VALUE, or in a file with --env-file`,
    );
    return value;
  }

  private reportUnused(definitions: ReadonlyMap<string, TaskDefinition>): void {
    const { secrets, variables } = this.props.given.unused;
    if (secrets.length > 0) {
      const known = [...definitions.values()].flatMap((definition) => Object.keys(definition.secrets));
      throw new Error(
        `--secret ${secrets.join(', ')}: no task is given that. Secrets of the tasks are ${[...new Set(known)].join(', ')}.`,
      );
    }
    if (variables.length > 0) {
      this.props.announce.substitution(`no task is given these variables of --env-file: ${variables.join(', ')}`);
    }
  }
}

/** Reads `ValueFrom`: a secret's ARN, a parameter's ARN or name, or a value that has no counterpart. */
export function sourceOf(valueFrom: string): Source {
  const { arn, key } = secretReference(valueFrom);
  const [secret] = /(?<=^arn:[^:]*:secretsmanager:[^:]*:[^:]*:secret:).+/.exec(arn) ?? [];
  if (secret !== undefined) {
    return { kind: 'secret', name: secret, key };
  }
  const parameter = /^arn:[^:]*:ssm:[^:]*:[^:]*:parameter\/(.+)$/.exec(valueFrom);
  if (parameter !== null) {
    return { kind: 'parameter', name: parameter[1].replace(/^\//, '') };
  }
  if (isPaper(valueFrom)) {
    const [, name, field] = /^paper:\/\/([^:]*)(?::([^:]*))?/.exec(valueFrom) ?? [];
    return { kind: 'value', name: name ?? valueFrom, key: field || undefined };
  }
  return { kind: 'parameter', name: valueFrom.replace(/^\//, '') };
}

/** The field of a secret that the template reads, or all of it. */
function fieldOf(whole: string, { name, key }: Source): string {
  if (key === undefined) {
    return whole;
  }
  let fields: Record<string, unknown>;
  try {
    fields = JSON.parse(whole);
  } catch {
    throw new Error(`the value of ${name} must be JSON, since the template reads its key "${key}".`);
  }
  if (fields?.[key] === undefined) {
    throw new Error(`the value of ${name} must have the key "${key}", which the template reads.`);
  }
  return String(fields[key]);
}
