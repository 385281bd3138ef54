import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { LAYOUTS, LAYOUTS_FOLDER, ROOT } from './layouts';
import type { Result } from './rehearse';

/** The page with the table. */
export const PAGE = path.join('docs', 'outside.md');
const BEGIN = '<!-- begin outside -->';
const END = '<!-- end outside -->';
const HEAD = [
  '| layout | mode | lines of CDK | seconds to green | checks run of checks that exist | commit |',
  '|---|---|---|---|---|---|',
];

/** Lines of the stack and the app around it that are neither blank nor a comment. */
export function linesOfCdk(name: string): number {
  const texts = ['stack.ts', 'app.ts'].map((file) => readFileSync(path.join(LAYOUTS_FOLDER, name, file), 'utf8'));
  return texts.flatMap((text) => text.split('\n')).filter((line) => !/^\s*($|\/\/|\/\*|\*)/.test(line)).length;
}

/** The row of a layout in a mode. */
export function row(name: string, { mode, seconds, checked, notApplicable, notRun }: Result, commit: string): string {
  const cells =
    notRun === undefined
      ? [`${seconds}`, `${checked.length} of ${checked.length + notApplicable}`]
      : ['not run', `0: ${notRun.replaceAll('|', '\\|').slice(0, 200)}`];
  return `| \`${name}\` | ${mode} | ${linesOfCdk(name)} | ${cells.join(' | ')} | ${commit} |`;
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
