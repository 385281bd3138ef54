process.env.CDK_VALIDATION = 'true';

import { Stack } from 'aws-cdk-lib';
import { CfnDBInstance } from 'aws-cdk-lib/aws-rds';
import { CfnQueue } from 'aws-cdk-lib/aws-sqs';
import { appWith, EXAMPLES } from '../scripts/examples';
import { complaintsOf, FLAGS } from '../scripts/validity';

// In one file: the validation takes seconds to warm up, once for each file. `npm run fuzz` passes random
// configurations through it.
describe.each(Object.keys(EXAMPLES))('%s', (example) => {
  test.each(Object.keys(FLAGS))(
    'passes the strict template validation, and no construct warns of ours, with %s',
    (flags) => {
      expect(complaintsOf(EXAMPLES[example], FLAGS[flags])).toEqual([]);
    },
  );
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
