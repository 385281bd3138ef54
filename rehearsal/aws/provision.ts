import type { Announce } from '../announce';
import { type Assembly, placeOf, type Resource, resourcesOfType, type Template } from '../template/assembly';
import type { Intrinsics } from '../template/intrinsics';
import type { Doubles } from './doubles';
import { type GenerateSecretString, generateSecret, secretReference } from './secret-strings';

export interface Queue {
  readonly name: string;
  readonly url: string;
  readonly arn: string;
  readonly maxReceiveCount?: number;
  readonly deadLetterArn?: string;
  readonly visibilityTimeout: number;
}

/** Everything that is secret in this run, so that it can be masked and searched for. */
export class SecretStore {
  private readonly values = new Set<string>();

  constructor(private readonly doubles: Doubles) {}

  async create(name: string, value: string): Promise<string> {
    this.remember(value);
    return this.doubles.createSecret(name, value);
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
      .filter(([name]) => !['username', 'host', 'port', 'dbname', 'engine', 'dbInstanceIdentifier'].includes(name))
      .flatMap(([, field]) => [field].flat())
      .filter((field): field is string => typeof field === 'string' && field.length >= 12);
  } catch {
    return value.length >= 12 ? [value] : [];
  }
}

/** Makes the secrets by the template's rules and gives them their names. Values that need other resources are filled in later. */
export async function provisionSecrets(assembly: Assembly, intrinsics: Intrinsics, store: SecretStore): Promise<void> {
  for (const { id, resource } of created(assembly.template, 'AWS::SecretsManager::Secret', intrinsics)) {
    const properties = intrinsics.properties(resource);
    const rules = properties.GenerateSecretString as GenerateSecretString | undefined;
    const value = rules === undefined ? (properties.SecretString ?? '') : generateSecret(rules);
    const arn = await store.create(`${assembly.stackName}-${id}`, String(value));
    intrinsics.register(id, { ref: arn, attributes: { Id: arn, Arn: arn } });
  }
}

/** Adds what RDS's attachment adds to a secret: where its database is. */
export async function attachSecrets(
  assembly: Assembly,
  intrinsics: Intrinsics,
  store: SecretStore,
  where: { host: string; port: number; database?: string },
): Promise<void> {
  for (const { id, resource } of created(
    assembly.template,
    'AWS::SecretsManager::SecretTargetAttachment',
    intrinsics,
  )) {
    const arn = String(intrinsics.properties(resource).SecretId);
    const fields = JSON.parse(await store.read(arn));
    const attached = {
      engine: 'postgres',
      host: where.host,
      port: where.port,
      dbInstanceIdentifier: 'rehearsal',
      ...(where.database === undefined ? {} : { dbname: where.database }),
      ...fields,
    };
    await store.change(arn, JSON.stringify({ ...attached, host: where.host, port: where.port }));
    intrinsics.register(id, { ref: arn, attributes: { Id: arn } });
  }
}

/** Queues with their redrive policies: dead-letter queues first, since the others name them. */
export async function provisionQueues(
  assembly: Assembly,
  intrinsics: Intrinsics,
  doubles: Doubles,
): Promise<Map<string, Queue>> {
  const queues = new Map<string, Queue>();
  const all = created(assembly.template, 'AWS::SQS::Queue', intrinsics);
  const redrives = ({ resource }: { resource: Resource }) => resource.Properties?.RedrivePolicy !== undefined;
  for (const { id, resource } of [...all.filter((one) => !redrives(one)), ...all.filter(redrives)]) {
    const properties = intrinsics.properties(resource);
    const fifo = properties.FifoQueue === true;
    const attributes: Record<string, string> = fifo ? { FifoQueue: 'true' } : {};
    for (const name of [
      'VisibilityTimeout',
      'ReceiveMessageWaitTimeSeconds',
      'MessageRetentionPeriod',
      'DelaySeconds',
      'MaximumMessageSize',
    ]) {
      if (properties[name] !== undefined) {
        attributes[name] = String(properties[name]);
      }
    }
    if (properties.RedrivePolicy !== undefined) {
      attributes.RedrivePolicy = JSON.stringify(properties.RedrivePolicy);
    }
    const name = `${assembly.stackName}-${id}`.slice(0, 75) + (fifo ? '.fifo' : '');
    const { url, arn } = await doubles.createQueue(name, attributes);
    queues.set(id, {
      name: placeOf(resource) ?? id,
      url,
      arn,
      maxReceiveCount: properties.RedrivePolicy?.maxReceiveCount,
      deadLetterArn: properties.RedrivePolicy?.deadLetterTargetArn,
      visibilityTimeout: Number(properties.VisibilityTimeout ?? 30),
    });
    intrinsics.register(id, { ref: url, attributes: { Arn: arn, QueueName: name, QueueUrl: url } });
  }
  return queues;
}

export async function provisionBuckets(assembly: Assembly, intrinsics: Intrinsics, doubles: Doubles): Promise<void> {
  for (const { id } of created(assembly.template, 'AWS::S3::Bucket', intrinsics)) {
    const name = `${assembly.stackName}-${id}`.toLowerCase().slice(0, 63);
    await doubles.createBucket(name);
    intrinsics.register(id, { ref: name, attributes: { Arn: `arn:aws:s3:::${name}` } });
  }
}

/** What the database instance of a template asks of its server. */
export interface DatabaseSettings {
  readonly id: string;
  readonly major: number;
  readonly name?: string;
  readonly master: () => Promise<string>;
  readonly password: () => Promise<string>;
  readonly parameters: Record<string, string>;
}

export function databaseSettings(
  assembly: Assembly,
  intrinsics: Intrinsics,
  store: SecretStore,
  announce: Announce,
): DatabaseSettings | undefined {
  const [instance, ...others] = created(assembly.template, 'AWS::RDS::DBInstance', intrinsics).filter(
    ({ resource }) => resource.Properties?.SourceDBInstanceIdentifier === undefined,
  );
  if (others.length > 0) {
    announce.substitution(`only the first database of the template is rehearsed: ${instance.id}`);
  }
  if (instance === undefined) {
    return undefined;
  }
  const raw = instance.resource.Properties ?? {};
  const group = assembly.template.Resources[String(raw.DBParameterGroupName?.Ref)];
  const properties = intrinsics.properties(instance.resource);
  const parameters = group === undefined ? {} : (intrinsics.properties(group).Parameters ?? {});
  const major = Number(/\d+/.exec(String(properties.EngineVersion ?? group?.Properties?.Family ?? '17'))?.[0]);
  const reference = (text: string) => /\{\{resolve:secretsmanager:([^}]+)\}\}/.exec(text)?.[1];
  const lookUp = async (text: string) => {
    const found = reference(text);
    if (found === undefined) {
      return text;
    }
    const parts = found.split(':');
    return String(JSON.parse(await store.read(parts.slice(0, 7).join(':')))[parts[8]]);
  };
  return {
    id: instance.id,
    major,
    name: properties.DBName,
    master: () => lookUp(String(properties.MasterUsername)),
    password: () => lookUp(String(properties.MasterUserPassword)),
    parameters: Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, String(value)])),
  };
}

/** Resources of a type whose condition holds. */
export function created(
  template: Template,
  type: string,
  intrinsics: Intrinsics,
): { id: string; resource: Resource }[] {
  return resourcesOfType(template, type).filter(({ resource }) => intrinsics.isCreated(resource));
}
