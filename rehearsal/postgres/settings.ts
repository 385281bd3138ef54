import type { Announce } from '../announce';
import type { SecretStore } from '../aws/secrets';
import type { Assembly } from '../template/assembly';
import type { Intrinsics } from '../template/intrinsics';

/** What the database instance of a template asks of its server. */
export interface DatabaseSettings {
  readonly id: string;
  readonly major: number;
  readonly name?: string;
  readonly master: () => Promise<string>;
  readonly password: () => Promise<string>;
  readonly parameters: Record<string, string>;
}

/** Where the settings of the database are read from. */
export interface DatabaseSources {
  readonly assembly: Assembly;
  readonly intrinsics: Intrinsics;
  readonly secrets: SecretStore;
  readonly announce: Announce;
}

export function databaseSettings(sources: DatabaseSources): DatabaseSettings | undefined {
  const { assembly, intrinsics, secrets, announce } = sources;
  const [instance, ...others] = intrinsics
    .created('AWS::RDS::DBInstance')
    .filter(({ resource }) => resource.Properties?.SourceDBInstanceIdentifier === undefined);
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
    return String(JSON.parse(await secrets.read(parts.slice(0, 7).join(':')))[parts[8]]);
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
