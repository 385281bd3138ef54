import { Failure } from './failure';

/**
 * The JSON object in a secret.
 *
 * JSON.parse quotes what it cannot read in its error: here it does not leave.
 */
export function parseObject(text: string): { [name: string]: unknown } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Failure('the secret is not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Failure('the secret is not a JSON object');
  }
  return value as { [name: string]: unknown };
}
