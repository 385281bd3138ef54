import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { LAYOUTS, LAYOUTS_FOLDER, ROOT } from './layouts';
import type { Result } from './rehearse';

/** The page with the table. */
export const PAGE = path.join('docs', 'outside.md');
const BEGIN = '<!-- begin outside -->';
const END = '<!-- end outside -->';
const HEAD = [
  '| layout | mode | lines of CDK | lines for the contract | seconds to green | checks run of checks that exist | commit |',
  '|---|---|---|---|---|---|---|',
];
/** What only a project names that this library deploys: its package and variables, and Celery over SQS. */
const CONTRACT = new RegExp(
  [
    'fargate|DJANGO_FARGATE_',
    'CELERY_(BROKER|TASK_DEFAULT_QUEUE|TASK_CREATE_MISSING)|celery\\[sqs\\]|extras = \\["sqs"\\]',
    '\\b(allowed_hosts|csrf_trusted_origins|database|secret_keys|secure_cookies|reserve_threads_for_health_checks)\\(',
  ].join('|'),
);
/** A middleware that answers the health check before Django looks at the name of the host. */
const HEALTH = /^(?=[\s\S]*get_response)(?=[\s\S]*(health|"\/up\/?"|"\/alive\/"|status))/i;

/** Lines of the stack and the app around it that are neither blank nor a comment. */
export function linesOfCdk(name: string): number {
  const texts = ['stack.ts', 'app.ts'].map((file) => readFileSync(path.join(LAYOUTS_FOLDER, name, file), 'utf8'));
  return texts.flatMap((text) => text.split('\n')).filter((line) => !/^\s*($|\/\/|\/\*|\*)/.test(line)).length;
}

/** Lines that a project has for this library, and would not have elsewhere: neither blank nor a comment. */
export function linesForContract(name: string): number {
  const app = path.join(LAYOUTS_FOLDER, name, 'app');
  const files = readdirSync(app, { recursive: true, encoding: 'utf8' }).filter(
    (file) =>
      /(\.(py|toml|txt|in|sh|ini)|Dockerfile|Pipfile)$/.test(file) && !/(^|\/)(vendor|node_modules)\//.test(file),
  );
  const lines = files.flatMap((file) => {
    const text = readFileSync(path.join(app, file), 'utf8');
    const whole = /\b(middleware|health)\.py$/.test(file) && HEALTH.test(text);
    return text.split('\n').filter((line) => !/^\s*($|#|\/\/)/.test(line) && (whole || CONTRACT.test(line)));
  });
  return lines.length;
}

/** The row of a layout in a mode. */
export function row(name: string, { mode, seconds, checked, notApplicable, notRun }: Result, commit: string): string {
  const cells =
    notRun === undefined
      ? [`${seconds}`, `${checked.length} of ${checked.length + notApplicable}`]
      : ['not run', `0: ${notRun.replaceAll('|', '\\|').slice(0, 200)}`];
  return `| \`${name}\` | ${mode} | ${linesOfCdk(name)} | ${linesForContract(name)} | ${cells.join(' | ')} | ${commit} |`;
}

/** A page with new rows in place of those of the same layout and mode, in the order of the layouts. */
export function withRows(page: string, rows: readonly string[]): string {
  const begin = page.indexOf(BEGIN) + BEGIN.length;
  const end = page.indexOf(END);
  if (begin < BEGIN.length || end < begin) {
    throw new Error(`the page has no lines ${BEGIN} and ${END}`);
  }
  const keyOf = (line: string) => line.split('|').slice(1, 3).join('|');
  const old = page
    .slice(begin, end)
    .split('\n')
    .filter((line) => line.startsWith('| `'));
  const all = [...new Map([...old, ...rows].map((line) => [keyOf(line), line])).values()];
  const order = (line: string) => LAYOUTS.findIndex(({ name }) => line.startsWith(`| \`${name}\` |`));
  const known = all.filter((line) => order(line) >= 0).sort((one, other) => order(one) - order(other));
  return `${page.slice(0, begin)}\n${[...HEAD, ...known].join('\n')}\n${page.slice(end)}`;
}

export function writeRows(rows: readonly string[]): void {
  writeFileSync(path.join(ROOT, PAGE), withRows(readFileSync(path.join(ROOT, PAGE), 'utf8'), rows));
}
