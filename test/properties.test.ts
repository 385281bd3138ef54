process.env.CDK_VALIDATION = 'true';

import { checkConfigurations } from '../scripts/properties';

test('200 random valid configurations synthesize, pass the strict validation and need no further acknowledgement', () => {
  expect(checkConfigurations(200, 20_261_121)).toBe(200);
}, 400_000);
