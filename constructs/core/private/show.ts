import { Duration, Size, SizeRoundingBehavior, Token } from 'aws-cdk-lib';
import { Construct } from 'constructs';

const MOST_KEYS = 8;
const LONGEST = 200;
const UNKNOWN = 'a value known only at deployment';

/**
 * A value as an error message shows it.
 *
 * Never throws, whatever the value is.
 *
 * Durations appear in the unit that they were written in, sizes in MiB, constructs as their path. Of any
 * other object only the keys are shown: the values may be long, or circular, or say nothing to the reader.
 */
export function show(value: unknown): string {
  try {
    const text = inWords(value);
    return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
  } catch {
    return typeof value === 'function' ? 'a function' : 'an object'; // A getter or a proxy of the user's threw.
  }
}

function inWords(value: unknown): string {
  if (Token.isUnresolved(value)) {
    return UNKNOWN; // Also of numbers and lists, which stand for one that nobody wrote.
  }
  if (typeof value === 'string') {
    return JSON.stringify(value);
  }
  if (typeof value === 'bigint') {
    return `${value}n`;
  }
  if (typeof value === 'function') {
    return value.name === '' ? 'a function' : `the function ${value.name}`;
  }
  if (typeof value !== 'object' || value === null) {
    return String(value);
  }
  return objectInWords(value);
}

function objectInWords(value: object): string {
  if (value instanceof Duration) {
    return durationInWords(value);
  }
  if (value instanceof Size) {
    return value.isUnresolved()
      ? 'a size known only at deployment'
      : `${value.toMebibytes({ rounding: SizeRoundingBehavior.NONE })} MiB`;
  }
  if (Construct.isConstruct(value)) {
    return value.node.path || 'App';
  }
  if (Array.isArray(value)) {
    return `[${value.map((item) => (Array.isArray(item) ? `[${ellipsis(item.length)}]` : inWords(item))).join(', ')}]`;
  }
  return keysOf(value);
}

/** `7 days`, `25 minutes`, `1 hour`: in the unit that the user chose. */
function durationInWords(duration: Duration): string {
  if (duration.isUnresolved()) {
    return 'a duration known only at deployment';
  }
  const unit = duration.unitLabel() === 'millis' ? 'milliseconds' : duration.unitLabel();
  const amount = duration.formatTokenToNumber().split(' ')[0];
  return `${amount} ${amount === '1' ? unit.replace(/s$/, '') : unit}`;
}

/** `{eventTopic, port, …}`: the keys of a plain object; the name of the class of any other. */
function keysOf(value: object): string {
  const made = (Object.getPrototypeOf(value) ?? Object.prototype).constructor;
  if (made !== Object) {
    const name = typeof made === 'function' && made.name !== '' ? made.name : 'object';
    return `${/^[AEIOU]/i.test(name) ? 'an' : 'a'} ${name}`;
  }
  const keys = Object.keys(value).filter((key) => Reflect.get(value, key) !== undefined);
  return `{${[...keys.slice(0, MOST_KEYS), ...(keys.length > MOST_KEYS ? ['…'] : [])].join(', ')}}`;
}

function ellipsis(length: number): string {
  return length === 0 ? '' : '…';
}
