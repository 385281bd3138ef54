import { readFileSync } from 'node:fs';
import { kindTable, TABLE } from '../../scripts/kinds';

test('the table is what the types of the sources say (npm run kinds)', () => {
  expect(readFileSync(TABLE, 'utf8')).toBe(kindTable());
}, 60_000);
