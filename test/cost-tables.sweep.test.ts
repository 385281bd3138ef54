import { readFileSync } from 'node:fs';
import { costTables, DOCUMENT, GENERATED } from '../scripts/cost';

test('the tables in docs/cost.md are those that the code gives', () => {
  const written = GENERATED.exec(readFileSync(DOCUMENT, 'utf8'))?.groups?.tables;
  expect(written?.trim()).toBe(costTables());
}, 120_000);
