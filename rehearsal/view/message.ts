import { clean } from './text';

/** Keys under which loggers put what they say, and what follows it in lines of its own. */
const MESSAGE = ['message', 'msg', 'event'];
const TRACES = ['exception', 'exc_info', 'traceback', 'stack', 'stack_trace'];
/** What is read last. */
const LAST = ['logger', 'name', 'time', 'timestamp', 'asctime', '@timestamp'];

/**
 * A line of a log as a person reads it: of JSON the message first and the other fields after it; a traceback
 * in lines of its own. Other lines stay as they are.
 */
export function readable(line: string): string[] {
  const fields = fieldsOf(line);
  const message = MESSAGE.find((key) => fields !== undefined && typeof fields[key] === 'string');
  if (fields === undefined || message === undefined) {
    return [clean(line)];
  }
  const [first, ...rest] = String(fields[message]).split('\n');
  const traces = TRACES.filter((key) => typeof fields[key] === 'string' && String(fields[key]).trim() !== '');
  const others = Object.keys(fields).filter((key) => key !== message && !traces.includes(key));
  const sorted = [
    ...others.filter((key) => !LAST.includes(key)),
    ...LAST.filter((key) => others.includes(key)),
  ].flatMap((key) => (fields[key] === null ? [] : [`${key}=${shown(fields[key])}`]));
  return [
    [first, ...sorted].join('  '),
    ...[...rest, ...traces.flatMap((key) => String(fields[key]).trimEnd().split('\n'))].map((text) => `  ${text}`),
  ].map(clean);
}

function fieldsOf(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) {
    return undefined;
  }
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function shown(value: unknown): string {
  return typeof value === 'string' && /^[^\s"]+$/.test(value) ? value : JSON.stringify(value);
}
