import type { SecretStore } from './secrets';

/** A reference to a secret, or to a key of its JSON, which CloudFormation resolves. */
const REFERENCE =
  /\{\{resolve:secretsmanager:(arn:[^:{}"]*:secretsmanager:[^:{}"]*:[^:{}"]*:secret:[^:{}"]+)(?::SecretString(?::([^:{}"]*))?[^{}"]*)?\}\}/g;

/** A value of a template whose references to secrets of this run are resolved. Others stay as they are. */
export async function resolveReferences<T>(value: T, secrets: Pick<SecretStore, 'made' | 'read'>): Promise<T> {
  const texts = new Map<string, string>();
  const json = JSON.stringify(value);
  for (const [reference, arn, key] of json.matchAll(REFERENCE)) {
    if (secrets.made(arn)) {
      const text = await secrets.read(arn);
      texts.set(reference, key ? String(JSON.parse(text)[key]) : text);
    }
  }
  const quoted = (text: string) => JSON.stringify(text).slice(1, -1);
  const resolved = json.replace(REFERENCE, (reference) => {
    const text = texts.get(reference);
    return text === undefined ? reference : quoted(text);
  });
  return JSON.parse(resolved);
}
