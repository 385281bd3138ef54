const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const WEEKDAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];
const DAY_MS = 86_400_000;
/** The Gregorian calendar repeats its leap days within these, and most patterns of weekdays. */
const YEARS = 9;
/** A nearest weekday, `15W`, is at most so far from its day. */
const NEAREST_WEEKDAY = 2;
const LONGEST = 366;

interface Day {
  readonly month: number;
  readonly day: number;
  /** 1 for Sunday. */
  readonly weekday: number;
  readonly daysInMonth: number;
}

/**
 * The longest time between two days of a cron expression of EventBridge, in days; one year at most.
 *
 * Years in the expression are not looked at. The expression is one that `isScheduleExpression` takes.
 */
export function longestGapInDays(expression: string): number {
  const [, , , days, months, weekdays] = /^cron\((\S+) (\S+) (\S+) (\S+) (\S+) \S+\)$/.exec(expression) ?? [];
  const isNear = /W$/.test(days ?? '');
  const first = Date.UTC(2024, 0, 1);
  let [longest, last] = [0, first];
  for (let time = first; time < Date.UTC(2024 + YEARS, 0, 1); time += DAY_MS) {
    const day = dayOf(time);
    if (
      hits(months ?? '*', day.month, MONTHS) &&
      (weekdays === '?' ? isDayOfMonth(days ?? '*', day) : isDayOfWeek(weekdays ?? '*', day))
    ) {
      longest = Math.max(longest, (time - last) / DAY_MS);
      last = time;
    }
  }
  const gap = longest + (isNear ? 2 * NEAREST_WEEKDAY : 0);
  return last === first || gap > LONGEST ? LONGEST : gap;
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
    return hits(item.replace(/W$/, ''), day, []);
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

/** Whether a list of numbers, names, ranges and steps has the value. */
function hits(text: string, value: number, names: readonly string[]): boolean {
  return text.split(',').some((item) => {
    const [range, step] = item.split('/');
    const [from, to] = range === '*' || range === '?' ? [1] : range.split('-').map((each) => numberOf(each, names));
    const end = to ?? (step === undefined && range !== '*' && range !== '?' ? from : Number.POSITIVE_INFINITY);
    return value >= from && value <= end && (value - from) % Number(step ?? 1) === 0;
  });
}

function numberOf(text: string, names: readonly string[]): number {
  return names.indexOf(text.toUpperCase()) + 1 || Number(text);
}
