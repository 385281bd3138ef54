import type { ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import { isUnknown } from '../../core/checks';

const DAY = 24 * 60;
const UNITS: { [unit: string]: number } = { minute: 1, hour: 60, day: DAY };
/** A leap year is among them, and every weekday meets every date. */
const DAYS_LOOKED_AT = 1461 + 7;
const MONDAY = Date.UTC(2024, 0, 1);
const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const WEEKDAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

/**
 * The longest time between two runs of several schedules, in minutes; undefined where it cannot be reckoned:
 * with days such as the last Friday, single years, or what only the deployment knows.
 *
 * Schedules of one time zone fill each other's gaps. Of several zones, the gap of the most frequent counts.
 */
export function longestGap(schedules: ScheduleExpression[]): number | undefined {
  const zones = new Map<string, ScheduleExpression[]>();
  for (const schedule of schedules) {
    const zone = String(schedule.timeZone?.timezoneName);
    zones.set(zone, [...(zones.get(zone) ?? []), schedule]);
  }
  const gaps = [...zones.values()].map(gapOf).filter((gap) => gap !== undefined);
  return gaps.length === 0 ? undefined : Math.min(...gaps);
}

function gapOf(schedules: ScheduleExpression[]): number | undefined {
  const expressions = schedules.map(({ expressionString }) => expressionString);
  if (expressions.some(isUnknown)) {
    return undefined;
  }
  const rates = expressions.map(rateOf).filter((rate) => rate !== undefined);
  const crons = expressions.map(cronOf).filter((cron) => cron !== undefined);
  const gap = crons.length === 0 ? undefined : gapBetween(crons);
  const all = [...rates, ...(gap === undefined ? [] : [gap])];
  return all.length === 0 ? undefined : Math.min(...all);
}

/** Minutes of `rate(2 hours)`. */
function rateOf(expression: string): number | undefined {
  const [, value, unit] = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(expression) ?? [];
  return unit === undefined ? undefined : Number(value) * UNITS[unit];
}

interface Cron {
  readonly minutes: Set<number>;
  readonly hours: Set<number>;
  readonly isOn: (day: Date) => boolean;
}

function cronOf(expression: string): Cron | undefined {
  const fields = /^cron\((.*)\)$/.exec(expression)?.[1].split(' ') ?? [];
  const [minutes, hours, dates, months, weekdays] = [
    numbersOf(fields[0], 0, 59),
    numbersOf(fields[1], 0, 23),
    numbersOf(fields[2], 1, 31),
    numbersOf(fields[3], 1, 12, MONTHS),
    numbersOf(fields[4], 1, 7, WEEKDAYS),
  ];
  if (!minutes || !hours || !dates || !months || !weekdays || fields[5] !== '*') {
    return undefined;
  }
  const isOn = (day: Date) =>
    months.has(day.getUTCMonth() + 1) && dates.has(day.getUTCDate()) && weekdays.has(day.getUTCDay() + 1);
  return { minutes, hours, isOn };
}

/** The numbers of a field; undefined for what is no list of numbers, ranges and steps. */
function numbersOf(field: string | undefined, from: number, to: number, names: string[] = []): Set<number> | undefined {
  const numbers = new Set<number>();
  for (const item of (field ?? '').split(',')) {
    const [, star, first, last, step] = /^(?:(\*|\?)|(\w+)(?:-(\w+))?)(?:\/(\d+))?$/.exec(item) ?? [];
    const start = star === undefined ? numberOf(first, names) : from;
    const end = star !== undefined || (last === undefined && step !== undefined) ? to : numberOf(last ?? first, names);
    if (!Number.isInteger(start) || !Number.isInteger(end) || Number(step) === 0) {
      return undefined;
    }
    for (let number = start; number <= end; number += Number(step ?? 1)) {
      numbers.add(number);
    }
  }
  return numbers;
}

function numberOf(text: string | undefined, names: string[]): number {
  const name = names.indexOf(String(text).toUpperCase());
  return name < 0 ? Number(text) : name + 1;
}

function gapBetween(crons: Cron[]): number | undefined {
  let [last, gap]: (number | undefined)[] = [undefined, undefined];
  for (let day = 0; day < DAYS_LOOKED_AT; day++) {
    const date = new Date(MONDAY + day * DAY * 60_000);
    for (const time of timesOf(crons.filter(({ isOn }) => isOn(date)))) {
      const now = day * DAY + time;
      gap = last === undefined ? gap : Math.max(gap ?? 0, now - last);
      last = now;
    }
  }
  return gap;
}

function timesOf(crons: Cron[]): number[] {
  const times = crons.flatMap(({ hours, minutes }) =>
    [...hours].flatMap((hour) => [...minutes].map((minute) => hour * 60 + minute)),
  );
  return [...new Set(times)].sort((one, other) => one - other);
}
