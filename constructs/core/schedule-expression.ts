interface Field {
  readonly from: number;
  readonly to: number;
  readonly names?: readonly string[];
  /** What this field allows beside numbers, ranges, steps and `*`. */
  readonly special?: RegExp;
}

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const DAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

const FIELDS: readonly Field[] = [
  { from: 0, to: 59 },
  { from: 0, to: 23 },
  { from: 1, to: 31, special: /^(\?|L|LW|(\d+)W)$/ },
  { from: 1, to: 12, names: MONTHS },
  { from: 1, to: 7, names: DAYS, special: /^(\?|L|(\w+)L|(\w+)#[1-5])$/ },
  { from: 1970, to: 2199 },
];
const DAYS_OF_MONTH = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const DAY_OF_MONTH = 2;
const MONTH = 3;
const DAY_OF_WEEK = 4;

/**
 * Whether EventBridge Scheduler takes the expression.
 *
 * Neither CDK nor CloudFormation's schema looks inside.
 *
 * @see https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
 */
export function isScheduleExpression(expression: string): boolean {
  const [, kind, content] = /^(cron|rate|at)\((.*)\)$/.exec(expression) ?? [];
  switch (kind) {
    case 'cron':
      return isCron(content.split(' '));
    case 'rate':
      return /^[1-9]\d* (minute|hour|day)s?$/.test(content);
    case 'at':
      return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/.test(content) && isMoment(content);
    default:
      return false;
  }
}

/** Whether it is a time zone of the IANA database. */
export function isTimeZone(name: string): boolean {
  if (name === 'Etc/UTC') {
    return true; // The default. Node.js takes some 20 ms to open its database of time zones.
  }
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return /^[A-Za-z]/.test(name); // Scheduler takes names only, no offsets such as +01:00.
  } catch {
    return false;
  }
}

function isCron(fields: string[]): boolean {
  return (
    fields.length === FIELDS.length &&
    fields.every((text, index) => isField(text, FIELDS[index])) &&
    // The day is said by the month or by the week; the other one stays open.
    (fields[DAY_OF_MONTH] === '?') !== (fields[DAY_OF_WEEK] === '?') &&
    comes(fields[DAY_OF_MONTH], fields[MONTH])
  );
}

/** Whether the calendar has one of the days in one of the months; only single ones are looked at. */
function comes(days: string, months: string): boolean {
  const dayNumbers = days.split(',').map(Number);
  const monthNumbers = months.split(',').map((month) => MONTHS.indexOf(month.toUpperCase()) + 1 || Number(month));
  const known = [...dayNumbers, ...monthNumbers].every(Number.isInteger);
  return !known || monthNumbers.some((month) => Math.min(...dayNumbers) <= DAYS_OF_MONTH[month - 1]);
}

/** JavaScript takes 31 April for 1 May. */
function isMoment(text: string): boolean {
  const time = Date.parse(`${text}Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}

function isField(text: string, field: Field): boolean {
  return text.split(',').every((item) => isItem(item, field));
}

function isItem(item: string, field: Field): boolean {
  const special = field.special?.exec(item);
  const plain = /^(?:\*|(\w+)(?:-(\w+))?)(?:\/[1-9]\d*)?$/.exec(item);
  const values = (special ?? plain)?.slice(special ? 2 : 1).filter((value) => value !== undefined);
  return values?.every((value) => isValue(value, field)) === true;
}

function isValue(value: string, { from, to, names }: Field): boolean {
  return /^\d+$/.test(value)
    ? Number(value) >= from && Number(value) <= to
    : names?.includes(value.toUpperCase()) === true;
}
