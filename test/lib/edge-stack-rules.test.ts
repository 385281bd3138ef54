process.env.CDK_VALIDATION = 'true';

import { Duration } from 'aws-cdk-lib';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { Profile } from '../../constructs/core/profile';
import { DjangoStack, type DjangoStackProps } from '../../lib/django-stack';
import { appWith } from '../../scripts/examples';
import { complaintsOf, FLAGS } from '../../scripts/validity';
import { edgeIn } from './edge-in';

test.each(Object.keys(FLAGS))('it and what reads it pass the strict template validation with %s', (flags) => {
  expect(complaintsOf((props) => edgeIn(props, true), FLAGS[flags])).toEqual([]);
});

test.each<[string, string, Partial<DjangoStackProps>]>([
  ['two Regions', 'eu-central-1', { profile: Profile.production() }],
  ['two Regions, in development', 'eu-central-1', { profile: Profile.development() }],
  ['us-east-1', 'us-east-1', { profile: Profile.production() }],
  [
    'two Regions, with the most paths and the longest wait,',
    'eu-central-1',
    {
      cdn: { cachedPaths: Array.from({ length: 73 }, (_, index) => `/page-${index}/*`) },
      loadBalancerOptions: { idleTimeout: Duration.hours(1) },
    },
  ],
])('an application with a distribution in %s passes the strict template validation', (_, region, props) => {
  const complaints = complaintsOf((appProps) =>
    appWith(appProps, (app) => {
      new DjangoStack(app, 'Shop', {
        env: { account: '111122223333', region },
        image: ContainerImage.fromRegistry('shop:1'),
        settingsModule: 'config.settings',
        domainName: 'shop.example.com',
        hostedZoneId: 'Z0123456789ABCDEFGHIJ',
        cdn: {},
        ...props,
      });
    }),
  );
  expect(complaints).toEqual([]);
});
