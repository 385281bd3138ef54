import { randomInt } from 'node:crypto';

/** `GenerateSecretString` of AWS::SecretsManager::Secret. */
export interface GenerateSecretString {
  readonly ExcludeCharacters?: string;
  readonly ExcludeLowercase?: boolean;
  readonly ExcludeNumbers?: boolean;
  readonly ExcludePunctuation?: boolean;
  readonly ExcludeUppercase?: boolean;
  readonly GenerateStringKey?: string;
  readonly IncludeSpace?: boolean;
  readonly PasswordLength?: number;
  readonly RequireEachIncludedType?: boolean;
  readonly SecretStringTemplate?: string;
}

const LOWER = 'abcdefghijklmnopqrstuvwxyz';
const UPPER = LOWER.toUpperCase();
const NUMBERS = '0123456789';
const PUNCTUATION = '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~';

/** A secret's value by the template's own rules. */
export function generateSecret(rules: GenerateSecretString, random: (max: number) => number = randomInt): string {
  const password = generatePassword(rules, random);
  if (rules.GenerateStringKey === undefined) {
    return password;
  }
  return JSON.stringify({
    ...JSON.parse(rules.SecretStringTemplate ?? '{}'),
    [rules.GenerateStringKey]: password,
  });
}

function generatePassword(rules: GenerateSecretString, random: (max: number) => number): string {
  const excluded = new Set(rules.ExcludeCharacters ?? '');
  const types = [
    rules.ExcludeLowercase ? '' : LOWER,
    rules.ExcludeUppercase ? '' : UPPER,
    rules.ExcludeNumbers ? '' : NUMBERS,
    rules.ExcludePunctuation ? '' : PUNCTUATION,
    rules.IncludeSpace ? ' ' : '',
  ]
    .map((type) => [...type].filter((character) => !excluded.has(character)))
    .filter((type) => type.length > 0);
  const all = types.flat();
  const length = rules.PasswordLength ?? 32;
  const characters = (rules.RequireEachIncludedType ?? true) ? types.map((type) => type[random(type.length)]) : [];
  while (characters.length < length) {
    characters.push(all[random(all.length)]);
  }
  for (let last = characters.length - 1; last > 0; last--) {
    const other = random(last + 1);
    [characters[last], characters[other]] = [characters[other], characters[last]];
  }
  return characters.slice(0, length).join('');
}

/** Name of a secret, from its ARN or the end of it: Secrets Manager adds a hyphen and six characters. */
export function secretName(arn: string): string {
  return arn.replace(/^.*:/, '').replace(/-[A-Za-z0-9]{6}$/, '');
}

/** Reads `arn`, `arn:key::` and `arn:key:stage:version`; throws where ECS would refuse to start the task. */
export function secretReference(valueFrom: string): { arn: string; key?: string; stage: string } {
  const parts = valueFrom.split(':');
  const arn = parts.slice(0, 7).join(':');
  const [key, stage] = parts.slice(7);
  return { arn, key: key || undefined, stage: stage || 'AWSCURRENT' };
}
