import { secretReference } from '../aws/secret-strings';
import type { Rehearsal } from '../rehearsal';
import type { TaskDefinition } from '../template/task-definition';
import { expect } from './check';

/** How a process logs in to the database. */
export interface DatabaseLogin {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

/** The JSON keys of a secret that RDS attaches to a database. */
const KEYS = ['host', 'port', 'username', 'password', 'dbname'] as const;

/** Variable by JSON key, for the secret of which a process is given a host and a password. */
export function databaseVariables(secrets: TaskDefinition['secrets']): Readonly<Record<string, string>> | undefined {
  const bySecret = new Map<string, Record<string, string>>();
  for (const [variable, valueFrom] of Object.entries(secrets)) {
    const { arn, key } = secretReference(valueFrom);
    if (key !== undefined) {
      bySecret.set(arn, { ...bySecret.get(arn), [key]: variable });
    }
  }
  return [...bySecret.values()].find(({ host, password }) => host !== undefined && password !== undefined);
}

/** The login that ECS gives a process, whatever its variables are called. */
export async function databaseLogin(rehearsal: Rehearsal, definition: TaskDefinition): Promise<DatabaseLogin> {
  const variables = databaseVariables(definition.secrets);
  expect(variables !== undefined, `${definition.name} is given no secret with a "host" and a "password"`);
  const read = async (key: (typeof KEYS)[number]) => {
    const variable = variables[key];
    expect(variable !== undefined, `${definition.name} has no variable from the key "${key}" of its database secret`);
    return rehearsal.secrets.inject(variable, definition.secrets[variable]);
  };
  const [host, port, user, password, database] = await Promise.all(KEYS.map(read));
  return { host, port: Number(port), user, password, database };
}
