import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(__dirname, '..');
const PAGE = readFileSync(join(ROOT, 'docs', 'celery.md'), 'utf8');
const TESTS = join(ROOT, 'runtime', 'tests');

/** The cells of the table under a heading, without its first two lines. */
function tableUnder(page: string, heading: string): string[][] {
  const [, section = ''] = page.split(`\n## ${heading}\n`);
  const rows = (section.split('\n## ')[0] ?? '').split('\n').filter((line) => line.startsWith('|'));
  return rows.slice(2).map((line) => line.slice(2, -2).split(' | '));
}

/** The tests of runtime/ that run. */
function testsOfRuntime(): Set<string> {
  const sources = readdirSync(TESTS).filter((file) => /^test_.*\.py$/.test(file));
  const text = sources.map((file) => readFileSync(join(TESTS, file), 'utf8')).join('\n');
  const found = [...text.matchAll(/^((?:@.*\n)*)def (test_\w+)\(/gm)];
  return new Set(found.filter(([, marks]) => !/skip|xfail/.test(marks)).map(([, , name]) => name));
}

/** What is wrong with the list of tests, by row. */
function unasserted(page: string): string[] {
  const rows = tableUnder(page, 'What happens when');
  const tests = new Map(tableUnder(page, 'Which test asserts which row').map(([row, names]) => [row, names]));
  const known = testsOfRuntime();
  const missing = rows.flatMap(([row, what]) => {
    const names = [...(tests.get(row) ?? '').matchAll(/`(\w+)`/g)].map(([, name]) => name);
    const unknown = names.filter((name) => !known.has(name)).map((name) => `${row}: there is no ${name}`);
    return names.length === 0 ? [`${row}: no test asserts "${what}"`] : unknown;
  });
  const numbers = rows.map(([row]) => Number(row));
  const left = [...tests.keys()].filter((row) => !numbers.includes(Number(row))).map((row) => `${row}: no such row`);
  return [...missing, ...left, ...(numbers.every((row, index) => row === index + 1) ? [] : ['rows are not numbered'])];
}

describe('what becomes of a task, in docs/celery.md', () => {
  test('is asserted row by row, by tests that exist', () => {
    expect(tableUnder(PAGE, 'What happens when').length).toBeGreaterThanOrEqual(21);
    expect(unasserted(PAGE)).toEqual([]);
  });

  test.each([
    ['a row without a test', /(\n\| 21 \|.*revoke.*)/, '$1\n| 22 | a comet | lost |', '22: no test asserts "a comet"'],
    ['a test that is gone', /`test_remote_control_\w+`/, '`test_gone`', '21: there is no test_gone'],
    ['a list of a row that is gone', /\n\| 21 \|.*revoke.*/, '', '21: no such row'],
    ['a number that is left out', /\n\| 20 \| a worker/, '\n| 30 | a worker', 'rows are not numbered'],
  ])('would not be with %s', (_, pattern, replacement, problem) => {
    expect(unasserted(PAGE.replace(pattern, replacement))).toContain(problem);
  });

  test('comes back after the delays of runtime/, and not before a database has failed over', () => {
    const [, written] = /^RETRY_DELAYS = \((.*)\)/m.exec(
      readFileSync(join(ROOT, 'runtime', 'django_fargate', 'sqs', 'retries.py'), 'utf8'),
    ) as RegExpExecArray;
    const delays = written.split(', ').map(Number);
    const table = tableUnder(PAGE, 'When a failed task comes back');
    const hidden = table.map(([, , text]) => seconds(text));
    expect(hidden).toEqual(table.map((_row, index) => delays[Math.min(index, delays.length - 1)]));
    const begins = table.map((_row, index) => hidden.slice(0, index + 1).reduce((sum, each) => sum + each));
    expect(table.map(([, text]) => seconds(text))).toEqual(
      begins.map((each, index) => (table[index][1].endsWith('minutes') ? each - (each % 60) : each)),
    );
    expect(begins[1]).toBeGreaterThan(120); // The third of three attempts, the fewest that a queue may have.
  });
});

function seconds(text: string): number {
  const [amount, unit] = text.split(' ');
  return Number(amount) * (unit === 's' ? 1 : 60);
}
