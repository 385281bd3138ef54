process.env.CDK_VALIDATION = 'true';

import { checkConfigurations } from '../scripts/properties';

test('another 100 random valid configurations do so too', () => {
  expect(checkConfigurations(100, 20_261_122)).toBe(100);
}, 170_000);
