type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/**
 * Whether an event matches an EventBridge pattern.
 *
 * It knows lists of values, `prefix`, `suffix`, `anything-but`, `exists`, `numeric` and `$or`.
 */
export function matchesEvent(pattern: Json, event: Json): boolean {
  if (pattern === null || typeof pattern !== 'object' || Array.isArray(pattern)) {
    return false;
  }
  return Object.entries(pattern).every(([name, wanted]) => {
    if (name === '$or') {
      return (wanted as Json[]).some((option) => matchesEvent(option, event));
    }
    const actual = isObject(event) ? event[name] : undefined;
    if (Array.isArray(wanted)) {
      return wanted.some((matcher) => matchesValue(matcher, actual));
    }
    const items = Array.isArray(actual) ? actual : [actual ?? null];
    return items.some((item) => matchesEvent(wanted, item));
  });
}

function matchesValue(matcher: Json, actual: Json | undefined): boolean {
  if (Array.isArray(actual)) {
    return actual.some((item) => matchesValue(matcher, item));
  }
  if (!isObject(matcher)) {
    return matcher === actual;
  }
  const [kind, value] = Object.entries(matcher)[0];
  switch (kind) {
    case 'exists':
      return (actual !== undefined) === value;
    case 'prefix':
      return typeof actual === 'string' && actual.startsWith(String(value));
    case 'suffix':
      return typeof actual === 'string' && actual.endsWith(String(value));
    case 'anything-but':
      return actual !== undefined && ![value].flat().includes(actual);
    case 'numeric':
      return typeof actual === 'number' && comparisons(value as Json[]).every((holds) => holds(actual));
    default:
      return false;
  }
}

function comparisons(list: Json[]): ((actual: number) => boolean)[] {
  const pairs = Array.from({ length: list.length / 2 }, (_, index) => [list[2 * index], Number(list[2 * index + 1])]);
  return pairs.map(([operator, limit]) => (actual) => {
    const bound = limit as number;
    return {
      '>': actual > bound,
      '>=': actual >= bound,
      '<': actual < bound,
      '<=': actual <= bound,
      '=': actual === bound,
    }[String(operator)] as boolean;
  });
}

function isObject(value: Json | undefined): value is { [name: string]: Json } {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}
