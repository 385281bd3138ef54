process.env.CDK_VALIDATION = 'true';

import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { Profile } from '../../constructs/core/profile';
import { DjangoStack } from '../../lib/django-stack';
import { appWith } from '../../scripts/examples';
import { complaintsOf, FLAGS } from '../../scripts/validity';
import { edgeIn } from './edge-in';

test.each(Object.keys(FLAGS))('it and what reads it pass the strict template validation with %s', (flags) => {
  expect(complaintsOf((props) => edgeIn(props, true), FLAGS[flags])).toEqual([]);
});

test.each([
  ['two Regions', 'eu-central-1', Profile.production()],
  ['two Regions, in development', 'eu-central-1', Profile.development()],
  ['us-east-1', 'us-east-1', Profile.production()],
])('an application with a distribution in %s passes the strict template validation', (_, region, profile) => {
  const complaints = complaintsOf((props) =>
    appWith(props, (app) => {
      new DjangoStack(app, 'Shop', {
        env: { account: '111122223333', region },
        image: ContainerImage.fromRegistry('shop:1'),
        settingsModule: 'config.settings',
        domainName: 'shop.example.com',
        hostedZoneId: 'Z0123456789ABCDEFGHIJ',
        cdn: {},
        profile,
      });
    }),
  );
  expect(complaints).toEqual([]);
});
