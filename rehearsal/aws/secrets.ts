import { type Assembly, resourcesOfType, type Template } from '../template/assembly';
import type { Intrinsics } from '../template/intrinsics';
import type { Doubles } from './doubles';
import { type GenerateSecretString, generateSecret, secretReference } from './secret-strings';

/** Everything that is secret in this run, so that it can be masked and searched for. */
export class SecretStore {
  private readonly values = new Set<string>();
  private readonly arns = new Set<string>();

  constructor(private readonly doubles: Doubles) {}

  /** Without a value the secret has none, which a function of the stack stores. */
  async create(name: string, value: string | undefined): Promise<string> {
    this.remember(value ?? '');
    const arn = await this.doubles.createSecret(name, value);
    this.arns.add(arn);
    return arn;
  }

  /** Whether `ValueFrom` reads a secret that this run has made. */
  made(valueFrom: string): boolean {
    return this.arns.has(secretReference(valueFrom).arn);
  }

  async change(arn: string, value: string): Promise<void> {
    this.remember(value);
    await this.doubles.putSecret(arn, value);
  }

  read(arn: string, stage?: string): Promise<string> {
    return this.doubles.secretValue(arn, stage);
  }

  /** The value that ECS would inject for `ValueFrom`; throws in ECS's words, naming the variable. */
  async inject(variable: string, valueFrom: string): Promise<string> {
    const { arn, key, stage } = secretReference(valueFrom);
    let value: string;
    try {
      value = await this.read(arn, stage);
    } catch {
      throw new Error(`ResourceInitializationError: ${variable}: secret ${arn} has no value at stage ${stage}`);
    }
    this.remember(value);
    if (key === undefined) {
      return value;
    }
    const fields = JSON.parse(value);
    if (fields[key] === undefined) {
      throw new Error(`ResourceInitializationError: ${variable}: secret ${arn} has no JSON key "${key}"`);
    }
    return String(fields[key]);
  }

  /** Adds a value that only this run knows. */
  remember(value: string): void {
    for (const text of sensitive(value)) {
      this.values.add(text);
    }
  }

  /** The values themselves: passwords and keys, not host names or ports. */
  get all(): string[] {
    return [...this.values];
  }

  mask(text: string): string {
    return this.all.reduce((masked, value) => masked.replaceAll(value, '********'), text);
  }
}

/** Passwords and keys of a secret; what is short or has a name that nobody hides is left out. */
function sensitive(value: string): string[] {
  try {
    const fields = JSON.parse(value);
    return Object.entries(fields)
      .filter(
        ([name]) => !['username', 'host', 'port', 'dbname', 'engine', 'dbInstanceIdentifier', 'keyId'].includes(name),
      )
      .flatMap(([, field]) => [field].flat())
      .filter((field): field is string => typeof field === 'string' && field.length >= 12);
  } catch {
    return value.length >= 12 ? [value] : [];
  }
}

/**
 * Makes the secrets by the template's rules.
 *
 * Values that need other resources are filled in later.
 */
export async function provisionSecrets(assembly: Assembly, intrinsics: Intrinsics, store: SecretStore): Promise<void> {
  for (const { id, resource } of intrinsics.created('AWS::SecretsManager::Secret')) {
    const properties = intrinsics.properties(resource);
    const rules = properties.GenerateSecretString as GenerateSecretString | undefined;
    const value = rules === undefined ? properties.SecretString : generateSecret(rules);
    const isEmpty = value === undefined && isFilled(assembly.template, id);
    const arn = await store.create(`${assembly.stackName}-${id}`, isEmpty ? undefined : String(value ?? ''));
    intrinsics.register(id, { ref: arn, attributes: { Id: arn, Arn: arn } });
  }
}

/** Whether a function of the stack stores the first value. */
function isFilled(template: Template, secretId: string): boolean {
  return resourcesOfType(template, 'Custom::UrlSigningKeys').some(
    ({ resource }) => resource.Properties?.SecretArn?.Ref === secretId,
  );
}

/** The secrets of a template, and the database that they are attached to. */
export interface Attachment {
  readonly intrinsics: Intrinsics;
  readonly secrets: SecretStore;
  readonly host: string;
  readonly port: number;
  readonly database?: string;
}

/** Adds what RDS's attachment adds to a secret: where its database is. */
export async function attachSecrets(attachment: Attachment): Promise<void> {
  const { intrinsics, secrets, host, port, database } = attachment;
  for (const { id, resource } of intrinsics.created('AWS::SecretsManager::SecretTargetAttachment')) {
    const arn = String(intrinsics.properties(resource).SecretId);
    const fields = JSON.parse(await secrets.read(arn));
    const attached = {
      engine: 'postgres',
      host,
      port,
      dbInstanceIdentifier: 'rehearsal',
      ...(database === undefined ? {} : { dbname: database }),
      ...fields,
    };
    await secrets.change(arn, JSON.stringify({ ...attached, host, port }));
    intrinsics.register(id, { ref: arn, attributes: { Id: arn } });
  }
}
