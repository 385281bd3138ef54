import type { ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import { isUnknown } from '../checks';

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const WEEKDAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];
const DAY = 24 * 60;
const DAY_MS = DAY * 60_000;
const MINUTES_IN: { readonly [unit: string]: number } = { minute: 1, hour: 60, day: DAY };
/** The Gregorian calendar repeats its leap days within these, and most patterns of weekdays. */
const YEARS = 9;
/** A nearest weekday, `15W`, is at most so far from its day. */
const NEAREST_WEEKDAY = 2;
const LONGEST = 366;

/**
 * The longest time between two days of a cron expression of EventBridge, in days; one year at most.
 *
 * Years in the expression are not looked at. The expression is one that `isScheduleExpression` takes.
 */
export function longestGapInDays(expression: string): number {
  const cron = cronOf(expression);
  if (cron === undefined) {
    return 1;
  }
  const gap = gapBetween([{ ...cron, times: [0] }]);
  return Math.min(LONGEST, gap / DAY);
}

/**
 * The longest time between two runs of several schedules, in minutes; undefined where it cannot be reckoned:
 * with single years, or what only the deployment knows.
 *
 * Schedules of one time zone fill each other's gaps. Of several zones, the gap of the most frequent counts.
 */
export function longestGapInMinutes(schedules: ScheduleExpression[]): number | undefined {
  const zones = new Map<string, string[]>();
  for (const { timeZone, expressionString } of schedules) {
    const zone = String(timeZone?.timezoneName);
    zones.set(zone, [...(zones.get(zone) ?? []), expressionString]);
  }
  return least([...zones.values()].map(gapOf));
}

function gapOf(expressions: string[]): number | undefined {
  if (expressions.some(isUnknown)) {
    return undefined;
  }
  const crons = expressions.map(cronOf).filter((cron) => cron?.years === '*') as Cron[];
  return least([...expressions.map(rateOf), crons.length === 0 ? undefined : gapBetween(crons)]);
}

function least(values: (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

/** Minutes of `rate(2 hours)`. */
function rateOf(expression: string): number | undefined {
  const [, value, unit] = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(expression) ?? [];
  return unit === undefined ? undefined : Number(value) * MINUTES_IN[unit];
}

interface Cron {
  /** Minutes of a day. */
  readonly times: number[];
  readonly isOn: (day: Day) => boolean;
  /** Whether its runs lie near the days that `isOn` says. */
  readonly isNear: boolean;
  readonly years: string;
}

interface Day {
  readonly month: number;
  readonly day: number;
  /** 1 for Sunday. */
  readonly weekday: number;
  readonly daysInMonth: number;
}

function cronOf(expression: string): Cron | undefined {
  const fields = /^cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)$/.exec(expression);
  if (fields === null) {
    return undefined;
  }
  const [, minutes, hours, days, months, weekdays, years] = fields;
  const isIn = (text: string, value: number) => hits(text, value, [], 0);
  return {
    times: upTo(DAY - 1).filter((time) => isIn(hours, Math.floor(time / 60)) && isIn(minutes, time % 60)),
    isOn: (day) =>
      hits(months, day.month, MONTHS) && (weekdays === '?' ? isDayOfMonth(days, day) : isDayOfWeek(weekdays, day)),
    isNear: days.endsWith('W'),
    years,
  };
}

function upTo(last: number): number[] {
  return Array.from({ length: last + 1 }, (_, number) => number);
}

/** What a day looks like, from its first run to its last. */
interface Runs {
  readonly first: number;
  readonly last: number;
  readonly gap: number;
}

/** The longest time between two runs, in minutes; without end where there are not two of them. */
function gapBetween(crons: Cron[]): number {
  const exact = crons.filter(({ isNear }) => !isNear);
  const counted = (exact.length === 0 ? crons : exact).filter(({ times }) => times.length > 0);
  const kinds = new Map<string, Runs>();
  const start = Date.UTC(2024, 0, 1);
  let last: number | undefined;
  let gap: number | undefined;
  for (let time = start; time < Date.UTC(2024 + YEARS, 0, 1); time += DAY_MS) {
    const day = dayOf(time);
    const on = counted.filter(({ isOn }) => isOn(day));
    if (on.length > 0) {
      const kind = on.map((cron) => counted.indexOf(cron)).join();
      const runs = kinds.get(kind) ?? runsOf(on);
      kinds.set(kind, runs);
      const midnight = (time - start) / 60_000;
      gap = Math.max(gap ?? 0, runs.gap, last === undefined ? 0 : midnight + runs.first - last);
      last = midnight + runs.last;
    }
  }
  // A single day in all these years has no gap that anybody could wait for.
  const isRare = gap === undefined || gap === 0;
  const slack = exact.length === 0 ? 2 * NEAREST_WEEKDAY * DAY : 0;
  return isRare ? Number.POSITIVE_INFINITY : (gap as number) + slack;
}

function runsOf(crons: Cron[]): Runs {
  const times = [...new Set(crons.flatMap((cron) => cron.times))].sort((one, other) => one - other);
  const gaps = times.slice(1).map((time, index) => time - times[index]);
  return { first: times[0], last: times[times.length - 1], gap: Math.max(0, ...gaps) };
}

function dayOf(time: number): Day {
  const date = new Date(time);
  const daysInMonth = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  return { month: date.getUTCMonth() + 1, day: date.getUTCDate(), weekday: date.getUTCDay() + 1, daysInMonth };
}

function isDayOfMonth(text: string, { day, daysInMonth }: Day): boolean {
  return text.split(',').some((item) => {
    if (item.startsWith('L')) {
      return day === daysInMonth;
    }
    return hits(item.replace(/W$/, ''), day);
  });
}

function isDayOfWeek(text: string, { day, weekday, daysInMonth }: Day): boolean {
  return text.split(',').some((item) => {
    const [, name, , nth] = /^(\w+?)(L|#(\d))?$/.exec(item) ?? [];
    if (item === 'L') {
      return weekday === WEEKDAYS.length;
    }
    if (nth !== undefined) {
      return numberOf(name, WEEKDAYS) === weekday && Math.ceil(day / 7) === Number(nth);
    }
    return item.length > 1 && item.endsWith('L')
      ? numberOf(item.slice(0, -1), WEEKDAYS) === weekday && day > daysInMonth - 7
      : hits(item, weekday, WEEKDAYS);
  });
}

/** Whether a list of numbers, names, ranges and steps has the value. Days and months begin with 1. */
function hits(text: string, value: number, names: readonly string[] = [], first = 1): boolean {
  if (text === '*' || text === '?') {
    return true; // Most fields are so, and years of days ask for each.
  }
  return text.split(',').some((item) => {
    const [range, step] = item.split('/');
    const isAny = range === '*' || range === '?';
    const [from, to] = isAny ? [first] : range.split('-').map((each) => numberOf(each, names));
    const end = to ?? (step === undefined && !isAny ? from : Number.POSITIVE_INFINITY);
    return value >= from && value <= end && (value - from) % Number(step ?? 1) === 0;
  });
}

function numberOf(text: string, names: readonly string[]): number {
  return names.indexOf(text.toUpperCase()) + 1 || Number(text);
}
