import type { SecretStore } from './secrets';

/** A reference to a secret, or to a key of its JSON, which CloudFormation resolves. */
const REFERENCE =
  /\{\{resolve:secretsmanager:(arn:[^:{}]*:secretsmanager:[^:{}]*:[^:{}]*:secret:[^:{}]+)(?::SecretString(?::([^:{}]*))?[^{}]*)?\}\}/g;

/** A value of a template whose references to secrets of this run are resolved. Others stay as they are. */
export async function resolveReferences<T>(value: T, secrets: Pick<SecretStore, 'made' | 'read'>): Promise<T> {
  const texts = new Map<string, string>();
  for (const [reference, arn, key] of JSON.stringify(value).matchAll(REFERENCE)) {
    if (secrets.made(arn)) {
      const text = await secrets.read(arn);
      texts.set(reference, key ? String(JSON.parse(text)[key]) : text);
    }
  }
  return replaced(value, (text) => text.replace(REFERENCE, (reference) => texts.get(reference) ?? reference)) as T;
}

function replaced(value: unknown, resolve: (text: string) => string): unknown {
  if (typeof value === 'string') {
    return resolve(value);
  }
  if (Array.isArray(value)) {
    return value.map((item) => replaced(item, resolve));
  }
  return value !== null && typeof value === 'object'
    ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, replaced(item, resolve)]))
    : value;
}
