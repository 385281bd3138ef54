/**
 * Numbers that go into the template as they are.
 *
 * All others must be known: something is computed from them, or compared with them.
 */
const NUMBERS_PASSED_ON = ['port', 'handlerReservedConcurrency'];

/** Strings that are taken apart, or that something is chosen by. */
const STRINGS_LOOKED_AT = [
  'cachedPaths',
  'confirmation',
  'countedRules',
  'defaultQueueName',
  'maintenancePage',
  'originKeys',
  'queueNames',
  'repository',
  'settingsModule',
  'staticPaths',
];

/**
 * Whether a value must be known when the template is made, so that a token cannot stand for it.
 *
 * Of numbers, durations, sizes and enums that is the rule; a string can be a token unless it is named above.
 */
export function isKnownAtSynthesis(path: string, kind: string): boolean {
  const prop = path
    .replace(/\[\d+\]$/, '')
    .split('.')
    .pop() as string;
  const [what, type] = kind.replace(/\?$/, '').split(' ');
  switch (what) {
    case 'string':
      return STRINGS_LOOKED_AT.includes(prop);
    case 'number':
      return !NUMBERS_PASSED_ON.includes(prop);
    case 'enum':
      return type !== 'RetentionDays';
    default:
      return ['Duration', 'Size'].includes(type);
  }
}
