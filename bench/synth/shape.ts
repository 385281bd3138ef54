import { createHash } from 'node:crypto';

interface Resource {
  readonly Type: string;
  readonly [attribute: string]: unknown;
}

export interface TemplateJson {
  readonly Resources: { [logicalId: string]: Resource };
}

/** Rounds of comparison: as many steps along references as two resources must agree on. */
const ROUNDS = 4;

/**
 * The shape of every resource of a template, so that two templates can be compared whose logical ids differ: type, properties and
 * dependencies, where a reference counts as the shape of what it points to. Names and descriptions do not count, nor does the
 * order of lists.
 */
export function shapes({ Resources }: TemplateJson): Map<string, string> {
  let known = new Map(Object.entries(Resources).map(([id, { Type }]) => [id, Type]));
  for (let round = 0; round < ROUNDS; round++) {
    const before = known;
    known = new Map(
      Object.entries(Resources).map(([id, resource]) => {
        const text = JSON.stringify(canonical(resource, before));
        return [id, `${resource.Type} ${createHash('sha256').update(text).digest('hex').slice(0, 16)}`];
      }),
    );
  }
  return known;
}

/** The shape of one resource in clear, with the type for each reference: what to read when two differ. */
export function clear({ Resources }: TemplateJson, logicalId: string): unknown {
  return canonical(Resources[logicalId], new Map(Object.entries(Resources).map(([id, { Type }]) => [id, Type])));
}

function canonical(value: unknown, known: Map<string, string>): unknown {
  if (Array.isArray(value)) {
    return value.map((item) => canonical(item, known)).sort(byText);
  }
  if (typeof value === 'string') {
    return known.get(value) ?? withoutNames(value);
  }
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !isSaying(key))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, canonical(item, known)]),
  );
}

/** Texts for people, and what the construct tree adds. */
function isSaying(key: string): boolean {
  return key.endsWith('Description') || key === 'Metadata';
}

/** Whatever is named after the application is called alike. */
function withoutNames(text: string): string {
  return text.replace(/\bshop[\w/-]*/gi, 'NAME').replace(/^[0-9a-f]{64}\.zip$/, 'ASSET');
}

function byText(a: unknown, b: unknown): number {
  const [left, right] = [JSON.stringify(a), JSON.stringify(b)];
  return left < right ? -1 : Number(left > right);
}
