import { type DatabaseLogin, databaseUrl } from '../shared/database-url';
import { Failure } from '../shared/failure';
import { type ISecretStore, labelled, versionWith } from '../shared/rotation';
import { parseObject } from '../shared/secret-json';

/** What completing a secret needs of Secrets Manager. */
export interface IUrlStore extends Pick<ISecretStore, 'stages' | 'read' | 'moveStage'> {
  /** Stores a value as the version of that id, with one label. */
  putLabelled(secretId: string, versionId: string, value: string, label: string): Promise<void>;
}

/** Label of a version that is to become current, and of none once it has. */
export const COMPLETED = 'COMPLETED';
/** A rotation replaces the current version once; more often than that nothing does. */
const ATTEMPTS = 5;
const FIELDS = ['username', 'password', 'host', 'port', 'dbname'] as const;

/**
 * Writes `url` into the current value of a secret, where it is not there yet or is that of another value.
 * Gives whether it did.
 *
 * A rotation may make another version current at any moment. So the complete value becomes current only in
 * place of the version that it was made from: Secrets Manager refuses to move the label away from any other.
 */
export async function completeUrl(secretId: string, store: IUrlStore, newId: () => string): Promise<boolean> {
  for (let attempt = 1; ; attempt++) {
    const stages = await store.stages(secretId);
    const current = await labelled(secretId, 'AWSCURRENT', store, stages);
    if (current === undefined) {
      throw new Failure('the secret has no current value');
    }
    const value = parseObject(current.text);
    const url = databaseUrl(loginOf(value));
    if (value.url === url) {
      // A run that ended right after a version became current, or that a rotation overtook, left its label.
      const left = versionWith(stages, COMPLETED);
      if (left !== undefined) {
        await takeLabelFrom(left, secretId, store);
      }
      return false;
    }
    const id = newId();
    await store.putLabelled(secretId, id, JSON.stringify({ ...value, url }), COMPLETED);
    try {
      await store.moveStage(secretId, 'AWSCURRENT', current.id, id);
    } catch (error) {
      if (attempt < ATTEMPTS && versionWith(await store.stages(secretId), 'AWSCURRENT') !== current.id) {
        continue;
      }
      throw error;
    }
    await takeLabelFrom(id, secretId, store);
    return true;
  }
}

function loginOf(value: { readonly [name: string]: unknown }): DatabaseLogin {
  const missing = FIELDS.filter((name) => value[name] === undefined || value[name] === '');
  if (missing.length > 0) {
    throw new Failure(`the secret must have ${missing.map((name) => `\`${name}\``).join(', ')}`);
  }
  const { username, password, host, port, dbname } = value;
  return {
    username: String(username),
    password: String(password),
    host: String(host),
    port: Number(port),
    dbname: String(dbname),
  };
}

/** The same event may be delivered twice: the other run may have taken the label away. */
async function takeLabelFrom(versionId: string, secretId: string, store: IUrlStore): Promise<void> {
  try {
    await store.moveStage(secretId, COMPLETED, versionId);
  } catch (error) {
    if (versionWith(await store.stages(secretId), COMPLETED) === versionId) {
      throw error;
    }
  }
}
