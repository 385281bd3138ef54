import type { Outcome } from './check';

/** What was not checked, and why: a line for each kind of check and reason. */
export function notApplicable(outcomes: readonly Outcome[]): string[] {
  const counts = new Map<string, Map<string, number>>();
  for (const { name, detail } of outcomes.filter(({ verdict }) => verdict === 'not applicable')) {
    const [kind] = name.split(': ');
    const needs = counts.get(kind) ?? new Map<string, number>();
    counts.set(kind, needs.set(detail, (needs.get(detail) ?? 0) + 1));
  }
  return [...counts].flatMap(([kind, needs]) =>
    [...needs].map(([what, count]) => `  ${kind}: ${count} not applicable, for want of ${what}`),
  );
}
