process.env.CDK_VALIDATION = 'true';

import { App, type AppProps, Stack } from 'aws-cdk-lib';
import { CfnDBInstance } from 'aws-cdk-lib/aws-rds';
import { CfnQueue } from 'aws-cdk-lib/aws-sqs';
import { Profile } from 'cdk-django-fargate';
import { ShopStack } from '../examples/django-app/shop-stack';
import { ExistingNetworkStack } from '../examples/existing-network/stack';
import { MinimalStack } from '../examples/minimal/stack';
import { NotesPipelineStack } from '../examples/pipeline/stack';
import { productionExample } from '../scripts/production-example';
import { checkConfigurations } from '../scripts/properties';
import { complaintsOf, FLAGS } from '../scripts/validity';

function appWith(props: AppProps, make: (app: App) => unknown): App {
  const app = new App(props);
  make(app);
  return app;
}

const EXAMPLES: { [name: string]: (props: AppProps) => App } = {
  'django-app in production': (props) => productionExample(props).app,
  'django-app in development': (props) =>
    appWith(props, (app) => new ShopStack(app, 'Shop', { profile: Profile.development() })),
  minimal: (props) => appWith(props, (app) => new MinimalStack(app, 'Notes')),
  'existing-network': (props) =>
    appWith(props, (app) => {
      return new ExistingNetworkStack(app, 'Intranet', { env: { account: '111122223333', region: 'eu-central-1' } });
    }),
  pipeline: (props) =>
    appWith(props, (app) => {
      return new NotesPipelineStack(app, 'Pipeline', {
        account: '111122223333',
        region: 'eu-central-1',
        connectionArn:
          'arn:aws:codeconnections:eu-central-1:111122223333:connection/11111111-2222-3333-4444-555555555555',
      });
    }),
};

// In one file with the examples: the validation takes seconds to warm up, once for each file.
test('200 random valid configurations synthesize, pass the strict validation and need no further acknowledgement', () => {
  expect(checkConfigurations(200, 20_261_121)).toBe(200);
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
