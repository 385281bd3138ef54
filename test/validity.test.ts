process.env.CDK_VALIDATION = 'true';

import { Stack } from 'aws-cdk-lib';
import { CfnDBInstance } from 'aws-cdk-lib/aws-rds';
import { CfnQueue } from 'aws-cdk-lib/aws-sqs';
import { appWith, EXAMPLES } from '../scripts/examples';
import { checkConfigurations } from '../scripts/properties';
import { complaintsOf, FLAGS } from '../scripts/validity';

// In one file with the examples: the validation takes seconds to warm up, once for each file. `npm run compliance`
// tries more.
test('20 random valid configurations synthesize, pass the strict validation and need no further acknowledgement', () => {
  expect(checkConfigurations(20, 20_261_121)).toBe(20);
}, 400_000);

describe.each(Object.keys(EXAMPLES))('%s', (example) => {
  test.each(Object.keys(FLAGS))('passes the strict template validation with %s', (flags) => {
    expect(complaintsOf(EXAMPLES[example], FLAGS[flags])).toEqual([]);
  });
});

test('the validation bites: an unknown property and a warning are both complaints', () => {
  const complaints = complaintsOf((props) =>
    appWith(props, (app) => {
      const stack = new Stack(app, 'Broken');
      new CfnQueue(stack, 'Queue').addPropertyOverride('Colour', 'red');
      new CfnDBInstance(stack, 'Instance', {
        engine: 'postgres',
        dbInstanceClass: 'db.t4g.micro',
        allocatedStorage: '20',
      });
    }),
  );
  expect(complaints.some((complaint) => complaint.includes('Colour'))).toBe(true);
  expect(complaints.some((complaint) => complaint.startsWith('warning'))).toBe(true);
});
