/** When an EventBridge schedule fires, in terms of croner: a cron pattern, an interval, or one moment. */
export type Timing =
  | { readonly kind: 'cron'; readonly pattern: string }
  | { readonly kind: 'rate'; readonly milliseconds: number }
  | { readonly kind: 'at'; readonly time: string };

const UNITS: Record<string, number> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };

/** Reads `cron(…)`, `rate(…)` and `at(…)` of EventBridge Scheduler. */
export function parseScheduleExpression(expression: string): Timing {
  const [, kind, body] = /^(cron|rate|at)\((.*)\)$/.exec(expression.trim()) ?? [];
  if (kind === 'rate') {
    const [count, unit] = body.split(/\s+/);
    return { kind, milliseconds: Number(count) * UNITS[unit.replace(/s$/, '')] };
  }
  if (kind === 'at') {
    return { kind, time: body };
  }
  if (kind !== 'cron') {
    throw new Error(`not an expression of EventBridge Scheduler: ${expression}`);
  }
  const [minute, hour, day, month, weekday, year] = body.split(/\s+/);
  // EventBridge counts the days of the week from 1 (Sunday); cron counts from 0. `?` is "no matter".
  const days = weekday.replace(/\d+/g, (digit, offset: number) =>
    weekday[offset - 1] === '#' || weekday[offset - 1] === '/' ? digit : String(Number(digit) - 1),
  );
  const free = (field: string) => (field === '?' ? '*' : field);
  return { kind, pattern: ['0', minute, hour, free(day), month, free(days), year ?? '*'].join(' ') };
}
