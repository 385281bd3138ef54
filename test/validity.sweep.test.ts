process.env.CDK_VALIDATION = 'true';

import { Stack } from 'aws-cdk-lib';
import { CfnDBInstance } from 'aws-cdk-lib/aws-rds';
import { CfnQueue } from 'aws-cdk-lib/aws-sqs';
import { AuroraPostgresDatabase } from '../constructs/database/aurora-postgres-database';
import { PointInTime } from '../constructs/database/point-in-time';
import { PostgresDatabase } from '../constructs/database/postgres-database';
import { appWith, EXAMPLES } from '../scripts/examples';
import { complaintsOf, FLAGS } from '../scripts/validity';
import { testVpc } from './support';

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

test('databases that start with the data of others pass it, too', () => {
  const backups = 'arn:aws:rds:eu-central-1:111122223333:auto-backup:ab-l2ijcexample';
  const moments = [
    PointInTime.ofInstance('old'),
    PointInTime.ofInstance('old', '2026-11-29T03:00:00Z'),
    PointInTime.ofResource('db-ABCDEFGHIJKLMNOPQRSTUVWXYZ'),
    PointInTime.ofAutomatedBackups(backups),
  ];
  const complaints = complaintsOf((props) =>
    appWith(props, (app) => {
      const env = { account: '111122223333', region: 'eu-central-1' };
      for (const [index, source] of [...moments, undefined].entries()) {
        const stack = new Stack(app, `Site${index}`, { env });
        const vpc = testVpc(stack);
        const from = source === undefined ? { snapshotIdentifier: 'old' } : { pointInTime: source };
        new PostgresDatabase(stack, 'Database', { vpc, ...from });
        new AuroraPostgresDatabase(stack, 'Cluster', { vpc, snapshotIdentifier: 'old' });
      }
    }),
  );
  expect(complaints).toEqual([]);
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
