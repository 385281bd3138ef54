import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type InvalidCase, MESSAGE_FORM } from './invalid/case';
import { wrongInClasses } from './invalid/second-hundred';
import { errorOf, testStack } from './support';

const folder = join(__dirname, 'invalid');
const cases: InvalidCase[] = readdirSync(folder)
  .filter((file) => file.endsWith('.ts') && file !== 'case.ts')
  .sort()
  .flatMap((file) => require(join(folder, file)).cases);

describe('every wrong input is refused before anything is made, in one form', () => {
  test.each(cases.map((wrong) => [wrong.name, wrong] as const))('%s', (_, { prop, make }) => {
    const lines = errorOf(() => make(testStack())).split('\n');
    for (const line of lines) {
      expect(line).toMatch(MESSAGE_FORM);
    }
    expect(lines.map((line) => MESSAGE_FORM.exec(line)?.groups?.prop)).toContain(prop);
  });

  test('at least 120 are of the second hundred, three to ten of each class', () => {
    const counts = Object.entries(wrongInClasses).map(([name, rows]) => ({ name, rows: rows.length }));
    expect(counts.filter(({ rows }) => rows < 3 || rows > 10)).toEqual([]);
    expect(counts.reduce((sum, { rows }) => sum + rows, 0)).toBeGreaterThanOrEqual(120);
  });

  test('there are at least 120 of them, no two alike', () => {
    expect(cases.length).toBeGreaterThanOrEqual(120);
    expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length);
  });
});
