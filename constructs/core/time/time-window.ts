const DAY = 24 * 60;
const WEEK = 7 * DAY;
const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
/** The shortest window of RDS, in minutes. */
const SHORTEST = 30;

/** Minutes of a week, from Monday 00:00 UTC; the end may lie in the next week. */
interface Span {
  readonly from: number;
  readonly length: number;
}

/** Whether the text is a daily window of at least so many minutes such as `03:00-04:00`. */
export function isDailyWindow(text: string, shortest = SHORTEST): boolean {
  const span = daily(text);
  return span !== undefined && span.length >= shortest;
}

/**
 * Whether the text is a weekly window of at least so many minutes and at most 24 hours, such as
 * `sun:04:30-sun:05:30`.
 */
export function isWeeklyWindow(text: string, shortest = SHORTEST): boolean {
  const span = weekly(text);
  return span !== undefined && span.length >= shortest && span.length <= DAY;
}

/** Whether a daily and a weekly window share a minute; false when one of them is not a window. */
export function windowsOverlap(dailyText: string, weeklyText: string): boolean {
  const [backup, maintenance] = [daily(dailyText), weekly(weeklyText)];
  if (backup === undefined || maintenance === undefined) {
    return false;
  }
  return DAYS.some((_, day) => overlap({ ...backup, from: backup.from + day * DAY }, maintenance));
}

/** Both spans lie on a circle of one week: one of them begins inside the other. */
function overlap(a: Span, b: Span): boolean {
  return modulo(b.from - a.from, WEEK) < a.length || modulo(a.from - b.from, WEEK) < b.length;
}

function daily(text: string): Span | undefined {
  const match = /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)$/.exec(text);
  if (match === null) {
    return undefined;
  }
  const [h1, m1, h2, m2] = match.slice(1).map(Number);
  const from = h1 * 60 + m1;
  return { from, length: modulo(h2 * 60 + m2 - from, DAY) };
}

function weekly(text: string): Span | undefined {
  const match = /^([a-z]{3}):([01]\d|2[0-3]):([0-5]\d)-([a-z]{3}):([01]\d|2[0-3]):([0-5]\d)$/i.exec(text);
  if (match === null) {
    return undefined;
  }
  const from = minuteOfWeek(match[1], match[2], match[3]);
  const until = minuteOfWeek(match[4], match[5], match[6]);
  return from === undefined || until === undefined ? undefined : { from, length: modulo(until - from, WEEK) };
}

function minuteOfWeek(day: string, hour: string, minute: string): number | undefined {
  const index = DAYS.indexOf(day.toLowerCase());
  return index < 0 ? undefined : index * DAY + Number(hour) * 60 + Number(minute);
}

function modulo(value: number, size: number): number {
  return ((value % size) + size) % size;
}
