/** GiB of a burstable class by its size, and of one "large" of the others by the letter of the family. */
const BURSTABLE: Readonly<Record<string, number>> = {
  micro: 1,
  small: 2,
  medium: 4,
  large: 8,
  xlarge: 16,
  '2xlarge': 32,
};
const LARGE: Readonly<Record<string, number>> = { m: 8, r: 16 };
const GIB = 1024 ** 3;
/** What the operating system and RDS's own processes take of it is not published: a share, and a constant. */
const SYSTEM_SHARE = 0.07;
const SYSTEM_GIB = 0.21;
const SERVERLESS = /^db\.serverless with ([\d.]+) ACUs$/;
/** Of an Aurora capacity unit. */
const GIB_OF_UNIT = 2;
/** What RDS for PostgreSQL has where no parameter group says otherwise. */
const DEFAULT_FORMULA = 'LEAST({DBInstanceClassMemory/9531392},5000)';

/**
 * `DBInstanceClassMemory` of a class such as `db.t4g.medium`, in bytes; undefined for a class of other
 * families.
 */
export function classMemory(instanceClass: string): number | undefined {
  const [, capacity] = SERVERLESS.exec(instanceClass) ?? [];
  if (capacity !== undefined) {
    return systemOff(GIB_OF_UNIT * Number(capacity));
  }
  const [, letter, size] = /^(?:db\.)?([tmr])\d\w*\.(\w+)$/.exec(instanceClass) ?? [];
  const gib = letter === 't' ? BURSTABLE[size] : (LARGE[letter] ?? Number.NaN) * larges(size);
  return gib > 0 ? systemOff(gib) : undefined;
}

/** The class of an instance of Aurora Serverless v2, with the most capacity that it scales to. */
export function capacityClass({ MaxCapacity }: { readonly MaxCapacity?: number }): string {
  return `db.serverless with ${MaxCapacity} ACUs`;
}

function systemOff(gib: number): number {
  return (gib * (1 - SYSTEM_SHARE) - SYSTEM_GIB) * GIB;
}

/**
 * `max_connections` of an instance: the number of its parameter group, or what RDS makes of a formula.
 *
 * @param parameter value of the parameter group. @default - the formula of RDS
 * @see https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Limits.html#RDS_Limits.MaxConnections
 */
export function maxConnections(instanceClass: string, parameter: string = DEFAULT_FORMULA): number | undefined {
  const memory = classMemory(instanceClass);
  const [, formula = parameter, most] = /^LEAST\(\{(.+)\},(\d+)\)$/.exec(parameter.replace(/\s/g, '')) ?? [];
  if (/^\d+$/.test(formula)) {
    return Number(formula);
  }
  const [, divisor] = /^\{?DBInstanceClassMemory\/(\d+)\}?$/.exec(formula) ?? [];
  if (divisor === undefined || memory === undefined) {
    return undefined;
  }
  return Math.min(Math.floor(memory / Number(divisor)), Number(most ?? Number.POSITIVE_INFINITY));
}

/** How many times a "large" a size is. */
function larges(size: string): number {
  const [, times] = /^(\d*)xlarge$/.exec(size) ?? [];
  if (times === undefined) {
    return size === 'large' ? 1 : Number.NaN;
  }
  return 2 * Number(times || 1);
}
