process.env.CDK_VALIDATION = 'true';

import { checkConfigurations } from '../scripts/properties';

// The other half is in properties-more.test.ts, so that both processors work on it.
test('100 random valid configurations synthesize, pass the strict validation and need no further acknowledgement', () => {
  expect(checkConfigurations(100, 20_261_121)).toBe(100);
}, 170_000);
